"""What the command line does: which chapters execute, what is refused, and what it says."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from fixtures.tiny_project import CHAPTERS, GATED, TinyProject

from nbpress.cli import main
from nbpress.cli import nbpress as nbpress_command
from nbpress.say.records import Answer, Derivation
from nbtypeset.schema import MIME_TYPE

DEADLINE = 60  # seconds that anything may take before a test gives up


def test_first_build_executes_every_chapter_and_publishes(built: TinyProject) -> None:
    """The PDF and the values are there, each value with the notebook and cell it came from."""
    assert built.published()["report.pdf"].startswith(b"%PDF-")
    values = json.loads((built.root / "report" / "values.json").read_text("utf-8"))
    assert values["1a.total"] == {"value": 6.0, "notebook": "1_sums.ipynb", "cell": "answer"}
    assert len(built.runs()) == len(CHAPTERS)


def test_nothing_changed_executes_nothing(built: TinyProject) -> None:
    """A second build executes nothing, renders nothing and leaves the published files alone."""
    pdf = built.root / "report" / "report.pdf"
    before = pdf.stat()
    result = built.report()
    assert result.executed == {}
    assert "report/report.pdf is unchanged" in result.err
    after = pdf.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_folder_can_be_moved(built: TinyProject) -> None:
    """Keys hold no path: the same project elsewhere executes nothing."""
    moved = TinyProject(shutil.move(built.root, built.root.parent / "schön {0} & neu"))
    assert moved.report().executed == {}


def test_two_clean_builds_are_identical(built: TinyProject, tiny: TinyProject) -> None:
    """Built from nothing in another folder, values and PDF have the same bytes."""
    tiny.report()
    assert tiny.published() == built.published()


def test_prose_edit_executes_nothing_and_is_in_the_report(built: TinyProject) -> None:
    """Prose is bound as it stands now, beside the outputs of the former run."""
    before = built.published()
    built.edit("notebooks/1_sums.ipynb", "What is the sum?", "Which sum is it, and why?")
    assert built.report().executed == {}
    assert "Which sum is it, and why?" in built.bound
    assert built.published()["report.pdf"] != before["report.pdf"]
    assert built.published()["values.json"] == before["values.json"]


def test_stored_outputs_and_forged_prose_carry_no_mark(built: TinyProject) -> None:
    """Only what a notebook's code said in this press's run is marked, counted and recorded."""
    page = built.root / "report" / "report.html"
    built.run("html")
    before = page.read_text("utf-8").count('class="claim ')
    notebook = built.root / "notebooks" / "1_sums.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    forged = Derivation("1a", [["prove", "2 = 3"]], ["2 = 3"], "2 = 3.")
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {MIME_TYPE: record.to_json(), "text/markdown": "2 = 3"},
        }
        for record in (forged, Answer("1a", {"forged": 5}))
    ]
    cell = {"cell_type": "code", "execution_count": 1, "source": "1 + 1", "outputs": outputs}
    prose = {"cell_type": "markdown", "source": '<div class="nb-claim claim">2 = 3</div>'}
    content["cells"] += [
        {**cell, "id": "skipped", "metadata": {"tags": ["skip-execution"]}},
        {**cell, "id": "stored", "metadata": {}},
        {**prose, "id": "prose-forged", "metadata": {}},
    ]
    notebook.write_text(json.dumps(content), "utf-8")
    assert built.run("html").status == 0
    assert page.read_text("utf-8").count('class="claim ') == before == 1
    assert "1a.forged" not in built.values


def test_new_prose_cell_executes_nothing(built: TinyProject) -> None:
    """Outputs are matched by cell id, so that prose cells may come, go and move."""
    path = built.root / "notebooks" / "1_sums.ipynb"
    content = json.loads(path.read_text("utf-8"))
    prose = {"cell_type": "markdown", "id": "new", "metadata": {}, "source": ["Something new."]}
    content["cells"].insert(1, prose)
    path.write_text(json.dumps(content), "utf-8")
    assert built.report().executed == {}
    assert "Something new." in built.bound


def test_module_edit_executes_the_chapters_that_import_it(built: TinyProject) -> None:
    """Exactly those chapters run, and the reason names the file."""
    built.edit("src/tiny/drawing.py", "<rect", '<rect fill="red"')
    result = built.report()
    assert result.executed == {"2_pictures": "src/tiny/drawing.py changed"}
    assert "2_pictures: runs again because src/tiny/drawing.py changed" in result.err


def test_imports_count_transitively(built: TinyProject) -> None:
    """A module counts if only a module imports it; so does a value that another chapter quotes."""
    built.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    result = built.report()
    assert result.executed == {
        "1_sums": "src/tiny/base.py changed",
        "3_summary": "value 1a.total changed",
    }
    assert built.values["1a.total"] == 4
    assert built.values["3a.words"] == "the sum was 4"


def test_value_that_stays_the_same_stops_the_chain(built: TinyProject) -> None:
    """A chapter runs again because a value changed, not because the other chapter ran again."""
    built.edit("src/tiny/base.py", "STEP = 1", "STEP = 1  # of the range")
    assert built.report().executed == {"1_sums": "src/tiny/base.py changed"}


def test_unimported_module_executes_nothing(built: TinyProject) -> None:
    """An edit of a module that no notebook imports is no reason to run."""
    built.edit("src/tiny/unused.py", "0", "1")
    assert built.report().executed == {}


def test_module_imported_at_run_time_counts(built: TinyProject) -> None:
    """Imports that cannot be read from the code are known from the loaded modules."""
    built.edit("src/tiny/plugin.py", "was", "is")
    assert built.report().executed == {"3_summary": "src/tiny/plugin.py changed"}
    assert built.values["3a.words"] == "the sum is 6"


def test_module_beside_the_notebook_counts(built: TinyProject) -> None:
    """A kernel finds modules in its own folder, too, before all others."""
    (built.root / "notebooks" / "near.py").write_text("HERE = 1\n", "utf-8")
    built.edit("notebooks/2_pictures.ipynb", "import nbpress", "import nbpress, near")
    assert list(built.report().executed) == ["2_pictures"]
    (built.root / "notebooks" / "near.py").write_text("HERE = 2\n", "utf-8")
    assert built.report().executed == {"2_pictures": "notebooks/near.py changed"}


@pytest.mark.parametrize("name", ["sitecustomize", "usercustomize"])
def test_module_that_python_imports_by_itself_counts(built: TinyProject, name: str) -> None:
    """Its appearance is a change: it may patch anything."""
    (built.root / "src" / f"{name}.py").write_text("HERE = 1\n", "utf-8")
    executed = built.report().executed
    assert executed["1_sums"] == f"src/{name}.py changed"
    assert built.report().executed == {}


def test_edit_that_keeps_time_and_size_counts(built: TinyProject) -> None:
    """The digest notices the edit, and the kernel does not use outdated bytecode for it."""
    path = built.root / "src" / "tiny" / "plugin.py"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    built.edit("src/tiny/plugin.py", "was", "got")
    os.utime(path, ns=times)
    assert built.report().executed == {"3_summary": "src/tiny/plugin.py changed"}
    assert built.values["3a.words"] == "the sum got 6"


def test_parameter_executes_the_chapters_that_take_it(built: TinyProject) -> None:
    """Chapters that quote their values run as well; the former runs are kept."""
    result = built.report(NBPRESS_PARAMS="scale=3")
    assert result.executed == {
        "1_sums": "parameter scale changed",
        "3_summary": "value 1a.total changed",
    }
    assert built.values["1a.total"] == 9
    assert built.report("--param", "width=50").executed == {"2_pictures": "parameter width changed"}
    assert built.report().executed == {}
    assert built.values == {"1a.total": 6.0, "2a.width": 40, "3a.words": "the sum was 6"}


def test_parameters_from_yaml(built: TinyProject) -> None:
    """A YAML file gives parameters to every chapter that takes them, or to one."""
    (built.root / "more.yaml").write_text("2_pictures:\n  width: 60\nscale: 4\n", "utf-8")
    result = built.report(NBPRESS_PARAMS="more.yaml")
    assert result.executed.keys() == {"1_sums", "2_pictures", "3_summary"}
    assert built.values["2a.width"] == 60
    assert built.values["1a.total"] == 12


def test_upgrade_of_what_an_extra_brings(tiny: TinyProject) -> None:
    """If report.yaml names SymPy's extra, upgrading it makes chapters run again; else not."""
    own = "site/tiny_report-1.0.dist-info/METADATA"
    tiny.edit(own, "Requires-Dist: helper", 'Provides-Extra: science\nRequires-Dist: helper\n'
              'Requires-Dist: sympy; extra == "science"')  # fmt: skip
    sympy = tiny.root / "site" / "sympy-1.13.dist-info" / "METADATA"
    sympy.parent.mkdir()
    sympy.write_text("Metadata-Version: 2.1\nName: sympy\nVersion: 1.13\n", "utf-8")
    tiny.edit("report/report.yaml", "tiny-report", "tiny-report[science]")
    tiny.report()
    assert tiny.report().executed == {}
    tiny.edit(str(sympy.relative_to(tiny.root)), "1.13", "1.14")
    assert tiny.report().executed["1_sums"] == "version of sympy changed"
    tiny.edit("report/report.yaml", "tiny-report[science]", "tiny-report")
    tiny.report()
    tiny.edit(str(sympy.relative_to(tiny.root)), "1.14", "1.15")
    assert tiny.report().executed == {}


