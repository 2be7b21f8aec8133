"""Reads the files of data sets, whatever they may be."""

import stat
from pathlib import Path

from onelayer.errors import DataError


def read_regular(path: Path) -> bytes:
    """Return a file's bytes; refuse pipes, which would keep a reader waiting, and devices."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path} cannot be read: it must be a regular file")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
