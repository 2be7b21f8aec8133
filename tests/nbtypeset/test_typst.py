"""Notebooks as accessible PDF and as Typst."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import typst
from fixtures.bound_report import bound_report
from fixtures.odd_notebooks import ODD, PIXEL, display, markdown, outputs
from fixtures.printed import text_in
from nbconvert.exporters import get_exporter

from nbtypeset.exporters import (
    ExportError,
    OfflineHTMLExporter,
    ReportLatexExporter,
    TypstExporter,
    TypstPDFExporter,
)
from nbtypeset.schema import MIME_TYPE, Imprint
from nbtypeset.titles import day_in_words

CLAIM = {"kind": "claim", "task": "1a", "text": "it holds", "holds": True}


def pdf_of(notebook: Any, resources: Any = None, **traits: Any) -> tuple[bytes, list[str]]:
    """Return the PDF and the warnings."""
    resources = resources or {"metadata": {"name": "a notebook"}}
    pdf, resources = TypstPDFExporter(**traits).from_notebook_node(notebook, resources)
    return pdf, resources["nbpress"]["warnings"]


def source_of(notebook: Any, resources: Any = None, **traits: Any) -> str:
    """Return the Typst source."""
    source: str = TypstExporter(**traits).from_notebook_node(notebook, resources)[0]
    return source


def elements(node: Any) -> Any:
    """Yield the structure elements of a tagged PDF."""
    if isinstance(node, pikepdf.Array):
        for kid in node:
            yield from elements(kid)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node.K)


@pytest.fixture(scope="module")
def report() -> Any:
    """Return the bound report as an open PDF."""
    return pikepdf.open(io.BytesIO(pdf_of(*bound_report())[0]))


def test_report_says_what_it_is(report: Any) -> None:
    """Title, language and PDF/UA-1 are in the file's metadata."""
    assert str(report.docinfo.Title) == "Logistic and softmax regression, from scratch"
    assert str(report.Root.Lang) == "en"
    with report.open_metadata() as meta:
        assert meta["pdfuaid:part"] == "1"


def test_report_is_tagged(report: Any) -> None:
    """Formulas and figures carry an alternative text; headings, lists and tables are tagged."""
    structure = list(elements(report.Root.StructTreeRoot.K))
    kinds = {str(e.S) for e in structure}
    assert {"/Figure", "/Formula", "/H1", "/H2", "/Table", "/TH", "/TD", "/Caption"} <= kinds
    with_alt = [e for e in structure if str(e.S) in ("/Figure", "/Formula")]
    assert all(str(e.get("/Alt", "")).strip() for e in with_alt)
    assert not any(set(str(e.Alt)) & set("\\{}") for e in with_alt)
    assert sum("Two falling curves" in str(e.Alt) for e in with_alt) == 12


def test_first_page_has_key_results_before_the_contents(report: Any) -> None:
    """It has occasion, date and data in words; references are links, formulas are spoken."""
    source = source_of(*bound_report())
    before, after = source.split("#design.contents()")
    assert "#design.results[" in before
    assert '#design.goto("fig-2d")' in before
    assert "= Derivations" in after
    text = text_in(pdf_of(*bound_report())[0])
    assert "ML 101 Learning & doing · Assignment 1" in text
    assert "3 February 2022" in text
    assert text.index("Key results") < text.index("546 steps") < text.index("Contents")


def test_report_without_a_visible_part_has_its_title() -> None:
    """A notebook whose only cell is silent code is set, too."""
    resources = {"nbpress": {"imprint": Imprint(title="Silent", show_code=False)}}
    pdf, _ = pdf_of(outputs(), resources)
    assert "Silent" in text_in(pdf)


def test_key_results_that_cannot_be_set_cost_no_contents() -> None:
    """They become a note; the contents and the title page stay."""
    notebook, resources = bound_report()
    broken = ["![x](data:image/png;base64,AA)"]
    imprint = replace(resources["nbpress"]["imprint"], key_results=broken)
    pdf, warnings = pdf_of(notebook, {"nbpress": {"imprint": imprint}})
    assert any("key results" in warning for warning in warnings)
    assert "Contents" in text_in(pdf)


@pytest.mark.parametrize(
    ("date", "language", "day"),
    [
        ("2022-02-03", "en", "3 February 2022"),
        ("2026-12-31", "en", "31 December 2026"),
        ("2022-02-03", "de", "2022-02-03"),
        ("soon", "en", "soon"),
    ],
)
def test_date_is_written_out(date: str, language: str, day: str) -> None:
    """It is written out in English; in other languages it stays as it is."""
    assert day_in_words(date, language) == day


def test_report_has_bookmarks_of_chapters_and_tasks(report: Any) -> None:
    """Chapters and the tasks below them are in the outline."""
    with report.open_outline() as outline:
        chapters = {
            bookmark.title: [kid.title for kid in bookmark.children] for bookmark in outline.root
        }
    assert "Task 2d — Early stopping" in chapters["Logistic regression"]
    assert list(chapters)[-1] == "Appendix"


