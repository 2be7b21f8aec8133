"""Notebooks as LaTeX and as PDF by TeX."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fixtures.bound_report import bound_report
from fixtures.odd_notebooks import ODD, PIXEL, display, markdown, outputs
from fixtures.printed import text_in
from nbconvert.exporters import get_exporter

from nbtypeset.exporters import ExportError, ReportLatexExporter, ReportLatexPDFExporter
from nbtypeset.schema import MIME_TYPE, Figure, Imprint
from nbtypeset.write.latex import LatexSource, escaped, label
from nbtypeset.write.latex_formulas import latex_formula, refused_formulas
from nbtypeset.write.latex_pdf import NoTeXError, TeXFailure, compile_latex, installed_engine

needs_xelatex = pytest.mark.skipif(
    not shutil.which("xelatex"), reason="no TeX on this machine: apt-get install texlive-xetex"
)

INPUT = r"\input{/etc/passwd}"
HOSTILE = (
    INPUT,
    rf"`{INPUT}` and ``` {INPUT} ```",
    f"```\n\\end{{Verbatim}}{INPUT}\n```",
    f"```{{=latex}}\n{INPUT}\n```\n\n`{INPUT}`{{=latex}}",
    f"${INPUT}$ $x$ {INPUT} $$x$\\end{{document}}{INPUT}$$",
    r"$\newcommand{\z}{\input}\z{/etc/passwd}$ $\newcommand{\z}{\input{/etc/passwd}} x$",
    r"$^^5cinput{/etc/passwd}$ ^^5cinput{/etc/passwd} $\text{^^5cinput{/etc/passwd}}$",
    rf"# {INPUT} ${INPUT}$",
    rf"[a {INPUT}](https://a.invalid/}}{INPUT}) <a id='}}{INPUT}'>a</a>",
    f"![{INPUT}](data:image/png;base64,{PIXEL})",
    f"| {INPUT} | b |\n|---|---|\n| `{INPUT}` & ${INPUT}$ | - |",
    rf"$$x \label{{}}{INPUT}\tag{{{INPUT}}}$$ $\text{{${INPUT}$}}$",
    rf"$$\begin{{array}}{{@{{{INPUT}}}l}}a\end{{array}}$$",
    rf"$a \) {INPUT} \( b$ $$a \] {INPUT} \[ b$$",
    r"$\write18{touch pwned}$ $\immediate\openout1=pwned$ $\csname input\endcsname{/etc/passwd}$",
    r"$\catcode`\@=11$ $\def\x{y}\x$ $\let\x\input$ $\usepackage{shellesc}$ $\directlua{x}$",
)


def source_of(notebook: Any, resources: Any = None) -> tuple[str, dict[str, Any]]:
    """Return the LaTeX source, and the resources with the pictures."""
    source, resources = ReportLatexExporter().from_notebook_node(notebook, resources)
    return str(source), resources


def body_of(*texts: str) -> str:
    """Return what Markdown becomes."""
    source, _ = source_of(markdown(*texts))
    return source.split(r"\begin{document}")[1]


def pdf_of(notebook: Any, resources: Any = None, **traits: Any) -> tuple[bytes, list[str]]:
    """Return the PDF by xelatex, and the warnings."""
    pdf, resources = ReportLatexPDFExporter(**traits).from_notebook_node(notebook, resources)
    return bytes(pdf), resources["nbpress"]["warnings"]


@pytest.fixture(scope="module")
def report() -> tuple[str, dict[str, Any]]:
    """Return the bound report as LaTeX."""
    return source_of(*bound_report())


def test_exporters_are_registered() -> None:
    """Nbconvert finds the exporters by their names."""
    assert get_exporter("report-latex") is ReportLatexExporter
    assert get_exporter("report-latex-pdf") is ReportLatexPDFExporter


def test_title_block(report: Any) -> None:
    """The title block says what the press says, and a table of contents follows."""
    source, _ = report
    block = source.split(r"\begin{document}")[1].split(r"\tableofcontents")[0]
    for text in ("scratch", "Report of group 1", "Ada Lovelace, Mary", "3 February 2022", "ship"):
        assert text in block
    assert "pdfauthor={Ada Lovelace, Mary Somerville}" in source


def test_marks_stand_before_their_claims(report: Any) -> None:
    """A verdict comes with its sign and its words, in front of the sentence."""
    source, _ = report
    assert r"\claimmark{✓}{Proved by machine} SymPy finds \(" in source
    assert source.count(r"\claimmark{✓}{Checked by machine}") == 1
    assert source.count(r"\claimmark{✗}{Found instead}") == 1
    source, _ = source_of(bound_report()[0])
    assert r"\claimmark{" not in source.split(r"\begin{document}")[1]


def test_figures_are_files_named_by_their_labels(report: Any) -> None:
    """A figure is a PNG beside the source, with its number, caption, label and alternative."""
    source, resources = report
    assert len(resources["outputs"]) == 12
    assert resources["outputs"]["report_files/fig-2b.png"].startswith(b"\x89PNG")
    figure = source.split(r"\begin{figure}")[1].split(r"\end{figure}")[0]
    picture = r"\shownpicture{alt={Two falling curves over 200 steps, fig-2b.}}"
    assert picture + "{report_files/fig-2b.png}" in figure
    assert r"\setcounter{figure}{0}" in figure
    assert re.search(r"\\captionof\{figure\}\{Training and validation loss .*?\\label\{fig-2b\}",
                     figure, re.DOTALL)  # fmt: skip
    assert r"\hyperref[fig-2b]{Figure~1}" in source


def test_table_and_its_number(report: Any) -> None:
    """A table's caption and label belong to the table itself, which may cross pages."""
    source, _ = report
    table = source.split(r"\setcounter{table}{0}")[1]
    assert table.index(r"\begin{longtable}") < table.index(r"\caption{What 2022 found")
    assert r"\label{tab-a}" in table


