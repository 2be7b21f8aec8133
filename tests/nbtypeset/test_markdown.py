"""Markdown and HTML that Jupyter shows are in every form of a document, or a warning names them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fixtures.odd_notebooks import PIXEL, display, markdown, outputs
from fixtures.printed import text_in
from PIL import Image

from nbtypeset.exporters import (
    OfflineHTMLExporter,
    ReportLatexExporter,
    TypstExporter,
    TypstPDFExporter,
)
from nbtypeset.pandoc import read_markdown
from nbtypeset.read.markdown import as_in_jupyter
from nbtypeset.tree import Node, nodes, plain

NOTE = "See[^1].\n\n[^1]: The *small* print.\n\n    ```python\n    a = {1}\n    ```\n"


def read(source: str) -> list[Node]:
    """Return the blocks of a Markdown text."""
    return read_markdown([as_in_jupyter(source)])[0]


def kinds(source: str) -> list[str]:
    """Return the types of a text's blocks."""
    return [block["t"] for block in read(source)]


def exported(exporter: Any, notebook: Any, folder: Path = Path()) -> tuple[Any, list[str]]:
    """Return a document and its warnings."""
    resources = {"metadata": {"path": str(folder), "name": "T"}}
    content, resources = exporter(show_code=False).from_notebook_node(notebook, resources)
    return content, resources["nbpress"]["warnings"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("3) drei\n4) vier", ["OrderedList"]),
        ("Text\n1) eins", ["Para", "OrderedList"]),
        ("see (Fig.\n3) for it", ["Para"]),
        ("    3) code", ["CodeBlock"]),
        ("Text\n| a | b |\n|---|---|\n| 1 | 2 |", ["Para", "Table"]),
        ("a | b\n--|--\n- | -\n1 | 2", ["Table"]),
        ("Head\n---\n\nText", ["Header", "Para"]),
        ('<div align="center">\n\n**Fig. 1**\n\n</div>\n\nText', ["Div", "Para"]),
        ("<details><summary>S</summary>\n\n- a\n\n</details>\nB", ["Para", "BulletList", "Para"]),
        ("<ul>\n    <li>a\n        <ul><li>b</li></ul>\n    </li>\n</ul>", ["BulletList"]),
        ("<pre>\n    3) a\n\n    b\n</pre>\n\nText", ["CodeBlock", "Para"]),
        ("<div>\n    <pre>\n  a\n    </pre>\n    <p>b</p>\n</div>", ["Div"]),
        ("<div>\n    3) a\n</div>\n\n    code", ["Div", "CodeBlock"]),
        ("1. a\n\n   <p>\n     b\n   </p>\n\n2. c", ["OrderedList"]),
        ("- [x] a\n- [ ] b\n\nH<sub>2</sub>O", ["BulletList", "Para"]),
    ],
)
def test_text_has_the_blocks_that_jupyter_shows(source: str, expected: list[str]) -> None:
    """Lists, tables and paragraphs begin where they do in JupyterLab."""
    assert kinds(source) == expected


def test_numbers_of_a_list_are_kept() -> None:
    """A list that begins with 3 is not counted from one."""
    assert read("3) drei\n4) vier")[0]["c"][0][0] == 3


def test_verbatim_text_is_not_respelled() -> None:
    """In code and formulas, what looks like a list, a table or a footnote stays as it is."""
    source = "```\n3) x\nText\n| a | b |\n|---|---|\n[^9]: y\n```\n\n$$\n3) x\n$$\n\n    3) code"
    assert as_in_jupyter(source) == source


def test_deep_quotation_costs_no_time() -> None:
    """Each sign is read once, with or without a blank behind it."""
    for quote in ("> " * 5000, ">" * 5000, "  > " * 5000):
        assert as_in_jupyter(quote + "x") == quote + "x"


def test_backslash_at_the_end_breaks_the_line() -> None:
    """It is not printed."""
    assert [n["t"] for n in read("a\\\nb")[0]["c"]] == ["Str", "LineBreak", "Str"]


