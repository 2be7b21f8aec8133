r"""Formulas mean the same in every format as in LaTeX."""

from __future__ import annotations

import re
import shutil
from importlib import resources

import pytest
import typst
from fixtures.browser import chromium
from fixtures.odd_notebooks import markdown
from fixtures.printed import text_in

from nbtypeset.exporters import (
    OfflineHTMLExporter,
    ReportLatexExporter,
    ReportLatexPDFExporter,
    TypstExporter,
    TypstPDFExporter,
)
from nbtypeset.write.mathml import Formula, read_mathml
from nbtypeset.write.readable_latex import readable_latex
from nbtypeset.write.typst_formulas import typst_formula, typst_formulas

# LaTeX, and what Typst is asked to show.
TYPST = [
    (r"\widehat{ab} + \hat{x} + \vec{AB}", "hat(a b) + hat(x) + arrow(A B)"),
    (r"\dddot{x} \overleftarrow{AB}", 'accent(x, "\u20db") accent(A B, "\u20d6")'),
    (r"\bar{x} \overline{x+y} \underline{x}", "macron(x) overline(x + y) underline(x)"),
    (r"\underbracket{a+b} \overparen{AB}", "underbracket(a + b) overparen(A B)"),
    (r"\underbrace{a+b}_{\text{two}}", 'underbrace(a + b, "two")'),
    (r"\mathtt{x} \texttt{code}", '𝚡"𝚌𝚘𝚍𝚎"'),
    (r"\mathbf{w} \boldsymbol{w} \mathbf{12} \mathbb{1}", "𝐰 𝒘 bold(12) bb(1)"),
    (r"{\bf x} y {\rm d} z", "𝐱 y upright(d) z"),
    (r"\bigl\langle x \Bigr\rangle", r"lr(\⟨, size: #1.2em) x lr(\⟩, size: #1.8em)"),
    (r"\biggl\lfloor \Big\lVert", r'lr(\⌊, size: #2.4em) class("normal", lr(‖, size: #1.8em))'),
    (r"\big< x \big>", r"lr(\⟨, size: #1.2em) x lr(\⟩, size: #1.2em)"),
    (r"\big\ulcorner x", r"lr(\⌜, size: #1.2em) x"),
    (r"a \bigm| b", r'a thick class("normal", lr(\|, size: #1.2em)) thick b'),
    (r"\left. \frac{a}{b} \right|_{0}", r"lr(#h(0em) frac(a, b) \|)_0"),
    (r"\left\{ x \middle| y \right\}", r"lr(\{ x mid(\|) y \})"),
    (r"\langle x, y \rangle [0,1)", r"\⟨ x \, y \⟩ \[ 0 \, 1 \)"),
    (r"|-x|", r'class("normal", \|) class("normal", −) x class("normal", \|)'),
    (r"a\!b\,c\:d\;e\quad f", "a #h(-0.167em) b thin c med d thick e quad f"),
    (r"a\hspace{-0.5em}b\enspace c\mkern9mu d", "a #h(-0.5em) b #h(0.5em) c #h(0.5em) d"),
    (r"a\hspace{1cm}b\thinspace c\negthinspace d", "a #h(2.635em) b thin c #h(-0.167em) d"),
    (r"\overset{a}{b} \underset{a}{b} \stackrel{\sim}{x}", "limits(b)^a limits(b)_a limits(x)^(∼)"),
    (r"\overset{a}{b}^2 \overset{a}{BC}", "attach(limits(b)^a, tr: 2) limits(B C)^a"),
    (r"\xrightarrow[g]{f}", "limits(stretch(→, size: #(100% + 1em)))_g^f"),
    (r"\xRightarrow{f}", "limits(stretch(⇒, size: #(100% + 1em)))^f"),
    (r"x^23 x_12 \sqrt2", "x^2 3 x_1 2 sqrt(2)"),
    (r"{ab}^2 {x_1}^2", "attach(a b, tr: 2) attach(x_1, tr: 2)"),
    (r"f'' f'_i f^{\prime\prime} x'^2", "f'' f'_i f'' x'\"\"^2"),
    (r"\sum_{i}^n \sum\nolimits_i x", "∑_i^n scripts(∑)_i x"),
    (r"\int\limits_0^1 \int_0^1", "limits(∫)_0^1 ∫_0^1"),
    (r"\sum_{\substack{i \\ j}} x", "∑_(mat(delim: #none, script(i); script(j))) x"),
    (r"\operatorname{Var} X \log x", 'op("Var") X op("log") x'),
    (r"\operatorname*{argmin}_w f", 'op("argmin", limits: #true)_w f'),
    (r"\lim_{x \to 0}", 'op("lim", limits: #true)_(x → 0)'),
    (r"1{,}000 \text{a}b", '1","000"a"b'),
    (r"\text{5 \& 6\% x}", '"5 & 6% x"'),
    (r"\# \& \% \_ \$ \{ \} a \backslash b", r"\# \& % \_ \$ \{ \} a ∖ b"),
    (r"\frac{a/b}{c} {a \over b}", r"frac(a \/ b, c) frac(a, b)"),
    (r"\tfrac12 \cfrac{a}{b}", "inline(frac(1, 2)) display(frac(a, b))"),
    (r"\tbinom{n}{k}", r"lr(\( vec(delim: #none, n, k) \))"),
    (r"\color{red} x + y", 'text(fill: #rgb("#d00000"), x + y)'),
    (r"\textcolor{red}{x} + y", 'text(fill: #rgb("#d00000"), x) + y'),
    (r"\phantom{x} \vphantom{\int} \smash{y} \mathclap{z}", "#hide($x$) y z"),
    (r"\cancel{x} \bcancel{x}", "cancel(x) cancel(x, inverted: #true)"),
    (r"\boxed{x}", "#h(4pt) #box(stroke: 0.5pt, outset: 3pt, $display(x)$) #h(4pt)"),
    (r"\not\Rightarrow \not\in a := b", "⇏ ∉ a ≔ b"),
    # Environments: lines of their own if they are the formula, tables within one.
    (r"\begin{aligned}[t] a &= b \\ &= c \end{aligned}", "a & = b\\\n & = c"),
    (r"\begin{align} a &= b & c &= d \end{align}", "a & = b & #h(2em) c & = d"),
    (r"\begin{align} a &= b & \text{x} \end{align}", 'a & = b & #h(2em) "x"'),
    (r"\begin{alignat}{2} a &= b & c &= d \end{alignat}", "a & = b & c & = d"),
    (r"\begin{eqnarray} a &=& b \end{eqnarray}", "a & = b"),
    (r"a \\ b", "a\\\nb"),
    (r"x = \begin{aligned} a &= b \\ &= c \end{aligned}",
     "x = mat(delim: #none, row-gap: #0.5em, display(a & = b); display( & = c))"),
    (r"A = \begin{matrix} a & b \\ c & d \end{matrix}", "A = mat(delim: #none, a, b; c, d)"),
    (r"\begin{vmatrix} a \end{vmatrix}", r"lr(\| mat(delim: #none, a) \|)"),
    (r"\begin{Vmatrix} 1, & 2; \end{Vmatrix}", r"lr(‖ mat(delim: #none, 1 \,, 2 \;) ‖)"),
    (r"\begin{pmatrix*}[r] a & b \end{pmatrix*}",
     r"lr(\( mat(delim: #none, column-gap: #1em, a &, b &) \))"),
    (r"\begin{cases} x & y \\ 0 & z \end{cases}",
     r"lr(\{ mat(delim: #none, column-gap: #1em, & x, & y; & 0, & z) #h(0em))"),
    (r"\begin{dcases} x \end{dcases}",
     r"lr(\{ mat(delim: #none, column-gap: #1em, & x) #h(0em))"),
    (r"\begin{rcases} x \end{rcases}",
     r"lr(#h(0em) mat(delim: #none, column-gap: #1em, & x) \})"),
    (r"\left\{\begin{array}{l} 1 \end{array}\right.",
     r"lr(\{ mat(delim: #none, column-gap: #1em, & 1) #h(0em))"),
    (r"\begin{array}{c|c} a & b \\ \hline c & d \end{array}",
     "mat(delim: #none, column-gap: #1em, augment: #(hline: (1, ), vline: (1, )), a, b; c, d)"),
    (r"\begin{array}{|r|} \hline a \\ \hline \end{array}",
     "mat(delim: #none, column-gap: #1em, augment: #(hline: (0, 1, ), vline: (0, 1, )), a &)"),
    (r"\begin{array}{rl} a & b \end{array}", "mat(delim: #none, column-gap: #1em, a &, & b)"),
]  # fmt: skip

