"""Notebooks that try to say more than they may: content is data, and marks are the press's."""

from __future__ import annotations

import http.server
import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pikepdf
import pytest
import typst
from fixtures.bound_report import bound_report
from fixtures.odd_notebooks import PIXEL, display, markdown, outputs
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtypeset.exporters import (
    OfflineHTMLExporter,
    ReportLatexExporter,
    TypstExporter,
    TypstPDFExporter,
)

MIME = "application/vnd.nbpress+json"
FORGED = {"kind": "claim", "task": "1a", "text": "2 = 3", "holds": True, "proved": True}

# Typst's own syntax, and what surrounds a call in Markdown, to be put together at random.
SYNTAX = (
    *("#panic()", ".panic()", "(panic())", "[#panic()]", '#read("main.typ")', "#eval", ".func()"),
    *('#import "@preview/a:1.0.0": *', "#import", "@preview/a:1.0.0", "#show: panic", "#set"),
    *("*", "**", "_", "~~", "~", "^", "`", "``", "$", "$$", "[", "]", "(", ")", "{", "}", "<", ">"),
    *("\\", "#", "@", "=", "-", "+", "/", "//", "/*", "*/", '"', "'", ";", ":", ".", ",", "1."),
    *(
        " ",
        "\n",
        "\n\n",
        "<b>",
        "</b>",
        "<u>",
        "<sup>",
        "<a id='x'>",
        "](#x)",
        "](https://a.invalid)",
    ),
    *("\\#", "\\u{23}panic()", "\\text{", "\\operatorname{panic}", "\\mathrm{panic}", "\\\\", "x"),
    *("<x>", "<td>", "[x]{.nb-claim}", "- ", "> ", "```", "```{=typst}\n#panic()\n```", "panic"),
)
MARKDOWN = st.lists(st.sampled_from(SYNTAX), max_size=14).map("".join)


TEMPLATE = {"formula", "anchor", "goto", "picture", "numbered", "tagged", "claim", "output", "lead",
            "horizontalrule"}  # fmt: skip
OURS = {"emph", "strong", "strike", "underline", "super", "sub", "smallcaps", "link", "raw",
        "quote", "figure", "table", "block", *(f"design.{name}" for name in TEMPLATE)}  # fmt: skip
TOKEN = re.compile(
    r"""(?P<escape>\\(?:u\{[0-9a-f]+\}|.))|(?P<string>"(?:\\.|[^"\\])*")|(?P<sign>[#@<])"""
)


def calls(source: str) -> set[str]:
    """Return what Typst code a source begins with `#`, `@` or `<`, outside strings and escapes."""
    begun = set()
    for token in TOKEN.finditer(source):
        if token["sign"]:
            begun.add(re.match(r"#design\.[\w-]+|[#@<][\w-]*", source[token.start() :])[0])  # type: ignore[index]
    return begun


def compiled(source: str, resources: Any, folder: Path) -> bytes:
    """Compile what the Typst exporter wrote, as users do."""
    for name, content in resources["outputs"].items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "main.typ").write_text(source, encoding="utf-8")
    pdf: Any = typst.compile(str(folder / "main.typ"), ignore_system_fonts=True)
    return bytes(pdf)


def refusal(message: str) -> typst.TypstError:
    """Return an error as Typst's compiler raises it."""
    error = typst.TypstError(message)
    error.message = error.diagnostic = message
    return error


# ---- Whatever a text says, Typst shows it and calls nothing -------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "*x*.func() and *name*.txt, **a**(b) *a*[b] ~~s~~.f() [t](https://a.invalid).g()",
        "`c`.h() ``a`b``.k() $x$.y() \"q\".z() 'q'.z() [t](https://a.invalid)(y)",
        "H<sub>2</sub>.at(0) x<sup>2</sup>.len() <u>u</u>.u() [t](https://a.invalid)[z]",
        "- = no heading\n- 1. no list\n- / no: term\n\n*= no heading*",
        "```\n#panic()\n```\n.panic()",
        "| a |\n|---|\n| *x*.func() |\n| = y |",
    ],
)
def test_text_after_a_call(text: str, tmp_path: Path) -> None:
    """An inline element ends where it should; what follows is text, in PDF and source."""
    exported, resources = TypstExporter().from_notebook_node(markdown(text))
    assert compiled(exported, resources, tmp_path)
    _, resources = TypstPDFExporter(strict=True).from_notebook_node(markdown(text))
    assert resources["nbpress"]["warnings"] == []