def test_report_embeds_its_fonts(report: Any) -> None:
    """Every font is in the file, so that the report prints the same everywhere."""
    fonts = [
        font
        for page in report.pages
        for font in page.resources.get("/Font", pikepdf.Dictionary()).values()
    ]
    assert fonts
    for font in fonts:
        for descendant in font.get("/DescendantFonts", [font]):
            assert any(key.startswith("/FontFile") for key in descendant.FontDescriptor.keys())


def test_cross_references_lead_to_their_places(report: Any) -> None:
    """Links to figures, tables and tasks are links within the PDF."""
    source = source_of(*bound_report())
    assert '#design.goto("fig-2b")' in source
    assert '#design.goto("tab-a")' in source
    assert "<task-2d>" in source
    links = [a for page in report.pages for a in page.get("/Annots", []) if a.Subtype == "/Link"]
    assert len(links) > 40


def captioned_in_german() -> tuple[Any, Any]:
    """Return a notebook with a figure and a table, and German as its language."""
    figure = {"kind": "figure", "label": "fig-1", "caption": "One.", "alt": "A dot."}
    table = {"kind": "table", "label": "tab-1", "caption": "Two."}
    notebook = outputs(
        display(**{MIME_TYPE: figure, "image/png": PIXEL}),
        display(**{MIME_TYPE: table, "text/markdown": "| a |\n|---|\n| b |"}),
    )
    return notebook, {"nbpress": {"imprint": Imprint(title="T", language="de")}}


def test_captions_say_what_references_say() -> None:
    """They say Figure and Table in a report of any language, as the page and the links do."""
    text = text_in(pdf_of(*captioned_in_german())[0])
    assert "Figure 1" in text
    assert "Table 1" in text


def test_same_notebook_gives_the_same_bytes() -> None:
    """The PDF depends on the notebook alone."""
    assert pdf_of(*bound_report())[0] == pdf_of(*bound_report())[0]


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Hash seeds, folders and process ids leave no trace in the PDF."""
    import nbformat

    notebook = tmp_path / "report.ipynb"
    nbformat.write(bound_report()[0], notebook)
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "typst-pdf",
        "--output-dir",
        str(tmp_path),
    ]
    subprocess.run([*command, str(notebook)], check=True, capture_output=True, cwd=tmp_path)
    here = pdf_of(bound_report()[0], {"metadata": {"name": "report"}})[0]
    assert (tmp_path / "report.pdf").read_bytes() == here


def test_code_is_shown_on_request() -> None:
    """The press decides about the report's code; for other notebooks the trait does."""
    assert "loss = train(model)" not in source_of(*bound_report())
    assert "loss = train(model)" in source_of(*bound_report(show_code=True))
    assert "show()" in source_of(outputs())
    assert "show()" not in source_of(outputs(), show_code=False)


def test_claims_show_whether_they_hold() -> None:
    """A claim that holds and one that does not are set differently."""
    source = source_of(*bound_report())
    assert source.count('#design.claim(true, "Proved by machine")[') == 1
    assert source.count('#design.claim(true, "Checked by machine")[') == 1
    assert source.count('#design.claim(false, "Found instead")[') == 1


def test_claims_that_follow_one_another_stand_together() -> None:
    """They do so across cells, too, unless a text is between; the first one says "checked"."""
    claims = [display(**{MIME_TYPE: CLAIM, "text/markdown": "It holds."}) for _ in range(2)]
    notebook = outputs(*claims)
    notebook.cells += [*outputs(claims[0]).cells, *markdown("Text.").cells]
    notebook.cells += outputs(claims[0]).cells
    ids = [f"c{number}" for number in range(len(notebook.cells))]
    for cell, id_ in zip(notebook.cells, ids, strict=True):
        cell["id"] = id_
    marks = {"c0": ["checked", "checked"], "c1": ["checked"], "c3": ["checked"]}
    resources = {"nbpress": {"imprint": Imprint(marks=marks, show_code=False)}}
    source = source_of(notebook, resources)
    assert re.findall(r"#design.claim\((.*)\)\[", source) == [
        'true, "Checked by machine", after: true',
        "true, none, before: true, after: true",
        "true, none, before: true",
        'true, "Checked by machine"',
    ]
    for exporter, mark in (
        (OfflineHTMLExporter(), r'<div class="claim checked"><strong>(.*?)</strong>'),
        (ReportLatexExporter(), r"\\(?:claimmark\{✓\}\{|textcolor\{accent\}\{✓)(.*?)\}"),
    ):
        body = exporter.from_notebook_node(notebook, resources)[0]
        said = [label.rstrip(":") for label in re.findall(mark, body)]
        assert said == ["Checked by machine", "", "", "Checked by machine"]


def test_exporters_are_registered() -> None:
    """Nbconvert finds the exporters by their names."""
    assert get_exporter("typst-pdf") is TypstPDFExporter
    assert get_exporter("typst") is TypstExporter


def test_typst_source_compiles_by_itself(tmp_path: Path) -> None:
    """The Typst exporter writes all that ``typst compile`` needs."""
    resources: Any = {"output_files_dir": 'a "quoted" name_files'}
    source, resources = TypstExporter().from_notebook_node(bound_report()[0], resources)
    for name, content in resources["outputs"].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    main = tmp_path / "main.typ"
    main.write_text(source, encoding="utf-8")
    assert typst.compile(str(main), pdf_standards=["ua-1"], ignore_system_fonts=True)