# LaTeX that must not be shown as something else.
REFUSED = [
    r"\ce{H2O}", r"\colorbox{red}{x}", r"\textcolor{mauve}{x}", r"\color[HTML]{FF0000} x",
    r"\cancelto{0}{x}", r"\sideset{^1}{^2}\sum", r"\argmax_x",
    r"\begin{array}{c}\hdashline\end{array}",
    r"\begin{array}{cc} a & b \\ \cline{1-2} \end{array}", r"\big\uparrow", r"a & b", r"\fbox{x}",
    r"\mathllap{x}", r"\raisebox{2pt}{x}", r"\x",
]  # fmt: skip

# LaTeX that the template or pandoc used to change, and how it reads in print.
PRINTED = [
    (r"\widehat{ab}", "𝑎𝑏"), (r"\bigl\langle x \bigr\rangle", "⟨𝑥⟩"), (r"a\!b", "𝑎𝑏"),
    (r"\texttt{code}", "𝚌𝚘𝚍𝚎"), (r"\{ \& \}", "{&}"), (r"1{,}000", "1,000"),
    (r"f\!\left(x\right)", "𝑓(𝑥)"), (r"\mathbf{w}", "𝐰"), (r"\bigl\lVert x \bigr\rVert", "‖𝑥‖"),
    (r"\operatorname{Var} X", "Var 𝑋"), (r"\dddot{x}", "𝑥"),
]  # fmt: skip


