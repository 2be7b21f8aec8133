"""Waits for changes in a project's folders."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nbpress.errors import PressError
from nbpress.run.observer import ProjectFiles

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

# Milliseconds: changes within a moment of each other are grouped, up to a longest time.
_MOMENT, _LONGEST = 50, 1600


class Changes:
    """The changes below a project's root and in other folders, since this object was made.

    Folders are watched one by one, because `build/`, environments and hidden folders contain
    thousands that do not matter. After each change, it looks for new folders.
    """

    def __init__(self, root: Path, others: Iterable[Path]) -> None:
        self._root, self._others = root, list(others)
        self._folders: dict[str, int] = {}
        self._notifier: RustNotify | None = None
        self._watch_new_folders()

    def wait(self) -> set[Path]:
        """Wait for changes, and until none has followed for a moment; return their paths."""
        return self._next(0) | self._watch_new_folders()

    def _next(self, timeout: int) -> set[Path]:
        changes = self._notifier.watch(_LONGEST, _MOMENT, timeout, None) if self._notifier else ()
        if changes == "signal":
            raise KeyboardInterrupt
        return {Path(path) for _, path in changes} if isinstance(changes, set) else set()

    def _watch_new_folders(self) -> set[Path]:
        """Watch all current folders; return what may have changed unnoticed meanwhile."""
        changes: set[Path] = set()
        while (folders := dict(self._find_folders())) != self._folders:
            try:
                notifier = _notifier(folders)
            except FileNotFoundError:  # a folder was deleted meanwhile
                continue
            changes |= self._next(1)
            for folder, _ in folders.items() - self._folders.items():
                with contextlib.suppress(OSError):
                    changes |= set(Path(folder).iterdir())
            self._folders, self._notifier = folders, notifier
        return changes

    def _find_folders(self) -> Iterator[tuple[str, int]]:
        """Yield the folders with their inodes: one that was deleted and made again is a new one."""
        files = ProjectFiles(self._root)
        for top in [self._root, *self._others]:
            for here, below, _ in os.walk(top):
                with contextlib.suppress(FileNotFoundError):
                    yield here, os.stat(here).st_ino
                below[:] = [
                    name
                    for name in below
                    if not name.startswith((".", "__pycache__"))
                    and (top != self._root or files.folder(os.path.join(here, name)) is not None)
                ]


def _notifier(folders: Iterable[str]) -> RustNotify:
    try:
        from watchfiles._rust_notify import RustNotify

        return RustNotify(list(folders), False, False, 0, False, True)
    except ImportError as error:
        raise PressError(
            "watching needs the package watchfiles, which is not installed: install "
            "onelayer-report[lab]"
        ) from error
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError) as error:
        raise PressError(f"the system refuses to watch the project's folders: {error}") from error
