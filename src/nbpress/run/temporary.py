"""Private temporary folders for a build; those left by killed builds are deleted."""

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
    """Make a private folder, with a path short enough for sockets, for the `with` block."""
    parent = next((parent for parent in _parents() if len(os.fsencode(parent)) <= _LONGEST), None)
    if parent is None:
        raise PressError(
            f"the path of the folder for temporary files, {tempfile.gettempdir()}, is too long for "
            f"a kernel's sockets: set TMPDIR to a path of at most {_LONGEST} bytes"
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise disk_error(error) from error
    try:
        # The lock gets its name only once it is held, so one that is not held has lost its process.
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
    """Delete the private folders left by this user's killed processes, and no others."""
    for folder in [folder for parent in _parents() for folder in parent.glob(f"{_PREFIX}*")]:
        with contextlib.suppress(OSError):  # somebody else's, in use, or already deleted
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _parents() -> list[Path]:
    """Return the folders that may contain private folders, the preferred one first."""
    try:
        preferred = tempfile.gettempdir()
    except FileNotFoundError as error:  # tempfile tries several, and does not say what failed
        raise PressError(
            "no folder for temporary files can be written to: the disk is full, files are over the "
            f"size limit, or TMPDIR names a wrong folder ({error.strerror})"
        ) from error
    parents = dict.fromkeys(Path(parent).resolve() for parent in (preferred, "/tmp"))
    return [parent for parent in parents if parent.is_dir()]
