"""The errors that a user sees: one clear message each, no traceback, exit status 1."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PressError(Exception):
    """Something that the user can mend: says what was expected, what was found, what to do."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` where a known name is close, and else the known names."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"
