"""Observes, inside a kernel, which of the project's files a notebook reads, lists and writes.

It sees what Python itself opens and lists (by an audit hook). It does not see what C libraries
open, what subprocesses do, or mere queries such as `Path.exists`. Events lack `dir_fd`, so the
path of `os.open(…, dir_fd=…)` is taken to be relative to the current folder.
"""

from __future__ import annotations

import os
import stat
import sys
from importlib.util import source_from_cache
from typing import Any

# The press's own files are not inputs of a notebook; nor are installed packages.
_OURS = {"build", ".git", "report/report_files"}
_PUBLISHED = {
    f"report/{name}"
    for name in ("report.pdf", "report.html", "report.tex", "values.json", "published.json")
}
_INSTALLED = ("pyvenv.cfg", "conda-meta")
_CACHES = {"__pycache__", ".ipynb_checkpoints"}

_MAKES = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1}  # positions of the paths
_TAKES = {"os.rename": 0, "os.remove": 0, "os.rmdir": 0, "os.truncate": 0}
_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "import", *_MAKES, *_TAKES})

_IMPORTING = ("<frozen importlib", os.path.dirname(os.__file__) + "/importlib/metadata/")


class ProjectFiles:
    """Names the files below a root that belong to a project; caches the names of folders."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.realpath(root)
        self.folders: dict[str, str | None] = {}
        # Most opened files are installed packages, which count by version: this skips them quickly.
        self.installed = tuple(
            prefix + os.sep
            for prefix in (sys.prefix, sys.base_prefix)
            if not f"{self.root}{os.sep}".startswith(prefix + os.sep)
        )

    def name(self, path: str) -> str | None:
        """Return a file's path from the root; None if it is outside the root or does not count."""
        folder, base = os.path.split(path)
        if base in ("", ".", ".."):
            name = self.folder(path)
            return name and name.rstrip("/")
        prefix = self.folder(folder)
        if prefix is None:
            real = os.path.realpath(path) if os.path.islink(path) else path
            return None if real == path else self.name(real)
        name = prefix + base
        return None if name in _PUBLISHED | _OURS or base in _CACHES else name

    def folder(self, path: str) -> str | None:
        """Return a folder's path from the root, ending in a slash; "" for the root itself."""
        if path not in self.folders:
            self.folders[path] = self._folder(path)
        return self.folders[path]

    def _folder(self, path: str) -> str | None:
        named, real = os.path.normpath(path), os.path.realpath(path)
        if os.path.realpath(named) != real:  # a `..` after a symbolic link
            named = real
        for candidate in (named, real):
            if candidate == self.root:
                return ""
            if candidate.startswith(self.root + os.sep):
                name = candidate[len(self.root) + 1 :].replace(os.sep, "/")
                if not self._is_left_out(candidate, name):
                    return name + "/"
        return None

    def _is_left_out(self, folder: str, name: str) -> bool:
        """Return whether a folder, or one above it, does not belong to the project."""
        return (
            name in _OURS
            or os.path.basename(name) in _CACHES
            or any(os.path.exists(os.path.join(folder, mark)) for mark in _INSTALLED)
            or ("/" in name and self._is_left_out(*map(os.path.dirname, (folder, name))))
        )

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder that count, sorted: no hidden files, no editor backups."""
        return sorted(
            name
            for name in os.listdir(os.path.join(self.root, folder))
            if not name.startswith(".")
            and not name.endswith("~")
            and name not in _CACHES
            and self.name(os.path.join(self.root, folder, name)) is not None
        )


class Observer:
    """An audit hook that notes the first time each file is read, and every file written.

    `read` holds, by name, a file's time, size and inode when it was first opened, or None if it
    did not exist; for a folder, whose name ends in a slash, the names in it. Files that the
    notebook made before it read them are in `reread`: they may be edited before the next run.
    """

    def __init__(self, root: str) -> None:
        self.files = ProjectFiles(root)
        self.read: dict[str, list[Any] | None] = {}
        self.written: set[str] = set()
        self.made: set[str] = set()  # written before read: none of its content came from outside
        self.reread: set[str] = set()  # made, then read: the content after the run counts
        self.troubles: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note one of Python's audit events; called for all of them, so it must be quick."""
        if event in _EVENTS:
            try:
                self._note(event, arguments, sys._getframe(1).f_code.co_filename)
            except Exception as error:  # raised, it would stop the cell that opens the file
                self.troubles.append(f"{event}: {error!r}")

    def report(self) -> dict[str, Any]:
        """Return what was observed and which modules are loaded, ready for JSON."""
        files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        return {
            "loaded": [file for file in files if isinstance(file, str)],
            "read": dict(self.read),
            "written": sorted(self.written),
            "reread": sorted(self.reread),
            "troubles": self.troubles,
        }

    def _note(self, event: str, arguments: tuple[Any, ...], caller: str) -> None:
        if event == "open":
            path, mode, flags = arguments
            self._note_open(path, mode, flags, caller)
        elif event in ("os.listdir", "os.scandir"):
            # Importing lists every folder on the path; modules count by their sources.
            if caller != __file__ and not caller.startswith(_IMPORTING):
                self._note_list(arguments[0])
        elif event == "import":
            if arguments[0] == "matplotlib":  # it checks for this file before opening it
                self._note_read(self._name("matplotlibrc"))
            for path in arguments[1:2]:  # the press, which loads modules before, gives none
                if isinstance(path, str):  # an extension module, which C opens
                    self._note_read(self._name(path))
        else:
            if event in _TAKES:
                name = self._name(arguments[_TAKES[event]])
                if event == "os.rename":  # its content continues under another name
                    self._note_read(name)
                self._note_write(name, whole=False)
            if event in _MAKES:
                name = self._name(arguments[_MAKES[event]])
                self._note_write(name, whole=event == "os.rename")

    def _note_open(self, path: Any, mode: str | None, flags: int, caller: str) -> None:
        if isinstance(path, int):
            return
        access = flags & os.O_ACCMODE
        if not flags and mode and mode[0] in "wax":  # C's fopen has only a mode
            access, flags = os.O_WRONLY, os.O_TRUNC if mode[0] == "w" else 0
        path = os.fsdecode(path)
        if path.startswith(self.files.installed):
            return
        if f"{os.sep}__pycache__{os.sep}" in path:
            if access != os.O_RDONLY or not caller.startswith(_IMPORTING):
                return
            path = source_from_cache(path)
        name = self._name(path)
        whole = bool(flags & os.O_TRUNC)
        # A file that is created by opening it for both is not read before it is written.
        if access != os.O_WRONLY and not whole and not (flags & os.O_CREAT and self._is_new(name)):
            self._note_read(name)
        if access != os.O_RDONLY:
            self._note_write(name, whole=whole)

    def _note_read(self, name: str | None) -> None:
        if name in self.made:
            self.reread.add(name)
        if name is None or name in self.read or name in self.made:
            return
        try:
            status = os.stat(os.path.join(self.files.root, name))
        except OSError:
            self.read[name] = None
        else:
            if stat.S_ISREG(status.st_mode):
                self.read[name] = identity(status)

    def _note_write(self, name: str | None, *, whole: bool) -> None:
        if name is None:
            return
        if name not in self.read and (whole or self._is_new(name)):
            self.made.add(name)
        self.written.add(name)

    def _note_list(self, path: Any) -> None:
        if isinstance(path, int):
            return
        name = self.files.folder(os.path.join(os.getcwd(), os.fsdecode(path or ".")))
        if name is None or name.rstrip("/") in self.made:
            return
        key = name or "./"
        if key not in self.read:
            try:
                self.read[key] = self.files.names(name)
            except OSError:
                self.read[key] = None

    def _name(self, path: Any) -> str | None:
        if isinstance(path, int):
            return None
        return self.files.name(os.path.join(os.getcwd(), os.fsdecode(path)))

    def _is_new(self, name: str | None) -> bool:
        return name is not None and not os.path.lexists(os.path.join(self.files.root, name))


def identity(status: os.stat_result) -> list[int]:
    """Return what identifies a state of a file without reading it: time, size and inode.

    An edit that keeps size and inode, and either restores the time or happens within one tick of
    the file system's clock, goes unnoticed.
    """
    return [status.st_mtime_ns, status.st_size, status.st_ino]