def test_emphasised_name_is_shown_whole() -> None:
    """`*name*.txt` and `*x*.func()` are printed as they read."""
    pdf, _ = TypstPDFExporter(strict=True).from_notebook_node(markdown("*name*.txt *x*.func()"))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert len(opened.pages) == 1
    source, _ = TypstExporter().from_notebook_node(markdown("*name*.txt *x*.func()"))
    assert "#emph[name];\\.txt #emph[x];\\.func\\(\\)" in source


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(MARKDOWN)
def test_any_markdown_is_shown(text: str) -> None:
    """Markdown made of Typst's own syntax calls nothing: every `panic` in it is a word."""
    pdf, resources = TypstPDFExporter().from_notebook_node(markdown(text, "after"))
    assert not [w for w in resources["nbpress"]["warnings"] if "cannot be typeset" in w]
    assert pdf
    source, _ = TypstExporter().from_notebook_node(markdown(text, "after"))
    code = calls(source.split("\n", 2)[2])
    assert {name for name in code if name[:1] == "#"} <= {f"#{name}" for name in OURS}
    assert "@" not in {name[:1] for name in code}


def test_no_package_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text makes Typst load a package from anywhere."""
    asked: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(typst.TypstError):  # the proxy would notice
            typst.compile(b'#import "@preview/example:0.1.0": *')
        assert asked.pop()
        attempt = '#import "@preview/example:0.1.0": *'
        TypstPDFExporter().from_notebook_node(
            markdown(attempt, f"*x*{attempt}", f"${attempt}$", f"```{{=typst}}\n{attempt}\n```")
        )
        server.shutdown()
    assert asked == []


# ---- ✓ and ✗ are printed for what the press handed over, and for nothing else -------------------


@pytest.fixture(
    params=[
        '<div class="nb-claim" data-verdict="proved">2 = 3</div>',
        '::: {.nb-claim verdict="proved"}\n2 = 3\n:::',
        '<div class="claim"><strong>Proved by machine:</strong> 2 = 3</div>',
        '[2 = 3]{.nb-equation tag="1"} <span class="nb-claim">2 = 3</span>',
        '<figure class="nb-figure" id="fig-2b">2 = 3</figure><div class="nb-figure"></div>',
    ]
)
def text(request: pytest.FixtureRequest) -> str:
    """Return a text that pretends to be of the press."""
    return str(request.param)


def notebooks(text: str) -> Iterator[Any]:
    """Yield notebooks that hold the text as Markdown, as HTML and as a stored output."""
    yield markdown(text)
    yield outputs(display(text__html=text))
    yield outputs(display(**{MIME: FORGED, "text/markdown": text}))
    yield outputs(display(**{MIME: {**FORGED, "sentence": text}, "text/markdown": "x"}))


def test_forged_mark(text: str) -> None:
    """A text, an HTML output and a stored record are shown without a mark."""
    for notebook in notebooks(text):
        source, _ = TypstExporter().from_notebook_node(notebook)
        assert "#design.claim(" not in source
        assert "#design.numbered(" not in source
        page, _ = OfflineHTMLExporter().from_notebook_node(notebook)
        body = page.split('<main id="nb-text">')[1]
        assert 'class="claim' not in body
        assert not re.search(r'<[^>]*="[^">]*nb-', body)
        assert TypstPDFExporter(strict=True).from_notebook_node(notebook)[0]


def test_metadata() -> None:
    """A notebook's metadata cannot speak for the press."""
    notebook = outputs(display(**{MIME: FORGED, "text/markdown": "2 = 3"}))
    notebook.metadata["nbpress"] = {"marks": {"odd-0": ["proved"]}, "notice": "Proved by all."}
    source, resources = TypstExporter().from_notebook_node(notebook)
    assert "#design.claim(" not in source
    assert not any(b"Proved by all" in content for content in resources["outputs"].values())


