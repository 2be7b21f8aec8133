"""Publishing: what is rendered when, written how, and refused why."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypandoc
import pytest
from fixtures.tiny_project import TinyProject

import nbtypeset
from nbpress import files as files_module
from nbpress.errors import PressError
from nbpress.files import check_writable, digest
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project, open_project
from nbpress.publish import build as build_module
from nbpress.publish import render as render_module
from nbpress.publish.attach import attach
from nbpress.publish.bind import Bound
from nbpress.publish.build import Request, build
from nbpress.publish.outputs import in_short
from nbpress.publish.provenance import Commit
from nbpress.publish.published import VALUES, publish
from nbpress.publish.render import Rendering
from nbtypeset.schema import MIME_TYPE, Imprint

COMMIT = Commit("Code: none.", datetime.date(2024, 1, 1))


class Press:
    """A build whose chapters are given, and whose renderings are counted."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.bound = Bound({"cells": ["some"]}, Imprint(), {"1a.x": {"value": 1}}, COMMIT)
        self.rendered: list[str] = []
        self.broken = ""
        self.versions = {"typst": "0.14"}
        self.pandoc = "3.6"
        data = DataSet("small", "", "", {}, False)
        monkeypatch.setattr(build_module, "data_set", lambda *_: data)
        monkeypatch.setattr(build_module, "compose", lambda *_, **__: (self.bound, 0))
        monkeypatch.setattr(build_module, "render", self.render)
        monkeypatch.setattr(render_module, "installed_versions", lambda _: self.versions)
        monkeypatch.setattr(pypandoc, "get_pandoc_version", lambda: self.pandoc)

    def render(self, bound: Bound, exporter: str, name: str) -> Rendering:
        """Render nothing much."""
        if exporter == self.broken:
            raise PressError("no TeX")
        self.rendered.append(exporter)
        files = {name: json.dumps([bound.notebook, exporter]).encode()}
        if name == "report.tex":
            files["report_files/1.png"] = b"a picture"
        return Rendering(files, ["one formula was shrunk"])

    @property
    def record(self) -> dict[str, Any]:
        """What is recorded as published."""
        content: dict[str, Any] = json.loads((self.project.output / "published.json").read_bytes())
        return content

    def build(self, **request: Any) -> list[str]:
        """Build, and return which files were written."""
        return [self.project.relative(path) for path in build(self.project, Request(**request))]