def test_formulas_are_tagged_and_referred_to(report: Any) -> None:
    """`align` stands within a display; its tag, label and references are those of the tree."""
    source, _ = report
    assert r"\begin{align}" not in source
    assert r"\tag*{(1)}\label{eq-eq:sigmoid}\]" in source
    assert r"\tag*{(1a)}\]" in source
    assert r"\hyperref[eq-eq:sigmoid]{(1)}" in source


def test_code_is_shown_on_request() -> None:
    """The press decides about the report's code; long lines are broken."""
    assert "loss = train(model)" not in source_of(*bound_report())[0]
    assert "loss = train(model)" in source_of(*bound_report(show_code=True))[0]
    source, _ = source_of(ODD["long line"]())
    assert max(map(len, source.split(r"\begin{document}")[1].splitlines())) < 120


def test_picture_that_latex_cannot_show() -> None:
    """Of several formats LaTeX gets the PNG; an SVG alone becomes its text, with a warning."""
    drawing = {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}
    _, resources = source_of(outputs(display(**drawing, image__png=PIXEL)))
    assert [name.rsplit(".")[-1] for name in resources["outputs"]] == ["png"]
    source, resources = source_of(outputs(display(**drawing)))
    assert "{[}Output of code cell 7{]}" in source
    assert any("LaTeX cannot show" in line for line in resources["nbpress"]["warnings"])


def test_pictures_lie_in_nbconverts_folder() -> None:
    """The folder's name is one that TeX can read."""
    _, resources = source_of(ODD["png"](), {"output_files_dir": "100 % mine_files"})
    assert [name.partition("/")[0] for name in resources["outputs"]] == ["100 _ mine_files"]