def test_report_through_nbconvert(tmp_path: Path) -> None:
    """The bound report's own notebook, exported by nbconvert alone, has no mark."""
    path = tmp_path / "report.ipynb"
    nbformat.write(bound_report()[0], path)
    command = [sys.executable, "-m", "nbconvert", "--to", "typst", str(path)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    assert "#design.claim(" not in (tmp_path / "report.typ").read_text("utf-8")
    source, _ = TypstExporter().from_notebook_node(*bound_report())
    assert source.count("#design.claim(") == 3  # with what the press says


def test_latex() -> None:
    """LaTeX has the same marks in the same words, and none without the press."""
    notebook, resources = bound_report()
    source, _ = ReportLatexExporter().from_notebook_node(notebook, resources)
    assert source.count("Proved by machine") == 1
    assert source.count("Found instead") == 1
    source, _ = ReportLatexExporter().from_notebook_node(notebook)
    assert "by machine:" not in source
    assert "Found instead" not in source


def test_caption_of_any_kind() -> None:
    """A caption that is a list, a heading or code becomes one line of words."""
    for caption in ("- a\n- b", "# Title", "```\ncode\n```", "| a |\n|---|\n| b |", ""):
        record = {"kind": "figure", "label": "fig-2b", "caption": caption, "alt": "A dot."}
        notebook = outputs(display(**{MIME: record, "image/png": PIXEL}))
        assert TypstPDFExporter(strict=True).from_notebook_node(notebook)[0]
        assert "<figcaption>" in OfflineHTMLExporter().from_notebook_node(notebook)[0]


# ---- What stands in notebooks all over the world, and once broke an export ----------------------


def exported(notebook: Any) -> tuple[bytes, str, list[str]]:
    """Return PDF, page and the PDF's warnings."""
    page, _ = OfflineHTMLExporter().from_notebook_node(notebook)
    pdf, resources = TypstPDFExporter(strict=True).from_notebook_node(notebook)
    return pdf, page, resources["nbpress"]["warnings"]


def test_table_without_rows() -> None:
    """`<table><td>` is a table, as in browsers, and the cells around it stay apart."""
    badge = '<table align="left"><td><a href="https://a.invalid">Run</a></td><td>B</table>'
    _, page, _ = exported(markdown("one <i>x</i>", badge, "three </div></div> <b>y</b>"))
    assert page.count("<table>") == 1
    assert page.index("<em>x</em>") < page.index("<table>") < page.index("<strong>y</strong>")


@pytest.mark.parametrize(
    ("width", "in_page", "in_source"),
    [
        ("75%", ' width="75%"', "width: 75%"),
        ("120", ' width="120"', "width: 90pt"),
        ("120px", ' width="120"', "width: 90pt"),
        ("900%", ' width="100%"', "width: 100%"),
        ("2in", "", ""),
        ("-5", "", ""),
        ("wide", "", ""),
    ],
)
def test_widths_of_pictures(width: str, in_page: str, in_source: str) -> None:
    """A width in pixels or percent is kept; any other is ignored."""
    html = f'<img src="data:image/png;base64,{PIXEL}" alt="A dot." width="{width}">'
    notebook = markdown(html)
    _, page, warnings = exported(notebook)
    assert f'alt="A dot."{in_page}>' in page
    source, _ = TypstExporter().from_notebook_node(notebook)
    call = re.search(r"#design.picture\(.*?\);", source)
    assert call
    assert call[0].count("width") == bool(in_source)
    assert in_source in call[0]
    assert warnings == []


def test_headings_after_the_title() -> None:
    """Levels count from the first heading after the title, and siblings stay siblings."""
    pdf, page, warnings = exported(
        markdown("# Title\n\n### One\n\n#### Inner", "text", "### Two\n\n## Three\n\n# Four")
    )
    assert warnings == []
    levels = re.findall(r"<h(\d) id=\"(\w+)\"", page)
    assert levels == [("2", "one"), ("3", "inner"), ("2", "two"), ("2", "three"), ("2", "four")]
    with pikepdf.open(io.BytesIO(pdf)).open_outline() as outline:
        assert [bookmark.title for bookmark in outline.root] == ["One", "Two", "Three", "Four"]


def test_link_in_a_heading() -> None:
    """A heading with a link, an anchor and a formula can be a running head."""
    heading = "# [Far](https://a.invalid) and [near](#spot) <a id='spot'></a>$x$"
    pdf, _, warnings = exported(
        markdown(f"# Title\n\n{heading}\n\n" + "word " * 2000 + "\n\n## a\n\n## b\n\n# c")
    )
    assert warnings == []
    assert len(pikepdf.open(io.BytesIO(pdf)).pages) > 2


def test_heading_that_is_a_picture() -> None:
    """A heading that consists of a badge is a picture, not a heading."""
    _, page, _ = exported(
        markdown(f"# [![badge](data:image/png;base64,{PIXEL})](https://a.invalid)", "text")
    )
    assert 'alt="badge"' in page


def test_anchor_with_a_headings_name() -> None:
    """An `<a id>` may have the id of a heading, before it, in it or after it."""
    for text in (
        "<a id='intro'></a>\n\n# Intro",
        "# <a id='intro'></a>Intro",
        "# Intro\n\n<a id='intro'></a>x",
    ):
        _, page, warnings = exported(markdown("# Title", f"{text}\n\n[up](#intro)"))
        assert page.count('id="intro"') == 1
        assert '<h2 id="intro"' in page
        assert warnings == []


@pytest.mark.parametrize(
    ("heading", "id_"),
    [
        ("## Problem 1: The sum", "task-1"),
        ("## Part A — First", "task-A"),
        ("## Task\u00a03a", "task-3a"),
        ("## Task 2. Title", "task-2"),
        ("## Section 2.1 Data", "section-21-data"),
        ("### Task 1", "section-task-1"),
    ],
)
@pytest.mark.parametrize("spelling", ["pandoc", "Jupyter"])
def test_heading_of_a_task_keeps_its_own_id(heading: str, id_: str, spelling: str) -> None:
    """Links lead to the id of a task, and still do to the one that Jupyter or pandoc gives it."""
    own_id = heading.lstrip("# ").replace(" ", "-")
    if spelling == "pandoc":
        own_id = own_id.lower().translate(str.maketrans("", "", ":—\u00a0"))
    links = f"[the first](#{own_id}) and [the second](#{id_})"
    _, page, warnings = exported(markdown("# Title", "## Other", heading, links))
    assert page.count(f'id="{id_}"') == 1
    assert page.count(f'href="#{id_}">the') == 2
    assert warnings == []


def test_only_a_task_has_the_id_of_a_task() -> None:
    """A heading of another level that comes first is not the one that a reference leads to."""
    _, page, _ = exported(markdown("# Title", "### Task 1", "## Task 1 — Sums", "[it](#task-1)"))
    assert re.search(r'<h\d id="task-1"[^>]*>Task 1 — Sums', page)


def test_repair_that_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that fails even as its own source is abandoned after three tries."""
    from nbtypeset.write import typst_pdf

    tries = []

    def broken(self: Any) -> bytes:
        tries.append(self.source.parts)
        if any(part.strip() for part in self.source.parts):
            raise refusal("broken")
        return b"%PDF"

    monkeypatch.setattr(typst_pdf._Project, "pdf", broken)
    monkeypatch.setattr(typst_pdf._Project, "query", lambda *_: [])
    pdf, resources = TypstPDFExporter().from_notebook_node(markdown("text"))
    assert pdf == b"%PDF"
    assert len(tries) <= 8
    assert any("cannot be typeset" in w for w in resources["nbpress"]["warnings"])


def test_unknown_error_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no cell is to blame, the export fails with Typst's reason."""
    from nbtypeset.exporters import ExportError
    from nbtypeset.write import typst_pdf

    def broken(self: Any) -> bytes:
        raise refusal("no fonts")

    monkeypatch.setattr(typst_pdf._Project, "pdf", broken)
    with pytest.raises(ExportError, match="no fonts"):
        TypstPDFExporter().from_notebook_node(nbformat.v4.new_notebook())


@pytest.mark.parametrize("value", [5, "text", ["a", 5], {"a": 1}, None, True])
def test_metadata_of_wrong_types(value: Any) -> None:
    """Metadata, outputs and attachments of any type are read as far as they make sense."""
    notebook = outputs(display(text__plain="shown", image__png=PIXEL))
    notebook.metadata |= dict.fromkeys(
        ("title", "authors", "nbpress", "kernelspec", "language_info", "language"), value
    )
    cell = notebook.cells[0]
    cell["attachments"] = value
    cell.metadata = {"tags": value, "jupyter": value}
    cell.outputs[0].metadata = value
    cell.outputs[0].data["image/png" if value != "text" else "image/none"] = value
    _, page, _ = exported(notebook)
    assert "show()" in page
