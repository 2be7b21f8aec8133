r"""Formulas for LaTeX, which would execute commands in them: only mathematics gets through.

Pandoc's own grammar for formulas knows only mathematical macros: no ``\input``, no ``\write``, no
``\]``. Formulas that it cannot read are shown as code. It skips definitions and text, and does not
know TeX's ``^^5c``: these are handled here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbtypeset import pandoc
from nbtypeset.tree import node, para
from nbtypeset.write.readable_latex import readable_latex

_COMMENT = re.compile(r"((?<!\\)(?:\\\\)*)%.*")
_FORBIDDEN = re.compile(
    r"\^\^|\\(?:(?:re)?new|provide|[Dd]eclare|[gex]?def|let|future|catcode|csname|expandafter|input"
    r"|include|openin|openout|read|write|immediate|special|directlua|usepackage|require)"
)
_TEXT = re.compile(r"\\(?:text[a-z]*|mbox|hbox)\s*\{[^{}$]*\}")
_SPECIAL = re.compile(r"(?<!\\)[#&_^%]")
# Environments that are displays by themselves, and their equivalents within a display.
_INNER = {
    "equation": "", "align": "aligned", "flalign": "aligned", "eqnarray": "aligned",
    "split": "aligned", "alignat": "alignedat", "gather": "gathered", "multline": "gathered",
}  # fmt: skip
_ENVIRONMENT = re.compile(rf"\\(begin|end)\{{({'|'.join(_INNER)})\*?\}}")


def latex_formula(formula: str) -> str:
    r"""Return a formula as it can stand within ``\(…\)`` and ``\[…\]``."""
    source = _TEXT.sub(_escaped_text, _COMMENT.sub(r"\1", formula))
    source = re.sub(r"\\(?:nonumber|notag)\b", "", re.sub(r"\n\s*\n", "\n", source)).strip()
    if r"\\" in source and r"\begin" not in source:
        source = rf"\begin{{gathered}}{source}\end{{gathered}}"
    return _ENVIRONMENT.sub(_inner_environment, source)


def _escaped_text(text: re.Match[str]) -> str:
    return _SPECIAL.sub(lambda sign: r"\^{}" if sign[0] == "^" else "\\" + sign[0], text[0])


def _inner_environment(delimiter: re.Match[str]) -> str:
    name = _INNER[delimiter[2]]
    return f"\\{delimiter[1]}{{{name}}}" if name else ""


def refused_formulas(formulas: Iterable[str]) -> set[str]:
    """Return the formulas that must not become LaTeX."""
    sources = {formula.strip(): latex_formula(formula) for formula in formulas}
    display = {"t": "DisplayMath"}
    readable = {source: readable_latex(source).strip() for source in sources.values()}
    blocks = [para([node("Math", [display, source])]) for source in readable.values()]
    _, unread = pandoc.write_logged(blocks, "typst")
    return {
        formula
        for formula, source in sources.items()
        if readable[source] in unread or _FORBIDDEN.search(source)
    }
