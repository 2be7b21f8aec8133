"""What `nbpress watch` notices, survives and leaves alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import psutil
import pytest
from fixtures.tiny_project import GATED, NOTEBOOKS, TinyProject
from fixtures.watched import DONE, Watch, watching

import nbpress
from nbpress.publish.build import Request
from nbpress.watch import builder
from nbpress.watch.watch import watch

SUMS = "notebooks/1_sums.ipynb"
PICTURES = "notebooks/2_pictures.ipynb"


def with_cell(project: TinyProject, source: str) -> None:
    """Give the first notebook one more cell of code, that runs before the others."""
    cells = NOTEBOOKS["1_sums.ipynb"]
    project.write_notebook("1_sums.ipynb", [*cells[:3], ("more", source), *cells[3:]])


def saves(lines: list[str]) -> list[str]:
    """Return the lines that say what was saved; those of chapters begin with a name and `:`."""
    return [line for line in lines if line.endswith(" changed") and ":" not in line]


def lines_after(watch: Watch, edit: str) -> list[str]:
    """Edit prose, and return what is printed until it is built."""
    watch.project.edit(PICTURES, "shows it", f"shows it, {edit}")
    return [*watch.until("2_pictures.ipynb changed"), *watch.until(DONE)]


def test_saved_prose_is_in_the_report_at_once(built: TinyProject) -> None:
    """One line says what changed, and the build's own line gives the result."""
    with watching(built) as watch:
        watch.until(DONE)
        before = built.published()
        assert lines_after(watch, "and how")[0] == f"{PICTURES} changed"
        assert "and how" in built.bound
        assert built.published()["report.pdf"] != before["report.pdf"]


def test_errors_are_shown_and_the_next_save_tries_again(built: TinyProject) -> None:
    """A slip in a cell, a missing notebook or a broken report.yaml does not end the watch."""
    with watching(built) as watch:
        watch.until(DONE)
        before = built.published()
        built.edit_cell("1_sums.ipynb", "sum", "total = sums.total(count, scale")
        watch.until("1_sums.ipynb, cell 5.*line 1 is not Python")
        built.edit_cell("1_sums.ipynb", "sum", "total = sums.total(count, scale) + 1")
        watch.until(DONE)
        assert built.published()["report.pdf"] != before["report.pdf"]

        (built.root / SUMS).rename(built.root / "aside")
        watch.until("no file notebooks/1_sums.ipynb")
        (built.root / "aside").rename(built.root / SUMS)
        watch.until(DONE)

        built.edit("report/report.yaml", "title:", "titel:")
        watch.until("unknown key 'titel'")
        built.edit("report/report.yaml", "titel:", "title:")
        watch.until(DONE)


def test_watch_can_begin_with_an_error(built: TinyProject) -> None:
    """At the start, neither report.yaml nor the data set's folder need be right."""
    (built.root / "data" / "small.txt").rename(built.root / "aside")
    built.edit("report/report.yaml", "title:", "titel:")
    with watching(built) as watch:
        watch.until("unknown key 'titel'")
        built.edit("report/report.yaml", "titel:", "title:")
        watch.until("no data set")
        (built.root / "aside").rename(built.root / "data" / "small.txt")
        lines_after(watch, "again")


def test_saved_picture_is_in_the_report(built: TinyProject) -> None:
    """One beside the notebooks that Markdown names."""
    picture = built.root / "notebooks" / "a.svg"
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "utf-8")
    built.edit(PICTURES, "shows it", "shows it ![a](a.svg)")
    with watching(built) as watch:
        watch.until(DONE)
        before = built.published()
        picture.write_text(picture.read_text("utf-8").replace("'9'", "'8'"), "utf-8")
        watch.until("notebooks/a.svg changed")
        watch.until(DONE)
        assert built.published()["report.pdf"] != before["report.pdf"]


def test_burst_of_saves_is_one_build(built: TinyProject) -> None:
    """Saves that are noticed together are built together."""
    with watching(built) as watch:
        watch.until(DONE)
        watch.process.send_signal(signal.SIGSTOP)
        for name in (SUMS, PICTURES, "notebooks/3_summary.ipynb", "src/tiny/unused.py"):
            (built.root / name).write_text((built.root / name).read_text("utf-8") + "\n", "utf-8")
        watch.process.send_signal(signal.SIGCONT)
        lines = [*watch.until(DONE), *lines_after(watch, "last")]
        assert saves(lines) == [
            f"{SUMS}, {PICTURES}, notebooks/3_summary.ipynb and 1 more changed",
            f"{PICTURES} changed",
        ]


def test_save_during_a_build_is_built_after_it(built: TinyProject) -> None:
    """The build that is running does not have it, so there is one more."""
    with_cell(built, GATED)
    with watching(built) as watch:
        watch.until("1_sums: runs again")
        built.edit(PICTURES, "shows it", "shows it late")
        (built.root / "gate").touch()
        lines = [*watch.until(DONE), *watch.until(DONE)]
        assert saves(lines)[-1] == f"{PICTURES} changed"
        assert "shows it late" in built.bound


