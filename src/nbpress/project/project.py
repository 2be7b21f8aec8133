"""The project: where things are, and what `report/report.yaml` says of the report.

Everything of a report is found from its root, the folder that holds `report/report.yaml`.
"""

from __future__ import annotations

import datetime
import graphlib
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nbpress.errors import PressError, did_you_mean

Part = Literal["figure", "table", "answer", "claim"]
# By chapter, then by name.
Parameters = dict[str, dict[str, Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Chapter(_Strict):
    """A notebook of the report, the tasks that it answers and the values that it quotes."""

    notebook: str
    tasks: dict[str, list[Part]] = {}  # what each task must contain
    needs: list[str] = []  # values of other chapters, "2d.stop_step"

    @property
    def name(self) -> str:
        """The notebook's name without its ending, "2_logistic_regression"."""
        return self.notebook.removesuffix(".ipynb")


class Report(_Strict):
    """`report/report.yaml`."""

    title: str
    subtitle: str = ""
    authors: list[str] = Field(min_length=1)
    date: datetime.date | None = None  # by default that of the commit
    language: str = "en"
    resolver: str  # "onelayer.data:resolve", tells which data set a name means
    distribution: str  # this project's name in pyproject.toml; its dependencies enter every key
    sources: list[str] = ["src"]  # folders of the first-party packages that notebooks import
    cell_timeout: int = Field(default=900, gt=0)  # seconds that one cell may take
    chapters: list[Chapter] = Field(min_length=1)
    # {data set: {task: claims that must hold with the data set's own parameters}}
    expected_claims: dict[str, dict[str, list[str]]] = {}

    def provider(self, value: str) -> Chapter:
        """Return the chapter that records a value such as "2d.stop_step"."""
        task = value.partition(".")[0]
        for chapter in self.chapters:
            if task in chapter.tasks:
                return chapter
        tasks = [task for chapter in self.chapters for task in chapter.tasks]
        raise PressError(
            f"report.yaml: a chapter needs {value!r}, but no chapter has the task {task!r}"
            + did_you_mean(task, tasks)
        )


@dataclass(frozen=True)
class DataSet:
    """What the resolver says: which data set, why this one, and the digest of its files."""

    dataset: str
    reason: str
    sha256: str
    files: dict[str, str]
    fallback: bool


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
        found = set()
        for top in self.import_path:
            for folder, below, files in os.walk(top):
                here = Path(folder)
                below[:] = [
                    name
                    for name in below
                    if not name.startswith(".") and not (here / name / "pyvenv.cfg").exists()
                ]
                found |= {here / name for name in files if name.endswith(".py")}
        return found

    def chapter(self, name: str) -> Chapter:
        """Return the chapter of a notebook, named with or without `.ipynb`."""
        for chapter in self.report.chapters:
            if chapter.name == name.removesuffix(".ipynb"):
                return chapter
        raise PressError(
            f"no chapter is called {name!r}"
            + did_you_mean(name, [chapter.name for chapter in self.report.chapters])
        )

    def parameters(self, dataset: str) -> Parameters:
        """Return the data set's own parameters, from `report/parameters/<data set>.yaml`."""
        path = self.output / "parameters" / f"{dataset}.yaml"
        if not path.is_file():
            return {}
        content = read_yaml(path) or {}
        if not isinstance(content, dict) or not all(
            isinstance(value, dict) for value in content.values()
        ):
            raise PressError(f"{self.relative(path)}: expected chapters with parameters below")
        for name in content:
            self.chapter(name)
        return content

    def resolve(self, dataset: str) -> DataSet:
        """Ask the report's resolver which data set a name stands for."""
        module, _, function = self.report.resolver.partition(":")
        for folder in self.sources:
            if str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
        # On a full disk Python would leave half a file, and stumble over it the next time.
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            resolve = getattr(importlib.import_module(module), function)
        except Exception as error:  # whatever that module does when imported
            raise PressError(
                f"report.yaml: resolver must be 'module:function'; "
                f"got {self.report.resolver!r} ({type(error).__name__}: {error})"
            ) from error
        finally:
            sys.dont_write_bytecode = writes
        try:
            found = resolve(dataset)
            return DataSet(found.dataset, found.reason, found.sha256, found.files, found.fallback)
        except ValueError as error:
            raise PressError(str(error)) from error

    def relative(self, path: Path) -> str:
        """Return a path as the user knows it, from the root."""
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name
        )


def open_project(start: Path | None = None) -> Project:
    """Find the report's root from `start` (the current folder) upwards, and read report.yaml.

    Raises
    ------
    PressError
        If there is no report.yaml, or it holds an unknown key, a missing one or a wrong type.
    """
    here = (start or Path.cwd()).resolve()
    for root in [here, *here.parents]:
        path = root / "report" / "report.yaml"
        if path.is_file():
            return Project(root, _read_report(path))
    raise PressError(f"no report/report.yaml in this folder or above it: {here.name}")


def read_yaml(path: Path) -> Any:
    """Return a YAML file's content (safe subset only)."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise PressError(f"no file {path.name}: expected a YAML file at {path}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PressError(f"{path.name} is not YAML: {error}") from error


def _read_report(path: Path) -> Report:
    try:
        report = Report.model_validate(read_yaml(path))
    except ValidationError as error:
        known = [*Report.model_fields, *Chapter.model_fields]
        lines = []
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                name = str(problem["loc"][-1])
                lines.append(f"unknown key {place!r}" + did_you_mean(name, known))
            else:
                lines.append(f"{place or 'the file'}: {problem['msg'].lower()}")
        raise PressError("report.yaml: " + "\n             ".join(lines)) from error
    for folder in report.sources:
        if os.path.isabs(folder) or os.path.normpath(folder).startswith(".."):
            raise PressError(f"report.yaml: sources must lie in the project; got {folder!r}")
    for number, chapter in enumerate(report.chapters):
        if any(chapter.name == other.name for other in report.chapters[:number]):
            raise PressError(f"report.yaml: {chapter.notebook} is a chapter twice")
        if not (path.parents[1] / "notebooks" / chapter.notebook).is_file():
            raise PressError(f"report.yaml: no notebook notebooks/{chapter.notebook}")
    needs = {c.name: {report.provider(value).name for value in c.needs} for c in report.chapters}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle = " ← ".join(error.args[1])
        raise PressError(f"report.yaml: chapters need one another in a circle: {circle}") from error
    return report
