"""Texts that quote values and cells of prose: how they are read."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from nbpress.say.prose import Prose, read_prose, split_prose
from nbpress.say.text import TextError, prose, read_text
from nbpress.say.typography import plain

VALUES = {
    **{"steps": 1546, "first": 1, "loss": -1.8e-7, "name": "softmax"},
    **{"losses": [-0.5, 2, 3.25], "both": ["0", "0.002"], "none": [], "one": (0.25,)},
    **{"rows": [[1], [2]], "mapping": {"a": 1}, "nothing": [None]},
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("After {{ steps }} steps.", "After 1546 steps."),
        ("{{ steps:, }} and {{ loss:.1e }}", "1,546 and −1.8\u00a0×\u00a010⁻⁷"),
        ("{{ name:>9 }}|", "softmax|"),
        ("{{ steps:, step|steps }}, {{ first step|steps }}", "1,546 steps, 1 step"),
        ("{{ first:.1f mean step|mean steps }}, {{ steps: .0f }}", "1.0 mean steps,  1546"),
        ("{{ none step|steps }}; {{ losses:g step|steps }}", "none steps; −0.5, 2 and 3.25 steps"),
        ("{{ losses:.1f }}", "−0.5, 2.0 and 3.2"),
        (
            "{{ loss:.1f }}, {{ loss:.0% }}, {{ loss:+.1f }}, {{ losses:.0f }}",
            "0.0, 0%, 0.0, 0, 2 and 3",
        ),
        ("{{ both }}", "0 and 0.002"),
        ("{{ none }}; {{ one:.0% }}", "none; 25%"),
        ("$w^{{n}}$ and {{steps}} and {x} stay", "$w^{{n}}$ and {{steps}} and {x} stay"),
        ("meant <!-- typed: ten, 3 -->\n", "meant"),
        ("{{ if up }}It rises.{{ end }} Then.", "It rises. Then."),
        ("{{ if down }}It falls{{ else }}It rises by {{ steps }}{{ end }}.", "It rises by 1546."),
        ("{{ if up }}A{{ end }}{{ if down }}B{{ else }}C{{ end }}", "AC"),
    ],
)
def test_text_is_set(source: str, text: str) -> None:
    """Numbers look as in print, claims choose sentences, and LaTeX keeps its braces."""
    assert read_text(source).set(VALUES, {"up": True, "down": False}) == text


@pytest.mark.parametrize(
    ("value", "format_", "text"),
    [
        (12, "", r"12\. So"),
        (1546, "", r"1546\. So"),
        (1546, ",", "1,546. So"),
        (0.5, "+g", r"\+0.5. So"),
        (-0.5, "g", "−0.5. So"),
        ("# x", "", r"\# x. So"),
        ("- x\n\n# y", "", r"\- x  # y. So"),
        ("x", "", "x. So"),
    ],
)
def test_value_at_the_beginning_of_a_line_is_no_structure(
    value: object, format_: str, text: str
) -> None:
    """A wrapped line that begins with a number stays part of its paragraph."""
    quoting = read_text(f"There are\n{{{{ x{format_ and ':' + format_} }}}}. So")
    assert quoting.set({"x": value}, {}) == f"There are\n{text}"
    plain = quoting.set({"x": value}, {}, markdown=False)
    assert plain == f"There are\n{text}".replace("\\", "")
    assert read_text("A {{ x }}. So").set({"x": 12}, {}) == "A 12. So"


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("a\nb {{ x + 1 }}", 2, r"\{\{ x \+ 1 \}\} is not a placeholder: expected a name"),
        ("{{ x.real }}", 1, "is not a placeholder"),
        ("{{ x[0] }}", 1, "is not a placeholder"),
        ("{{ x!r }}", 1, "is not a placeholder"),
        ("{{ __import__('os') }}", 1, "is not a placeholder"),
        ("{{ if }}", 1, "is not a placeholder"),
        ("{{ if Up }}", 1, "is not a placeholder"),
        ("a\n\n{{ x\n}}", 3, "expected '{{ name }}' in one line"),
        ("a }} b", 1, "expected '{{ name }}' in one line"),
        ("{{ else }}", 1, "expected '{{ if claim }}' before it"),
        ("{{ end }}", 1, "expected '{{ if claim }}' before it"),
        ("{{ if a }}\n{{ if b }}", 2, "expected '{{ end }}' before it"),
        ("{{ if a }}{{ else }}{{ else }}", 1, "expected '{{ end }}' before it"),
        ("{{ if a }}\nb", 2, "expected '{{ end }}'"),
    ],
)
def test_malformed_text_is_refused(source: str, line: int, message: str) -> None:
    """The message has the line; nothing in the text is evaluated."""
    with pytest.raises(TextError, match=message) as error:
        read_text(source)
    assert error.value.line == line


@pytest.mark.parametrize(
    ("value", "markdown", "alt"),
    [
        ("<unknown>", r"\<unknown>", "<unknown>"),
        (["<a>", "</b>"], r"\<a> and \</b>", "<a> and </b>"),
        ("a < b", "a < b", "a < b"),
        ("see `<a>`", "see `<a>`", "see `<a>`"),
        ("$a<b$", "$a<b$", "$a<b$"),
    ],
)
def test_value_is_no_html(value: object, markdown: str, alt: str) -> None:
    """What Markdown would take for a tag is shown as it is, not left out."""
    text = read_text("{{ x }}")
    assert text.set({"x": value}, {}) == markdown
    assert text.set({"x": value}, {}, markdown=False) == alt


def test_format_that_does_not_fit_is_refused() -> None:
    """The message gives the name, the value and the line."""
    with pytest.raises(
        TextError, match=r"line 2: name is 'softmax', which does not fit the format '\.2f'"
    ):
        read_text("a\n{{ name:.2f }}").set(VALUES, {})
    for name in ("rows", "mapping", "nothing"):
        with pytest.raises(TextError, match=rf"{name} is .*: expected a number, a text or a flat"):
            read_text(f"{{{{ {name} }}}}").set(VALUES, {})


def test_prose_sets_numbers_as_answers_do() -> None:
    """Powers of ten and minus signs in a table look like those in the text."""
    assert prose("{{ a:.1e }}, {{ b:.0e }}, {{ c:+.2f }}", a=1.8e-7, b=1e-6, c=-0.5) == (
        "1.8\u00a0×\u00a010⁻⁷, 10⁻⁶, −0.50"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [("{{ b }}", "'b' is not given"), ("{{ if up }}x{{ end }}", "cannot depend on a claim")],
)
def test_prose_of_a_table_takes_what_it_is_given(text: str, message: str) -> None:
    """It takes nothing else: no claim is assumed to be true."""
    with pytest.raises(TextError, match=message):
        prose(text, a=1)


def parsed(source: str) -> Prose:
    """Return a cell of prose."""
    read = read_prose(source)
    assert read is not None
    return read


def test_answer_is_read() -> None:
    """It has a task, and the names that it quotes in either branch of a condition."""
    read = parsed("\n%%answer 2d\nIt stops after {{ a }}{{ if c }} of {{ b:, }}{{ end }}.")
    assert (read.kind, read.task) == ("answer", "2d")
    assert [(quote.name, quote.format, quote.line) for quote in read.quotes] == [
        ("a", "", 3),
        ("b", ",", 3),
    ]
    assert [condition.claim for condition in read.conditions] == ["c"]


@pytest.mark.parametrize("alt", ["\nAlt:\nA line.\nIt falls.\n", "\nAlt: A line.\nIt falls."])
def test_figure_is_read(alt: str) -> None:
    """A line that begins with `Alt:` separates the caption from the alternative."""
    read = parsed("%%figure fig-2b-zoom fig\nThe loss,\nin *nats*." + alt)
    assert (read.label, read.variable, read.task) == ("fig-2b-zoom", "fig", "2b")
    assert read.texts["caption"].set({}, {}) == "The loss,\nin *nats*."
    assert read.texts["alt"].set({}, {}) == "A line.\nIt falls."


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("%%answer\nText.", 1, "expected %%answer TASK"),
        ("%%answer 2 d\nText.", 1, "expected %%answer TASK"),
        ("%%answer two\nText.", 1, "a task's name must be like '2d'"),
        ("%%answer 2d\n \n", 2, "the text is empty"),
        ("%%figure fig-1\nA.\nAlt: B.", 1, "expected %%figure LABEL VARIABLE"),
        ("%%figure tab-1 fig\nA.\nAlt: B.", 1, "a figure's label must be 'fig-'"),
        ("%%figure fig-1 f()\nA.\nAlt: B.", 1, "expected the variable that holds the figure"),
        ("%%figure fig-1 fig\nA.", 1, "fig-1 has no text alternative: add a line 'Alt:'"),
        ("%%figure fig-1 fig\nA.\nAlt:\n", 2, "the alt is empty"),
        ("%%figure fig-1 fig\nAlt: B.\n", 2, "the caption is empty"),
        ("%%figure fig-all fig\n{{ n }}.\nAlt: B.", 1, "fig-all quotes values, so its label"),
        ("%%figure fig-1 fig\nA.\n\nAlt: B\n{{ n", 5, "expected '{{ name }}' in one line"),
    ],
)
def test_malformed_prose_is_refused(source: str, line: int, message: str) -> None:
    """The message has the line of the cell."""
    with pytest.raises(TextError, match=message) as error:
        read_prose(source)
    assert error.value.line == line


@pytest.mark.parametrize(
    "source", ["%%time\nx", "%%answers 2d", "x\n%%answer 2d", "%answer 2d", ""]
)
def test_other_cells_are_code(source: str) -> None:
    """So are cells of other magics, and those whose magic is not in the first line."""
    assert split_prose(source) is None
    assert read_prose(source) is None


@pytest.mark.parametrize("half", ["{{ off:.0%}} of {{ guess }}", "{{ off }} of {{guess }}"])
def test_placeholder_without_a_blank(half: str) -> None:
    """Its line is named; it is neither printed nor does it swallow the text that follows."""
    with pytest.raises(TextError, match=r"blank is missing|only half of it") as caught:
        read_text(f"One.\n{half}")
    assert caught.value.line == 2


class Boasting(float):
    """A number that prints itself as another one."""

    def __format__(self, format_: str) -> str:
        return "666"

    __str__ = __repr__ = lambda self: "666"


def test_value_that_prints_itself_otherwise_is_what_json_holds() -> None:
    """A text cannot say something else than values.json."""
    (value,) = plain("x", [Boasting(0.5)])
    assert read_text("{{ x }}, {{ x:.1f }}").set({"x": value}, {}) == "0.5, 0.5"
    kinds = [type(plain("x", value)) for value in (Boasting(1), HTTPStatus.OK, True, "a")]
    assert kinds == [float, int, bool, str]