def test_what_html_cannot_hold_survives_beside_html() -> None:
    """Boxes of a task list and footnotes are kept in a text that also has a tag."""
    blocks = read("- [x] a\n- [ ] b\n\nH<sub>2</sub>O[^1]\n\n[^1]: Note<sub>3</sub>")
    assert plain(blocks) == "☒ a☐ bH2ONote3"
    notes = [each for each in nodes(blocks) if each["t"] == "Note"]
    assert [each["t"] for each in notes[0]["c"][0]["c"]] == ["Str", "Subscript"]


@pytest.mark.parametrize(
    ("exporter", "expected"),
    [
        (TypstExporter, r"See#footnote\[The #emph\[small\];"),
        (OfflineHTMLExporter, r'(?s)href="#footnote:1".*<li id="footnote:1">\n<p>The <em>small'),
        (ReportLatexExporter, r"(?s)See\\footnote\{The \\emph\{small\} print.*\\texttt\{a"),
    ],
)
def test_footnote_is_a_footnote(exporter: Any, expected: str) -> None:
    """Every format has its own kind; there is nothing to warn of."""
    content, warnings = exported(exporter, markdown(NOTE))
    assert re.search(expected, content)
    assert not warnings


def test_footnote_in_a_heading_is_in_parentheses() -> None:
    """A table of contents has no footnotes, and a title neither."""
    content, _ = exported(OfflineHTMLExporter, markdown("# Top[^a]\n\nA\n\n[^a]: Note"))
    assert "<h1>Top (Note)</h1>" in content


def test_footnote_without_a_reference_is_text() -> None:
    """Nothing else would show it."""
    assert plain(read("Text\n[^1]: Lost")) == "Text[^1]: Lost"


def test_pdf_with_footnotes_is_accessible() -> None:
    """Typst compiles it as PDF/UA-1, and the note is on the page."""
    pdf, warnings = exported(TypstPDFExporter, markdown(NOTE))
    assert "small print" in text_in(pdf)
    assert not warnings


def test_captioned_table_is_counted_among_those_with_a_number() -> None:
    """Tables without a caption show no number, and take none."""
    table = "<table>{}<tr><td>1</td></tr></table>"
    bare = display(text__html=table.format(""))
    named = display(text__html=table.format("<caption>All</caption>"))
    for exporter in (TypstPDFExporter, OfflineHTMLExporter):
        content, _ = exported(exporter, outputs(bare, bare, named))
        shown = text_in(content) if isinstance(content, bytes) else re.sub("<[^>]*>", "", content)
        assert "Table 1 All" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("data", "message", "text"),
    [
        (
            {
                "application/vnd.plotly.v1+json": {"data": []},
                "text/html": "<p></p><script></script>",
            },
            "output cannot be shown: application/vnd.plotly.v1+json, text/html",
            "",
        ),
        (
            {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider(value=0)"},
            "output cannot be shown: application/vnd.jupyter.widget-view+json; only its text is",
            "IntSlider(value=0)",
        ),
        (
            {
                "text/html": "<iframe></iframe>",
                "text/plain": "<IPython.lib.display.IFrame at 0x7f>",
            },
            "output cannot be shown: text/html",
            "",
        ),
        ({"text/html": "One <svg></svg>"}, "<svg> cannot be shown", "One"),
    ],
)
def test_output_for_browsers_only_gives_a_warning(
    data: dict[str, Any], message: str, text: str
) -> None:
    """It names the cell and the formats; a text is shown instead if it says anything."""
    pdf, warnings = exported(TypstPDFExporter, outputs(display(**data)))
    assert [warning.partition(": ")[2] for warning in warnings] == [message]
    assert " ".join(text_in(pdf).replace("1 / 1", "").split()) == f"T {text}".strip()


def test_style_sheet_gives_no_warning() -> None:
    """It shows nothing, in a browser neither."""
    data = {"text/html": "<style>a{}</style>", "text/plain": "<IPython.core.display.HTML object>"}
    assert exported(OfflineHTMLExporter, outputs(display(**data)))[1] == []


