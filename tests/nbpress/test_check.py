"""What `nbpress check` verifies, what it names, and what it leaves alone."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import CHAPTERS, TinyProject

from nbpress.errors import PressError
from nbpress.files import digest
from nbpress.project.dataset import resolve
from nbpress.project.project import open_project
from nbpress.publish import check as check_module
from nbpress.publish.build import compose as real_compose
from nbpress.publish.check import check
from nbpress.publish.compare import compare
from nbpress.publish.published import read_published
from nbpress.publish.trust import unverified
from nbpress.publish.varying import last_runs, varying
from nbpress.run.cache import Run


@pytest.fixture(scope="session")
def _checked_once(_built_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = TinyProject(shutil.copytree(_built_once, tmp_path_factory.mktemp("checked") / "tiny"))
    for command in (["html"], ["check", "--record"]):
        result = project.run(*command)
        if result.status:
            raise RuntimeError(result.err)
    return project.root


@pytest.fixture
def checked(_checked_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """Return a project with a PDF, a page and recorded values, whose runs count as fresh."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    monkeypatch.syspath_prepend(_checked_once / "site")

    def compose(*arguments: Any, force: bool, **options: Any) -> Any:
        assert force
        return real_compose(*arguments, **options)

    monkeypatch.setattr(check_module, "compose", compose)
    return TinyProject(shutil.copytree(_checked_once, tmp_path / "checked"))


REMEDY = (
    "If the report is your own, publish it again: make report FORCE=1. "
    "If it was handed in to you, do not: that would replace it."
)


def verdict(project: TinyProject, dataset: str = "", **options: Any) -> str:
    """Return what a check finds fault with, "" if with nothing; nothing published changes."""
    files = {path: path.read_bytes() for path in (project.root / "report").glob("*.*")}
    try:
        check(open_project(project.root), dataset, options.pop("parameters", {}), **options)
    except PressError as error:
        return str(error)
    finally:
        if not options:
            assert files == {path: path.read_bytes() for path in files}
    return ""


def edit_record(project: TinyProject, change: Callable[[dict[str, Any]], Any]) -> None:
    """Edit published.json."""
    path = project.root / "report" / "published.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_check_executes_afresh_once(checked: TinyProject) -> None:
    """The files and the values are compared with the same runs, and the line names them all."""
    result = checked.run("check")
    assert result.status == 0
    assert result.executed == dict.fromkeys(CHAPTERS, "all notebooks are executed")
    assert result.err.splitlines()[-2:] == [
        "small: 3 values agree with report/expected/small.json",
        "values.json, report.html, report.pdf: identical to what a fresh run gives",
    ]


def test_report_with_a_tuple_among_its_defaults_is_as_published(checked: TinyProject) -> None:
    """The record holds the list that JSON makes of it, and so do the fresh runs."""
    checked.edit("notebooks/2_pictures.ipynb", "# ≥ 10, pixels", "# ≥ 10, pixels\\nxlim = (0, 10)")
    checked.report()
    assert verdict(checked) == ""


def test_report_on_a_fallback_is_as_published(checked: TinyProject) -> None:
    """The first page mentions the fallback, also in a fresh report whose data set was given."""
    resolver = "src/tiny/resolver.py"
    checked.edit(resolver, "fallback=False", 'fallback=dataset == "auto"')
    checked.report("--dataset", "auto")
    assert checked.run("check").status == 0


def test_garbage_is_named_by_the_command(checked: TinyProject) -> None:
    """A broken PDF ends the command with status 1, and is left as it is."""
    path = checked.root / "report" / "report.pdf"
    path.write_bytes(b"garbage")
    result = checked.run("check")
    assert result.status == 1
    assert "nbpress: report/report.pdf was damaged or edited after it was published" in result.err
    assert path.read_bytes() == b"garbage"


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["report.pdf", "report.html", "values.json"])
def test_changed_byte_is_named(checked: TinyProject, name: str) -> None:
    """A changed byte is found in each published file, and no other file is blamed."""
    _flip(checked.root / "report" / name)
    fault, remedy = verdict(checked).splitlines()
    assert fault == f"report/{name} was damaged or edited after it was published"
    assert remedy == REMEDY


