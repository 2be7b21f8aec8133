"""Derivations as they are printed: numbers beside formulas, and marks that the press gives."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pikepdf
import pytest
import typst
from fixtures.odd_notebooks import PIXEL, display, markdown, outputs
from fixtures.printed import text_in

from nbtypeset import pandoc
from nbtypeset.equations import UnmatchedError
from nbtypeset.exporters import (
    OfflineHTMLExporter,
    ReportLatexExporter,
    ReportLatexPDFExporter,
    TypstExporter,
    TypstPDFExporter,
)
from nbtypeset.schema import MIME_TYPE, Derivation, Imprint
from nbtypeset.tree import Node, nodes

# As the press hands it over, and as JupyterLab shows and keeps it.
BOUND = "We set\n\n$$\na := 2 b\n\\tag{1}\n$$\n\nand find\n\n$$\nb = c\n\\tag{2}\n\\label{half}\n$$"
STORED = (
    "We set\n\n$$\na := 2 b\n$$\n\nand find\n\n$$\nb = c\n\\tag{✓}\n\\label{half}\n$$"
    "\n\n✓ the 1 equality marked ✓."
)
RECORD = Derivation("one equality.").to_json()
FORMULAS = ("a := 2 b", "b = c")
VERDICTS = ("", "proved")
HTML_FORMULA = re.compile(r'aria-label="([^"]*)".*?(?:<span class="(tag[^"]*)"[^>]*>([^<]*)<|</p>)')


def derived(text: str = BOUND) -> Any:
    """Return a notebook with a derivation; its cell is "odd-0"."""
    return outputs(display(**{MIME_TYPE: RECORD, "text/markdown": text}))


def judged(*verdicts: str, formulas: Sequence[str] = FORMULAS, cell: str = "odd-0") -> Any:
    """Return what the press says of the formulas of the derivation."""
    pairs = list(zip(formulas, verdicts, strict=False))
    return {"nbpress": {"imprint": Imprint(title="T", judged={cell: pairs})}}


def typst_of(notebook: Any, resources: Any = None) -> str:
    """Return the body of the Typst source."""
    source: str = TypstExporter().from_notebook_node(notebook, resources)[0]
    return source


def page_of(notebook: Any, resources: Any = None) -> str:
    """Return the body of the page, in one line."""
    page: str = OfflineHTMLExporter().from_notebook_node(notebook, resources)[0]
    return page.split('<main id="nb-text">')[1].replace("\n", " ")


def latex_of(notebook: Any, resources: Any = None) -> str:
    """Return the body of the LaTeX source."""
    source: str = ReportLatexExporter().from_notebook_node(notebook, resources)[0]
    return source.split(r"\begin{document}")[1]


def formulas_of(notebook: Any, resources: Any = None) -> list[tuple[str, ...]]:
    """Return alternative, class and number of the formulas of the page."""
    return HTML_FORMULA.findall(page_of(notebook, resources))


def alternatives(pdf: bytes) -> list[str]:
    """Return the alternative texts of a PDF's formulas."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [
            str(element["/Alt"])
            for element in opened.objects
            if isinstance(element, pikepdf.Dictionary)
            and element.get("/S") == "/Formula"
            and "/Alt" in element
        ]


def test_proved_formula_has_a_mark_in_typst() -> None:
    """The mark is beside its number, and in words in its alternative; a definition has neither."""
    source = typst_of(derived(), judged(*VERDICTS))
    assert '#design.tagged("", "(1)", false)[#design.formula("a : equals 2 b")[' in source
    second = (
        '#design.tagged("eq-half", "(2)", true)[#design.formula("b equals c; proved by machine")['
    )
    assert second in source
    assert source.count('#design.claim(true, "Proved by machine")[\none equality\\.') == 1


def test_proved_formula_has_a_mark_in_the_pdf() -> None:
    """The words are in the structure tree, where a screen reader finds them; the sign is drawn."""
    pdf, _ = TypstPDFExporter(strict=True).from_notebook_node(derived(), judged(*VERDICTS))
    assert alternatives(pdf) == ["a : equals 2 b", "b equals c; proved by machine"]
    plain, _ = TypstPDFExporter(strict=True).from_notebook_node(derived(), judged("", ""))
    assert alternatives(plain) == ["a : equals 2 b", "b equals c"]


