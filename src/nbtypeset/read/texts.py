"""Texts as their authors saw them: formulas as in Jupyter, outputs as in a terminal."""

from __future__ import annotations

import re

from nbtypeset.tree import clean

# What a formula environment must not be looked for in: code, and formulas marked as such already.
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
    r"""Return Markdown whose formulas pandoc sees as Jupyter does.

    Bare ``\begin{align}`` is display maths, ``$ x $`` may have spaces, ``$$`` may hold blank lines.
    """

    def formula(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        if found["inline"]:
            return f"${found['inline'].strip()}$" if found["inline"].strip() else found[0]
        inner = re.sub(r"\n\s*\n", "\n", (found["bare"] or found["display"]).strip())
        return f"$${inner}$$"

    return MATHS.sub(formula, source)


def terminal_text(words: str) -> str:
    """Return what a terminal would show in the end: no colours, no overwritten progress bars."""
    words = _ANSI.sub("", words).replace("\r\n", "\n")
    while _REWRITTEN.search(words):
        words = _REWRITTEN.sub("", words)
    while "\b" in words.lstrip("\b"):
        words = re.sub(r"[^\n\b]\x08", "", words.lstrip("\b"))
    return clean(words)
