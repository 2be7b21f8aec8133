r"""The displayed formulas of a derivation: the class of each, and how it is numbered.

A display opens with its class and, if other tasks cite it, its label:

    $$ % prove eq-gradient
    \frac{\partial C}{\partial w_i} = -(y - \hat{y})\, x_i
    $$

To LaTeX that is a comment. Only the prover, an object in the notebook, interprets the formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nbpress.errors import did_you_mean
from nbpress.say.markdown import blanked
from nbpress.say.text import PLACEHOLDER, TextError

KINDS = ("define", "assume", "prove")

_DISPLAY = re.compile(r"(?<!\\)\$\$(.*?)(?<!\\)\$\$", re.DOTALL)
_OPENING = re.compile(r"[ \t]*%[ \t]*([a-z]+)(?:[ \t]+(eq-[a-z0-9-]+))?[ \t]*\n")
_NUMBER = re.compile(r"\\(?:tag|label)(?![A-Za-z])")
_MACRO = re.compile(
    r"\\(?:[egx]?def|let|futurelet|(?:re)?newcommand|(?:re)?newenvironment|providecommand"
    r"|DeclareMathOperator|require)(?![A-Za-z])"
)
_OTHER_DISPLAY = re.compile(r"\\begin\{\w+\*?\}|\\\\\[")
_HIDDEN = re.compile(
    r"<!--.*?-->|^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1|\Z)|`[^`]*`", re.DOTALL | re.MULTILINE
)
_INDENTED = re.compile(r"[ >*+-]*(?: {4}|\t)")
_CONDITIONAL = re.compile(r"\{\{ if .*?\{\{ end \}\}", re.DOTALL)
_INSIGNIFICANT = re.compile(r"\s|\\[,;!: ]|\\(?:left|right|q?quad)(?![A-Za-z])|&|[.,]$")


@dataclass(frozen=True)
class Formula:
    """A displayed formula: its class, LaTeX, label ("" if it has none) and lines."""

    kind: str
    latex: str
    label: str
    line: int
    first: int  # the line where its LaTeX begins


class Verdict(Protocol):
    """A prover's verdict on a formula: why it is refused ("" if it is not), and at which line."""

    refusal: str
    line: int
    results: Sequence[str]  # the equalities that were proved, in LaTeX


class Prover(Protocol):
    """Proves formulas."""

    def prove(self, formulas: Sequence[tuple[str, str]]) -> Sequence[Verdict]:
        """Judge formulas in their order, each given by its class and LaTeX."""

    def summary(self, verdicts: Sequence[Verdict]) -> str:
        """Return a sentence, in Markdown, on what was proved and what was not."""


def read_formulas(body: str, first: int = 1) -> list[Formula]:
    """Return the displayed formulas of a derivation; its errors count lines from `first`.

    Raises
    ------
    TextError
        If a display does not begin with its class, quotes a value, depends on a claim or is
        indented like code; if a formula has its own LaTeX number or label (only the report numbers
        them) or is displayed in another way; or if a macro is defined.
    """

    def line_of(offset: int) -> int:
        return first + body.count("\n", 0, offset)

    for pattern, message in (
        (_HIDDEN, "a formula in a comment or in code is not displayed"),
        (_CONDITIONAL, "a formula of a derivation must not depend on a claim"),
    ):
        for part in pattern.finditer(body):
            if "$$" in part[0]:
                raise TextError(line_of(body.index("$$", part.start())), message)
    for match, message in (
        (
            _NUMBER.search(body),
            "the report numbers the formulas of a derivation: leave out {}; a label follows the "
            "class, '$$ % prove eq-gradient'",
        ),
        (
            _MACRO.search(body),
            "a formula must display exactly what is proved: leave out {}, which could change what "
            "it displays",
        ),
        (
            _OTHER_DISPLAY.search(blanked(blanked(body, _DISPLAY), _HIDDEN)),
            "a formula of a derivation must be displayed by '$$': leave out {}",
        ),
    ):
        if match:
            raise TextError(line_of(match.start()), message.format(match[0]))
    formulas = []
    for display in _DISPLAY.finditer(body):
        line = line_of(display.start())
        if _INDENTED.match(body, body.rfind("\n", 0, display.start()) + 1, display.start()):
            raise TextError(line, "a formula indented by four blanks could be code: indent it less")
        opening = _OPENING.match(display[1])
        kind, label = (opening[1], opening[2] or "") if opening else ("", "")
        if opening is None or kind not in KINDS:
            hint = did_you_mean(kind, KINDS) if kind else ""
            raise TextError(
                line,
                "a formula must begin with '$$ % define', '$$ % assume' or '$$ % prove', and may "
                f"add a label, 'eq-gradient'; got {display[0].splitlines()[0]!r}" + hint,
            )
        latex = display[1][opening.end() :].strip()
        if PLACEHOLDER.search(latex):
            raise TextError(line, "a formula of a derivation must not quote values")
        start = body.index(latex, display.start(1) + opening.end())
        formulas.append(Formula(kind, latex, label, line, line_of(start)))
    return formulas


def check_set(text: str, formulas: Sequence[Formula]) -> None:
    """Refuse a derivation whose formulas change when its values are filled in."""
    if [(f.kind, f.latex) for f in read_formulas(text)] != [(f.kind, f.latex) for f in formulas]:
        raise TextError(1, "a quoted value displays a formula of its own, which is not proved")


def set_formulas(text: str, tags: Iterator[str]) -> str:
    """Return a derivation's text with tags in its displays, without their opening comments."""

    def tagged(display: re.Match[str]) -> str:
        opening = _OPENING.match(display[1])
        latex = display[1][opening.end() if opening else 0 :].strip()
        marks = [rf"\tag{{{tag}}}"] if (tag := next(tags)) else []
        if opening and opening[2]:
            marks.append(rf"\label{{{opening[2].removeprefix('eq-')}}}")
        return "\n".join(["$$", latex, *marks, "$$"])

    return _DISPLAY.sub(tagged, text)


def shown(text: str, formulas: Sequence[Formula], verdicts: Sequence[Verdict]) -> str:
    """Return a derivation's text for JupyterLab: ✓ beside what is proved, ✗ and the reason."""
    tags = (
        "✓" if formula.kind == "prove" and not verdict.refusal else ""
        for formula, verdict in zip(formulas, verdicts, strict=True)
    )
    refusals = iter(verdicts)

    def refused(display: re.Match[str]) -> str:
        refusal = next(refusals).refusal
        return f"{display[0]}\n\n**✗ {refusal.replace('$', '')}**\n" if refusal else display[0]

    return _DISPLAY.sub(refused, set_formulas(text, tags))


def is_among(result: str, results: Sequence[str]) -> bool:
    """Return whether an equality is among others, apart from spaces and braces."""
    return _significant(result) in set(map(_significant, results))


def _significant(latex: str) -> str:
    text = _INSIGNIFICANT.sub("", latex.strip())
    return re.sub(r"\{(\w)\}", r"\1", text)


def prover_of(variables: Any, name: str) -> Prover:
    """Return the notebook's prover of this name."""
    if name not in variables:
        raise TextError(1, f"no variable is called {name!r}{did_you_mean(name, variables)}")
    prover = variables[name]
    if not (hasattr(prover, "prove") and hasattr(prover, "summary")):
        raise TextError(1, f"{name} is not a prover: it lacks the methods 'prove' and 'summary'")
    checked: Prover = prover
    return checked
