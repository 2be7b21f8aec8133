"""Makes texts look as authors saw them: formulas as in Jupyter, outputs as in a terminal."""

from __future__ import annotations

import re

from nbtypeset.tree import clean

# Formulas, delimited or bare; code is matched as well, so that no formula is found in it.
MATHS = re.compile(
    r"(?P<code>^(?P<fence>```+|~~~+).*?(?:^(?P=fence)|\Z)|(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`))"
    r"|(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$"
    r"|(?<![\\$])\$(?P<inline>[^$\n]*?[^$\\\n])\$(?![\d$])"
    r"|(?P<bare>\\begin\{(?P<name>(?:equation|align|alignat|flalign|gather|multline|eqnarray)\*?)\}"
    r".*?\\end\{(?P=name)\})",
    re.DOTALL | re.MULTILINE,
)
_REWRITTEN = re.compile(r".*\r(?=[^\n])")  # a progress bar's earlier states
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-Z\\-_])", re.DOTALL)


def normal_maths(source: str) -> str:
    r"""Return Markdown whose formulas pandoc reads as Jupyter does.

    Bare ``\begin{align}`` is display maths, ``$ x $`` may have spaces, ``$$`` may hold blank lines.
    """

    def formula(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        if match["inline"]:
            return f"${match['inline'].strip()}$" if match["inline"].strip() else match[0]
        inner = re.sub(r"\n\s*\n", "\n", (match["bare"] or match["display"]).strip())
        return f"$${inner}$$"

    return MATHS.sub(formula, source)


def terminal_text(text: str) -> str:
    """Return what a terminal shows in the end: no colours, no overwritten progress bars."""
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    while _REWRITTEN.search(text):
        text = _REWRITTEN.sub("", text)
    while "\b" in text.lstrip("\b"):
        text = re.sub(r"[^\n\b]\x08", "", text.lstrip("\b"))
    return clean(text)