def test_data_sets_live_side_by_side(built: TinyProject) -> None:
    """Each data set has its own runs; going back executes nothing."""
    result = built.report(NBPRESS_DATASET="large")
    assert set(result.executed.values()) == {"it has no run on large yet"}
    assert built.report("--dataset", "small").executed == {}
    assert built.report("--dataset", "large").executed == {}


def test_changed_data_execute_every_chapter(built: TinyProject) -> None:
    """The checksum of the data is part of every key."""
    built.edit("data/small.txt", "3", "4")
    assert built.report().executed == {
        "1_sums": "the data set changed",
        "2_pictures": "the data set changed",
        "3_summary": "the data set changed",
    }


def test_other_version_of_a_dependency_executes_every_chapter(built: TinyProject) -> None:
    """Run-time dependencies are part of every key; development tools are not."""
    built.edit("site/linter-3.0.dist-info/METADATA", "3.0", "3.1")
    assert built.report().executed == {}
    built.edit("site/helper-2.0.dist-info/METADATA", "2.0", "2.1")
    assert set(built.report().executed.values()) == {"version of helper changed"}


def test_force_executes_every_chapter(built: TinyProject) -> None:
    """FORCE=1 and --force do, FORCE=0 does not."""
    assert built.report(NBPRESS_FORCE="0").executed == {}
    why = "all notebooks are executed"
    assert built.report(NBPRESS_FORCE="1").executed == dict.fromkeys(CHAPTERS, why)