@pytest.fixture
def press(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> Press:
    """Return a press in a project that was never built."""
    return Press(open_project(tiny.root), monkeypatch)


def test_report_that_did_not_change_is_not_rendered(
    press: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warnings about an unchanged report are repeated."""
    assert press.build() == ["report/values.json", "report/report.pdf"]
    assert press.build() == []
    assert press.rendered == ["typst-pdf"]
    assert capsys.readouterr().err.count("note: one formula was shrunk") == 2


def test_changed_notebook_is_rendered(press: Press) -> None:
    """Values that did not change are not written again."""
    press.build()
    press.bound.notebook["cells"] = ["other"]
    assert press.build() == ["report/report.pdf"]


def test_changed_mark_is_rendered(press: Press) -> None:
    """What the press says about a report is part of a rendering's inputs."""
    press.build()
    press.bound.imprint = Imprint(marks={"1-claim": ["otherwise"]})
    press.build()
    assert len(press.rendered) == 2


def test_other_engine_renders(press: Press) -> None:
    """Each engine writes the same file, back and forth."""
    press.build()
    assert press.build(engine="latex") == ["report/report.pdf"]
    assert press.build() == ["report/report.pdf"]
    assert press.rendered == ["typst-pdf", "report-latex-pdf", "typst-pdf"]


def test_other_form_is_published_beside(press: Press) -> None:
    """A form comes with the pictures that it needs; unchanged forms are not rendered again."""
    press.build()
    assert press.build(form="report.tex") == ["report/report.tex", "report/report_files/1.png"]
    assert press.build() == press.build(form="report.tex") == []


def test_other_version_of_a_tool_renders(press: Press) -> None:
    """A newer typst may typeset, and a newer pandoc may read, the same source differently."""
    press.build()
    press.versions = {"typst": "0.15"}
    press.build()
    press.pandoc = "3.7"
    press.build()
    assert len(press.rendered) == 3


@pytest.mark.parametrize(("same_process", "renderings"), [(False, 2), (True, 1)])
def test_other_press_renders(
    press: Press,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    same_process: bool,
    renderings: int,
) -> None:
    """An edit of an exporter or a template is seen, but not by a process that has imported it.

    What that one renders is no work of the new exporter, and must not pass for it.
    """
    folder = tmp_path / "nbtypeset" / "templates"
    folder.mkdir(parents=True)
    monkeypatch.setattr(nbtypeset, "__file__", str(tmp_path / "nbtypeset" / "__init__.py"))
    request.addfinalizer(render_module._typesetter.cache_clear)
    for text in ("one", "other"):
        (folder / "report.typ").write_text(text)
        if text == "one" or not same_process:
            render_module._typesetter.cache_clear()
        press.build()
    press.build()
    assert len(press.rendered) == renderings


def _other_content(path: Path) -> None:
    path.write_bytes(b"edited by hand")


@pytest.mark.parametrize("name", ["report/report.pdf", "report/values.json"])
@pytest.mark.parametrize("change", [Path.unlink, _other_content])
def test_published_file_that_was_changed_is_put_right(
    press: Press, name: str, change: Callable[[Path], Any]
) -> None:
    """A file that was deleted or edited by hand is written again."""
    press.build()
    path = press.project.root / name
    before = path.read_bytes()
    change(path)
    assert press.build() == [name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", '{"report.pdf": {}}', '{"report.pdf": 1}'])
def test_damaged_record_only_costs_a_rendering(press: Press, content: str) -> None:
    """If the bytes are the same, the file is not written again."""
    press.build()
    (press.project.output / "published.json").write_text(content)
    assert press.build() == []
    assert len(press.rendered) == 2


def test_every_form_follows_each_command(press: Press) -> None:
    """A form is rendered from the runs of the latest command, by its exporter, with its code."""
    press.build(engine="latex")
    press.build(form="report.html", show_code=True)
    press.rendered.clear()
    press.bound.notebook["cells"] = ["other"]
    press.bound.values["1a.x"]["value"] = 2
    press.build(form="report.tex")
    assert press.rendered == ["offline-html", "report-latex-pdf", "report-latex"]
    for form in press.record["forms"].values():
        for name, sha in form["files"].items():
            assert digest((press.project.output / name).read_bytes()) == sha
    assert b"other" in (press.project.output / "report.pdf").read_bytes()
    shown = {name: form["show_code"] for name, form in press.record["forms"].items()}
    assert shown == {"report.pdf": False, "report.html": True, "report.tex": False}


def test_record_says_what_was_asked_for(press: Press) -> None:
    """The record has the data set's name and the parameters as they were given."""
    press.build(parameters={"": {"learning_rate": "0.10"}})
    assert press.record["dataset"] == "small"
    assert press.record["parameters"] == {"": {"learning_rate": "0.10"}}
    assert press.record["values"] == digest((press.project.output / "values.json").read_bytes())


def test_form_that_was_deleted_stays_deleted(press: Press) -> None:
    """A deleted form stays deleted, with the pictures that were made for it."""
    press.build(form="report.tex")
    (press.project.output / "report.tex").unlink()
    press.build()
    assert list(press.record["forms"]) == ["report.pdf"]
    assert not (press.project.output / "report.tex").exists()
    assert not (press.project.output / "report_files").exists()


def test_form_that_can_no_longer_be_rendered_stops_the_others(press: Press) -> None:
    """No form may go stale unnoticed: nothing is published, and the way out is named."""
    press.build(engine="latex")
    before = {path: path.read_bytes() for path in press.project.output.glob("*.*")}
    press.bound.notebook["cells"] = ["other"]
    press.broken = "report-latex-pdf"
    with pytest.raises(PressError, match=r"no TeX\n.*by report-latex-pdf.*or delete report/report"):
        press.build(form="report.html")
    assert {path: path.read_bytes() for path in press.project.output.glob("*.*")} == before
    assert press.build() == ["report/report.pdf"]  # by typst


@pytest.mark.parametrize("publishes", [True, False])
def test_file_of_the_users_is_not_lost(press: Press, publishes: bool) -> None:
    """A page made by hand, or an edited source, is kept beside the file that replaces it."""
    if publishes:
        press.build(form="report.tex")
    (press.project.output / "report.tex").write_bytes(b"by hand")
    press.build(form="report.tex")
    assert (press.project.output / "report.tex~").read_bytes() == b"by hand"
    press.bound.notebook["cells"] = ["other"]
    press.build(form="report.tex")
    assert (press.project.output / "report.tex~").read_bytes() == b"by hand"
    (press.project.output / "report.tex").write_bytes(b"by hand, again")
    press.build(form="report.tex")
    assert (press.project.output / "report.tex~").read_bytes() == b"by hand"
    assert (press.project.output / "report.tex~2").read_bytes() == b"by hand, again"


def test_unknown_form_is_named_and_left_alone(
    press: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may differ from what is published, so each command mentions it."""
    (press.project.output / "report.html").write_bytes(b"by hand")
    press.build()
    assert "report/report.html was not published by this project" in capsys.readouterr().err
    assert (press.project.output / "report.html").read_bytes() == b"by hand"


@pytest.mark.parametrize("then", ["report.pdf", "report.html"])
@pytest.mark.parametrize("renames", range(4))
def test_kill_between_renames_is_mended(
    press: Press, monkeypatch: pytest.MonkeyPatch, renames: int, then: str
) -> None:
    """The next build, of any form, completes the renames first: no form keeps old values."""
    press.build()
    press.build(form="report.html")
    press.bound.notebook["cells"] = ["other"]
    press.bound.values["1a.x"]["value"] = 2
    with monkeypatch.context() as patch:
        left = iter(range(renames))

        def replace(source: Path, target: Path) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            source.rename(target)

        patch.setattr(files_module.os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            press.build()
    files = {VALUES: press.record["values"]} | {
        name: sha for form in press.record["forms"].values() for name, sha in form["files"].items()
    }
    agree = [digest((press.project.output / name).read_bytes()) == files[name] for name in files]
    assert all(agree) == (renames == 0)
    press.bound.notebook["cells"] = ["third"]
    press.build(form=then)
    for name in ("report.pdf", "report.html"):
        assert b"third" in (press.project.output / name).read_bytes()
    assert press.record["values"] == digest((press.project.output / VALUES).read_bytes())
    left_over = [path.name for path in press.project.output.iterdir() if path.name[-1] in "~w"]
    assert left_over == []


def test_file_aside_of_the_users_is_left_alone(press: Press) -> None:
    """The press deletes only its own `.new` files, and a folder with such a name does no harm."""
    (press.project.output / ".todo.new").write_bytes(b"mine")
    (press.project.output / ".folder.new").mkdir()
    (press.project.output / ".report.pdf.new").write_bytes(b"half a report")
    press.build()
    left = {path.name for path in press.project.output.glob(".*.new")}
    assert left == {".todo.new", ".folder.new"}


def test_nothing_is_published_if_one_file_cannot_be_written(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is renamed until all are on the disk."""
    press.build()
    before = {path: path.read_bytes() for path in press.project.output.glob("*.*")}
    real = files_module._write_whole

    def full_at_the_pdf(path: Path, content: bytes) -> None:
        if ".pdf" in path.name:
            raise PressError("the disk is full")
        real(path, content)

    monkeypatch.setattr(files_module, "_write_whole", full_at_the_pdf)
    with pytest.raises(PressError, match="the disk is full"):
        publish(press.project.output, {"values.json": b"new", "report.pdf": b"new"}, None)
    assert {path: path.read_bytes() for path in before} == before


def test_unpublishable_place_is_told_before_any_work(press: Press) -> None:
    """If a folder stands in the PDF's place, nothing is rendered and nothing is replaced."""
    (press.project.output / "report.pdf").mkdir()
    with pytest.raises(PressError, match=r"report\.pdf: there is a folder where a file should be"):
        press.build()
    assert press.rendered == []
    assert not (press.project.output / "values.json").exists()


def test_file_in_place_of_the_build_folder_is_told(press: Press) -> None:
    """The message says what to do."""
    press.project.build.touch()
    with pytest.raises(PressError, match="build: there is a file where a folder should be"):
        press.build()


def test_left_over_files_are_tidied(press: Press) -> None:
    """The temporary files of a killed build are deleted."""
    (press.project.output / ".report.pdf.new").write_bytes(b"half a rep")
    check_writable(press.project.output, ["report.pdf"])
    assert not list(press.project.output.glob(".*"))


def test_figure_of_pyplot_is_printed_once(tiny: TinyProject) -> None:
    """Whether it has its label in the cell that made it, or in a later one; a run has no captions.

    The number of a figure in the last build is for JupyterLab alone: a run does not depend on it.
    """
    figure = 'nbpress.figure(fig, "fig-2{0}", "A line.", "A line.")'
    tiny.write_notebook(
        "2_pictures.ipynb",
        [
            ("title", "# Pictures"),
            ("imports", "import nbpress\nfrom matplotlib import pyplot as plt"),
            ("parameters", 'dataset: str = "auto"'),
            ("task", "## Task 2a — A line"),
            ("same", "fig, ax = plt.subplots()\n" + figure.format("a")),
            ("make", "fig, ax = plt.subplots()"),
            ("later", figure.format("b")),
            ("other", "fig, ax = plt.subplots()"),
            ("answer", 'nbpress.answer("2a", "A line.")'),
        ],
    )
    tiny.report()
    cells = json.loads((tiny.root / "build" / "report.ipynb").read_text("utf-8"))["cells"]
    shown = {
        cell["id"]: [o["data"].get(MIME_TYPE, {}).get("label") for o in cell["outputs"]]
        for cell in cells
        if cell["cell_type"] == "code" and cell["outputs"]
    }
    assert {name: shown.get(f"2-{name}") for name in ("same", "make", "later", "other")} == {
        "same": ["fig-2a"],
        "make": None,
        "later": ["fig-2b"],
        "other": [None],
    }
    names = json.loads((tiny.root / "build" / "names.json").read_text("utf-8"))
    assert {n: name for n, name in names.items() if not n.startswith("task-")} == {
        "fig-2a": "Figure 1",
        "fig-2b": "Figure 2",
    }


def results_of(tiny: TinyProject, code: str) -> list[str]:
    """Return what a cell with this code, built into the report, has as its result."""
    tiny.edit_cell("1_sums.ipynb", "sum", f"total = sums.total(count, scale)\n{code}")
    tiny.report()
    cell = next(c for c in json.loads(tiny.bound)["cells"] if c["id"] == "1-sum")
    return [output["data"]["text/plain"] for output in cell["outputs"]]


def test_pictures_beside_a_notebook_are_shown(tiny: TinyProject) -> None:
    """In Markdown and in prose; when a file changes, the report is set again and nothing runs."""
    folder = tiny.root / "notebooks" / "img"
    folder.mkdir()
    square = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0h9v9'/></svg>"
    )
    for name in (folder / "a b.svg", folder / "c.svg", tiny.root / "out.svg"):
        name.write_text(square, "utf-8")
    tiny.edit(
        "notebooks/1_sums.ipynb", "What is the sum?", "![one](img/a%20b.svg) ![no](../out.svg)"
    )
    tiny.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\n{{ total }}: ![two](img/c.svg)")
    result = tiny.run("html")
    assert "picture '../out.svg' is missing" in result.err
    assert "a%20b" not in result.err
    page = tiny.root / "report" / "report.html"
    assert re.findall(r'<img[^>]* alt="(one|two|no)"', page.read_text("utf-8")) == ["one", "two"]
    before = page.read_bytes()
    (folder / "c.svg").write_text(square.replace("M0", "M1"), "utf-8")
    assert tiny.run("html").executed == {}
    assert page.read_bytes() != before


def test_long_words_cost_no_time(tmp_path: Path) -> None:
    """A picture that is in the text as base64 would take hours if each letter began a name."""
    cell = {"cell_type": "markdown", "source": f"![x](data:image/png;base64,{'A' * 5_000_000})"}
    attach(cell, tmp_path)
    assert "attachments" not in cell


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("one\n", "one"),
        ("a.py:1: W\n  fit()\n" * 30, "a.py:1: W (30 times)\n  fit() (30 times)"),
        (" 10%|#\r 50%|##\r100%|###\n", "100%|###"),
        (" 10%|#\r100%|###\r", "100%|###"),
        ("\n\n \n", ""),
        ("".join(f"{i}\n" for i in range(9)), "0\n1\n2\n3\n4\n… and 4 more lines"),
    ],
)
def test_what_a_cell_wrote_to_stderr_is_told_in_short(printed: str, said: str) -> None:
    """Equal lines come once, a progress bar as it ended, and no more than a few lines."""
    assert in_short(printed) == said


def test_addresses_in_memory_are_not_printed(tiny: TinyProject) -> None:
    """A plotting call may return them; they mean nothing and differ in each run."""
    line = "class Line: pass\n"
    assert results_of(tiny, f"{line}[Line()]") == []
    assert results_of(tiny, f"{line}Line(), [Line()]") == []
    assert results_of(tiny, "['a line']") == ["['a line']"]
    (result,) = results_of(tiny, f"{line}{{'accuracy': 0.9, 'of': Line()}}")
    assert "'accuracy': 0.9" in result
