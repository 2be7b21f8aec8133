"""Private folders for what is of no use after a build; those of killed builds are swept away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbpress.errors import PressError, disk_error

_PREFIX = "nbpress-"
_LOCK = "lock"
# A Unix socket's path has at most 103 bytes on macOS, 107 on Linux; jupyter_client adds a number.
_LONGEST = 103 - len(f"/{_PREFIX}12345678/kernel-ipc-99")


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder of the user's own, short enough for sockets; it goes when the block ends."""
    parent = next((parent for parent in _parents() if len(os.fsencode(parent)) <= _LONGEST), None)
    if parent is None:
        raise PressError(
            f"the folder for temporary files, {tempfile.gettempdir()}, has too long a path for a "
            f"kernel's sockets: set TMPDIR to one of at most {_LONGEST} bytes"
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise disk_error(error) from error
    try:
        # It has its name only when it is held: one that nobody holds is of a dead process.
        with (folder / f"{_LOCK}.new").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.rename(lock.name, folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def temporary_files() -> Iterator[None]:
    """Have this process make its temporary files in a private folder."""
    with private_folder() as folder:
        former, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = former


def delete_abandoned() -> None:
    """Delete the private folders of this user's processes that were killed, and no others."""
    for folder in [folder for parent in _parents() for folder in parent.glob(f"{_PREFIX}*")]:
        with contextlib.suppress(OSError):  # of somebody else, in use, or gone by now
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _parents() -> list[Path]:
    """Return where private folders may be, the preferred one first."""
    try:
        preferred = tempfile.gettempdir()
    except FileNotFoundError as error:  # tempfile tries some, and does not tell what went wrong
        raise PressError(
            "no folder for temporary files can be written to: the disk is full, files are over the "
            f"size limit, or TMPDIR names a wrong folder ({error.strerror})"
        ) from error
    parents = dict.fromkeys(Path(parent).resolve() for parent in (preferred, "/tmp"))
    return [parent for parent in parents if parent.is_dir()]
