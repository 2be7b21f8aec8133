"""Texts that quote values: `{{ stop_step:, }}`, and `{{ if norm-falls }}…{{ else }}…{{ end }}`.

A placeholder has a space inside each pair of braces, so that LaTeX such as `w^{{n}}` is not one.
It consists of a name, optionally a Python format, and optionally the words for one and for more,
`{{ seeds seed|seeds }}`; anything more is computed in a code cell.
Nothing in a text is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbpress.say.records import NAME
from nbpress.say.typography import set_value
from nbtypeset.anchors import TASK

PLACEHOLDER = re.compile(r"(\{\{ .*? \}\})")
_FORMAT = r"(?::(.+)|( [^|]+\|[^|]+))?"
_QUOTE = re.compile(rf"([A-Za-z_]\w*){_FORMAT}")
_QUOTE_OF_REPORT = re.compile(rf"({TASK}\.[A-Za-z_]\w*){_FORMAT}")
_CONDITION = re.compile(rf"(else|end)|if ({NAME})")
_AFTER = {"if": ("end",), "else": ("if",), "end": ("if", "else")}  # what each may follow

# Markdown structure that a value at the beginning of a line would form if it were not escaped.
_MARK = "\0"  # put before each value
_STRUCTURES = [
    re.compile(rf"^([ \t]*{_MARK}{structure}", re.MULTILINE)
    for structure in (r"\d+)([.)](?:\s|$))", r")([#>*+\-|~=`:_])")
]

_HTML = re.compile(r"<(?=[A-Za-z/!?])")  # that a value would begin

# Allows typed numbers: `<!-- typed: ten, 2022 -->`. Readers do not see it.
TYPED = re.compile(r"[ \t]*<!-- typed: (.*?) -->")


class TextError(ValueError):
    """A fault in a text: what is wrong, and in which line of its cell."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line, self.message = line, message

    def _render_traceback_(self) -> list[str]:  # called by IPython: the message suffices
        return [str(self)]


@dataclass(frozen=True)
class Quote:
    """A placeholder for a value."""

    name: str
    format: str
    line: int


@dataclass(frozen=True)
class Condition:
    """A placeholder where a condition on a claim begins ("if"), turns ("else") or ends ("end")."""

    word: str
    claim: str
    line: int


@dataclass(frozen=True)
class Text:
    """A text as written, split into parts."""

    parts: tuple[str | Quote | Condition, ...]

    @property
    def quotes(self) -> list[Quote]:
        """The values that it quotes, including those under conditions."""
        return [part for part in self.parts if isinstance(part, Quote)]

    @property
    def conditions(self) -> list[Condition]:
        """The claims that it depends on."""
        return [part for part in self.parts if isinstance(part, Condition) and part.claim]

    @property
    def written(self) -> str:
        """The text as typed, with a blank for each placeholder."""
        return "".join(part if isinstance(part, str) else " " for part in self.parts)

    def set(
        self, values: Mapping[str, Any], claims: Mapping[str, bool], *, markdown: bool = True
    ) -> str:
        """Return the text with its values filled in, and its conditions resolved.

        In Markdown, a value that begins a line, like the 12 of "12. So …", never starts a list or
        a heading, and the "<unknown>" of a value is no HTML, which would be left out.

        Raises
        ------
        TextError
            If a value cannot be formatted as asked.
        """

        def quoted(quote: Quote) -> str:
            value = _set(quote, values[quote.name])
            has_code = not {"$", "`"}.isdisjoint(value)  # in which a backslash would be shown
            return _HTML.sub(r"\\<", value) if markdown and not has_code else value

        said, speaks = [], True
        for part in self.parts:
            if isinstance(part, Condition):
                otherwise = part.word == "end" or not speaks
                speaks = claims[part.claim] if part.word == "if" else otherwise
            elif speaks:
                said.append(part if isinstance(part, str) else _MARK + quoted(part))
        text = "".join(said)
        for structure in _STRUCTURES if markdown else ():
            text = structure.sub(r"\1\\\2", text)
        return text.replace(_MARK, "").strip()


def read_text(source: str, first_line: int = 1, *, of_report: bool = False) -> Text:
    """Read a text's placeholders; its errors count lines from `first_line`.

    With `of_report`, the names of values include their task: `{{ 2d.stop_step }}`.

    Raises
    ------
    TextError
        If braces with spaces inside are not a placeholder, or conditions do not match.
    """
    parts: list[str | Quote | Condition] = []
    quotes = _QUOTE_OF_REPORT if of_report else _QUOTE
    line, state = first_line, "end"
    for part in PLACEHOLDER.split(TYPED.sub("", source)):
        inner = part[3:-3]
        if not PLACEHOLDER.fullmatch(part):
            if stray := re.search(r"\{\{ | \}\}", part):
                line += part.count("\n", 0, stray.start())
                raise TextError(line, "expected '{{ name }}' in one line; found only half of it")
            parts.append(part)
        elif "{{" in inner or "}}" in inner:
            raise TextError(
                line, f"{part}: a brace or a blank is missing; expected '{{{{ name }}}}'"
            )
        elif condition := _CONDITION.fullmatch(inner):
            word, claim = condition[1] or "if", condition[2] or ""
            if state not in _AFTER[word]:
                expected = "{{ if claim }}" if state == "end" else "{{ end }}"
                raise TextError(line, f"{part}: expected '{expected}' before it")
            state = word
            parts.append(Condition(word, claim, line))
        elif (quote := quotes.fullmatch(inner)) and quote[1] not in _AFTER:
            parts.append(Quote(quote[1], quote[2] or quote[3] or "", line))
        else:
            name = "2d.steps" if of_report else "steps"
            raise TextError(
                line,
                f"{part} is not a placeholder: expected a name, '{{{{ {name} }}}}', perhaps with a "
                f"format, '{{{{ {name}:, }}}}', or '{{{{ if claim }}}}'; compute anything else "
                "in a code cell" + ("" if of_report else " above"),
            )
        line += part.count("\n")
    if state != "end":
        raise TextError(line, "expected '{{ end }}' after the last '{{ if … }}'")
    return Text(tuple(parts))


def prose(text: str, /, **values: Any) -> str:
    """Return a text with its values formatted as in an answer, for the cells of a table.

    `prose("{{ d:.1e }}", d=1.8e-7)` gives "1.8 × 10⁻⁷".

    Raises
    ------
    ValueError
        If the text quotes a value that is not given, or depends on a claim.
    """
    quoting = read_text(text)
    for part in quoting.parts:
        if isinstance(part, Condition):
            raise TextError(part.line, "a table's cell cannot depend on a claim: use an answer")
        if isinstance(part, Quote) and part.name not in values:
            raise TextError(part.line, f"{part.name!r} is not given: pass it as an argument")
    return quoting.set(values, {})


def _set(quote: Quote, value: Any) -> str:
    if value is None:
        raise TextError(
            quote.line, f"{quote.name} is None, which says nothing: record the value that was used"
        )
    try:
        return set_value(value, quote.format).replace("\n", " ")
    except (ValueError, TypeError) as error:
        raise TextError(
            quote.line,
            f"{quote.name} is {value!r:.60}, which does not fit the format {quote.format!r}: "
            f"{error}",
        ) from error