def test_times_of_sources_do_not_count(built: TinyProject) -> None:
    """A file's time, in the past or in the future, is no reason to run."""
    for number, path in enumerate(sorted(built.root.rglob("src/**/*.py"))):
        os.utime(path, (0, 0) if number % 2 else (2**32, 2**32))
    assert built.report().executed == {}


def test_symbolic_link_to_the_project_is_the_project(built: TinyProject) -> None:
    """Entered through a link, the project executes nothing, and edits are noticed."""
    link = built.root.parent / "link"
    link.symlink_to(built.root)
    linked = TinyProject(link)
    assert linked.report().executed == {}
    linked.edit("src/tiny/plugin.py", "was", "is")
    assert list(linked.report().executed) == ["3_summary"]


def test_cache_lists_and_prunes(built: TinyProject) -> None:
    """Every run is listed, with its state; pruning deletes those that no build would use again."""
    built.report(NBPRESS_PARAMS="width=50")
    built.edit("src/tiny/plugin.py", "was", "is")
    (built.root / "build" / "runs" / ".partial-of-a-killed-build").mkdir()
    listed = built.run("cache").out.splitlines()
    assert len(listed) == 4
    assert [line.split()[1:3] for line in listed if "3_summary" in line] == [
        ["outdated", "3_summary.ipynb"]
    ]
    assert sum(" current " in line for line in listed) == 3
    assert built.run("cache", "--prune").out == "1 runs deleted\n"
    assert len(built.runs()) == 3
    assert list(built.report(NBPRESS_PARAMS="width=50").executed) == ["3_summary"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("scal=3", "no chapter has a parameter 'scal'; did you mean 'scale'?"),
        ("scale=fast", "1_sums.ipynb: scale must be float; got 'fast'"),
        ("scale=0", "1_sums.ipynb: scale must be > 0; got 0.0"),
        ("scale=10.5", "1_sums.ipynb: scale must be ≤ 10; got 10.5"),
        ("count=1.5", "1_sums.ipynb: count must be int; got 1.5"),
        ("count=True", "1_sums.ipynb: count must be int; got True"),
        ("exact=1", "1_sums.ipynb: exact must be bool; got 1"),
        ("2_pictures.scale=3", "2_pictures.ipynb has no parameter 'scale'"),
        ("2_picture.width=30", "no chapter is called '2_picture'; did you mean '2_pictures'?"),
        ("dataset=large", "dataset is set by the press; choose the data set with DATASET"),
        ("recorded={}", "recorded is set by the press, and only by it"),
        ("scale", "PARAMS: expected name=value or a YAML file; got 'scale'"),
        ("missing.yaml", "no file missing.yaml"),
    ],
)
def test_wrong_parameter_is_refused_before_a_kernel_starts(
    tiny: TinyProject, given: str, message: str
) -> None:
    """The message names it and the nearest known parameter; nothing executes."""
    for result in (tiny.run("report", NBPRESS_PARAMS=given), tiny.run("report", "--param", given)):
        assert result.status == 1
        assert message in result.err
        assert "Traceback" not in result.err
        assert result.executed == {}