def test_frame_in_a_text_gives_a_warning() -> None:
    """The text around it is kept."""
    source = 'See <iframe src="https://a.example"></iframe> and `<iframe>`.'
    content, warnings = exported(OfflineHTMLExporter, markdown(source))
    assert [warning.partition(": ")[2] for warning in warnings] == ["<iframe> cannot be shown"]
    assert "<code>&lt;iframe&gt;</code>" in content


@pytest.mark.parametrize(
    ("given", "typst", "html", "latex"),
    [
        ('width="50%"', "width: 50%", 'width="50%"', r"width=0.5\linewidth"),
        ("height=40px", "height: 30pt", 'height="40"', "height=30bp"),
        ('style="max-width: 9%; width:25%"', "width: 25%", 'width="25%"', r"width=0.25\linewidth"),
    ],
)
def test_picture_has_the_size_that_is_given(
    given: str, typst: str, html: str, latex: str, tmp_path: Path
) -> None:
    """Width, height and style count in every format."""
    Image.new("RGB", (400, 200), "red").save(tmp_path / "a.png")
    notebook = markdown(f'<img src="a.png" {given} alt="A">')
    for exporter, size in zip(
        (TypstExporter, OfflineHTMLExporter, ReportLatexExporter), (typst, html, latex), strict=True
    ):
        assert size in exported(exporter, notebook, tmp_path)[0]


@pytest.mark.parametrize("frame", ["{}", "| A | B |\n|---|---|\n| {} | b |"])
def test_picture_of_a_share_of_the_line_is_printed(frame: str, tmp_path: Path) -> None:
    """It is red on the page, in a table too, where a line has no width of its own."""
    import pypdfium2

    Image.new("RGB", (400, 200), "red").save(tmp_path / "a.png")
    notebook = markdown(frame.format('<img src="a.png" width="50%" alt="A">'))
    pdf, _ = exported(TypstPDFExporter, notebook, tmp_path)
    page = pypdfium2.PdfDocument(pdf)[0].render().to_pil().convert("RGB")
    red = [n for n, colour in page.getcolors(1 << 24) or [] if colour == (255, 0, 0)]
    assert sum(red) > 5000


def test_figure_with_a_caption_in_html_is_numbered_in_every_format() -> None:
    """Its number is none that another figure has."""
    picture = f'<img src="data:image/png;base64,{PIXEL}" alt="A">'
    source = f"<figure>{picture}<figcaption>Dot</figcaption></figure>"
    pdf, _ = exported(TypstPDFExporter, markdown(source, source))
    page, _ = exported(OfflineHTMLExporter, markdown(source, source))
    tex, _ = exported(ReportLatexExporter, markdown(source, source))
    assert re.findall(r"Figure (\d) Dot", text_in(pdf)) == ["1", "2"]
    assert re.findall(r"<strong>Figure (\d)</strong> Dot", page) == ["1", "2"]
    assert re.findall(r"setcounter\{figure\}\{(\d)\}\s+\\captionof\{figure\}\{Dot", tex) == [
        "0",
        "1",
    ]


def test_table_in_a_table_is_words_in_latex() -> None:
    """TeX has no tables in tables of this kind."""
    inner = "<table><caption>In</caption><tr><td>a</td><td>b</td></tr></table>"
    tex, _ = exported(ReportLatexExporter, markdown(f"<table><tr><td>{inner}</td></tr></table>"))
    assert tex.count(r"\begin{longtable}") == 1
    assert "Table 1: In" in " ".join(tex.split())


def test_box_to_tick_is_a_sign() -> None:
    """A list of controls in HTML stays a list."""
    source = "<ul><li><input type=checkbox checked> a</li><li><input type=checkbox> b</li></ul>"
    assert kinds(source) == ["BulletList"]
    assert plain(read(source)) == "☒ a☐ b"
