"""Makes lines fit the page: breaks long words, and continues long lines of code below."""

from __future__ import annotations

import re

_COLUMNS = 84  # characters of code that fit a line of the page
_LONG = 30  # letters of a word that may need breaking


def breakable(word: str) -> str:
    """Return a word with places to break it if it is long, such as a path or an address."""
    pieces = re.findall(rf"[^/._-]{{1,{_LONG}}}[/._-]*|[/._-]+", word)
    return word if len(word) <= _LONG else "\u200b".join(pieces)


def wrapped(code: str) -> str:
    """Return code whose lines fit the page; a continued line starts with an arrow."""
    lines: list[str] = []
    for line in code.expandtabs(4).split("\n"):
        while len(line) > _COLUMNS:
            lines.append(line[:_COLUMNS])
            line = "↪ " + line[_COLUMNS:]
        lines.append(line)
    return "\n".join(lines)