def test_unclosed_quotation_is_refused(tiny: TinyProject) -> None:
    """PARAMS is split as a shell splits words."""
    assert "PARAMS: No closing quotation" in tiny.run("report", NBPRESS_PARAMS="'scale=3").err


def test_wrong_parameter_in_yaml_is_refused(tiny: TinyProject) -> None:
    """The message gives name and value, before anything executes."""
    (tiny.root / "mine.yaml").write_text("1_sums: {counts: 2}\n", "utf-8")
    result = tiny.run("report", NBPRESS_PARAMS="mine.yaml")
    assert "1_sums.ipynb has no parameter 'counts'; did you mean 'count'?" in result.err
    (tiny.root / "mine.yaml").write_text("1_sums: {count: x}\n", "utf-8")
    result = tiny.run("report", NBPRESS_PARAMS="mine.yaml")
    assert "1_sums.ipynb: count must be int; got 'x'" in result.err
    assert not (tiny.root / "build" / "runs").exists()


@pytest.mark.parametrize("given", ["scale=3", "1_sums.scale=3"])
def test_parameter_of_an_untagged_cell_is_explained(tiny: TinyProject, given: str) -> None:
    """The cell that sets it is not tagged `parameters`, and the message says so."""
    tiny.edit("notebooks/1_sums.ipynb", '"tags": ["parameters"]', '"tags": []')
    result = tiny.run("report", NBPRESS_PARAMS=given)
    assert result.status == 1
    assert "1_sums.ipynb, cell 3, sets it, but no cell has the tag 'parameters'" in result.err


def test_parameter_that_another_cell_sets_is_explained(tiny: TinyProject) -> None:
    """The message names that cell."""
    result = tiny.run("report", NBPRESS_PARAMS="total=3")
    assert "no chapter has a parameter 'total'; 1_sums.ipynb, cell 5, sets it: move" in result.err


