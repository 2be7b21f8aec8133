"""The notebooks' texts, read without running the notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpress.project.notebook import Cell, Notebook
from nbpress.project.texts import doubts, faults
from nbpress.project.typed import typed_numbers

LOAD = ("code", "%load_ext nbpress\nfig = f = 1")


def notebook(*cells: tuple[str, str], name: str = "1.ipynb") -> Notebook:
    """Return a notebook of cells, each given by its kind and source."""
    written = tuple(Cell(str(i), kind, source, ()) for i, (kind, source) in enumerate(cells))
    return Notebook(Path(name), written, {})


def typed(*cells: tuple[str, str]) -> list[tuple[int, int, str]]:
    """Return cell, line and message of each typed number."""
    return [(fault.cell, fault.line, fault.message) for fault in typed_numbers(notebook(*cells))]


def wrong(*cells: tuple[str, str]) -> list[str]:
    """Return what is wrong with a notebook."""
    return list(map(str, faults([notebook(*cells)])))


@pytest.mark.parametrize(
    "text",
    [
        "# Task 2 — with 10 digits",
        "In $2x + 3$ and\n$$\n4\n$$\nand \\begin{align}5\\end{align} too.",
        "In $10^{-3} x_{10} a_10 y^{12} z^{-12} b^10$ and ${{ g:.2f }}$, `$12$`, <!-- $3.5$ -->.",
        "As [Task 2a](#task-2a), [Figure 3](#fig-2b) and Appendix B say, Task 4e too.",
        "In 2022, on 2026-11-25, `x = 3`, an L2 penalty, w2.",
        "The report of 2022 quotes it. Since 2022 the 2022 report, of (*2021*), says so in 2022.",
        "Where 2022 has a dash, column *2022* has none.",
        "From 1999 to 2005, in 2021 and 2022, in 2022 this was so.",
        "On 25 November 2026 or 25.11.2026, in May 2026, fig-1a and tab-2.",
        "By doi:10.1000/182 and @ab-12, as Section 2.1 and [1a](#task-1a) say; w_2.",
        "```\n3 + 4\n```",
        "See [it](https://example.org/10).",
        "{{ steps:.2f }} steps, one of them, no more than both.",
        "<!-- 3 -->",
    ],
)
def test_these_are_no_typed_numbers(text: str) -> None:
    """Headings, references, task names, dates, code, placeholders and small numbers in formulas."""
    assert typed(("markdown", text), ("code", f"%%answer 1a\n{text}")) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("it has 3,800 images, 0.5 % of them", ["3,800", "0.5"]),
        ("Step 1, of −2.", ["1", "2"]),
        ("Figure 3 shows it", ["3"]),
        ("1999.5, in 1999.5, by 1999 % or 2,013", ["1999.5", "1999.5", "1999", "2,013"]),
        ("after 2000 steps, 2013 images, in 1999 steps", ["2000", "2013", "1999"]),
        ("the 2013 images, of *2000* training images", ["2013", "2000"]),
        ("of .97, _97_ %, **98** and ½", [".97", "97", "98", "½"]),
        ("$.97$", [".97"]),
        ("[97 % accuracy](#fig-1a), [98](#task-1a)", ["97", "98"]),
        (
            r"so $g = 9.79 \pm 0.1$, and $N = 12$, \begin{align}0.5\end{align}",
            ["9.79", "0.1", "12", "0.5"],
        ),
        ("and $N = 12.$ or $g = 9.79.$", ["12", "9.79"]),
    ],
)
def test_digits_are_found_everywhere(text: str, numbers: list[str]) -> None:
    """They are found in Markdown, answers, captions, alternatives and texts from code."""
    messages = [f"{number!r} is typed and may go stale" for number in numbers]
    for cell, line in (
        (("markdown", f"# A\n\n{text}"), 3),
        (("code", f"%%answer 1a\n{text}"), 2),
        (("code", f"%%figure fig-1a fig\n{text}\nAlt: B."), 2),
        (("code", f"%%figure fig-1a fig\nA.\nAlt: {text}"), 3),
        (("code", f'nbpress.claim("1a", "x",\n"{text}", y > 3)'), 2),
        (("code", f'nbpress.claim("1a", "x", "a", y, otherwise=\n"{text}")'), 2),
        (("code", f'nbpress.table(h, r, "tab-1", f"{text}")'), 1),
    ):
        assert typed(cell) == [(1, line, message) for message in messages]


def test_format_is_no_typed_number() -> None:
    """The format of a value in an f-string is not printed."""
    code = 'nbpress.table(h, r, "tab-1", f"{x:.3g} of {y:5} and {[\'4\', z][1]}")'
    assert [message for *_, message in typed(("code", code))] == ["'4' is typed and may go stale"]


@pytest.mark.parametrize(
    ("imports", "prefix"),
    [
        ("import nbpress", "nbpress."),
        ("import nbpress as nb", "nb."),
        ("from nbpress import claim, figure", ""),
        ("from nbpress import *", ""),
    ],
)
def test_functions_are_known_however_they_are_imported(imports: str, prefix: str) -> None:
    """Labels, references and numbers count in calls of any spelling, in any cell of code."""
    calls = (
        f'{prefix}figure(f, "fig-1a", "A.", "B.")\n{prefix}claim("1a", "x", "9 of [](#tab-1)", y)'
    )
    cells = ("code", imports), ("markdown", "[](#fig-1a)"), ("code", calls)
    assert typed(*cells) == [(3, 2, "'9' is typed and may go stale")]
    assert wrong(*cells) == ["1.ipynb, cell 3, line 2: '[](#tab-1)' leads nowhere; known: fig-1a"]


def test_functions_of_another_package_say_nothing() -> None:
    """A figure of pyplot has no label."""
    code = "from matplotlib.pyplot import figure\nfigure(9, '9', '9')"
    assert (typed(("code", code)), wrong(("code", code))) == ([], [])


@pytest.mark.parametrize("text", ["{{ n }}", "$n = {{ n:.2f }}$", "{{ if x }}A{{ end }}"])
def test_placeholder_in_markdown_is_told(text: str) -> None:
    """It would be printed as it is."""
    first = text[text.index("{{") : text.index("}}") + 2]
    assert wrong(("markdown", f"# A\n\n{text}"))[0] == (
        f"1.ipynb, cell 1, line 3: {first} would be printed as it is: a value can be quoted in a "
        "cell %%answer only (in LaTeX, leave out the blanks)"
    )


def test_braces_in_code_and_latex_are_no_placeholders() -> None:
    """Code and comments may show one; LaTeX has double braces without blanks."""
    text = "`{{ n }}` $w^{{n}}$ {{n}} <!-- {{ n }} -->\n\n```\n{{ n }}\n```\n"
    assert wrong(("markdown", text)) == []


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("[](#fig-1A)", "leads nowhere; did you mean 'fig-1'?"),
        ("[Figure](#figure-1)", "leads nowhere; did you mean 'fig-1'?"),
        ("[](#task-1A)", "leads nowhere; did you mean 'task-1'?"),
        ("[](#no-such)", "leads nowhere; known: "),
        ("[](#My-Heading)", "leads to a heading, which has no number: write the link's text"),
        ("[the heading](#My-Heading)", ""),
        ("[Part 1](#My-Heading)", ""),
        ("[gone](#no-such)", ""),
        ("`[](#no-such)`", ""),
    ],
)
@pytest.mark.parametrize("label", ['"fig-1"', "label"])
def test_reference_without_a_text_needs_a_label(reference: str, message: str, label: str) -> None:
    """Nothing would be printed; this holds also if some labels are computed."""
    faults = wrong(
        ("code", f'nbpress.figure(f, {label}, "A.", "B.")'),
        ("code", "%load_ext nbpress\nfig = 1"),
        ("code", "%%figure fig-1 fig\nA.\nAlt: B.") if label == "label" else ("markdown", "A"),
        ("markdown", f"## Task 1\n\n## My Heading\n\n{reference}"),
    )
    start = f"1.ipynb, cell 4, line 5: {reference!r} {message}"
    assert [fault[: len(start)] for fault in faults] == [start] * bool(message)


def test_numbers_in_braces_of_a_formula_are_found() -> None:
    """Those of exponents and indices are not meant to be measured."""
    text = r"$\frac{9.81}{25}$, $\mathrm{0.25}_{12}$"
    numbers = [message.split()[0].strip("'") for *_, message in typed(("markdown", text))]
    assert numbers == ["9.81", "25", "0.25"]


def test_number_words_are_found_where_values_could_be_quoted() -> None:
    """They count from two upwards; in Markdown cells they are just words."""
    text = "Two of ten thousand, one-fifth and fortyish, thirteen dozen"
    assert typed(("markdown", text)) == []
    number_words = ["Two", "ten", "thousand", "thirteen", "dozen"]
    assert [
        message.split()[0].strip("'") for *_, message in typed(("code", f"%%answer 1\n{text}"))
    ] == number_words


def test_what_is_meant_is_said() -> None:
    """A marker counts for one cell; a marker that marks nothing is reported, too."""
    cells = [
        ("markdown", "A 3 and a 4.\n\n<!-- typed: 3 -->"),
        ("code", "%%answer 1a\nTwo of 10 <!-- typed: two, 10, 11 -->"),
        ("code", '# typed: five\nnbpress.claim("1a", "x", "five or 6", y)'),
        ("code", '# <!-- typed: five -->\nnbpress.claim("1a", "z", "five of them", y)'),
    ]
    assert typed(*cells) == [
        (1, 1, "'4' is typed and may go stale"),
        (2, 1, "'typed: 11', but no '11' is typed here"),
        (3, 2, "'6' is typed and may go stale"),
    ]


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("# A", "the answer of task 1a is under no task; move it below"),
        ("## Task 1b — B", "the answer of task 1a is under task 1b; move it below"),
        ("## Task 1a — A\n\n## Task 1b — B", "the answer of task 1a is under task 1b"),
        ("## Task 1a — A", ""),
    ],
)
def test_answer_that_stands_elsewhere(markdown: str, message: str) -> None:
    """It is reported before anything runs; a later notebook's title ends a task as well."""
    answer = ("code", "%%answer 1a\nSo it is.")
    lines = wrong(LOAD, ("markdown", markdown), answer)
    assert [line.partition(": ")[2][: len(message)] for line in lines] == [message] * bool(message)
    pair = [notebook(LOAD, ("markdown", "## Task 1a")), notebook(LOAD, ("markdown", "# B"), answer)]
    assert any("is under no task" in str(fault) for fault in faults(pair))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (("code", "%%answer 1a\nOf {{steps}}."), "line 2: {{steps}} is not a placeholder"),
        (("markdown", "\n![](a.png)"), "line 2: a picture has no text alternative"),
        (("markdown", "[x](#fig-9)"), "line 1: '[x](#fig-9)' leads nowhere; did you mean 'fig-1'?"),
        (
            ("code", "%%figure fig-1 fig\nA.\nAlt: B."),
            "line 1: 'fig-1' is already used in 1.ipynb",
        ),
        (("code", 'nbpress.figure(f, "fig-1", "A.", "B.")'), "line 1: 'fig-1' is already used"),
        (("code", "%%figure fig-2 fig\nA."), "line 1: fig-2 has no text alternative"),
        (
            ("code", 'nbpress.claim("1", "x", "[](#tab-3)", y)'),
            "line 1: '[](#tab-3)' leads nowhere",
        ),
    ],
)
def test_fault_is_told_with_its_line(cell: tuple[str, str], message: str) -> None:
    """Nothing else is reported about an otherwise sound notebook."""
    sound = [
        LOAD,
        ("code", "%%figure fig-1 fig\nA.\nAlt: B."),
        ("markdown", "## Task 1a\n\n[](#fig-1)"),
    ]
    assert wrong(*sound) == []
    (fault,) = wrong(*sound, cell)
    assert fault.startswith(f"1.ipynb, cell 4, {message}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%anwser 1a\nText.", "no magic is called '%%anwser'; did you mean '%%answer'?"),
        ("\n%%figur fig-1a f", "no magic is called '%%figur'; did you mean '%%figure'?"),
        ("%%derivtion 1a p\n$$\nx\n$$", "did you mean '%%derivation'?"),
        ("%% answer 1a\nText.", "no magic is called '%% answer'; did you mean '%%answer'?"),
        ("%%time\nx = 1", ""),
        ("%%writefile x.py\nx = 1", ""),
        ("%answer = 1", ""),
        ("# %%anwser", ""),
    ],
)
def test_misspelt_magic_is_named_before_anything_runs(source: str, message: str) -> None:
    """It comes before its consequences, such as a reference that leads nowhere."""
    first = wrong(LOAD, ("code", source), ("markdown", "[Figure](#fig-1b)"))[0]
    if message:
        assert first.startswith("1.ipynb, cell 2, line 1: no magic is called '%%")
        assert first.endswith(message)
    else:
        assert "leads nowhere" in first


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Where $x = 5 is\nsmall.", 1),
        ("Here.\n\nFirst $a$, then $b and\n$c$.\n\n$d$", 3),
        ("$$\nx\n$$ and y$", 1),
        ("It costs $5, or \\$x, `$y` and <!-- $z --> no more.", None),
        ("    $ make report", None),
        ("$a$ and $$b$$", None),
        ("$x$,\n\n{{ a:$ }}", None),
        ("$x = {{ a:g }}$", None),
    ],
)
def test_formula_that_does_not_end_is_doubtful(text: str, line: int | None) -> None:
    """A paragraph with an odd number of $ is named, unless one of them begins an amount."""
    lines = [each.line for each in doubts([notebook(("markdown", text))]) if "$" in each.message]
    assert lines == [line] * (line is not None)