def test_edited_values_are_named(checked: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever changed a result by hand is told which, and before anything runs that one did."""
    path = checked.root / "report" / "values.json"
    values = json.loads(path.read_text("utf-8"))
    values["1a.total"]["value"] += 1
    values["1a.more"] = {"value": "x"}
    del values["2a.width"]
    path.write_text(json.dumps(values), "utf-8")
    message = verdict(checked)
    assert message.startswith("report/values.json was damaged or edited after it was published")
    assert message.splitlines()[1:] == [
        '  1a.more is "x" there and missing in a fresh run',
        "  1a.total is 7 there and 6 in a fresh run",
        "  2a.width is missing there and 40 in a fresh run",
        REMEDY,
    ]
    said = capsys.readouterr().err.splitlines()
    early = "report/values.json differs from what was published: "
    early += "a fresh run shows what it should be"
    assert said.index(early) == 1


def test_forged_file_is_replaced_if_everything_is_made_afresh(checked: TinyProject) -> None:
    """Its record may have been forged with it; what the message advises mends both."""
    path = checked.root / "report" / "report.pdf"
    before = path.read_bytes()
    path.write_bytes(b"forged")
    edit_record(
        checked,
        lambda record: record["forms"]["report.pdf"]["files"].update(
            {path.name: digest(b"forged")}
        ),
    )
    assert verdict(checked).startswith("report/report.pdf is not what a fresh run gives")
    checked.report("--force")
    assert path.read_bytes() == before
    assert verdict(checked) == ""


def test_missing_files_are_named(checked: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    """A report that is gone was not checked; the next one leaves out what was deleted."""
    (checked.root / "report" / "report.html").unlink()
    gone = "report/report.html was deleted since it was published"
    assert verdict(checked).splitlines() == [gone, REMEDY]
    (checked.root / "report" / "values.json").unlink()
    assert verdict(checked).splitlines() == [gone, "report/values.json is missing", REMEDY]
    checked.report()
    assert verdict(checked) == ""
    assert "\nvalues.json, report.pdf: identical to" in capsys.readouterr().err


def test_without_recorded_values_the_files_count(
    checked: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report without recorded values can be verified; with nothing to compare, check fails."""
    (checked.root / "report" / "expected" / "small.json").unlink()
    assert verdict(checked) == ""
    *_, note, files = capsys.readouterr().err.splitlines()
    assert note.startswith("note: no values are recorded in report/expected/small.json. If the new")
    assert files == "values.json, report.html, report.pdf: identical to what a fresh run gives"
    assert verdict(checked, "large").startswith("no values are recorded in report/expected/large")
    _flip(checked.root / "report" / "report.pdf")
    assert verdict(checked).startswith("report/report.pdf was damaged")


def test_forged_values_are_named(checked: TinyProject) -> None:
    """They are named even if the record was changed with them."""
    path = checked.root / "report" / "values.json"
    values = json.loads(path.read_text("utf-8"))
    values["1a.total"]["value"] = 100
    path.write_text(json.dumps(values), "utf-8")
    edit_record(checked, lambda record: record.update(values=digest(path.read_bytes())))
    faults = verdict(checked)
    assert "report/values.json is not what a fresh run gives" in faults
    assert "\n  1a.total is 100 there and 6 in a fresh run" in faults


def test_values_that_differ_within_their_tolerances_are_no_forgery(
    checked: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So do those from a processor of another kind: the files differ, and it is said why."""
    monkeypatch.setattr(check_module, "varying", lambda *_: ["outputs vary"])
    expected = checked.root / "report" / "expected" / "small.json"
    limits = json.loads(expected.read_text("utf-8"))
    limits["1a.total"] = {"value": 6, "absolute": 0.5}
    expected.write_text(json.dumps(limits), "utf-8")
    path = checked.root / "report" / "values.json"
    for total, message in (
        (6.25, "every value agrees within its tolerance"),
        (6.75, "1a.total is"),
    ):
        values = json.loads(path.read_text("utf-8"))
        values["1a.total"]["value"] = total
        path.write_text(json.dumps(values), "utf-8")
        edit_record(checked, lambda record: record.update(values=digest(path.read_bytes())))
        first, second, *_ = said = verdict(checked).splitlines()
        assert first.startswith("report/values.json is not what a fresh run gives")
        assert ("outputs vary" in said) == (total == 6.75)  # rounding is no lack of a seed
        assert second.strip().startswith(message)


def test_without_its_record_nothing_runs(
    checked: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing that a fresh run could be compared with, and all files are named at once."""
    (checked.root / "report" / "published.json").unlink()
    monkeypatch.setattr(check_module, "compose", None)
    assert verdict(checked).splitlines() == [
        "report/report.pdf exists, but report/published.json does not list it",
        "report/report.html exists, but report/published.json does not list it",
        REMEDY,
    ]


def test_missing_record_is_named(checked: TinyProject) -> None:
    """Without its record, nobody knows what the files are."""
    (checked.root / "report" / "published.json").unlink()
    for name in ("report.pdf", "report.html"):
        assert f"report/{name} exists, but report/published.json does not list it" in verdict(
            checked
        )


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"dataset": "small"}', "../../x", "\udcff"], ids=str.__repr__
)
def test_damaged_record_is_named(checked: TinyProject, content: str) -> None:
    """The message says what is wrong with the record, whatever it contains."""
    path = checked.root / "report" / "published.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "report/published.json is damaged" in verdict(checked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(dataset="large"), "report/report.pdf is not what a fresh run gives"),
        (lambda r: r.update(dataset="none"), "no data set 'none'"),
        (lambda r: r.update(sha256="0"), "the files of the data set small have changed since"),
        (lambda r: r.update(reason="why not"), "report/report.pdf is not what a fresh run gives"),
        (lambda r: r.update(commit="ours"), "report/report.pdf is not what a fresh run gives"),
        (lambda r: r.update(date="2020-02-02"), "report/report.pdf is not what a fresh run gives"),
        (lambda r: r.update(parameters={"": {"scale": 3}}), "report/values.json is not what"),
        (lambda r: r["forms"]["report.html"].update(show_code=True), "report/report.html is not"),
        (
            lambda r: r["forms"]["report.html"].update(notes=["no"]),
            "report/published.json was damaged",
        ),
        (lambda r: r["forms"]["report.pdf"]["files"].clear(), "report/published.json was damaged"),
        (lambda r: r["forms"]["report.pdf"]["files"].update({"../x": "0"}), "is damaged (forms."),
        (lambda r: r["forms"]["report.pdf"].update(exporter="os.path"), "is damaged (forms."),
        (lambda r: r["forms"].pop("report.pdf"), "report/report.pdf exists, but"),
        (
            lambda r: r["claims"].update(positive=False),
            "the claim 'positive' is false in report/published.json and holds in a fresh run",
        ),
        (
            lambda r: r["claims"].update(fly=True),
            "the claim 'fly' holds in report/published.json and is not made in a fresh run",
        ),
    ],
)
def test_false_claim_of_the_record_is_named(
    checked: TinyProject, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    """A record that names other data, parameters or forms than the files have is refused."""
    edit_record(checked, change)
    assert message in verdict(checked)


def test_stale_report_is_not_called_damaged(checked: TinyProject) -> None:
    """After an edit of prose the files are as published, but no longer what runs give."""
    checked.edit("notebooks/1_sums.ipynb", "What is the sum?", "Which sum is it?")
    faults = verdict(checked)
    assert "report/report.pdf is not what a fresh run gives: notebooks, code or tools" in faults
    assert "damaged" not in faults
    assert "values.json" not in faults


def test_cells_that_print_something_else_in_every_run_are_named(checked: TinyProject) -> None:
    """Their outputs are compared with those of the run before, if that had the same code."""
    timed = "import time\\nprint(time.time_ns())\\ntotal = "
    checked.edit("notebooks/1_sums.ipynb", "total = ", timed)
    same_code = "outputs differ between two runs of the same code on the same data"
    assert same_code not in checked.run("check").err
    assert f"{same_code}: 1_sums.ipynb, cell 5 (sum); fix the seed" in checked.run("check").err


def test_damaged_run_is_not_compared(checked: TinyProject) -> None:
    """What is left of the last run of a notebook says nothing about the next one."""
    project = open_project(checked.root)
    assert {*last_runs(project, "small")} == {f"{chapter}.ipynb" for chapter in CHAPTERS}
    run, _ = last_runs(project, "small")["1_sums.ipynb"]
    (run.folder / "executed.ipynb").write_text('{"cells": []}', "utf-8")
    assert "1_sums.ipynb" not in last_runs(project, "small")


def test_edited_prose_does_not_vary_a_report() -> None:
    """Between two runs with the same inputs, cells of prose may appear, disappear and change."""
    run = Run(Path("key"), "a.ipynb", "", {}, {}, {}, [], "", 1.0)

    def ran(**texts: str) -> dict[str, Any]:
        cells = [
            {
                "id": id_,
                "metadata": {},
                "source": f"%%answer 1\n{text}",
                "outputs": [{"output_type": "display_data", "data": {"text/markdown": text}}],
            }
            for id_, text in texts.items()
        ]
        return {"a.ipynb": (run, cells)}

    assert list(varying(ran(x="one", y="two"), ran(x="three"))) == []
    assert list(varying(ran(x="one"), ran(x="one", y="two"))) == []


def test_what_a_report_does_not_print_does_not_vary_it() -> None:
    """Warnings to stderr and addresses of objects may differ."""
    run = Run(Path("key"), "a.ipynb", "", {}, {}, {}, [], "", 1.0)

    def ran(number: int, name: str) -> dict[str, Any]:
        text = f"<object object at 0x{number}>"
        outputs = [
            {"output_type": "stream", "name": name, "text": f"{number} s"},
            {"output_type": "execute_result", "metadata": {}, "data": {"text/plain": text}},
            {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}},
        ]
        return {"a.ipynb": (run, [{"id": "x", "metadata": {}, "source": "", "outputs": outputs}])}

    assert list(varying(ran(1, "stderr"), ran(2, "stderr"))) == []
    (message,) = varying(ran(1, "stdout"), ran(2, "stdout"))
    assert "on the same data: a.ipynb, cell 1 (x); fix" in message


