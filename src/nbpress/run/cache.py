"""The cache of executed notebooks, addressed by content: `build/runs/<key>/`.

A run is written to another folder and renamed, so that it is complete or absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.files import digest
from nbpress.project.notebook import read_notebook
from nbpress.project.project import Project
from nbpress.run.inputs import Inputs, key_of, read_inputs
from nbpress.run.observed import changes_since, describe

_PARTIAL = ".partial-"


@dataclass(frozen=True)
class Run:
    """A complete run of a notebook in the cache."""

    folder: Path
    notebook: str
    dataset: str
    parameters: dict[str, Any]
    parts: dict[str, str]
    observed: dict[str, str]  # modules loaded, files read and folders listed, with their digests
    written: list[str]  # files that it wrote itself: ignored in the folders that it listed
    executed_sha256: str
    seconds: float

    @cached_property
    def executed(self) -> dict[str, Any]:
        """The executed notebook."""
        content: dict[str, Any] = json.loads((self.folder / "executed.ipynb").read_bytes())
        return content

    @property
    def intact(self) -> bool:
        """Whether the executed notebook is unchanged since it was written."""
        try:
            content = (self.folder / "executed.ipynb").read_bytes()
        except OSError:
            return False
        return digest(content) == self.executed_sha256


class Cache:
    """The runs kept in a folder. Only a process that holds the build's lock may write to it.

    Parameters
    ----------
    folder
        `build/runs`.
    root
        The project's root; files that a run loaded are named relative to it.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root

    def find(self, inputs: Inputs) -> Run | None:
        """Return the run with these inputs; None if it is missing, damaged or outdated."""
        run = self._read(self.folder / inputs.key)
        return run if run and run.intact and not self._changes_since(run) else None

    def why_stale(self, notebook: str, inputs: Inputs, dataset: str) -> str:
        """Say why a notebook has to run: what changed since the most similar run of it."""
        former = [run for run in self.all() if run.notebook == notebook]
        same = next((run for run in former if run.folder.name == inputs.key), None)
        if not former:
            return "it has no run yet"
        if same is not None:
            return self._changes_since(same) or "its earlier run is damaged"
        on_these_data = [run for run in former if run.dataset == dataset]
        if not on_these_data:
            return f"it has no run on {dataset} yet"
        closest = min(on_these_data, key=lambda run: len(inputs.changes(run.parts)))
        return describe(inputs.changes(closest.parts), closest.parts, inputs.parts)

    def keep(self, partial: Path, inputs: Inputs, run: Mapping[str, Any]) -> Run:
        """Move a finished run from `partial` to its place, and return it."""
        executed = digest((partial / "executed.ipynb").read_bytes())
        record = {**run, "parts": dict(inputs.parts), "executed_sha256": executed}
        signed = {**record, "sha256": _signature(record)}
        (partial / "run.json").write_text(json.dumps(signed, indent=1), "utf-8")
        folder = self.folder / inputs.key
        if folder.exists():
            # A folder cannot be replaced in one step, so the old run is moved away first. If the
            # press is killed in between, there is no run, but never half of one.
            self.remove(folder)
        os.replace(partial, folder)
        kept = self._read(folder)
        if kept is None or not kept.intact:
            raise PressError(f"build/runs/{folder.name} changed while it was written: run it again")
        return kept

    def partial(self, inputs: Inputs) -> Path:
        """Make an empty folder for an unfinished run, beside the finished ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # A new name each time: a process of a killed build may still be writing to the old one.
        return Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{inputs.key}-", dir=self.folder))

    def tidy(self) -> None:
        """Delete the unfinished runs of builds that were killed."""
        for path in self.folder.glob(f"{_PARTIAL}*"):
            _delete(path)

    def mark_used(self, run: Run) -> None:
        """Note that a run was used: `trim` deletes the least recently used first."""
        with contextlib.suppress(OSError):
            os.utime(run.folder / "run.json")

    def trim(self, limit: int, kept: Iterable[Run]) -> None:
        """Delete the least recently used runs until all together take at most `limit` bytes.

        Those in `kept` stay, whatever their size. Anything that is not a valid run, damaged or in
        an older format, is deleted first.
        """
        if not self.folder.is_dir():
            return
        folders = dict.fromkeys([*(run.folder for run in self.all()), *self.folder.iterdir()])
        sizes = {folder: _size(folder) for folder in folders}
        total = sum(sizes.values())
        stay = {run.folder for run in kept}
        for folder in reversed(sizes):
            if total > limit and folder not in stay:
                self.remove(folder)
                total -= sizes[folder]

    def remove(self, path: Path) -> None:
        """Delete a run, or whatever has its name; if killed, it never leaves half a run there."""
        aside = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        os.replace(path, aside / path.name)
        _delete(aside)

    def all(self) -> list[Run]:
        """Return all runs, the most recently used first; they may be damaged."""
        if not self.folder.is_dir():
            return []
        runs: list[tuple[float, Run]] = []  # with the time of their last use
        for folder in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # a build has deleted it meanwhile
                if run := self._read(folder):
                    runs.append(((folder / "run.json").stat().st_mtime, run))
        return [run for _, run in sorted(runs, key=lambda pair: pair[0], reverse=True)]

    def _changes_since(self, run: Run) -> str:
        """Say what has changed of all that a run loaded, read or listed; "" if nothing has."""
        return changes_since(self.root, run.observed, run.written)

    def _read(self, folder: Path) -> Run | None:
        """Read a run's record; None if any of it is missing or was changed."""
        try:
            record = json.loads((folder / "run.json").read_text("utf-8"))
            signature = record.pop("sha256")
            run = Run(folder=folder, **record)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return run if signature == _signature(record) and folder.name == key_of(run.parts) else None


def is_current(project: Project, cache: Cache, run: Run) -> bool:
    """Return whether a build with the run's parameters and data would still use it."""
    if run.notebook not in {chapter.notebook for chapter in project.report.chapters}:
        return False
    notebook = read_notebook(project.notebooks / run.notebook)
    inputs = read_inputs(project, notebook, run.parameters, run.parts["the data set"])
    return inputs.key == run.folder.name and cache.find(inputs) is not None


def prune(project: Project, cache: Cache) -> int:
    """Delete all runs that no build would use again; return the number deleted."""
    cache.tidy()
    kept = {run.folder for run in cache.all() if is_current(project, cache, run)}
    doomed = [path for path in cache.folder.glob("*") if path not in kept]
    for path in doomed:
        cache.remove(path)
    return len(doomed)


def _signature(record: Mapping[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True))


def _size(path: Path) -> int:
    return sum(each.lstat().st_size for each in (path, *path.rglob("*")) if not each.is_dir())


def _delete(path: Path) -> None:
    """Delete a folder, or a file that has its name; what cannot be deleted now stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