@pytest.mark.parametrize("name", ODD)
def test_odd_notebook_becomes_a_pdf(name: str) -> None:
    """No notebook, however odd, keeps the others' pages from being made."""
    pdf, _ = pdf_of(ODD[name]())
    assert len(pikepdf.open(io.BytesIO(pdf)).pages) >= 1


def test_broken_cell_costs_only_itself() -> None:
    """A picture that cannot be read becomes a note; the content around it stays."""
    notebook = outputs(display(image__png="AAAA"))
    notebook.cells += markdown("", "# Still here").cells[1:]
    pdf, warnings = pdf_of(notebook)
    with pikepdf.open(io.BytesIO(pdf)).open_outline() as outline:
        assert [bookmark.title for bookmark in outline.root] == ["Still here"]
    assert any("cell 1" in w and "cannot be typeset" in w for w in warnings)


def test_error_without_a_line_is_blamed_on_the_cell_that_causes_it() -> None:
    """It is not blamed on one with a heading whose level is wrong only where it stands alone."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://a.example/i.png"/></svg>'
    notebook = markdown("# Title", "# One", "## Two")
    notebook.cells += outputs(display(**{"image/svg+xml": svg})).cells
    warnings = pdf_of(notebook)[1]
    assert [w.split(":")[0] for w in warnings if "cannot be typeset" in w] == ["cell 4 (id cell-4)"]


def test_strict_export_names_the_broken_cell() -> None:
    """The report's press fails rather than printing a note."""
    with pytest.raises(ExportError, match=r"cell 1 \(id odd-0\)"):
        pdf_of(outputs(display(image__png="AAAA")), strict=True)


def test_raw_typst_stays_text() -> None:
    """Nothing in a notebook is run as Typst code."""
    assert '#panic("no")' not in source_of(ODD["raw typst"]()).replace("{=typst} #panic", "")


def test_pictures_stay_inside_the_notebooks_folder(tmp_path: Path) -> None:
    """Local pictures are taken from beside the notebook, never from above it or the network."""
    (tmp_path / "inner").mkdir()
    for path in (tmp_path / "out.png", tmp_path / "inner" / "in.png"):
        path.write_bytes(b64decode(PIXEL))
    notebook = markdown("![in](in.png) ![out](../out.png) ![far](https://x.invalid/far.png)")
    resources = {"metadata": {"path": str(tmp_path / "inner")}}
    source, resources = TypstExporter().from_notebook_node(notebook, resources)
    assert source.count("#design.picture(") == 1
    assert len(resources["nbpress"]["warnings"]) == 2


def test_notebook_in_this_folder_has_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`jupyter nbconvert` gives an empty path for it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.png").write_bytes(b64decode(PIXEL))
    resources = {"metadata": {"path": ""}}
    source, _ = TypstExporter().from_notebook_node(markdown("![in](in.png)"), resources)
    assert source.count("#design.picture(") == 1


def test_missing_glyphs_are_named() -> None:
    """Characters that no available font has are named in words, with a warning."""
    _, warnings = pdf_of(markdown("Hello 🎉"))
    assert any("🎉" in w for w in warnings)


def test_wide_formulas_and_tables_are_made_to_fit() -> None:
    """A long line is broken; an aligned formula and a wide table shrink, with a warning."""
    long = " + ".join(f"x_{{{i}}}" for i in range(60))
    _, warnings = pdf_of(markdown(f"$${long}$$"))
    assert warnings == []
    _, warnings = pdf_of(markdown(f"$$\\begin{{aligned}}a &= {long}\\end{{aligned}}$$"))
    assert any("cell 1" in w and "formula is too wide" in w for w in warnings)
    _, warnings = pdf_of(ODD["wide table"]())
    assert any("table is too wide" in w for w in warnings)


def test_labelled_formulas_are_numbered_and_referred_to() -> None:
    r"""``\tag`` and ``\label`` number a formula, ``\eqref`` links to it."""
    source = source_of(ODD["maths"]())
    assert '#design.tagged("eq-eq:a", "(1)", false)' in source
    assert '#design.goto("eq-eq:a")' in source
    assert '"(*)"' in source


def test_meta_is_data_and_never_code() -> None:
    """Title and authors reach Typst through JSON."""
    notebook = markdown("x")
    evil = '"); #panic() \\ ]'
    notebook.metadata |= {"title": evil, "authors": [evil]}
    source, resources = TypstExporter().from_notebook_node(notebook)
    assert "panic" not in source
    meta = next(v for k, v in resources["outputs"].items() if k.endswith("meta.json"))
    assert json.loads(meta)["title"] == evil
    assert pdf_of(notebook)[0]


def test_pandas_table_becomes_a_real_table() -> None:
    """HTML tables are tagged tables in the PDF."""
    pdf, _ = pdf_of(ODD["pandas"]())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert "/Table" in {str(e.S) for e in elements(opened.Root.StructTreeRoot.K)}
