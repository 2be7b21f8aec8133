"""The summary of a sweep: published from its table, by the template or a notebook of one's own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject

import nbpress
from nbpress.errors import PressError
from nbpress.sweep.journal import DONE, Entry
from nbpress.sweep.results import read_table, write_table

PANDAS = pytest.importorskip("pandas")
GRID = ("1_sums", "count=1..3", "scale=1,2")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Return a project with a sweep of six runs, one of which fails."""
    tiny = TinyProject(tmp_path_factory.mktemp("swept") / "tiny").write()
    tiny.edit_cell("1_sums.ipynb", "sum", "total = sums.total(count, scale) / (count * scale != 6)")
    result = tiny.run("sweep", *GRID)
    assert result.status == 1
    assert "count=3 scale=2.0: FAILED: cell 5 (sum) raised ZeroDivisionError" in result.err
    return tiny


@pytest.fixture
def inside(swept: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where its notebooks are."""
    monkeypatch.chdir(swept.root / "notebooks")


@pytest.mark.usefixtures("inside")
def test_results_are_a_table_with_what_it_is_of() -> None:
    """It has a row for each run; a failed run has no values."""
    table = nbpress.results("1_sums")
    assert list(table["1a.total"].dropna()) == [0.0, 0.0, 1.0, 2.0, 3.0]
    assert list(table["state"]) == [*["done"] * 5, "failed"]
    assert table.dtypes["count"] == "int64"
    assert table.attrs == {
        "name": "1_sums",
        "notebook": "notebooks/1_sums.ipynb",
        "dataset": "small",
        "given": {},
        "parameters": ["count", "scale"],
        "repeat": [],
        "stale": "",
        "values": ["1a.total"],
    }


def test_texts_that_look_like_nothing_are_values(tmp_path: Path) -> None:
    """A parameter or value may be the text "None"; None itself is an empty cell."""
    entries = [
        Entry({"penalty": penalty, "start": start}, "key", DONE, values={"1.name": penalty})
        for penalty, start in (("None", None), ("null", 0.5), ("l2", 1.0))
    ]
    write_table(tmp_path, entries, {"parameters": ["penalty", "start"], "repeat": []}, ())
    table = read_table(tmp_path)
    assert list(table["penalty"]) == list(table["1.name"]) == ["None", "null", "l2"]
    assert list(table["start"].isna()) == [True, False, False]


@pytest.mark.usefixtures("inside")
def test_best_combinations_are_named() -> None:
    """They are those with the lowest and highest means, but none of which a run failed."""
    from nbpress.sweep import tables

    extremes = tables.extremes(nbpress.results("1_sums"))
    assert extremes.header == ["value", "lowest", "with", "highest", "with"]
    assert extremes.rows == [["total", "0", "count = 1, scale = 1", "3", "count = 3, scale = 1"]]
    assert extremes.caption.endswith("; combinations with failed runs are left out.")
    one = nbpress.results("1_sums").iloc[:1]
    assert tables.extremes(one).rows == []
    repeated = nbpress.results("1_sums")
    repeated.attrs |= {"parameters": ["count"], "repeat": ["scale"]}
    ((_, _, lowest, best, highest),) = tables.extremes(repeated).rows  # 3 once, and failed once
    assert (lowest, best, highest) == ("count = 1", "1.50 ± 0.71", "count = 2")


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (0.4483, 0.0512, "0.448 ± 0.051"),
        (1.23456, 0.0996, "1.23 ± 0.10"),
        (-12.3, 9.96, "−12 ± 10"),
        (1234.5, 678.9, "1234 ± 679"),
        (0.5, 0.0, "0.5"),
    ],
)
def test_deviation_has_two_digits(mean: float, deviation: float, text: str) -> None:
    """The mean has as many decimal places; whole numbers are not rounded further."""
    from nbpress.sweep.results import plus_minus

    assert plus_minus(mean, deviation) == text


@pytest.mark.usefixtures("inside")
def test_bands_lie_within_the_axes() -> None:
    """They may lie beyond all runs; a logarithmic axis begins at the lowest run."""
    from nbpress.sweep import pictures

    table = nbpress.results("1_sums").dropna()
    table.attrs |= {"parameters": ["count"], "repeat": ["scale"]}
    table["1a.total"] = [10.0, 11.0, 11.0, 12.0, 12.0]
    ((figure, *_),) = pictures.effects(table)
    (axes,) = figure.axes
    bands = [path.vertices for band in axes.collections for path in band.get_paths()]
    low, high = axes.get_ylim()
    assert min(band[:, 1].min() for band in bands) < 10  # 10.5 − 0.71
    assert all(low < y < high for band in bands for y in band[:, 1])
    table["1a.total"] = [1.0, 1000.0, 2.0, 3.0, 4.0]  # the mean − the deviation is negative
    ((figure, *_),) = pictures.effects(table)
    assert figure.axes[0].get_yscale() == "log"
    assert figure.axes[0].get_ylim()[0] == pytest.approx(1000**-0.05)


@pytest.mark.usefixtures("inside")
def test_long_list_of_values_that_are_not_drawn_is_cut() -> None:
    """It names eight, and says how many more there are."""
    from nbpress.sweep import tables

    table = nbpress.results("1_sums")
    for i in range(15):
        table[f"1a.value_{i}"] = table["1a.total"] + i
    table.attrs["values"] = ["1a.total", *(f"1a.value_{i}" for i in range(15))]
    named = ", ".join(f"value {i}" for i in range(3, 11))
    assert tables.left_out(table) == f"Recorded, but not drawn: {named} and 4 more."


@pytest.mark.usefixtures("inside")
def test_unknown_sweep_has_no_results() -> None:
    """The message says how to get some."""
    with pytest.raises(PressError, match="no results yet: run `nbpress sweep nope`"):
        nbpress.results("nope")


def test_summary_is_deleted_with_its_sweep(swept: TinyProject) -> None:
    """Nothing of it stays behind."""
    assert (
        swept.run("sweep", "run", "1_sums", "scale=1,3", "--name", "gone", "--report").status == 0
    )
    folder = swept.root / "sweeps" / "gone"
    assert (folder / "report.pdf").is_file()
    assert swept.run("sweep", "rm", "gone", "--yes").status == 0
    assert not folder.exists()


def test_results_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what was looked for."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PressError, match=r"is not in a project: no folder above it has report/"):
        nbpress.results("1_sums")


def test_template_is_published(swept: TinyProject) -> None:
    """It is published as PDF and page, with the failures; a second time nothing changes."""
    report = swept.root / "sweeps" / "1_sums"
    result = swept.run("sweep", "report", "1_sums")
    assert result.status == 0, result.err
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF")
    page = (report / "report.html").read_text("utf-8")
    assert "was run 6 times, on the data set small" in page
    assert "1 failed." in page
    assert "Runs that recorded nothing" in page
    assert "Where each mean is extreme" in page
    assert "Author" not in page  # of the report, not of this summary
    assert not (swept.root / "report" / "report.pdf").exists()
    again = swept.run("sweep", "report", "1_sums")
    assert "sweeps/1_sums/report.pdf is unchanged: 0 of 1 notebooks executed" in again.err


def test_edited_table_is_not_published(swept: TinyProject) -> None:
    """It is written anew from the journal, so that the numbers are those that runs gave."""
    table = swept.root / "sweeps" / "1_sums" / "results.csv"
    before = table.read_text("utf-8")
    table.write_text(before.replace(",3.0,done", ",97.5,done"), "utf-8")
    assert table.read_text("utf-8") != before
    assert swept.run("sweep", "report", "1_sums").status == 0
    assert table.read_text("utf-8") == before
    assert "97.5" not in (table.parent / "report.html").read_text("utf-8")


def test_stale_results_are_published_with_a_note(swept: TinyProject) -> None:
    """The summary and a message say so, until the sweep has run again."""
    page = swept.root / "sweeps" / "1_sums" / "report.html"
    notebook = swept.root / "notebooks" / "1_sums.ipynb"
    before = notebook.read_bytes()
    swept.edit("notebooks/1_sums.ipynb", "!= 6)", "!= 5)")
    try:
        result = swept.run("sweep", "report", "1_sums")
        assert result.status == 0
        note = "6 runs are stale: its code changed; `nbpress sweep 1_sums` runs them again\n"
        assert result.err.startswith(note)
        assert "Note that 6 runs are stale: its code changed;" in page.read_text("utf-8")
    finally:
        notebook.write_bytes(before)
    assert "stale" not in swept.run("sweep", "report", "1_sums").err
    assert "runs are stale" not in page.read_text("utf-8")


def test_sweep_without_a_finished_run_has_no_summary(swept: TinyProject) -> None:
    """The message says what to run."""
    (swept.root / "sweeps" / "empty").mkdir()
    (swept.root / "sweeps" / "empty" / "journal.sqlite").touch()
    result = swept.run("sweep", "report", "empty")
    shutil.rmtree(swept.root / "sweeps" / "empty")
    assert result.err == (
        "nbpress: the sweep 'empty' has no results yet: run `nbpress sweep empty`\n"
    )


def test_summary_of_ones_own_runs_again_for_other_results(swept: TinyProject) -> None:
    """It replaces the template; its values are those of the current table."""
    template = Path(nbpress.__file__).with_name("sweep") / "summary.ipynb"
    content = json.loads(template.read_text("utf-8"))
    content["cells"] = content["cells"][:4]
    content["cells"][2]["source"] = 'sweep: str = "1_sums"'
    content["cells"][3]["source"] = (
        "table = nbpress.results(sweep)\n"
        'nbpress.answer("1", "The mean is {{ mean:g }}.", mean=float(table["1a.total"].mean()))'
    )
    heading = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "## Task 1 — Mean"}
    content["cells"].insert(3, heading)
    own = swept.root / "sweeps" / "1_sums_summary.ipynb"
    own.write_text(json.dumps(content), "utf-8")
    try:
        assert swept.run("sweep", "report", "1_sums").status == 0
        page = swept.root / "sweeps" / "1_sums" / "report.html"
        assert "The mean is 1.2." in page.read_text("utf-8")
        swept.run("sweep", "1_sums", "count=1..3", "scale=2")
        result = swept.run("sweep", "report", "1_sums")
        assert "1_sums_summary: runs again because sweeps/1_sums/results." in result.err
        assert "The mean is 1." in page.read_text("utf-8")
    finally:
        own.unlink()
        swept.run("sweep", *GRID)


def test_sweep_that_was_never_run_has_no_summary(swept: TinyProject) -> None:
    """The message names the sweeps that there are."""
    result = swept.run("sweep", "report", "1_sum")
    assert result.status == 1
    assert result.err == "nbpress: no sweep is called '1_sum'; did you mean '1_sums'?\n"


def test_make_runs_a_sweep_and_its_summary(swept: TinyProject) -> None:
    """`make sweep SWEEP=twice` publishes the summary even if runs failed."""
    description = "notebook: 1_sums\nproduct: {scale: [2, 3]}\n"
    (swept.root / "sweeps" / "twice.yaml").write_text(description, "utf-8")
    result = swept.run("sweep", "run", "--report", NBPRESS_SWEEP="twice")
    assert result.status == 1
    assert result.err.splitlines()[-1].startswith("nbpress: 1 of 2 runs failed")
    assert (swept.root / "sweeps" / "twice" / "report.html").is_file()
    assert os.listdir(swept.root / "report") == ["report.yaml"]
