"""Gives Matplotlib a separate configuration folder, so that no user's styles affect a report."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def configuration(build: Path) -> Path:
    """Return the folder, in `build/`."""
    return build / "matplotlib"


def prepare_matplotlib(build: Path) -> None:
    """Prepare the folder for the kernels of a build.

    It gets a copy of the user's list of fonts, which takes seconds to make. Locks left by killed
    kernels are deleted, as each later kernel would wait 5 s for them.
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