def test_value_in_single_braces_is_doubtful() -> None:
    """It stops no build: it may be meant, above all in Markdown and in formulas."""
    heading, answer = (
        ("markdown", "## Task 1a\n{ a }"),
        "%%answer 1a\n\nOf { n:.1f }, \\{ a }, ${ b }$.",
    )
    cells = LOAD, heading, ("code", answer)
    assert wrong(*cells) == []
    (doubt,) = [each for each in doubts([notebook(*cells)]) if "typed" not in str(each)]
    assert str(doubt).endswith(
        "line 3: { n:.1f } is printed as it is: a value is quoted by {{ n:.1f }}"
    )


def test_heading_of_another_level_is_no_tasks() -> None:
    """The message about the answer below it says so."""
    cells = ("markdown", "## Task 2\n\n### Exercise 2b"), LOAD, ("code", "%%answer 2b\nA.")
    (fault,) = wrong(*cells)
    assert "the answer of task 2b is under task 2; move it below the heading '## Task 2b" in fault
    assert fault.endswith("'### Exercise 2b' does not count, a task's heading has two #")


def test_numbers_in_tags_of_html_are_not_typed() -> None:
    """A picture's width cannot go stale."""
    assert doubts([notebook(("markdown", "<img src='a.png' width=100 alt='x'> a < b"))]) == []


def test_prose_needs_the_extension() -> None:
    """The extension must be loaded in a cell above."""
    heading, answer = ("markdown", "## Task 1a"), ("code", "%%answer 1a\nA.")
    assert wrong(heading, answer, LOAD) == [
        "1.ipynb, cell 2, line 1: %%answer needs '%load_ext nbpress' above"
    ]
    assert wrong(heading, LOAD, answer) == []


def test_label_that_is_computed_may_be_any() -> None:
    """A reference may lead to it; references to tasks are known in any case."""
    figure = ("code", "nbpress.figure(fig, label, caption, alt)")
    assert wrong(figure, ("markdown", "[](#fig-9)")) == []
    assert len(wrong(figure, ("markdown", "[](#task-9)"))) == 1


def test_references_lead_to_other_notebooks() -> None:
    """Labels belong to the whole report."""
    first = notebook(("markdown", "## Task 1a\n[](#fig-2) [](#task-2b)"))
    second = notebook(LOAD, ("markdown", "## Task 2b"), ("code", "%%figure fig-2 f\nA.\nAlt: B."))
    assert faults([first, second]) == []
    assert len(faults([first])) == 2
