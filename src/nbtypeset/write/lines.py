"""Lines that fit the page: words that may be broken, and code that goes on below."""

from __future__ import annotations

import re

_COLUMNS = 84  # of code, at its size, in a line of the page
_LONG = 30  # letters of a word that may need breaking


def breakable(word: str) -> str:
    """Return a word that may be broken where it is too long for a line: paths, addresses."""
    pieces = re.findall(rf"[^/._-]{{1,{_LONG}}}[/._-]*|[/._-]+", word)
    return word if len(word) <= _LONG else "\u200b".join(pieces)


def wrapped(code: str) -> str:
    """Return code whose lines fit the page; a line that goes on starts with an arrow."""
    lines: list[str] = []
    for line in code.expandtabs(4).split("\n"):
        while len(line) > _COLUMNS:
            lines.append(line[:_COLUMNS])
            line = "↪ " + line[_COLUMNS:]
        lines.append(line)
    return "\n".join(lines)