def written(latex: str, display: bool = True) -> str:
    """Return a formula in Typst, without its dollar signs."""
    math = read_mathml([("DisplayMath" if display else "InlineMath", latex)])[0]
    assert math is not None, latex
    return typst_formula(Formula(display, latex, math)).strip("$").strip()


def page_of(latex: str) -> str:
    """Return a page that shows a formula."""
    page, _ = OfflineHTMLExporter().from_notebook_node(markdown(f"$${latex}$$"))
    return str(page)


@pytest.mark.parametrize(("latex", "shown"), TYPST)
def test_formula_in_typst(latex: str, shown: str) -> None:
    """Each means in Typst what it means in LaTeX."""
    assert written(latex) == shown


def test_formulas_compile_without_a_warning() -> None:
    """Typst takes all of them, in displays and in lines."""
    cells = [f"$${latex}$$\n\nand ${latex}$" for latex, _ in TYPST]
    _, resources = TypstPDFExporter(strict=True).from_notebook_node(markdown(*cells))
    assert [w for w in resources["nbpress"]["warnings"] if "too wide" not in w] == []


@pytest.mark.skipif(
    not shutil.which("xelatex"), reason="no TeX on this machine: apt-get install texlive-xetex"
)
def test_formulas_compile_with_tex() -> None:
    """TeX takes all of them as they are written, and symbols that its typeface or kernel lacks."""
    symbols = r"\blacksquare \lozenge \leadsto \restriction a \setminus b"
    cells = [f"$${latex}$$" for latex in [*(latex for latex, _ in TYPST), symbols]]
    _, resources = ReportLatexPDFExporter(strict=True).from_notebook_node(markdown(*cells))
    assert resources["nbpress"]["warnings"] == []


@pytest.mark.parametrize(("latex", "text"), PRINTED)
def test_formula_in_print(latex: str, text: str) -> None:
    """No name of the template, and no name of a sign, gets between the letters."""
    pdf, _ = TypstPDFExporter(strict=True).from_notebook_node(markdown(f"x\n\n$${latex}$$\n\ny"))
    letters = re.sub("[\u0300-\u036f\u20db^ ]", "", text_in(pdf))
    assert letters.endswith(f"x{text.replace(' ', '')}y1/1")


@pytest.mark.parametrize("latex", REFUSED)
def test_formula_that_cannot_be_shown(latex: str) -> None:
    """Its source is shown in each format, with a warning, and nothing of it is dropped."""
    for exporter in (TypstPDFExporter, OfflineHTMLExporter, ReportLatexExporter):
        _, resources = exporter().from_notebook_node(markdown(f"$${latex}$$"))
        (warning,) = resources["nbpress"]["warnings"]
        assert f"formula cannot be read, its source is shown: {latex}" in warning


def test_element_that_is_not_known_is_refused() -> None:
    """A formula with anything else than the MathML that is understood is not set in part."""
    math = read_mathml([("InlineMath", "x")])[0]
    assert math is not None
    math[0][0].tag = "maction"
    assert typst_formulas([Formula(False, "x", math)]) == ({}, {"x"})