def test_mark_is_drawn_beside_the_number_of_what_is_proved(tmp_path: Path) -> None:
    """Of two otherwise equal documents, one draws the sign once more."""
    strokes = []
    for proved in ("false", "true"):
        source, resources = TypstExporter().from_notebook_node(derived(), judged("", ""))
        assert source.count("false)[#design.formula(") == 2
        source = source.replace("false)[#design.formula(", f"{proved})[#design.formula(", 1)
        for name, content in resources["outputs"].items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        (tmp_path / "main.typ").write_text(source, "utf-8")
        svg = typst.compile(tmp_path / "main.typ", format="svg")
        strokes.append(len(re.findall(rb'stroke-linecap="round"', svg)))  # type: ignore[arg-type]
    assert strokes[1] == strokes[0] + 1


def test_proved_formula_has_a_mark_on_the_page() -> None:
    """Number and alternative state it; the style draws the sign, which is not read out twice."""
    notebook, resources = derived(), judged(*VERDICTS)
    assert formulas_of(notebook, resources) == [
        ("a : equals 2 b", "tag", "(1)"),
        ("b equals c; proved by machine", "tag proved", "(2)"),
    ]
    assert 'class="tag proved" title="Proved by machine">(2)<' in page_of(notebook, resources)
    whole, _ = OfflineHTMLExporter().from_notebook_node(notebook, resources)
    assert '.tag.proved::before { content: "✓ " / "";' in whole


def test_proved_formula_has_a_mark_in_latex() -> None:
    """It stands before the number, to which references lead."""
    source = latex_of(derived(), judged(*VERDICTS))
    assert r"\tag*{(1)}" in source
    assert r"\tag*{\textcolor{accent}{✓} (2)}\label{eq-half}" in source
    assert source.count("✓") == 2  # the other is that of the summary
    assert source.count(r"\claimmark{✓}{Proved by machine} one equality.") == 1


@pytest.mark.skipif(not shutil.which("xelatex"), reason="no TeX: apt-get install texlive-xetex")
def test_mark_is_in_the_pdf_by_tex() -> None:
    """TeX sets it without complaint, once, beside the second number."""
    resources = judged(*VERDICTS)
    pdf, _ = ReportLatexPDFExporter(strict=True).from_notebook_node(derived(), resources)
    printed = text_in(pdf)
    assert "✓ (2)" in printed
    assert "✓ (1)" not in printed


def test_formulas_without_verdicts_have_no_mark() -> None:
    """They are numbered all the same."""
    notebook, resources = derived(), judged("", "")
    assert [kind for _, kind, _ in formulas_of(notebook, resources)] == ["tag", "tag"]
    assert "proved by machine" not in typst_of(notebook, resources)
    assert r"✓} (" not in latex_of(notebook, resources)


@pytest.mark.parametrize(
    ("formulas", "expected", "shown"),
    [
        (("b = c",), "$b = c$", "$a := 2 b$"),
        (("a := 2 b",), "none", "$b = c$"),
        (("a := 2 b", "b = c", "c = d"), "$c = d$", "none"),
        (("b = c", "a := 2 b"), "$b = c$", "$a := 2 b$"),
        (("a := 2 b", "b = c$$ $$d"), "$b = c$, $d$", "$b = c$"),
    ],
)
def test_formulas_that_were_not_judged_stop_the_export(
    formulas: Sequence[str], expected: str, shown: str
) -> None:
    """Otherwise one would get the mark of another."""
    resources = judged(*["proved"] * len(formulas), formulas=formulas)
    for exporter in (TypstExporter(), OfflineHTMLExporter(), ReportLatexExporter()):
        with pytest.raises(UnmatchedError) as raised:
            exporter.from_notebook_node(derived(), resources)
        assert str(raised.value).startswith(
            "cell 1 (id odd-0): the derivation must show the formulas that were judged, and "
            f"number no others: expected {expected} next, got {shown}. "
        )


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "```\n{}\n```",
        "    {}",
        "<script>\n{}\n</script>",
        "<style>\n{}\n</style>",
        "See[^1].\n\n[^1]: {}",
        f"![{{}}](data:image/png;base64,{PIXEL})",
    ],
)
@pytest.mark.parametrize(
    "instead", ["$$1 = 2\\tag{2}$$", "<p>&#36;&#36;1 = 2&#92;tag{2}&#36;&#36;</p>", ""]
)
def test_formula_that_is_not_shown_stops_the_export(hidden: str, instead: str) -> None:
    """A false formula in its place would get its mark."""
    text = f"$$a := 2 b\\tag{{1}}$$\n\n{instead}\n\n{hidden.format('$$b = c$$')}"
    with pytest.raises(UnmatchedError, match=r"expected \$b = c\$ next, got"):
        TypstExporter().from_notebook_node(derived(text), judged(*VERDICTS))


