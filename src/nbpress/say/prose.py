"""Cells of prose: a magic line such as `%%answer 2d`, and Markdown below it.

`%%figure fig-2b fig` gives the figure in a variable a caption and a text alternative, and
`%%derivation 1a prover` has an object in the notebook prove formulas. For Jupyter these are code
cells, and the kernel shows the finished text. The press reads them without a kernel: their words
are not part of a run's key, but the formulas of a derivation are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nbpress.say.derivations import Formula, read_formulas
from nbpress.say.records import Figure, task_of, validate_label, validate_task
from nbpress.say.text import Condition, Quote, Text, TextError, read_text

_MAGIC = re.compile(
    r"\s*^[ \t]*%%(answer|figure|derivation)(?![^\s])[ \t]*([^\n]*)\n?", re.MULTILINE
)
_ALT = re.compile(r"^Alt:", re.MULTILINE)
_USAGE = {
    "answer": "%%answer TASK, as '%%answer 2d'",
    "figure": "%%figure LABEL VARIABLE",
    "derivation": "%%derivation TASK PROVER, as '%%derivation 1a prover'",
}


@dataclass(frozen=True)
class Prose:
    """A cell of prose."""

    kind: str  # "answer", "figure" or "derivation"
    task: str  # under which its values are recorded; "" if a figure's label names none
    texts: Mapping[str, Text]  # "text", or "caption" and "alt" of a figure
    label: str = ""
    variable: str = ""  # the name of the one that holds the figure or the prover
    formulas: Sequence[Formula] = ()

    @property
    def quotes(self) -> list[Quote]:
        """The values that its texts quote."""
        return [quote for text in self.texts.values() for quote in text.quotes]

    @property
    def conditions(self) -> list[Condition]:
        """The claims that its texts depend on."""
        return [condition for text in self.texts.values() for condition in text.conditions]


def split_prose(source: str) -> tuple[str, str, str, int] | None:
    """Return magic, arguments, text and the line where the text begins; None for a code cell."""
    magic = _MAGIC.match(source)
    if magic is None:
        return None
    return magic[1], magic[2].strip(), source[magic.end() :], magic[0].count("\n") + 1


def read_prose(source: str) -> Prose | None:
    """Read a cell of prose; None if the cell is code.

    Raises
    ------
    TextError
        If the magic line or a placeholder is malformed, or a text is missing.
    """
    parts = split_prose(source)
    if parts is None:
        return None
    kind, arguments, body, first = parts
    names = arguments.split()
    if len(names) != (1 if kind == "answer" else 2):
        raise TextError(1, f"expected {_USAGE[kind]}; got '%%{kind} {arguments}'")
    try:
        if kind == "figure":
            prose = _figure(names[0], names[1], body, first)
        else:
            prose = Prose(kind, validate_task(names[0]), {"text": read_text(body, first)})
        if kind == "derivation":
            formulas = read_formulas(body, first)
            prose = replace(prose, variable=_variable(names[1], "prover"), formulas=formulas)
    except TextError:
        raise
    except ValueError as error:
        raise TextError(1, str(error)) from error
    for name, text in prose.texts.items():
        if not (text.quotes or text.written.strip()):
            raise TextError(first, f"the {name} is empty: write it below the magic line")
    if prose.quotes and not prose.task:
        raise TextError(
            1, f"{prose.label} quotes values, so its label must name their task, like 'fig-2b'"
        )
    return prose


def _variable(name: str, what: str) -> str:
    if not name.isidentifier():
        raise ValueError(f"expected the variable that holds the {what}; got {name!r}")
    return name


def _figure(label: str, variable: str, body: str, first: int) -> Prose:
    validate_label(Figure, label)
    _variable(variable, "figure")
    alt = _ALT.search(body)
    if alt is None:
        raise ValueError(
            f"{label} has no text alternative: add a line 'Alt:', and below it say in words what "
            "the figure shows"
        )
    texts = {
        "caption": read_text(body[: alt.start()], first),
        "alt": read_text(body[alt.end() :], first + body.count("\n", 0, alt.end())),
    }
    return Prose("figure", task_of(label), texts, label, variable)
