"""The lock of `build/`: one build at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from nbpress.errors import disk_error
from nbpress.log import say

LOCK = "lock"


@contextlib.contextmanager
def locked(build: Path) -> Iterator[None]:
    """Let only one build at a time work in this project; a second one waits, and says so.

    The operating system releases the lock of a process that dies, so no stale lock remains.
    """
    import fcntl

    path, waited = build / LOCK, False
    while True:
        try:
            build.mkdir(exist_ok=True)
            file = path.open("a+")
        except OSError as error:
            raise disk_error(error, build) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waited:
                    say("another build is running in this folder: waiting for it to end")
                waited = True
                fcntl.flock(file, fcntl.LOCK_EX)
            # `make clean` deletes the file while holding the lock; those waiting then start over.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return