@pytest.mark.parametrize("end", ["", "raise ValueError('slip')"])
def test_what_a_build_writes_does_not_build_again(built: TinyProject, end: str) -> None:
    """Neither what it publishes and caches counts, nor what notebooks make, even one that fails."""
    with_cell(
        built,
        "import time, pathlib\n"
        "pathlib.Path('../data/made.yaml').write_text(str(time.time_ns()))\n"
        "pathlib.Path('table.json').write_text(str(time.time_ns()))\n" + end,
    )
    with watching(built) as watch:
        end_of_build = "the previous report is unchanged" if end else DONE
        watch.until(end_of_build)
        built.edit(PICTURES, "shows it", "shows it, last")
        lines = watch.until(end_of_build)
        assert saves(lines) == [f"{PICTURES} changed"]


def test_what_a_failed_notebook_looked_for_is_watched(built: TinyProject) -> None:
    """As soon as the missing file exists, whatever it is, there is a build."""
    with_cell(built, "open('../table/of.numbers').close()")
    with watching(built) as watch:
        watch.until("FileNotFoundError")
        (built.root / "table").mkdir()
        (built.root / "table" / "of.numbers").touch()
        watch.until(DONE)


def test_declared_inputs_are_watched(built: TinyProject) -> None:
    """What a chapter names in `inputs` counts, also in folders that are made later."""
    (built.root / "scans").mkdir()
    (built.root / "scans" / "first").touch()
    built.edit("report/report.yaml", "tasks: {1a", "inputs: [scans/]\n    tasks: {1a")
    with watching(built) as watch:
        watch.until(DONE)
        (built.root / "scans" / "more").mkdir()
        (built.root / "scans" / "more" / "second").touch()
        watch.until("1_sums: runs again because scans/more/second")
        watch.until(DONE)


def test_resolver_is_asked_afresh(built: TinyProject) -> None:
    """Neither its module nor its state is left over from an earlier build."""
    resolver = "src/tiny/resolver.py"
    with watching(built) as watch:
        watch.until(DONE)
        built.edit(resolver, "def resolve(dataset):", "CALLS = []\n\ndef resolve(dataset):")
        watch.until(DONE)
        built.edit(resolver, "the {name} numbers", "{CALLS.append(1)}, call {len(CALLS)}")
        watch.until(DONE)
        assert "call 1" in built.bound
        lines_after(watch, "later")
        assert "call 1" in built.bound


def test_edit_of_the_press_starts_it_anew(built: TinyProject, tmp_path: Path) -> None:
    """The new press builds from then on, and a broken one can be repaired."""
    source = Path(nbpress.__file__).parents[1]
    for package in ("nbpress", "nbtypeset"):
        shutil.copytree(source / package, tmp_path / "press" / package)
    paths = os.pathsep.join([str(built.root / "site"), str(tmp_path / "press")])
    press = TinyProject(tmp_path / "press")
    with watching(built, env=built.environment(PYTHONPATH=paths)) as watch:
        watch.until(DONE)
        press.edit("nbpress/publish/build.py", "notebooks executed", "notebooks worked out")
        watch.until("build.py changed")
        watch.until("notebooks worked out")
        press.edit("nbpress/publish/build.py", "import time", "import time travel")
        watch.until("the build's process was killed")
        press.edit("nbpress/publish/build.py", "import time travel", "import time")
        watch.until("notebooks worked out")


def test_installed_packages_start_it_anew(built: TinyProject) -> None:
    """Versions are looked up each time: a run with other versions is stale."""
    with watching(built) as watch:
        watch.until(DONE)
        site = built.root / "site"
        (site / "helper-2.0.dist-info").rename(site / "helper-2.1.dist-info")
        built.edit("site/helper-2.1.dist-info/METADATA", "2.0", "2.1")
        assert any("version of helper" in line for line in lines_after(watch, "newer"))


def test_report_can_be_built_beside_it(built: TinyProject) -> None:
    """The lock is held only during builds, and what others publish triggers no build."""
    with watching(built) as watch:
        watch.until(DONE)
        assert "another build" not in built.report("--code").err
        assert saves(lines_after(watch, "beside")) == [f"{PICTURES} changed"]


@pytest.mark.parametrize("at_work", [False, True])
def test_ctrl_c_ends_it_with_a_line(built: TinyProject, at_work: bool) -> None:
    """It is the normal way to end it: the status is 0, and no process or kernel is left."""
    if at_work:
        with_cell(built, GATED)
    with watching(built) as watch:
        watch.until("1_sums: runs again" if at_work else DONE)
        processes = psutil.Process(watch.process.pid).children(recursive=True)
        assert watch.interrupt() == 0
        assert watch.rest()[-1:] == ["no longer watching"]
        assert psutil.wait_procs(processes, timeout=30)[1] == []


def test_ctrl_c_before_a_build_has_begun(
    built: TinyProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends the watch like any other: there is no build to wait for."""

    class Interrupted(Executor):
        def submit(self, *_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr(builder, "local_pool", lambda _: contextlib.nullcontext(Interrupted()))
    watch(builder.Job(built.root, Request(), "", debug=False))
    assert capsys.readouterr().err.splitlines()[-1] == "no longer watching"