def test_parameters_lists_what_a_notebook_takes(tiny: TinyProject) -> None:
    """Name, type, default, bounds and unit are listed, by chapter or by file name."""
    expected = (
        "dataset: str = 'auto'\n"
        "count: int = 3  [≥ 1]  numbers\n"
        "scale: float = 2.0  [> 0, ≤ 10]  factor\n"
        "exact: bool = True\n"
    )
    for name in ("1_sums", "1_sums.ipynb", "notebooks/1_sums.ipynb"):
        assert tiny.run("parameters", name).out == expected
    result = tiny.run("parameters", "1_sum")
    assert result.status == 1
    assert "did you mean '1_sums'?" in result.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("resolver:", "resolvr:", "unknown key 'resolvr'; did you mean 'resolver'?"),
        ("title: A tiny report", "", "title is missing"),
        ("1_sums.ipynb", "1_sum.ipynb", "notebooks/1_sum.ipynb; did you mean '1_sums.ipynb'?"),
        ("A tiny report", "Tiny: a report", "in quotes"),
        ("tiny.resolver:resolve", "tiny.resolver:solve", "resolver must be 'module:function'"),
        ("tiny-report", "tinny-report", "distribution 'tinny-report' is not installed"),
        (
            "tiny-report",
            "tiny-report[science]",
            "distribution 'tiny-report' has no extra 'science'",
        ),
        ("authors: [", "authors: [[", "report.yaml is not YAML"),
        ("needs: [1a.total]", "needs: [9a.total]", "no chapter has the task '9a'"),
        ("needs: [1a.total]", "needs: [3a.words]", "in a circle: 3_summary ← 3_summary"),
        ("needs: [1a.total]", "needs: [1a.totals]", "did you mean '1a.total'?"),
        ("cell_timeout: 60", "cell_timeout: 0", "cell_timeout: expected a number above 0; got 0"),
        ("[1a.total]", "1a.total", "expected a list; got '1a.total'; write [1a"),
        ("authors: [A. Author]", "authors: []", "authors: expected at least 1; got none"),
        ("title:", "date: morgen\ntitle:", "date: expected a date such as 2026-03-31; got 'mor"),
        ("title:", "language: deutsch\ntitle:", "such as en, de or pt-BR; got 'deutsch'"),
        ("title:", "sources: [../src]\ntitle:", "sources must be inside the project"),
        ("[1a.total]", "[1a.total]\n    inputs: [data/a.csv]", "matches the inputs 'data/a.csv'"),
        ("resolver: tiny.resolver:resolve", "", "data sets, but there is no resolver"),
    ],
)
def test_mistake_in_report_yaml_is_one_clear_message(
    built: TinyProject, old: str, new: str, message: str
) -> None:
    """It has status 1 and says what was expected and what was found, without a traceback."""
    before = built.published()
    built.edit("report/report.yaml", old, new)
    result = built.run("report")
    assert result.status == 1
    assert message in result.err
    assert "Traceback" not in result.err
    assert built.published() == before


def test_report_without_a_data_set(tiny: TinyProject) -> None:
    """A report can be on a table, with neither resolver nor distribution in report.yaml."""
    tiny.edit("report/report.yaml", "resolver: tiny.resolver:resolve\n", "")
    tiny.edit("report/report.yaml", "distribution: tiny-report\n", "")
    tiny.edit("report/report.yaml", "positive: [small]", "positive: []")
    refusal = tiny.run("report").err
    assert "1_sums.ipynb has the parameter 'dataset', which a resolver sets, but" in refusal
    for name in ("1_sums", "2_pictures"):
        tiny.edit(f"notebooks/{name}.ipynb", 'dataset: str = \\"auto\\"', "x: int = 1")
    assert "report.yaml has no resolver" in tiny.run("report", NBPRESS_DATASET="small").err
    (tiny.root / "notebooks" / "table.csv").write_text("7", "utf-8")
    tiny.edit_cell("1_sums.ipynb", "sum", 'total = float(open("table.csv").read())')
    tiny.edit_cell("3_summary.ipynb", "provenance", "")
    tiny.report()
    assert tiny.values["1a.total"] == 7
    assert "Data set" not in tiny.bound
    (tiny.root / "notebooks" / "table.csv").write_text("-7", "utf-8")
    result = tiny.run("report")
    assert result.executed["1_sums"] == "notebooks/table.csv changed"
    assert "positive (1_sums.ipynb, cell 7): 'the sum is positive' is false" in result.err


