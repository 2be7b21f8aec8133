"""Sweeps through the command line: what runs, what does not, and what is reported."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import papermill
import pytest
from fixtures.tiny_project import Result, TinyProject

import nbpress
from nbpress.errors import PressError
from nbpress.project.notebook import read_notebook
from nbpress.project.project import open_project
from nbpress.run.said import Said
from nbpress.sweep import commands
from nbpress.sweep.journal import DONE, Entry
from nbpress.sweep.results import read_table
from nbpress.sweep.stale import stale_runs
from nbpress.sweep.sweep import read_journal, reopen
from nbpress.sweep.view import View
from nbpress.sweep.where import matching

DECLARED = 'dataset: str = "auto"\ncount: int = 3  # ≥ 1\nscale: float = 2.0\nexact: bool = True'
SEEDED = DECLARED.replace("exact: bool = True", "seed: int = 0")
RANDOM = (
    "import random\nrandom.seed(100 * count + seed)\ntotal = sums.total(count, scale) + "
    "random.random()"
)
FAILS_AT_2 = 'if count == 2:\n    raise ValueError("two is not allowed")\ntotal = 1.0 * count'


@pytest.fixture
def seeded(tiny: TinyProject) -> TinyProject:
    """Return a project whose first notebook has a seed, on which its value depends."""
    tiny.edit_cell("1_sums.ipynb", "parameters", SEEDED)
    tiny.edit_cell("1_sums.ipynb", "sum", RANDOM)
    return tiny


def sweep(project: TinyProject, *arguments: str) -> Result:
    """Run a sweep, which must succeed."""
    result = project.run("sweep", *arguments)
    assert result.status == 0, result.err
    return result


def executed(result: Result) -> list[str]:
    """Return the points at which the notebook ran."""
    ended = re.findall(r"^\[\d+/\d+\] (.*?): (?:done|FAILED)", result.err, re.MULTILINE)
    return sorted(ended)


def rows(project: TinyProject, name: str = "1_sums") -> list[dict[str, str]]:
    """Return the rows of `results.csv`."""
    with (project.root / "sweeps" / name / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(project: TinyProject, name: str) -> list[str]:
    """Return a column of `results.csv`."""
    return [row[name] for row in rows(project)]


def shown(project: TinyProject, *arguments: str) -> list[str]:
    """Return the lines of `nbpress sweep show`, with single spaces."""
    lines = sweep(project, "show", "1_sums", *arguments).out.strip().splitlines()
    return [" ".join(line.split()) for line in lines]


# ---- What it runs -----------------------------------------------------------------------------


def test_sweep_runs_every_point_and_writes_a_table(tiny: TinyProject) -> None:
    """The table has a row for each run, in the grid's order, and says where to look."""
    result = sweep(tiny, "1_sums", "count=3,1,2", "scale=3")
    assert executed(result) == ["count=1", "count=2", "count=3"]
    assert result.err.splitlines()[0].startswith(
        "1_sums: 3 runs of notebooks/1_sums.ipynb on small, 3 to execute in "
    )
    assert result.err.splitlines()[-1] == "sweeps/1_sums/results.csv: 3 of 3 runs done"
    assert column(tiny, "count") == ["3", "1", "2"]
    assert column(tiny, "scale") == ["3.0"] * 3
    assert [float(value) for value in column(tiny, "1a.total")] == [9, 0, 3]
    assert column(tiny, "state") == ["done"] * 3
    assert column(tiny, "attempts") == ["1"] * 3
    for row in rows(tiny):
        assert row["key"] in row["path"]
        injected = next(
            "".join(cell["source"])
            for cell in json.loads((tiny.root / row["path"]).read_text("utf-8"))["cells"]
            if "injected-parameters" in cell["metadata"].get("tags", ())
        )
        assert f"count = {row['count']}" in injected
    assert not (tiny.root / "report" / "report.pdf").exists()


def test_table_as_a_data_frame(tiny: TinyProject) -> None:
    """Its `attrs` describe the sweep; without results the error says what to do."""
    folder = tiny.root / "sweeps" / "1_sums"
    with pytest.raises(PressError, match="has no results yet: run `nbpress sweep 1_sums`"):
        read_table(folder)
    sweep(tiny, "1_sums", "count=1..2", "exact=false")
    table = read_table(folder)
    assert list(table["1a.total"]) == [0, 2]
    assert list(table["exact"]) == [False, False]
    assert table.attrs == {
        "name": "1_sums",
        "notebook": "notebooks/1_sums.ipynb",
        "dataset": "small",
        "given": {"exact": False},
        "parameters": ["count"],
        "repeat": [],
        "stale": "",
        "values": ["1a.total"],
    }


def test_sweep_from_a_file(seeded: TinyProject) -> None:
    """`sweeps/NAME.yaml` gives notebook, data set and grid, which settings cannot change."""
    (seeded.root / "sweeps").mkdir()
    (seeded.root / "sweeps" / "mine.yaml").write_text(
        "notebook: ../notebooks/1_sums.ipynb\ndataset: large\n"
        "zip: {count: [1, 2], scale: [0.5, 1]}\nrepeat: {seed: 0..1}\n"
    )
    result = sweep(seeded, "mine")
    assert "mine: 4 runs of notebooks/1_sums.ipynb on large, " in result.err
    assert [(r["count"], r["scale"], r["seed"]) for r in rows(seeded, "mine")] == [
        (*pair, seed) for pair in (("1", "0.5"), ("2", "1.0")) for seed in "01"
    ]
    assert executed(sweep(seeded, "mine")) == []
    result = seeded.run("sweep", "mine", "count=1..2")
    assert (result.status, result.err) == (
        1,
        "nbpress: the grid of mine is in sweeps/mine.yaml: edit that file, or give the notebook's "
        "path and another --name\n",
    )


