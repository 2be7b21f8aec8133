"""Gives Matplotlib a configuration folder of the press's own: no user's styles reach a report."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def configuration(build: Path) -> Path:
    """Return the folder, in `build/`."""
    return build / "matplotlib"


def prepare_matplotlib(build: Path) -> None:
    """Make the folder ready for the kernels of a build.

    A list of fonts that Matplotlib made for the user is good for the press as well: to make one
    takes seconds. A lock is left by a killed kernel alone, and each later one would wait 5 s.
    """
    folder = configuration(build)
    for lock in folder.glob("*.matplotlib-lock"):
        lock.unlink(missing_ok=True)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    users = Path(os.environ.get("MPLCONFIGDIR") or caches / "matplotlib")
    for fonts in users.glob("fontlist-*.json"):
        if not (folder / fonts.name).exists():
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(fonts, folder / fonts.name)