def test_key_results_stand_before_the_contents() -> None:
    """They are in a box, which is missing if there are none."""
    source, _ = source_of(*bound_report())
    assert source.index("Key results") < source.index(r"\tableofcontents")
    assert source.index("236 images") < source.index(r"\tableofcontents")
    assert "Key results" not in source_of(outputs(display(image__png=PIXEL)))[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_latex(text: str) -> None:
    r"""`\input` in a text is a word: the backslash is spelled, wherever it stands."""
    body = body_of(text)
    assert "passwd" in body or "pwned" in body or "directlua" in body or "array" in body
    for name in ("input", "write", "openout", "csname", "catcode", "def", "let", "newcommand",
                 "usepackage", "directlua"):  # fmt: skip
        assert not re.search(rf"\\{name}(?![a-z])", body.replace(r"\def\LTcaptype", ""))
    assert "^^" not in body
    assert body.count(r"\end{document}") == 1


def test_titles_and_labels_are_data() -> None:
    """Title, captions, alternatives and labels reach LaTeX as words."""
    figure = Figure(f"}}{INPUT}", f"{INPUT} ${INPUT}$", f"{INPUT} }}{{ % #")
    notebook = outputs(display(**{MIME_TYPE: figure.to_json(), "image/png": PIXEL}))
    imprint = Imprint(
        title=INPUT, subtitle="%", course=INPUT, dataset=INPUT, date=INPUT, key_results=[INPUT],
        authors=[f"}}{INPUT}"], notice=r"\end{document}",
    )  # fmt: skip
    source, _ = source_of(notebook, {"nbpress": {"imprint": imprint}})
    assert r"\input" not in source
    assert source.count(r"\end{document}") == 1
    assert escaped("# $ % & _ { } ~ ^ \\ --") == (
        r"\# \$ \% \& \_ \{ \} \textasciitilde{} \textasciicircum{} \textbackslash{} -{}-"
    )
    assert label("a b}") == "aux20bux7d"


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("x % a comment", "x"),
        (r"50\% \\% c" + "\n y", "\\begin{gathered}50\\% \\\\\n y\\end{gathered}"),
        ("a\n\n  \nb", "a\nb"),
        (r"\begin{align*}a &= b \nonumber\end{align*}", r"\begin{aligned}a &= b \end{aligned}"),
        (r"\begin{equation}a\end{equation}", "a"),
        (r"\text{learning_rate & 5\%}", r"\text{learning\_rate \& 5\%}"),
        (r"\frac{a}{b}", r"\frac{a}{b}"),
    ],
)
def test_formula_as_latex_takes_it(formula: str, latex: str) -> None:
    """A formula written for MathJax in a notebook works in a LaTeX display."""
    assert latex_formula(formula) == latex
    assert refused_formulas([formula]) == set()


def test_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TeX the error says what to install, and what works without TeX."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NoTeXError, match=r"apt-get install .*ENGINE=typst, needs no TeX"):
        pdf_of(markdown("x"))


@needs_xelatex
def test_report_compiles() -> None:
    """It compiles in strict mode, with the words, numbers and marks of the report."""
    pdf, warnings = pdf_of(*bound_report(show_code=True), strict=True)
    assert warnings == []
    text = text_in(pdf)
    for part in ("Proved by machine: SymPy finds", "Figure 12.", "Table 1. What 2022 found",
                 "loss = train(model)", "Appendix", "(1a)"):  # fmt: skip
        assert part in text


@needs_xelatex
def test_captions_say_what_references_say() -> None:
    """They say Figure in a report of any language, as the links do."""
    figure = {"kind": "figure", "label": "fig-1", "caption": "One.", "alt": "A dot."}
    notebook = outputs(display(**{MIME_TYPE: figure, "image/png": PIXEL}))
    pdf, _ = pdf_of(notebook, {"nbpress": {"imprint": Imprint(title="T", language="de")}})
    assert "Figure 1." in text_in(pdf)


@needs_xelatex
def test_same_notebook_gives_the_same_bytes() -> None:
    """A PDF bears the day of its document, not the time at which TeX ran."""
    pdf, _ = pdf_of(markdown("x"))
    assert pdf == pdf_of(markdown("x"))[0]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert str(document.docinfo["/CreationDate"]).startswith("D:20000101")


@needs_xelatex
def test_hostile_texts_are_printed(tmp_path: Path) -> None:
    """A notebook of attacks compiles, and shows its attacks and nothing else."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    texts = [text.replace("/etc/passwd", str(secret)) for text in HOSTILE]
    pdf, warnings = pdf_of(markdown(*texts))
    assert not [line for line in warnings if line.startswith("TeX")]
    assert "the secret words" not in text_in(pdf)


@needs_xelatex
def test_tex_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    r"""Even a source with `\input` gets no file from elsewhere."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    main = rf"\documentclass{{article}}\begin{{document}}x \input{{{secret}}}\end{{document}}"
    with pytest.raises(TeXFailure):
        compile_latex(LatexSource(main, {}), installed_engine())


@needs_xelatex
@pytest.mark.parametrize("name", ["pandas", "wide table", "raw html", "maths", "lists", "deep"])
def test_odd_notebook_becomes_a_pdf(name: str) -> None:
    """TeX does not complain about it."""
    _, warnings = pdf_of(ODD[name]())
    assert not [line for line in warnings if line.startswith("TeX")]


@needs_xelatex
def test_broken_picture_is_told() -> None:
    """Complaints of TeX become warnings, and end a strict export."""
    _, warnings = pdf_of(ODD["broken png"]())
    assert any(line.startswith("TeX: ") for line in warnings)
    with pytest.raises(ExportError, match="TeX cannot typeset"):
        pdf_of(ODD["broken png"](), strict=True)