def test_numbered_formula_in_a_footnote_does_not_count_as_shown() -> None:
    """A reader of the derivation would not see it where it belongs."""
    text = "$$a := 2 b\\tag{1}$$\n\nSee[^1].\n\n[^1]: $$b = c\\tag{2}$$"
    for exporter in (TypstExporter(), OfflineHTMLExporter(), ReportLatexExporter()):
        with pytest.raises(UnmatchedError, match=r"expected \$b = c\$ next, got none"):
            exporter.from_notebook_node(derived(text), judged(*VERDICTS))


@pytest.mark.parametrize("text", [BOUND, STORED])
def test_no_mark_without_the_press(text: str) -> None:
    """What a cell, its metadata or the notebook's claim about themselves is no mark."""
    notebook = derived(text)
    notebook.metadata["nbpress"] = {"marks": {"odd-0": ["", "proved"]}}
    notebook.cells[0].metadata["verdicts"] = ",proved"
    notebook.cells[0].outputs[0].data[MIME_TYPE]["marks"] = ["", "proved"]
    for source in (typst_of(notebook), page_of(notebook), latex_of(notebook)):
        assert "✓" not in source
        assert "roved" not in source
        assert "true)" not in source
        assert "one equality" not in source  # a summary says what was proved
    assert len(formulas_of(notebook)) == 2


def test_no_mark_in_another_cell() -> None:
    """Marks go by the cell's id; a formula in a Markdown cell does not count."""
    other = judged(*VERDICTS, cell="other")
    assert "true)" not in typst_of(derived(), other)
    assert "true)" not in typst_of(markdown(BOUND), judged(*VERDICTS))


def test_tag_that_looks_like_a_mark_is_none() -> None:
    """The tag is no mark; the formula stays, with a number if it has a label."""
    notebook = markdown("$$a = b\\tag{✓ 3}$$\n\n$$a = c\\tag*{✗}\\label{x}$$")
    for source in (typst_of(notebook), page_of(notebook), latex_of(notebook)):
        assert not set(source) & set("✓✗")
    assert '#design.tagged("eq-x", "(1)", false)[' in typst_of(notebook)
    assert '#design.formula("a equals b")[$ a = b $]' in typst_of(notebook)


def test_derivation_through_nbconvert(tmp_path: Path) -> None:
    """JupyterLab's saved derivation can be exported by nbconvert alone."""
    nbformat.write(derived(STORED), tmp_path / "derived.ipynb")
    for form in ("typst", "offline-html", "report-latex"):
        command = [sys.executable, "-m", "nbconvert", "--to", form, "derived.ipynb"]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    assert "true)" not in (tmp_path / "derived.typ").read_text("utf-8")
    assert 'class="tag"' in (tmp_path / "derived.html").read_text("utf-8")
    assert 'class="tag proved"' not in (tmp_path / "derived.html").read_text("utf-8")
    assert "✓" not in (tmp_path / "derived.tex").read_text("utf-8").split("begin{document}")[1]


def test_pandoc_sees_its_own_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts are kept from pandoc: a stricter one might refuse a node with a third key."""
    written: list[Node] = []
    write = pandoc.write_logged

    def watched(blocks: list[Node], *rest: str) -> Any:
        written.extend(nodes(json.loads(json.dumps(blocks))))
        return write(blocks, *rest)

    monkeypatch.setattr(pandoc, "write_logged", watched)
    for read in (typst_of, page_of, latex_of):
        del written[:]
        read(derived(), judged(*VERDICTS))
        kinds = {node["t"]: node.keys() for node in written}
        assert all(not kind.startswith("nb:") for kind in kinds)
        assert not [node for node in written if node.keys() - {"t", "c"}]
        raw = json.dumps(written)
        assert "b = c" in raw