def test_address_that_varies_is_named_as_one() -> None:
    """A seed has nothing to do with it."""
    run = Run(Path("key"), "a.ipynb", "", {}, {}, {}, [], "", 1.0)

    def ran(text: str) -> dict[str, Any]:
        outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
        cell = {"id": "x", "metadata": {}, "source": "", "outputs": outputs}
        return {"a.ipynb": (run, [cell])}

    (message,) = varying(ran("<A object at 0x7f01>"), ran("<A object at 0x7f02>"))
    assert "the addresses of objects" in message
    assert "a.ipynb, cell 1 (x); show an attribute" in message
    (message,) = varying(ran("1 <A object at 0x7f01>"), ran("2 <A object at 0x7f02>"))
    assert "fix the seed" in message


def test_commit_since_publication_is_no_damage(
    checked: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the commits between which nothing else changed."""

    def git(*arguments: str) -> None:
        name = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
        subprocess.run(
            ["git", *name, *arguments], cwd=checked.root, check=True, capture_output=True
        )

    (checked.root / ".gitignore").write_text("build/\nreport/report.*\n!report/report.yaml\n")
    git("init")
    git("add", "report/report.yaml", "notebooks", "src")
    git("commit", "-m", "One")
    checked.report()
    git("commit", "--allow-empty", "-m", "Two")
    assert verdict(checked) == ""
    note = "note: only the commit differs: it names 'Code: git commit `"
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith(note)]
    assert ", but this is 'Code: git commit `" in line
    checked.edit("notebooks/1_sums.ipynb", "What is the sum?", "Which sum is it?")
    assert "vary from run to run (it names 'Code: git commit `" in verdict(checked)


@pytest.mark.parametrize("module", ["src/tiny/sums.py", "lib/more.py"])
def test_bytecode_of_others_is_not_believed(checked: TinyProject, module: str) -> None:
    """A module's cached bytecode may have the header of its source, but say something else."""
    cache = Path(importlib.util.cache_from_source(str(checked.root / module)))
    cache.parent.mkdir(exist_ok=True, parents=True)
    cache.write_bytes(b"forged")
    assert verdict(checked) == ""
    assert not cache.exists()


@pytest.mark.parametrize(
    "settings",
    ["ipython/profile_default/ipython_kernel_config.py", "matplotlib/stylelib/a.mplstyle"],
)
def test_settings_of_others_are_not_read(checked: TinyProject, settings: str) -> None:
    """A kernel would execute what IPython's say."""
    path = checked.root / "build" / settings
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text('c.InteractiveShellApp.exec_lines = ["import builtins; builtins.sum = max"]')
    assert verdict(checked) == ""
    assert not path.exists()


def test_what_no_run_can_verify_is_told(
    checked: TinyProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The date and the data set's reason are printed on the first page as the record has them."""
    assert verdict(checked) == ""
    assert "not verified" not in capsys.readouterr().err
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(86400))
    assert verdict(checked) == ""
    notes = [line for line in capsys.readouterr().err.splitlines() if "not verified" in line]
    assert notes == ["note: not verified: its date is 1970-01-01; made here it would be 1970-01-02"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    project = open_project(checked.root)
    published = read_published(project.output)
    assert published is not None
    forged = published.model_copy(update={"reason": "verified by the staff"})
    data = resolve("small", project.report.resolver, project.sources)
    assert list(unverified(forged, data, project)) == [
        "it says of its data set 'verified by the staff'; made here it would be 'the small numbers'"
    ]


def test_other_data_set_is_compared_without_the_files(
    checked: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """DATASET chooses the values; a message says that another set's files are not checked."""
    assert verdict(checked, "large", record=True) == ""
    (checked.root / "report" / "report.pdf").write_bytes(b"garbage")
    assert verdict(checked, "large") == ""
    said = capsys.readouterr().err
    assert "another report (small) is published: comparing values only, not files" in said
    assert "report/report.pdf was damaged or edited after it was published" in verdict(
        checked, "small"
    )


def test_parameters_are_compared_with_the_published_values(checked: TinyProject) -> None:
    """Published values with equal parameters are compared; others must be published first."""
    checked.report(NBPRESS_PARAMS="scale=3.0")
    assert verdict(checked) == ""
    assert verdict(checked, parameters={"1_sums": {"scale": 3}}) == ""
    assert "no report on small with these PARAMS is published" in verdict(
        checked, parameters={"": {"scale": "4"}}
    )
    assert verdict(checked, "small") == ""  # its own values, not those that are published
    assert "unset PARAMS" in verdict(checked, parameters={"": {"scale": "3"}}, record=True)
    checked.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    faults = verdict(checked)
    assert "report/values.json is not what a fresh run gives" in faults
    assert "2 drifted, compared with report/values.json" in faults


def test_nothing_published_compares_values(
    checked: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Values are compared even if nothing is published, for example after `clean`."""
    assert checked.run("clean").status == 0
    assert verdict(checked, "small") == ""
    err = capsys.readouterr().err
    assert "nothing is published: comparing values only, not files" in err
    assert err.splitlines()[-1].endswith(
        "values agree with report/expected/small.json; no published file was compared"
    )


def test_new_missing_and_drifted_values_are_told_apart(checked: TinyProject) -> None:
    """The message names the command that records them, which keeps tolerances set by hand."""
    path = checked.root / "report" / "expected" / "small.json"
    expected = json.loads(path.read_text("utf-8"))
    expected["1a.total"] = {"value": 7.0, "absolute": 0.5}
    expected["9z.gone"] = {"value": 1}
    del expected["2a.width"]
    path.write_text(json.dumps(expected), "utf-8")
    faults = verdict(checked)
    assert "1 drifted, 1 new, 1 missing, compared with report/expected/small.json" in faults
    rows = [line.split() for line in faults.splitlines()]
    assert ["drifted", "1a.total", "7", "6", "±", "0", "relative,", "±", "0.5"] in rows
    assert ["new", "2a.width", "40"] in rows
    assert ["missing", "9z.gone", "1"] in rows
    assert "`make check DATASET=small RECORD=1` records them" in faults
    assert checked.run("check", NBPRESS_DATASET="small", NBPRESS_RECORD="1").status == 0
    assert json.loads(path.read_text("utf-8"))["1a.total"] == {"value": 6.0, "absolute": 0.5}
    assert verdict(checked) == ""


@pytest.mark.parametrize(("was", "now"), [(1, True), (False, 0.0), ([1, 0], [1, False])])
def test_truth_is_no_number(was: Any, now: Any) -> None:
    """That 1 becomes true is a drift, although they are equal in Python."""
    (drift,) = compare({"1a.x": {"value": was, "relative": 0.1}}, {"1a.x": now})
    assert drift.kind == "drifted"


def test_damaged_expected_values_are_named(checked: TinyProject) -> None:
    """Damaged values are not recorded over, because they may have tolerances."""
    for content in ("{", "[]", '{"1a.total": {}}'):
        (checked.root / "report" / "expected" / "small.json").write_text(content)
        assert "small.json is damaged" in verdict(checked)
    assert "small.json is damaged" in verdict(checked, record=True)


def test_form_that_cannot_be_rendered_is_named(
    checked: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the form, for example if TeX was removed."""
    edit_record(checked, lambda r: r["forms"]["report.pdf"].update(exporter="report-latex-pdf"))
    monkeypatch.setenv("PATH", os.fspath(checked.root))
    assert "report/report.pdf: the report cannot be rendered: ENGINE=latex needs" in verdict(
        checked
    )


@pytest.mark.parametrize(
    "tolerance", ['"relative": -1', '"relative": 1e9', '"absolute": "0.5"', '"relativ": 0.5']
)
def test_tolerance_that_is_none_is_refused(checked: TinyProject, tolerance: str) -> None:
    """Tolerances that are negative, enormous, text or misspelt are refused."""
    path = checked.root / "report" / "expected" / "small.json"
    path.write_text(f'{{"1a.total": {{"value": 6.0, {tolerance}}}}}', "utf-8")
    assert "small.json is damaged (expected for each name an object" in verdict(checked)


def test_parameters_of_the_record_that_change_nothing_hide_no_drift(checked: TinyProject) -> None:
    """Adding parameters to the record does not divert the comparison to other values."""
    path = checked.root / "report" / "expected" / "small.json"
    content = json.loads(path.read_text("utf-8"))
    content["1a.total"]["value"] = 7.0
    path.write_text(json.dumps(content), "utf-8")
    edit_record(checked, lambda record: record.update(parameters={"": {"count": "3"}}))
    assert "1 drifted, compared with report/expected/small.json" in verdict(checked)
