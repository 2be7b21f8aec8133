r"""The displayed formulas of a derivation: how each is meant, and how it is numbered.

A display opens with its class and, if other tasks cite it, its label:

    $$ % prove eq-gradient
    \frac{\partial C}{\partial w_i} = -(y - \hat{y})\, x_i
    $$

To LaTeX that is a comment. What the formulas say is for a prover alone, an object of the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nbpress.errors import did_you_mean
from nbpress.say.text import PLACEHOLDER, TextError, blanked

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
_CONDITIONAL = re.compile(r"\{\{ if .*?\{\{ end \}\}", re.DOTALL)
_INSIGNIFICANT = re.compile(r"\s|\\[,;!: ]|\\(?:left|right|q?quad)(?![A-Za-z])|&|[.,]$")


@dataclass(frozen=True)
class Formula:
    """A displayed formula: its class, LaTeX and label ("" without one), and its lines."""

    kind: str
    latex: str
    label: str
    line: int
    first: int  # the line in which its LaTeX begins


class Verdict(Protocol):
    """What a prover says of a formula: why it is refused ("" if it is not), and in which line."""

    refusal: str
    line: int
    results: Sequence[str]  # the equalities that were proved, in LaTeX


class Prover(Protocol):
    """Proves formulas."""

    def prove(self, formulas: Sequence[tuple[str, str]]) -> Sequence[Verdict]:
        """Judge formulas, each by its class and LaTeX, in their order."""

    def summary(self, verdicts: Sequence[Verdict]) -> str:
        """Say in a sentence, in Markdown, what was proved and what was not."""


def read_formulas(body: str, first: int = 1) -> list[Formula]:
    """Return the displayed formulas of a derivation; its errors count lines from `first`.

    Raises
    ------
    TextError
        If a display does not say how it is meant, holds a placeholder or depends on a claim, if
        a formula has a number or a label of LaTeX's (marks go by the numbers of the report), if
        one is displayed in another way, or if a macro is defined.
    """

    def line_of(place: int) -> int:
        return first + body.count("\n", 0, place)

    for pattern, message in (
        (_HIDDEN, "a formula in a comment or in code is not displayed"),
        (_CONDITIONAL, "a formula that is proved depends on no claim"),
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
            "a formula is proved as it is written: leave out {}, which has it display something "
            "else",
        ),
        (
            _OTHER_DISPLAY.search(blanked(blanked(body, _DISPLAY), _HIDDEN)),
            "a formula of a derivation is displayed by '$$': leave out {}",
        ),
    ):
        if match:
            raise TextError(line_of(match.start()), message.format(match[0]))
    formulas = []
    for display in _DISPLAY.finditer(body):
        line = line_of(display.start())
        opening = _OPENING.match(display[1])
        kind, label = (opening[1], opening[2] or "") if opening else ("", "")
        if opening is None or kind not in KINDS:
            hint = did_you_mean(kind, KINDS) if kind else ""
            raise TextError(
                line,
                "expected '$$ % define', '$$ % assume' or '$$ % prove', which a label may follow, "
                f"'eq-gradient', at the beginning of a formula; got {display[0].splitlines()[0]!r}"
                + hint,
            )
        latex = display[1][opening.end() :].strip()
        if PLACEHOLDER.search(latex):
            raise TextError(line, "a formula that is proved quotes no values")
        start = body.index(latex, display.start(1) + opening.end())
        formulas.append(Formula(kind, latex, label, line, line_of(start)))
    return formulas


def check_set(text: str, formulas: Sequence[Formula]) -> None:
    """Refuse a derivation that, set with its values, displays other formulas than were written."""
    if [(f.kind, f.latex) for f in read_formulas(text)] != [(f.kind, f.latex) for f in formulas]:
        raise TextError(1, "a value that it quotes displays a formula, which nobody would prove")


def set_formulas(text: str, tags: Iterator[str]) -> str:
    """Return a derivation's text with what its displays open with taken out, and their tags."""

    def tagged(display: re.Match[str]) -> str:
        opening = _OPENING.match(display[1])
        latex = display[1][opening.end() if opening else 0 :].strip()
        marks = [rf"\tag{{{tag}}}"] if (tag := next(tags)) else []
        if opening and opening[2]:
            marks.append(rf"\label{{{opening[2].removeprefix('eq-')}}}")
        return "\n".join(["$$", latex, *marks, "$$"])

    return _DISPLAY.sub(tagged, text)


def shown(text: str, formulas: Sequence[Formula], verdicts: Sequence[Verdict]) -> str:
    """Return a derivation's text as JupyterLab shows it: ✓ beside what is proved, ✗ and why not."""
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
    """Return whether an equality is among others, whatever their blanks and braces."""
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
        raise TextError(1, f"{name} has no methods 'prove' and 'summary': it is no prover")
    checked: Prover = prover
    return checked
