"""The errors that a user sees: each is one clear message without a traceback; exit status 1."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "the disk is full: make room and run it again",
    errno.EDQUOT: "your quota is used up: make room and run it again",
    errno.EFBIG: "a file would grow over the size limit: raise it and run it again",
    errno.EACCES: "access is denied: change the permissions",
    errno.EROFS: "it is on a read-only file system",
    errno.EISDIR: "there is a folder where a file should be: move it away",
    errno.ENOTDIR: "there is a file where a folder should be: move it away",
    errno.EEXIST: "there is a file where a folder should be: move it away",
}


class PressError(Exception):
    """An error that the user can fix: it says what was expected, what was found and what to do."""


def disk_error(error: OSError, path: Path | None = None) -> PressError:
    """Say in words what the operating system refused, where, and what to do."""
    named = path or error.filename
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return PressError(f"cannot read or write{f' {named}' if named else ''}: {remedy}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` if a known name is close, otherwise ""."""
    known = sorted(known)
    close = [each for each in known if each.lower() == name.lower()]
    close = close or difflib.get_close_matches(name, known, n=1)
    if not close and name:
        close = [each for each in known if each.startswith(name)]
        close = close if len(close) == 1 else []
    return f"; did you mean {close[0]!r}?" if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` if a known name is close, otherwise a list of known names.

    A known name is close if few letters or only capitals differ, or if it alone begins with `name`.
    """
    known, most = sorted(known), 20
    if close := suggestion(name, known):
        return close
    more = f" and {len(known) - most} more" if known[most:] else ""
    return f"; known: {', '.join(known[:most]) or 'none'}{more}"