def test_unknown_data_set_and_engine_are_refused(tiny: TinyProject) -> None:
    """The resolver's message is shown, and the known engines are named."""
    assert "nbpress: no data set 'tny'" in tiny.run("report", NBPRESS_DATASET="tny").err
    result = tiny.run("report", NBPRESS_ENGINE="typs")
    assert result.status == 1
    assert "ENGINE: unknown engine 'typs'; did you mean 'typst'?" in result.err
    result = tiny.run("report", NBPRESS_ENGINE="word")
    assert result.err == "nbpress: ENGINE: unknown engine 'word'; known: latex, typst\n"


def test_outside_a_project_it_says_what_it_looked_for(tmp_path: Path) -> None:
    """The message says that no folder upwards has a report/report.yaml."""
    result = TinyProject(tmp_path).run("report")
    assert result.status == 1
    assert f"no report/report.yaml in {tmp_path} or above it" in result.err


def test_works_from_a_folder_below(built: TinyProject) -> None:
    """The project is the first folder upwards that contains report/report.yaml."""
    process = built.start("report", cwd=built.root / "notebooks")
    assert "0 of 3 notebooks executed" in process.communicate(timeout=DEADLINE)[1]


def test_log_has_plain_lines_and_nothing_else(tiny: TinyProject) -> None:
    """In CI there is one line when a chapter starts and one when it is done, and no noise."""
    lines = tiny.report(NBPRESS_PARAMS="scale=3").err.splitlines()
    known = re.compile(
        r"(\S+: (runs because it has no run yet|done in [\d.]+ s)|report/values\.json.*)"
    )
    assert [line for line in lines if not known.fullmatch(line)] == []
    assert len(lines) == 2 * len(CHAPTERS) + 1


def test_terminal_shows_a_live_line_for_each_notebook(tiny: TinyProject) -> None:
    """The line says which cell of how many is running."""
    gate = tiny.root / "gate"
    tiny.edit_cell("1_sums.ipynb", "sum", GATED)
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = tiny.start("report", stdout=theirs, stderr=theirs, text=False)
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + DEADLINE
    try:
        while b"1_sums: cell 5 of 7" not in seen and time.monotonic() < deadline:
            seen += os.read(terminal, 1024)
    finally:
        gate.touch()
        while True:
            try:
                seen += os.read(terminal, 1024)
            except OSError:  # the other end is closed
                break
        os.close(terminal)
    assert process.wait(DEADLINE) == 0
    assert b"1_sums: cell 5 of 7" in seen
    assert b"1_sums: done in" in seen


def test_reader_that_leaves_is_no_error(built: TinyProject) -> None:
    """`nbpress cache | head -0` ends quietly."""
    theirs, ours = os.pipe()
    os.close(theirs)
    process = built.start("cache", stdout=ours)
    os.close(ours)
    assert process.communicate(timeout=DEADLINE)[1] == ""


@pytest.mark.parametrize("closed", [True, False])
def test_build_that_cannot_speak_publishes(tiny: TinyProject, closed: bool) -> None:
    """With stderr closed, or on a full disk, messages still go to the log."""
    with open("/dev/full", "w") as full:
        unheard: dict[str, Any] = {"stderr": full}
        if closed:
            unheard = {"stderr": None, "preexec_fn": lambda: os.close(2)}
        assert tiny.start("report", **unheard).wait(DEADLINE) == 0
        assert tiny.start("report", "--engine", "word", **unheard).wait(DEADLINE) == 1
    assert list(tiny.published()) == ["report.pdf", "values.json"]
    log = (tiny.root / "build" / "nbpress.log").read_text("utf-8")
    assert "1_sums: done in" in log
    assert "nbpress: ENGINE: unknown engine 'word'" in log
    lock = (tiny.root / "build" / "lock").read_bytes()
    assert lock == b""  # which would otherwise have become what a worker takes for stderr


def test_clean_deletes_what_was_published_and_nothing_else(built: TinyProject) -> None:
    """A user's own file stays, and so does a published file that was edited since."""
    built.run("html")
    report = built.root / "report"
    before = {path.name for path in report.iterdir()}
    (report / "report.mine.pdf").write_bytes(b"mine")
    (report / "report.html").write_bytes(b"by hand")
    (report / ".report.pdf.new").write_bytes(b"half a rep")
    result = built.run("clean")
    assert result.status == 0
    assert result.err == "report/report.html was changed since it was published: it is kept\n"
    gone = before - {path.name for path in report.iterdir()}
    assert gone == {"report.pdf", "values.json", "published.json"}
    assert (report / "report.mine.pdf").read_bytes() == b"mine"
    assert not (report / ".report.pdf.new").exists()
    assert not (built.root / "build").exists()


