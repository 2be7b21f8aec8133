"""The project: where things are.

Everything of a report is found from its root, the folder that holds `report/report.yaml`.
"""

from __future__ import annotations

import os
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
        """Where executed notebooks and the bound report are kept; ignored by git."""
        return self.root / "build"

    @property
    def output(self) -> Path:
        """Where report.pdf and values.json land."""
        return self.root / "report"

    @property
    def sources(self) -> list[Path]:
        """The folders of the first-party packages."""
        return [self.root / os.path.normpath(folder) for folder in self.report.sources]

    @property
    def import_path(self) -> list[Path]:
        """Where a notebook finds first-party modules: beside itself, and in the sources."""
        return [self.notebooks, *self.sources]

    def source_files(self) -> set[Path]:
        """Return the Python files that a notebook could import, but for installed packages."""
        files: set[Path] = set()
        for top in self.import_path:
            for folder, below, names in os.walk(top):
                here = Path(folder)
                below[:] = [
                    name
                    for name in below
                    if not name.startswith(".") and not (here / name / "pyvenv.cfg").exists()
                ]
                files |= {here / name for name in names if name.endswith(".py")}
        return files

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
        """Return a path as the user knows it, from the root."""
        root, whole = f"{self.root}{os.sep}", str(path)  # pathlib takes ten times as long
        return whole.removeprefix(root) if whole.startswith(root) else path.name


def open_project(start: Path | None = None) -> Project:
    """Find the report's root from `start` (the current folder) upwards, and read report.yaml.

    Raises
    ------
    PressError
        If there is no report.yaml, or it holds an unknown key, a missing one or a wrong type.
    """
    root = find_project(start)
    return Project(root, read_report(root / REPORT))


def find_project(start: Path | None = None) -> Path:
    """Return the report's root, or say that there is none."""
    here = (start or Path.cwd()).resolve()
    root = find_root(here)
    if root is None:
        raise PressError(f"no {REPORT} in this folder or above it: {here.name}")
    return root
