"""What a build depends on: saving any of it causes a rebuild.

These are the files that people write (notebooks, modules, YAML, bibliographies, pictures) in the
project's folders, what chapters declare as inputs, what their last runs were observed to read, and
the press itself. Files that runs wrote or that the press publishes do not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbpress
from nbpress.project.project import Project
from nbpress.run.cache import Cache, Run
from nbpress.run.failed import last_failed
from nbpress.run.observer import ProjectFiles
from nbtypeset import schema
from nbtypeset.beside import PICTURES

# The folders of the running press: its developers want to see the effect of their edits.
PRESS = tuple(Path(module.__file__ or "").resolve().parent for module in (nbpress, schema))

_WRITTEN_BY_PEOPLE = {"ipynb", "py", "yaml", "yml", "bib", "json", *PICTURES}


@dataclass(frozen=True)
class Dependencies:
    """What a build depends on, relative to the root; the defaults serve until the first build."""

    root: Path
    folders: tuple[str, ...] = ("notebooks", "report", "data", "src")  # where people write
    declared: tuple[str, ...] = ()  # files, and folders whose whole content counts
    read: frozenset[str] = frozenset()  # files, existing or not, and listed folders
    written: frozenset[str] = frozenset()

    def among(self, paths: Iterable[Path]) -> list[str]:
        """Return the names of those of the paths that a build depends on."""
        files = ProjectFiles(self.root)
        return sorted({name for path in paths if (name := self._name(path, files))})

    def _name(self, path: Path, files: ProjectFiles) -> str | None:
        is_visible = not path.name.startswith(".") and not path.name.endswith("~")
        if is_of_press(path):
            return path.name if is_visible else None
        name = files.name(str(path))
        if name is None or name in self.written:
            return None
        counts = name in self.read or (
            is_visible
            and (
                f"{os.path.dirname(name) or '.'}/" in self.read
                or _is_below(name, self.declared)
                or (path.suffix[1:].lower() in _WRITTEN_BY_PEOPLE and _is_below(name, self.folders))
            )
        )
        return name if counts else None


def is_of_press(path: Path) -> bool:
    """Return whether a file belongs to the press, whose process must restart when it changes."""
    return "__pycache__" not in path.parts and any(map(path.is_relative_to, PRESS))


def dependencies(project: Project) -> Dependencies:
    """Return what a build of this project depends on, as far as its runs have shown."""
    runs: dict[str, Run] = {}
    for run in Cache(project.build / "runs", project.root).all():  # the last used first
        runs.setdefault(run.notebook, run)
    read, written = set[str](), set[str]()
    for chapter in project.report.chapters:
        if last := runs.get(chapter.notebook):
            read |= last.observed.keys()
            written |= set(last.written)
        failed = last_failed(project.build, chapter.notebook)
        read |= failed.read.keys()
        written |= set(failed.written)
    inputs = (pattern for chapter in project.report.chapters for pattern in chapter.inputs)
    return Dependencies(
        project.root,
        ("notebooks", "report", "data", *map(os.path.normpath, project.report.sources)),
        tuple(map(_fixed, inputs)),
        frozenset(read),
        frozenset(written),
    )


def _fixed(pattern: str) -> str:
    """Return the fixed beginning of a pattern: a file or folder that contains all its matches."""
    parts = pattern.split("/")
    first = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    return os.path.normpath("/".join(parts[:first]))


def _is_below(name: str, folders: Iterable[str]) -> bool:
    return any(name == each or each == "." or name.startswith(f"{each}/") for each in folders)