def test_clean_does_not_trust_a_damaged_record(built: TinyProject) -> None:
    """Nothing is deleted that a path in an edited record leads to."""
    path = built.root / "report" / "published.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"report.pdf": "', '"../data/small.txt": "'), "utf-8")
    assert "the forms of the report are kept" in built.run("clean").err
    assert (built.root / "data" / "small.txt").exists()
    assert (built.root / "report" / "report.pdf").exists()


def test_clean_waits_for_a_running_build(tiny: TinyProject) -> None:
    """The build's lock and runs are there until it has ended."""
    tiny.edit_cell("1_sums.ipynb", "sum", GATED)
    build = tiny.start("report")
    assert build.stderr
    build.stderr.readline()  # it is at work
    clean = tiny.start("clean")
    assert clean.stderr
    assert "another build is running" in clean.stderr.readline()
    assert (tiny.root / "build" / "lock").exists()
    (tiny.root / "gate").touch()
    assert "3 of 3 notebooks executed" in build.communicate(timeout=DEADLINE)[1]
    assert clean.communicate(timeout=DEADLINE)[1] == ""
    assert not (tiny.root / "build").exists()
    assert not (tiny.root / "report" / "report.pdf").exists()


def test_build_that_waited_for_clean_begins_anew(built: TinyProject) -> None:
    """If the lock that it waited for is deleted, the build takes a new one."""
    path = built.root / "build" / "lock"
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build = built.start("report")
        assert build.stderr
        assert "another build is running" in build.stderr.readline()
        path.unlink()
    assert "0 of 3 notebooks executed" in build.communicate(timeout=DEADLINE)[1]
    assert path.exists()


def test_traceback_is_kept_and_shown_on_request(tiny: TinyProject) -> None:
    """The user sees one message; build/nbpress.log has the traceback, and --debug shows it."""
    (tiny.root / "src" / "tiny" / "resolver.py").write_text("1 / 0", "utf-8")
    result = tiny.run("report")
    assert "ZeroDivisionError" in result.err
    assert "Traceback" not in result.err
    log = (tiny.root / "build" / "nbpress.log").read_text("utf-8")
    assert "Traceback" in log
    assert "1 / 0" in log
    assert "Traceback" in tiny.run("--debug", "report").err


def test_what_stopped_papermill_is_kept(tiny: TinyProject) -> None:
    """The traceback of a worker reaches the log, too."""
    tiny.edit_cell("1_sums.ipynb", "sum", "raise KeyError('of the cell')")
    result = tiny.run("report")
    assert "raised KeyError: 'of the cell'" in result.err
    assert "PapermillExecutionError" in (tiny.root / "build" / "nbpress.log").read_text("utf-8")


def test_variables_of_others_are_not_read(built: TinyProject) -> None:
    """ENGINE or CODE, set for other work, are none of the command's; its own are."""
    assert built.report(ENGINE="podman", CODE="main.py").executed == {}
    assert built.run("report", NBPRESS_CODE="main.py").status == 2


def leaves(group: click.Group) -> Iterator[click.Command]:
    """Yield a group of commands and all that are in it."""
    yield group
    for command in group.commands.values():
        yield from leaves(command) if isinstance(command, click.Group) else [command]


@pytest.mark.parametrize("command", [*leaves(nbpress_command)], ids=lambda command: command.name)
def test_help_has_an_example_that_is_one(
    command: click.Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The help of each command ends in an example, whose words are taken by that command."""
    example = (command.epilog or "").removeprefix("Example: nbpress ")
    with click.Context(command) as context:
        assert command.get_help(context).endswith(f"Example: nbpress {example}")
    called = []
    for each in leaves(nbpress_command):
        if not isinstance(each, click.Group):
            monkeypatch.setattr(each, "callback", lambda each=each, **_: called.append(each))
    assert main(example.split()) == 0, capsys.readouterr().err
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    assert called[0] in commands
