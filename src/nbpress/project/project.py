"""The project: where its files are.

All paths start at the root, the folder that contains `report/report.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbpress.errors import PressError, did_you_mean
from nbpress.project.report import Chapter, Report, read_report
from nbpress.root import REPORT, find_root


@dataclass(frozen=True)
class Project:
    """A report's root and configuration."""

    root: Path
    report: Report

    @property
    def notebooks(self) -> Path:
        """Where the chapters' notebooks are."""
        return self.root / "notebooks"

    @property
    def build(self) -> Path:
        """Where executed notebooks and the bound report are kept; git ignores it."""
        return self.root / "build"

    @property
    def output(self) -> Path:
        """Where report.pdf and values.json are published."""
        return self.root / "report"

    @property
    def sources(self) -> list[Path]:
        """The folders of the first-party packages."""
        return [self.root / os.path.normpath(folder) for folder in self.report.sources]

    @property
    def import_path(self) -> list[Path]:
        """Where notebooks find first-party modules: beside themselves, and in the sources."""
        return [self.notebooks, *self.sources]

    def source_files(self) -> set[Path]:
        """Return the Python files that a notebook could import, without installed packages."""
        folders = (each for top in self.import_path for each in folders_below(top))
        return {
            folder / name for folder, names in folders for name in names if name.endswith(".py")
        }

    def chapter(self, name: str) -> Chapter:
        """Return the chapter of a notebook, named with or without `.ipynb`."""
        for chapter in self.report.chapters:
            if chapter.name == name.removesuffix(".ipynb"):
                return chapter
        raise PressError(
            f"no chapter is called {name!r}"
            + did_you_mean(name, [chapter.name for chapter in self.report.chapters])
        )

    def relative(self, path: Path) -> str:
        """Return a path relative to the root, as shown to the user."""
        root, whole = f"{self.root}{os.sep}", str(path)  # pathlib takes ten times as long
        return whole.removeprefix(root) if whole.startswith(root) else path.name


def folders_below(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield a folder and those below it, with their files; no hidden ones and no environments."""
    for folder, below, names in os.walk(top):
        here = Path(folder)
        below[:] = [
            name
            for name in below
            if not name.startswith(".") and not (here / name / "pyvenv.cfg").exists()
        ]
        yield here, names


def open_project(start: Path | None = None) -> Project:
    """Find the root from `start` (by default the current folder) upwards, and read report.yaml.

    Raises
    ------
    PressError
        If there is no report.yaml, or it has an unknown key, lacks one or has a wrong type.
    """
    root = find_project(start)
    return Project(root, read_report(root / REPORT))


def find_project(start: Path | None = None) -> Path:
    """Return the report's root; raise an error if there is none."""
    here = (start or Path.cwd()).resolve()
    root = find_root(here)
    if root is None:
        raise PressError(
            f"no {REPORT} in {here} or above it: change to a report's folder, or make one with "
            "`nbpress new`"
        )
    return root
