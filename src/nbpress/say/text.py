"""Texts that quote values: `{{ stop_step:, }}`, and `{{ if norm-falls }}…{{ else }}…{{ end }}`.

A placeholder has a space inside each pair of braces, so LaTeX keeps its own: `w^{{n}}` stays as it
is. It holds a name and, if need be, a format of Python's; what is longer is computed in a cell of
code. Nothing in a text is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbpress.say.records import NAME, TASK
from nbpress.say.typography import set_value

PLACEHOLDER = re.compile(r"(\{\{ .*? \}\})")
_QUOTE = re.compile(r"([A-Za-z_]\w*)(?::(.+))?")
_QUOTE_OF_REPORT = re.compile(rf"({TASK}\.[A-Za-z_]\w*)(?::(.+))?")
_CONDITION = re.compile(rf"(else|end)|if ({NAME})")
_AFTER = {"if": ("end",), "else": ("if",), "end": ("if", "else")}  # what each may follow

# What would be structure at the beginning of a line, were it not escaped.
_MARK = "\0"  # before each value
_STRUCTURES = [
    re.compile(rf"^([ \t]*{_MARK}{structure}", re.MULTILINE)
    for structure in (r"\d+)([.)](?:\s|$))", r")([#>*+\-|~=`:_])")
]

# Says which typed numbers are meant: `<!-- typed: ten, 2022 -->`. No reader gets to see it.
TYPED = re.compile(r"[ \t]*<!-- typed: (.*?) -->")


class TextError(ValueError):
    """A text that cannot be set: what was expected, in which line of its cell."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line, self.message = line, message

    def _render_traceback_(self) -> list[str]:  # which IPython asks for; ours would say less
        return [str(self)]


@dataclass(frozen=True)
class Quote:
    """The place of a value."""

    name: str
    format: str
    line: int


@dataclass(frozen=True)
class Condition:
    """Where what is said begins to depend on a claim ("if"), turns ("else"), or no longer does."""

    word: str
    claim: str
    line: int


@dataclass(frozen=True)
class Text:
    """A text as it was written, in parts."""

    parts: tuple[str | Quote | Condition, ...]

    @property
    def quotes(self) -> list[Quote]:
        """The values that it quotes, whatever its claims come to."""
        return [part for part in self.parts if isinstance(part, Quote)]

    @property
    def conditions(self) -> list[Condition]:
        """The claims that it depends on."""
        return [part for part in self.parts if isinstance(part, Condition) and part.claim]

    @property
    def written(self) -> str:
        """What was typed between the placeholders, each of which is a blank."""
        return "".join(part if isinstance(part, str) else " " for part in self.parts)

    def set(
        self, values: Mapping[str, Any], claims: Mapping[str, bool], *, markdown: bool = True
    ) -> str:
        """Return the text with its values, and what its claims have it say.

        In Markdown a value that begins a line, as the 12 of "12. So …", begins no list or heading.

        Raises
        ------
        TextError
            If a value cannot be set in its format.
        """
        said, speaks = [], True
        for part in self.parts:
            if isinstance(part, Condition):
                otherwise = part.word == "end" or not speaks
                speaks = claims[part.claim] if part.word == "if" else otherwise
            elif speaks:
                said.append(
                    part if isinstance(part, str) else _MARK + _set(part, values[part.name])
                )
        text = "".join(said)
        for structure in _STRUCTURES if markdown else ():
            text = structure.sub(r"\1\\\2", text)
        return text.replace(_MARK, "").strip()


def blanked(text: str, what: re.Pattern[str]) -> str:
    """Return a text with blanks in place of a pattern's matches; lines stay where they are."""
    return what.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), text)


def read_text(source: str, first_line: int = 1, *, of_report: bool = False) -> Text:
    """Read a text's placeholders; its errors count lines from `first_line`.

    A text of the whole report calls values by their tasks as well, `{{ 2d.stop_step }}`.

    Raises
    ------
    TextError
        If braces with blanks inside hold no placeholder, or conditions do not match.
    """
    parts: list[str | Quote | Condition] = []
    quotes = _QUOTE_OF_REPORT if of_report else _QUOTE
    line, state = first_line, "end"
    for part in PLACEHOLDER.split(TYPED.sub("", source)):
        inner = part[3:-3]
        if not PLACEHOLDER.fullmatch(part):
            if stray := re.search(r"\{\{ | \}\}", part):
                line += part.count("\n", 0, stray.start())
                raise TextError(line, "expected '{{ name }}' in one line; found braces of one half")
            parts.append(part)
        elif "{{" in inner or "}}" in inner:
            raise TextError(line, f"{part}: a blank is missing in it, expected '{{{{ name }}}}'")
        elif condition := _CONDITION.fullmatch(inner):
            word, claim = condition[1] or "if", condition[2] or ""
            if state not in _AFTER[word]:
                expected = "{{ if claim }}" if state == "end" else "{{ end }}"
                raise TextError(line, f"{part}: expected '{expected}' before it")
            state = word
            parts.append(Condition(word, claim, line))
        elif (quote := quotes.fullmatch(inner)) and quote[1] not in _AFTER:
            parts.append(Quote(quote[1], quote[2] or "", line))
        else:
            name = "2d.steps" if of_report else "steps"
            raise TextError(
                line,
                f"{part} is no placeholder: expected a name, '{{{{ {name} }}}}', with a format if "
                f"need be, '{{{{ {name}:, }}}}', or '{{{{ if claim }}}}'; compute what is longer "
                "in a cell" + ("" if of_report else " above"),
            )
        line += part.count("\n")
    if state != "end":
        raise TextError(line, "expected '{{ end }}' after the last '{{ if … }}'")
    return Text(tuple(parts))


def prose(text: str, /, **values: Any) -> str:
    """Return a text with its values set as in an answer, for the cells of a table.

    `prose("{{ d:.1e }}", d=1.8e-7)` gives "1.8 × 10⁻⁷".

    Raises
    ------
    ValueError
        If the text quotes a value that is not given, or depends on a claim.
    """
    quoting = read_text(text)
    for part in quoting.parts:
        if isinstance(part, Condition):
            raise TextError(part.line, "a text that depends on a claim belongs to an answer")
        if isinstance(part, Quote) and part.name not in values:
            raise TextError(part.line, f"{part.name!r} is not given")
    return quoting.set(values, {})


def _set(quote: Quote, value: Any) -> str:
    if value is None:
        raise TextError(
            quote.line, f"{quote.name} is None: what is to be read? Record the value that was used"
        )
    try:
        return " ".join(set_value(value, quote.format).split("\n"))
    except (ValueError, TypeError) as error:
        raise TextError(
            quote.line, f"{quote.name} is {value!r:.60}, which {quote.format!r} cannot set: {error}"
        ) from error