def test_notebook_that_is_no_chapter(tiny: TinyProject) -> None:
    """Any notebook of the project can be swept, in its own place."""
    content = (tiny.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    (tiny.root / "tries").mkdir()
    (tiny.root / "tries" / "own.ipynb").write_text(content, "utf-8")
    result = sweep(tiny, "tries/own.ipynb", "count=1..2", "--name", "other")
    assert "other: 2 runs of tries/own.ipynb on small" in result.err
    assert [float(row["1a.total"]) for row in rows(tiny, "other")] == [0, 2]
    assert executed(sweep(tiny, "other")) == []


def test_values_are_those_of_plain_papermill(
    seeded: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They agree to the last digit: a sweep does not change what a run computes."""
    sweep(seeded, "1_sums", "count=2,7", "seed=0..1")
    press = Path(nbpress.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{seeded.root / 'src'}:{press}")
    notebook = seeded.root / "notebooks" / "1_sums.ipynb"
    for row in rows(seeded):
        parameters = {"dataset": "small", "count": int(row["count"]), "seed": int(row["seed"])}
        papermill.execute_notebook(
            str(notebook),
            str(tmp_path / "plain.ipynb"),
            parameters=parameters,
            kernel_name="python3",
            cwd=str(notebook.parent),
            progress_bar=False,
        )
        cells = json.loads((tmp_path / "plain.ipynb").read_text("utf-8"))["cells"]
        said = Said(read_notebook(notebook), cells).values
        assert said["1a.total"]["value"] == float(row["1a.total"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["1_sum", "count=1..2"], "no chapter is called '1_sum'; did you mean '1_sums'?"),
        (["1_sums", "counts=1..2"], "1_sums.ipynb has no parameter 'counts'; did you mean 'cou"),
        (
            ["1_sums", "dataset=small,large"],
            "the data set cannot be varied: choose it by --dataset",
        ),
        (["1_sums"], "there is neither sweeps/1_sums.yaml nor a sweep '1_sums' to continue: "),
        (["3_summary", "x=1,2"], "3_summary.ipynb needs values of other chapters, so it cannot "),
        (["1_sums", "count=1..2", "--dataset", "huge"], "no data set 'huge'"),
        (["1_sums", "count=1..2", "--name", "../x"], "a sweep's name must have only letters, "),
        (["../../etc/x", "count=1..2"], "there is no notebook "),
        (["show", "1_sums"], "no sweep is called '1_sums'; known: none"),
        (["rm", "1_sums"], "no sweep is called '1_sums'; known: none"),
        (["rm", ".."], "a sweep's name must have only letters, digits, - and _; got '..'"),
    ],
)
def test_what_is_refused(tiny: TinyProject, arguments: list[str], message: str) -> None:
    """There is one message, before anything runs or is written."""
    result = tiny.run("sweep", *arguments)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(f"nbpress: {message}")
    assert len(result.err.splitlines()) == 1
    assert not (tiny.root / "sweeps").exists()
    assert not (tiny.root / "build").exists()


@pytest.mark.parametrize("named", ["own.ipynb", "notebooks/1_sum.ipynb"])
def test_notebook_that_is_elsewhere_is_suggested(tiny: TinyProject, named: str) -> None:
    """One of sweeps/ or of the report, if its name is near."""
    (tiny.root / "sweeps").mkdir()
    shutil.copy(tiny.root / "notebooks" / "1_sums.ipynb", tiny.root / "sweeps" / "own.ipynb")
    result = tiny.run("sweep", named, "count=1..2")
    near = {"own.ipynb": "sweeps/own.ipynb"}.get(named, "notebooks/1_sums.ipynb")
    assert result.err.endswith(f"{named}; did you mean '{near}'?\n")


def test_sweep_whose_name_is_near_is_suggested(tiny: TinyProject) -> None:
    """It may have a file that nothing has run yet."""
    (tiny.root / "sweeps").mkdir()
    (tiny.root / "sweeps" / "penalty.yaml").touch()
    assert tiny.run("sweep", "penalti").err.endswith("seed=0..4); did you mean 'penalty'?\n")


def test_value_that_happens_to_repeat_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Once a value has differed between runs, it is shown of each; what all runs share is not."""
    same = {f"1.same{n}": n for n in range(3)}
    with View(["seed"], 3) as view:
        for seed, value in enumerate([0.5, 0.75, 0.75]):
            values = {**same, "1.value": value}
            view.ended(Entry({"seed": seed}, "", DONE, seconds=1.0, values=values))
    ends = [line.partition(" s  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert ends == ["1.same0 0  1.same1 1  1.same2 2", "1.value 0.75", "1.value 0.75"]


def test_grid_in_words_does_not_replace_a_sweep_with_a_file(tiny: TinyProject) -> None:
    """Both would have the same name, and the results of one would be taken for the other's."""
    file = tiny.root / "sweeps" / "1_sums.yaml"
    file.parent.mkdir()
    file.write_text("notebook: 1_sums\nproduct: {count: [1, 2]}\n", "utf-8")
    target = "notebooks/1_sums.ipynb"
    result = tiny.run("sweep", target, "scale=1,2")
    assert result.status == 1
    assert result.err == (
        "nbpress: the name '1_sums' belongs to sweeps/1_sums.yaml: give this sweep another name, "
        "--name NAME\n"
    )
    assert tiny.run("sweep", target, "scale=1,2", "--name", "scales").status == 0


def test_dataset_cannot_be_given_in_a_file(tiny: TinyProject) -> None:
    """It can be neither an axis nor given to all runs: the resolver interprets its name."""
    (tiny.root / "sweeps").mkdir()
    for part in ("product: {dataset: [small, large]}", "given: {dataset: large}"):
        (tiny.root / "sweeps" / "mine.yaml").write_text(f"notebook: 1_sums\n{part}\n")
        result = tiny.run("sweep", "mine")
        assert result.err == (
            "nbpress: the data set cannot be varied: choose it by --dataset, or by `dataset:` in "
            "the file\n"
        )


def test_data_set_for_a_notebook_that_takes_none(tiny: TinyProject) -> None:
    """It is refused, on the command line and in a file: the runs would not be on these data."""
    tiny.edit_cell("1_sums.ipynb", "parameters", DECLARED.partition("\n")[2])
    (tiny.root / "sweeps").mkdir()
    (tiny.root / "sweeps" / "mine.yaml").write_text("notebook: 1_sums\ndataset: large\n")
    for arguments in (["1_sums", "count=1..2", "--dataset", "large"], ["mine"]):
        result = tiny.run("sweep", *arguments)
        assert (result.status, result.err) == (
            1,
            "nbpress: 1_sums.ipynb has no parameter 'dataset', so it cannot run on 'large': leave "
            "the data set out (--dataset, DATASET, or `dataset:` in the file)\n",
        )
    assert " 2 of 2 runs done" in sweep(tiny, "1_sums", "count=1..2").err


def test_data_set_without_a_resolver(tiny: TinyProject) -> None:
    """It is refused as for the report: nothing knows what its name means."""
    tiny.edit("report/report.yaml", "resolver: tiny.resolver:resolve\n", "")
    tiny.edit("report/report.yaml", "positive: [small]", "positive: []")
    result = tiny.run("sweep", "1_sums", "count=1..2", "--dataset", "large")
    assert result.err.startswith("nbpress: DATASET is 'large', but report.yaml has no resolver")


def test_many_runs_are_asked_for(tiny: TinyProject) -> None:
    """Without a terminal, this is an error that names the option, and nothing runs."""
    result = tiny.run("sweep", "1_sums", f"count=1..{commands.ASKS + 1}")
    assert result.status == 1
    last = result.err.splitlines()[-1]
    assert last == "nbpress: the sweep has 501 runs to execute: confirm that with --yes"
    assert executed(result) == []
    assert not list(tiny.root.glob("build/sweeps/1_sums/runs/*"))


def answered(tiny: TinyProject, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Return the status and the messages of a command whose question is answered at a terminal."""
    terminal, stdin = os.openpty()
    process = tiny.start("sweep", *arguments, stdin=stdin)
    os.write(terminal, answer)
    _, err = process.communicate(timeout=60)
    os.close(terminal)
    os.close(stdin)
    return process.returncode, err


@pytest.mark.parametrize(
    ("answer", "status", "last"),
    [
        (b"n\n", 1, "nbpress: nothing was executed"),
        (b"\n", 1, "nbpress: nothing was executed"),
        (b"\x04", 130, "nbpress: interrupted; the same command continues the sweep"),
    ],
)
def test_question_that_is_not_answered_with_yes(
    tiny: TinyProject, answer: bytes, status: int, last: str
) -> None:
    """At a terminal, nothing runs, and one line replaces a traceback."""
    returned, err = answered(tiny, answer, "1_sums", f"count=1..{commands.ASKS + 1}")
    assert returned == status
    assert "Execute 501 runs? [y/N]" in err
    assert err.splitlines()[-1].endswith(last)
    assert "Traceback" not in err
    assert not list(tiny.root.glob("build/sweeps/1_sums/runs/*"))


def test_yes_answers_beforehand(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--yes`, the same sweep runs."""
    monkeypatch.setattr(commands, "ASKS", 1)
    monkeypatch.syspath_prepend(tiny.root / "site")
    project = open_project(tiny.root)
    with pytest.raises(PressError, match="the sweep has 2 runs"):
        commands.run_sweep(project, "1_sums", ["count=1..2"])
    commands.run_sweep(project, "1_sums", ["count=1..2"], yes=True)
    assert column(tiny, "state") == ["done", "done"]


# ---- What it does not run again ---------------------------------------------------------------


def test_started_again_it_executes_nothing(tiny: TinyProject) -> None:
    """That holds if its grid is given again, in another order, or not at all."""
    sweep(tiny, "1_sums", "count=1..2", "exact=true,false")

    def facts(row: dict[str, str]) -> list[tuple[str, str]]:
        return sorted(row.items())

    before = sorted(map(facts, rows(tiny)))
    for grid in (["count=1..2", "exact=true,false"], ["exact=false,true", "count=2,1"], []):
        result = sweep(tiny, "1_sums", *grid)
        assert executed(result) == []
        assert "4 runs of notebooks/1_sums.ipynb on small, 4 are done\n" in result.err
        assert sorted(map(facts, rows(tiny))) == before


def test_extended_grid_executes_only_what_is_new(tiny: TinyProject) -> None:
    """What leaves the grid leaves the table, and is still done when it comes back."""
    sweep(tiny, "1_sums", "count=1..2")
    result = sweep(tiny, "1_sums", "count=2..4")
    assert executed(result) == ["count=3", "count=4"]
    assert "2 runs are new in the grid" in result.err
    assert column(tiny, "count") == ["2", "3", "4"]
    assert executed(sweep(tiny, "1_sums", "count=1..4")) == []
    assert column(tiny, "attempts") == ["1"] * 4


def test_edit_of_prose_executes_nothing(tiny: TinyProject) -> None:
    """Neither does an edit of a module that the notebook does not import."""
    sweep(tiny, "1_sums", "count=1..2")
    tiny.edit_cell("1_sums.ipynb", "title", "# Other sums")
    tiny.edit("src/tiny/unused.py", "0", "1")
    assert executed(sweep(tiny, "1_sums")) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("src/tiny/base.py", "STEP = 1", "STEP = 2", "src/tiny/base.py changed"),
        ("data/small.txt", "1 2 3", "1 2 4", "the data set changed"),
        ("notebooks/1_sums.ipynb", "(count, scale)", "(count, -scale)", "its code changed"),
    ],
)
def test_edit_makes_runs_stale(tiny: TinyProject, file: str, old: str, new: str, why: str) -> None:
    """If code or data change, all runs are executed again; messages say why, also before."""
    sweep(tiny, "1_sums", "count=1..2")
    assert sweep(tiny, "show", "1_sums").err == ""
    tiny.edit(file, old, new)
    note = f"2 runs are stale: {why}; `nbpress sweep 1_sums` runs them again\n"
    assert sweep(tiny, "show", "1_sums").err == note
    result = sweep(tiny, "1_sums")
    assert f"2 runs are stale: {why}\n" in result.err
    assert executed(result) == ["count=1", "count=2"]
    assert column(tiny, "attempts") == ["2", "2"]
    assert executed(sweep(tiny, "1_sums")) == []


def test_run_that_a_sweep_adds_meanwhile_is_not_stale(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sweep show` reads the journal of a sweep that may be running."""
    monkeypatch.syspath_prepend(tiny.root / "site")
    sweep(tiny, "1_sums", "count=1..2")
    tiny.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    with read_journal(open_project(tiny.root), "1_sums") as journal:
        again = reopen(open_project(tiny.root), "1_sums", journal)
        first, _ = journal.entries()
        planned = {first.point: again.run_of(first.parameters)}
        assert list(stale_runs(again, journal, planned)) == [first.point]


def test_results_of_another_data_set_than_usual_are_not_stale(tiny: TinyProject) -> None:
    """They are compared with the data set that they were made on."""
    sweep(tiny, "1_sums", "count=1..2", "--dataset", "large")
    assert sweep(tiny, "show", "1_sums").err == ""
    tiny.edit("data/large.txt", "5", "6")
    assert sweep(tiny, "show", "1_sums").err.startswith("2 runs are stale: the data set changed; ")


def test_results_of_a_notebook_that_is_gone(tiny: TinyProject) -> None:
    """They are shown, with a note that nothing is known about changes."""
    (tiny.root / "tries").mkdir()
    own = tiny.root / "tries" / "own.ipynb"
    shutil.copy(tiny.root / "notebooks" / "1_sums.ipynb", own)
    sweep(tiny, "tries/own.ipynb", "count=1..2", "--name", "1_sums")
    own.unlink()
    result = sweep(tiny, "show", "1_sums")
    assert len(result.out.splitlines()) == 3
    assert result.err.startswith("it cannot be checked whether these results are stale: there is ")


def test_edit_that_is_undone_executes_nothing(tiny: TinyProject) -> None:
    """The executed notebooks of the former code are kept."""
    sweep(tiny, "1_sums", "count=2..3")
    tiny.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    sweep(tiny, "1_sums")
    assert [float(value) for value in column(tiny, "1a.total")] == [0, 4]
    tiny.edit("src/tiny/base.py", "STEP = 2", "STEP = 1")
    result = sweep(tiny, "1_sums")
    assert executed(result) == []
    assert [float(value) for value in column(tiny, "1a.total")] == [2, 6]


def test_edited_file_that_some_runs_opened(tiny: TinyProject) -> None:
    """Only those runs are stale."""
    reads = 'open("../data/large.txt").read() if count > 1 else "1"'
    tiny.edit_cell("1_sums.ipynb", "sum", f"total = float(sum(map(int, ({reads}).split())))")
    sweep(tiny, "1_sums", "count=1..3")
    tiny.edit("data/large.txt", "5", "6")
    assert sweep(tiny, "show", "1_sums").err.startswith("2 runs are stale: data/large.txt changed;")
    result = sweep(tiny, "1_sums")
    assert "2 runs are stale: data/large.txt changed\n" in result.err
    assert executed(result) == ["count=2", "count=3"]
    assert [float(value) for value in column(tiny, "1a.total")] == [1, 16, 16]


def test_other_data_set(tiny: TinyProject) -> None:
    """All runs are executed on the chosen data set; on the former one they are still done."""
    tiny.edit_cell("1_sums.ipynb", "sum", 'total = 1.0 if dataset == "small" else 2.0')
    sweep(tiny, "1_sums", "count=1..2")
    result = sweep(tiny, "1_sums", "count=1..2", "--dataset", "large")
    assert executed(result) == ["count=1", "count=2"]
    assert column(tiny, "1a.total") == ["2.0", "2.0"]
    assert executed(sweep(tiny, "1_sums")) == []
    assert column(tiny, "1a.total") == ["2.0", "2.0"]
    assert executed(sweep(tiny, "1_sums", "--dataset", "small")) == []
    assert column(tiny, "1a.total") == ["1.0", "1.0"]


def test_executed_notebooks_deleted(tiny: TinyProject) -> None:
    """The journal is enough: after `make clean`, nothing is executed again."""
    sweep(tiny, "1_sums", "count=1..2")
    shutil.rmtree(tiny.root / "build")
    assert executed(sweep(tiny, "1_sums")) == []
    assert column(tiny, "1a.total") == ["0.0", "2.0"]


@pytest.mark.parametrize("parameters", [[], ["count=2"]])
def test_run_as_a_chapter_counts(tiny: TinyProject, parameters: list[str]) -> None:
    """A chapter's runs count, at its defaults and at the report's parameters."""
    tiny.report(*(word for setting in parameters for word in ("--param", setting)))
    own = parameters[0] if parameters else "count=3"
    result = sweep(tiny, "1_sums", "count=2..3")
    assert executed(result) == [point for point in ("count=2", "count=3") if point != own]
    assert [float(value) for value in column(tiny, "1a.total")] == [2, 6]
    assert executed(sweep(tiny, "1_sums", own)) == []


def test_sweep_all_of_whose_runs_are_chapters(tiny: TinyProject) -> None:
    """It has no executed notebooks of its own, and none are missing."""
    tiny.report("--param", "count=2")
    result = sweep(tiny, "1_sums", "count=2..2")
    assert executed(result) == []
    assert column(tiny, "1a.total") == ["2.0"]


# ---- What fails -------------------------------------------------------------------------------


def test_failed_run(tiny: TinyProject) -> None:
    """All other runs are done, the status is 1, and it runs again only if asked to."""
    tiny.edit_cell("1_sums.ipynb", "sum", FAILS_AT_2)
    result = tiny.run("sweep", "1_sums", "count=1..4")
    assert result.status == 1
    assert "count=2: FAILED: cell 5 (sum) raised ValueError: two is not allowed" in result.err
    assert result.err.splitlines()[-1] == (
        "nbpress: 1 of 4 runs failed (`nbpress sweep show 1_sums` lists them); "
        "--retry runs them again"
    )
    assert column(tiny, "state") == ["done", "failed", "done", "done"]
    assert column(tiny, "1a.total") == ["1.0", "", "3.0", "4.0"]
    kept = rows(tiny)[1]["path"]
    assert "two is not allowed" in (tiny.root / kept).read_text("utf-8")
    lines = shown(tiny)
    assert "2 0 of 1" in lines
    assert any(line.startswith("FAILED count=2, attempt 1: ") for line in lines)
    assert kept in lines
    again = tiny.run("sweep", "1_sums")
    assert (again.status, executed(again)) == (1, [])
    again = tiny.run("sweep", "1_sums", "--retry")
    assert (again.status, executed(again)) == (1, ["count=2"])
    assert column(tiny, "attempts") == ["1", "2", "1", "1"]


def test_failure_that_was_mended(tiny: TinyProject) -> None:
    """After an edit of the code it runs again by itself, and the sweep is complete."""
    tiny.edit_cell("1_sums.ipynb", "sum", FAILS_AT_2)
    assert tiny.run("sweep", "1_sums", "count=1..2").status == 1
    tiny.edit_cell("1_sums.ipynb", "sum", "total = 1.0 * count")
    result = sweep(tiny, "1_sums")
    assert executed(result) == ["count=1", "count=2"]
    assert column(tiny, "state") == ["done", "done"]
    assert "FAILED" not in "".join(shown(tiny))


def test_failure_is_said_at_once(tiny: TinyProject) -> None:
    """It is reported while other runs are still to come."""
    gated = FAILS_AT_2 + (
        "\nimport pathlib, time\n"
        'while count == 3 and not pathlib.Path("../gate").exists():\n    time.sleep(0.02)'
    )
    tiny.edit_cell("1_sums.ipynb", "sum", gated)
    process = tiny.start("sweep", "1_sums", "count=2..3", "--workers", "1")
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("count=2: FAILED" in line for line in lines)
    assert process.poll() is None
    (tiny.root / "gate").touch()
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert column(tiny, "state") == ["failed", "done"]


# ---- What is shown ----------------------------------------------------------------------------


def test_show_has_what_differs(tiny: TinyProject) -> None:
    """A parameter that all runs share has no column."""
    sweep(tiny, "1_sums", "count=1..2", "scale=1,2", "exact=false")
    assert shown(tiny) == [
        "count scale runs 1a.total",
        "1 1 1 0",
        "1 2 1 0",
        "2 1 1 1",
        "2 2 1 2",
    ]


def test_values_of_the_key_results_come_first(tiny: TinyProject) -> None:
    """Or those that the sweep's file names; the others are named below the table."""
    tiny.edit_cell(
        "1_sums.ipynb", "sum", "total = 1.0\na, b, c, d, e = [count * n for n in range(5)]"
    )
    tiny.edit_cell(
        "1_sums.ipynb", "answer", "%%answer 1a\n{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ total }}"
    )
    names = [f"1a.{name}" for name in "bcde"]
    sweep(tiny, "1_sums", "count=1..2")
    assert shown(tiny)[0].split() == ["count", "runs", *names]
    more = "2 more values in sweeps/1_sums/results.csv; --value shows: 1a.a, 1a.total"
    assert shown(tiny)[-1] == more
    with (tiny.root / "report" / "report.yaml").open("a", encoding="utf-8") as report:
        report.write("key_results: ['So many: {{ 1a.e }}, {{ 2a.width }}.']\n")
    assert shown(tiny)[0].split() == ["count", "runs", "1a.e", *names[:-1]]
    (tiny.root / "sweeps" / "mine.yaml").write_text(
        "notebook: 1_sums\nproduct: {count: 1..2}\nvalues: [1a.d, 1a.unknown]\n"
    )
    result = sweep(tiny, "mine")
    shown_values = re.findall(r"\[./2\] count=.: done in .* s  (.*)", result.err)
    assert sorted(shown_values) == ["1a.d 3", "1a.d 6"]
    table = tiny.run("sweep", "show", "mine")
    assert table.out.split()[:4] == ["count", "runs", "1a.d", "1a.b"]
    note = "note: no run has the value '1a.unknown' of `values:`"
    assert table.err.startswith(note)
    header = (tiny.root / "sweeps" / "mine" / "results.csv").read_text().split("\n")[0]
    assert ",1a.d,1a.a," in header


def test_show_of_repetitions(seeded: TinyProject) -> None:
    """It has mean and standard deviation over the seeds; --best ranks means, --lowest reverses."""
    seeded.edit_cell("1_sums.ipynb", "sum", "total = 10.0 * count + (seed + 1) * [4, 1, 2][seed]")
    sweep(seeded, "1_sums", "count=1..3", "seed=0..2")
    # 4, 2, 6: mean 4, standard deviation (of a sample) 2
    assert shown(seeded) == [
        "count runs 1a.total",
        "1 3 14.0 ± 2.0",
        "2 3 24.0 ± 2.0",
        "3 3 34.0 ± 2.0",
        "± one standard deviation over seed",
    ]
    ranked = shown(seeded, "--best", "1a.total")[1:-1]
    assert ranked[0] == "3 3 34.0 ± 2.0"
    assert ranked[-1] == "1 3 14.0 ± 2.0"
    assert shown(seeded, "--best", "1a.total", "--lowest")[1:-1] == ranked[::-1]
    assert shown(seeded, "--where", "seed=1", "--where", "count=1,3") == [
        "count runs 1a.total",
        "1 1 12",
        "3 1 32",
    ]
    result = seeded.run("sweep", "show", "1_sums", "--best", "1a.totals")
    assert result.err == "nbpress: no run has a value '1a.totals'; did you mean '1a.total'?\n"


def test_where_compares_values(tiny: TinyProject) -> None:
    """It does not matter how a number is written; 1 is a number, and not true."""
    tiny.edit_cell("1_sums.ipynb", "parameters", f"{DECLARED}\nsizes: list[float] = []")
    sweep(tiny, "1_sums", "count=1..2", "scale=0.1,1", "exact=true", "sizes=[1,2.5],[]")
    assert len(shown(tiny)) == 9
    for condition in ("scale=0.10", "scale=1e-1", "count=2.0", "sizes=[1, 2.50]"):
        assert len(shown(tiny, "--where", condition)) == 5
    assert len(shown(tiny, "--where", "scale=1,.1", "--where", "sizes=[],[1,2.5]")) == 9
    assert len(shown(tiny, "--where", "exact=True")) == 9
    result = tiny.run("sweep", "show", "1_sums", "--where", "exact=1")
    assert result.err == "nbpress: --where: no run has exact=1; exact is true\n"


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["count=7"], "no run has count=7; count is 1 or 2"),
        (["count=1,7"], "no run has count=7; count is 1 or 2"),
        (["count=1,scale=3"], "count=1,scale=3: give --where once for each parameter"),
        (["count=1", "count=2"], "no run has count=1 and count=2; leave one out"),
        (["count"], "expected PARAMETER=VALUE, such as count=1; got 'count'"),
        (["rate"], "expected PARAMETER=VALUE, such as seed=1,2; got 'rate'"),
        (["counts=1"], "no run has a parameter 'counts'; did you mean 'count'?"),
        (["scale=1"], "no run has scale=1; scale is 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, …"),
    ],
)
def test_where_that_no_run_meets(conditions: list[str], message: str) -> None:
    """The message names the values that there are; no empty table is taken for a result."""
    entries = [
        Entry({"count": count, "scale": float(scale)}, "")
        for count in (1, 2)
        for scale in range(3, 12)
    ]
    with pytest.raises(PressError) as error:
        matching(entries, conditions)
    assert str(error.value) == f"--where: {message}"


def test_values_that_are_no_numbers(tiny: TinyProject) -> None:
    """Text is shown if all runs agree on it; true and false count as 1 and 0."""
    tiny.edit_cell(
        "1_sums.ipynb", "sum", 'total = 1.0\nword = "a, \\"b\\""\nis_odd = count % 2 == 1'
    )
    tiny.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\n{{ total:g }} {{ word }} {{ is_odd }}")
    sweep(tiny, "1_sums", "count=1..2")
    assert shown(tiny)[1:] == ['1 1 1 a, "b" 1', '2 1 1 a, "b" 0']
    assert column(tiny, "1a.word") == ['a, "b"'] * 2
    assert column(tiny, "1a.is_odd") == ["true", "false"]


def test_ls_and_rm(tiny: TinyProject) -> None:
    """`ls` has a line for each sweep; `rm` leaves nothing but the sweep's description."""
    assert sweep(tiny, "ls").out == "no sweep has been run\n"
    (tiny.root / "sweeps").mkdir()
    (tiny.root / "sweeps" / "mine.yaml").write_text("notebook: 1_sums\nproduct: {count: 1..2}\n")
    sweep(tiny, "mine")
    sweep(tiny, "2_pictures", "width=10,20")
    lines = [line.split("  ")[:3] for line in sweep(tiny, "ls").out.splitlines()]
    assert lines == [
        ["2_pictures", "2 of 2 runs done", "notebooks/2_pictures.ipynb"],
        ["mine", "2 of 2 runs done", "notebooks/1_sums.ipynb"],
    ]
    refused = tiny.run("sweep", "rm", "mine")
    results = "the sweep mine has results, 2 of 2 runs done"
    assert refused.err == f"nbpress: {results}: confirm that with --yes\n"
    assert len(sweep(tiny, "ls").out.splitlines()) == 2
    sweep(tiny, "rm", "mine", "--yes")
    assert sorted(path.name for path in (tiny.root / "sweeps").iterdir()) == [
        "2_pictures",
        "mine.yaml",
    ]
    assert [path.name for path in (tiny.root / "build" / "sweeps").iterdir()] == ["2_pictures"]
    assert len(executed(sweep(tiny, "mine"))) == 2


# ---- What is damaged --------------------------------------------------------------------------


def test_damaged_journal(tiny: TinyProject) -> None:
    """A message says so, the executed notebooks show what is done, and no run is repeated."""
    sweep(tiny, "1_sums", "count=1..2")
    (tiny.root / "sweeps" / "1_sums" / "journal.sqlite").write_bytes(b"nothing" * 100)
    result = sweep(tiny, "1_sums", "count=1..2")
    assert executed(result) == []
    assert "the journal was damaged: it is kept as journal.sqlite.damaged-" in result.err
    assert column(tiny, "1a.total") == ["0.0", "2.0"]


@pytest.mark.parametrize("arguments", [["show", "1_sums"], ["ls"], ["1_sums"]])
def test_reading_a_damaged_journal(tiny: TinyProject, arguments: list[str]) -> None:
    """Commands that only read it say so and change nothing."""
    sweep(tiny, "1_sums", "count=1..2")
    folder = tiny.root / "sweeps" / "1_sums"
    (folder / "journal.sqlite").write_bytes(b"nothing" * 100)
    before = sorted(path.name for path in folder.iterdir())
    result = tiny.run("sweep", *arguments)
    assert "Traceback" not in result.err
    assert " is damaged" in result.err + result.out
    assert sorted(path.name for path in folder.iterdir()) == before


def damage(journal: Path) -> None:
    """Damage a journal."""
    journal.write_bytes(b"nothing" * 100)


def make_newer(journal: Path) -> None:
    """Give a journal a version of the future."""
    database = sqlite3.connect(journal)
    database.execute("PRAGMA user_version = 9")
    database.close()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [(damage, "journal.sqlite is damaged: "), (make_newer, "journal.sqlite has version 9, ")],
)
def test_journal_that_cannot_be_read(
    tiny: TinyProject, spoil: Callable[[Path], None], problem: str
) -> None:
    """Other sweeps are listed beside the problem, and `rm` deletes the sweep, but asks before."""
    sweep(tiny, "1_sums", "count=1..2")
    sweep(tiny, "1_sums", "count=1..2", "--name", "other")
    folder = tiny.root / "sweeps" / "1_sums"
    spoil(folder / "journal.sqlite")
    first, second = sweep(tiny, "ls").out.splitlines()
    assert first.startswith("1_sums  ")
    assert problem in first
    assert second.startswith("other  2 of 2 runs done  ")
    refused = tiny.run("sweep", "rm", "1_sums")
    assert refused.status == 1
    assert refused.err.startswith("nbpress: the sweep 1_sums may have results (")
    assert refused.err.endswith("): confirm that with --yes\n")
    assert (folder / "results.csv").is_file()
    assert sweep(tiny, "rm", "1_sums", "--yes").err == "deleted: the sweep 1_sums\n"
    assert not folder.exists()


def test_files_of_ones_own_are_not_deleted_with_a_sweep(tiny: TinyProject) -> None:
    """What the sweep made is deleted, what lies beside it is kept and named."""
    sweep(tiny, "1_sums", "count=1..2")
    folder = tiny.root / "sweeps" / "1_sums"
    damage(folder / "journal.sqlite")
    sweep(tiny, "1_sums", "count=1..2")
    (folder / "notes.md").write_text("mine")
    (folder / "report.pdf").write_text("mine too")
    err = sweep(tiny, "rm", "1_sums", "--yes").err
    assert err.splitlines() == [
        "deleted: the sweep 1_sums, 2 of 2 runs done",
        "sweeps/1_sums/ is kept, with what the sweep did not make: notes.md, report.pdf",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["notes.md", "report.pdf"]
    assert not (tiny.root / "build" / "sweeps" / "1_sums").exists()
    assert sweep(tiny, "ls").out == "no sweep has been run\n"


def test_results_are_deleted_only_after_a_yes(tiny: TinyProject) -> None:
    """At a terminal, any other answer leaves everything as it was."""
    sweep(tiny, "1_sums", "count=1..2")
    for answer, status, last in (
        (b"\n", 1, "nbpress: nothing was deleted"),
        (b"y\n", 0, "deleted: the sweep 1_sums, 2 of 2 runs done"),
    ):
        assert (tiny.root / "sweeps" / "1_sums" / "results.csv").is_file()
        returned, err = answered(tiny, answer, "rm", "1_sums")
        assert returned == status
        assert "Delete them? [y/N]" in err
        assert err.splitlines()[-1].endswith(last)
    assert not (tiny.root / "sweeps" / "1_sums").exists()


def test_journal_of_a_sweep_that_never_began(tiny: TinyProject) -> None:
    """A kill may leave an empty file, which is listed, shown and removed like any other."""
    folder = tiny.root / "sweeps" / "1_sums"
    folder.mkdir(parents=True)
    (folder / "journal.sqlite").touch()
    for arguments in (["ls"], ["show", "1_sums"], ["1_sums"], ["rm", "1_sums"]):
        assert "Traceback" not in tiny.run("sweep", *arguments).err
    assert not folder.exists()


def test_code_edited_meanwhile_stops_the_sweep(tiny: TinyProject) -> None:
    """It stops instead of failing run after run; the rest runs later with the new code."""
    wait = "import time\nwhile not __import__('os').path.exists('go'): time.sleep(0.01)\n"
    tiny.edit_cell("1_sums.ipynb", "sum", f"{wait}total = sums.total(count, scale)")
    process = tiny.start("sweep", "1_sums", "count=1..6", "--workers", "1")
    deadline = time.monotonic() + 60
    while not list(tiny.root.glob("build/sweeps/1_sums/runs/.partial-*/progress")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    tiny.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    (tiny.root / "notebooks" / "go").touch()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "src/tiny/base.py changed while it ran: run it again; what is done is kept" in err
    assert "FAILED" not in err
    result = tiny.run("sweep", "1_sums")
    assert result.status == 0, result.err
    assert "6 of 6 runs done" in result.err


def test_refused_question_changes_nothing(tiny: TinyProject) -> None:
    """The sweep stays as it was, even if another notebook takes its name."""
    sweep(tiny, "1_sums", "count=1,2")
    before = (tiny.root / "sweeps" / "1_sums" / "results.csv").read_bytes()
    result = tiny.run("sweep", "1_sums", "count=1..600")
    assert result.err == "nbpress: the sweep has 598 runs to execute: confirm that with --yes\n"
    result = tiny.run("sweep", "2_pictures", "width=20,40", "--name", "1_sums")
    assert result.err.startswith(
        "nbpress: there is a sweep '1_sums' of notebooks/1_sums.ipynb: give"
    )
    assert (tiny.root / "sweeps" / "1_sums" / "results.csv").read_bytes() == before
    assert (
        "2 runs of notebooks/1_sums.ipynb on small, 2 are done" in tiny.run("sweep", "1_sums").err
    )


def test_failures_that_are_alike_are_told_once(tiny: TinyProject) -> None:
    """They are reported once as they happen, and once in `show`."""
    tiny.edit_cell("1_sums.ipynb", "sum", "raise ValueError('always the same')")
    result = tiny.run("sweep", "1_sums", "count=1..4", "--workers", "1")
    assert result.err.count("FAILED: cell 5 (sum) raised ValueError: always the same") == 1
    assert result.err.count("FAILED: the same error as count=1") == 3
    out = tiny.run("sweep", "show", "1_sums").out
    assert out.count("always the same") == result.err.count("always the same")
    assert "FAILED count=1 and 3 more, attempt 1: " in out


def test_lucky_run_among_failures_ranks_below_those_that_are_complete(
    seeded: TinyProject,
) -> None:
    """Its mean is over the runs that are left."""
    code = "assert count < 3 or seed == 0\ntotal = float(count)"
    seeded.edit_cell("1_sums.ipynb", "sum", code)
    assert seeded.run("sweep", "1_sums", "count=1..3", "seed=0,1").status == 1
    out = seeded.run("sweep", "show", "1_sums", "--best", "1a.total").out
    ranked = [line.split()[:2] for line in out.splitlines()[1:4]]
    assert ranked == [["2", "2"], ["1", "2"], ["3", "1"]]