def test_page_shows_colours_rules_and_boxes() -> None:
    """What MathML has no element for in browsers is drawn by the style sheet."""
    page = page_of(r"\textcolor{red}{x} \begin{array}{c|c} a & b \\ \hline c & d \end{array}")
    assert '<mstyle mathcolor="#d00000"><mi>x</mi></mstyle>' in page
    assert page.count("ruled-before") - page_of("x").count("ruled-before") == 2
    assert page.count("ruled-above") - page_of("x").count("ruled-above") == 2
    assert "nb:" not in page
    page = page_of(r"\boxed{x} + \cancel{y}")
    assert '<mrow class="box"><mi>x</mi></mrow>' in page
    assert '<mrow class="updiagonalstrike"><mi>y</mi></mrow>' in page
    assert r'encoding="application/x-tex">\boxed{x} + \cancel{y}</annotation>' in page


@pytest.mark.parametrize("latex", [r"\text{nb:color:mauve} x", r"\text{nb:rules:1} x"])
def test_text_that_looks_like_a_mark(latex: str) -> None:
    """What only resembles a mark for a colour or a rule is a text like any other."""
    assert "nb:" in page_of(latex)


def test_delimiter_has_no_colour() -> None:
    r"""A colour ends with its group, as in TeX, and `\left…\right` is one."""
    assert written(r"\left( \color{red} x \right) y") == (
        r'lr(\( text(fill: #rgb("#d00000"), x) \)) y'
    )


def edges(latex: str, selector: str) -> list[list[float]]:
    """Return the left and right edges of elements of a formula, as Chromium shows it."""
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(page_of(latex))
        return [  # type: ignore[no-any-return]
            [round(edge) for edge in each]
            for each in page.eval_on_selector_all(
                selector,
                "all => all.map(e => e.getBoundingClientRect()).map(r => [r.left, r.right])",
            )
        ]


def test_cells_are_aligned_in_a_browser() -> None:
    """The right sides of equations begin at one place, and the left sides end there."""
    lefts = edges(
        r"\begin{aligned} a + b + c &= d \\ e &= f \end{aligned}", "mtd.right > :last-child"
    )
    assert len({right for _, right in lefts}) == 1
    columns = edges(r"\begin{cases} x & y \\ 0 & z \end{cases}", "mtr:first-child > mtd > mi")
    assert columns[1][0] - columns[0][1] >= 10  # pixels


def test_line_is_as_long_as_what_is_below_it() -> None:
    """No browser stretches the bar of `overline` in every typeface, so that it is a border."""
    ((left, right),) = edges(r"\overline{x + y + z}", ".overlined")
    letters = edges(r"\overline{x + y + z}", ".overlined mi")
    assert left <= letters[0][0] + 1
    assert right >= letters[-1][1] - 1


def names_in(template: str) -> set[str]:
    """Return the names that a template defines."""
    return set(re.findall(r"^#let ([\w-]+)", template, re.MULTILINE))


def is_taken(name: str) -> bool:
    """Return whether Typst has a name of its own, in formulas or outside."""
    for source in (f"#{name}", f"${name}$"):
        try:
            typst.compile(source.encode(), format="svg")
        except typst.TypstError as error:
            if "unknown variable" in str(error):
                continue
        return True
    return False


def test_template_hides_no_name_of_typst() -> None:
    """Its names are those of a module; the only one that a document gets is not Typst's."""
    source = resources.files("nbtypeset").joinpath("templates", "report.typ").read_text("utf-8")
    assert {"accent", "mono", "formula"} <= names_in(source)
    main, _ = TypstExporter().from_notebook_node(markdown("x"))
    assert re.findall(r"^#import .*", main, re.MULTILINE) == [
        '#import "files/report.typ" as design'
    ]
    assert is_taken("accent")
    assert is_taken("text")
    assert not is_taken("design")


@pytest.mark.parametrize(
    ("latex", "readable"),
    [
        (r"x^23 % c^45", "x^{2}3 "),
        (r"\text{x^23 \rm {,}}", r"\text{x^23 \rm {,}}"),
        (r"\frac{a \over b}{c}", r"\frac{\frac{a }{ b}}{c}"),
        (r"\{a \over b\}", r"\frac{\{a }{ b\}}"),
        (r"\overline{x}\override", r"\overline{x}\override"),
        (r"\mathbf{x_1 \alpha}", r"\mathbf{𝐱_1 \alpha}"),
        (r"\text{nb:color:red} x", r"\text{nb:color:red} x"),
    ],
)
def test_readable_latex(latex: str, readable: str) -> None:
    """Only what pandoc does not understand is rewritten."""
    assert readable_latex(latex) == readable
