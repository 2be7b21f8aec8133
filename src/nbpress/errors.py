"""The errors that a user sees: one clear message each, no traceback, exit status 1."""

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
    errno.EISDIR: "a folder stands where a file should: move it away",
    errno.ENOTDIR: "a file stands where a folder should: move it away",
    errno.EEXIST: "a file stands where a folder should: move it away",
}


class PressError(Exception):
    """Something that the user can mend: says what was expected, what was found, what to do."""


def disk_error(error: OSError, path: Path | None = None) -> PressError:
    """Say in words what the operating system refused, where, and what to do."""
    named = path or error.filename
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return PressError(f"cannot read or write{f' {named}' if named else ''}: {remedy}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` where one known name is close, and else the known names.

    Close is what differs in few letters, and the only one that begins alike: 3 is 3_softmax.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if not close and name:
        close = [each for each in known if each.startswith(name)]
        close = close if len(close) == 1 else []
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"
