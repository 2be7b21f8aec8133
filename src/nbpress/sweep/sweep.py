"""A sweep, ready to run: its notebook, its data set, its grid, and where its things are."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.dataset import NO_DATA_SET, DataSet, resolve
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.project.parameters import Parameter
from nbpress.project.project import Project
from nbpress.project.report import Chapter
from nbpress.run.cache import Cache
from nbpress.run.inputs import RECORDED, Inputs, common_inputs, with_parameters
from nbpress.run.plan import Plan
from nbpress.run.stale import Stale
from nbpress.sweep.grid import Description, Grid, describe, make_grid, read_description
from nbpress.sweep.journal import Journal

FOLDER = "sweeps"  # of descriptions and notebooks, and of what sweeps come to
JOURNAL = "journal.sqlite"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class NotebookProject(Project):
    """A project as it is for one notebook, which may be no chapter of the report."""

    folder: Path

    @property
    def notebooks(self) -> Path:
        """Where the notebook is."""
        return self.folder


@dataclass(frozen=True)
class Sweep:
    """Which notebook runs with which parameters on which data."""

    name: str
    project: NotebookProject
    description: Description
    notebook: Notebook
    dataset: DataSet
    grid: Grid
    chapters: Cache | None  # where its runs as a chapter of the report are

    @property
    def folder(self) -> Path:
        """Where its journal and its results are: `make clean` leaves them."""
        return folder_of(self.project, self.name)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / JOURNAL

    @property
    def build(self) -> Path:
        """Where its executed notebooks are, and its lock."""
        return self.project.build / FOLDER / self.name

    @property
    def cache(self) -> Cache:
        """The executed notebooks."""
        return Cache(self.build / "runs", self.project.root)

    @cached_property
    def common(self) -> Inputs:
        """What all of its runs depend on."""
        return common_inputs(self.project, self.notebook, self.dataset.sha256)

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The notebook's parameters."""
        return self.notebook.parameters()

    @property
    def points(self) -> list[dict[str, Any]]:
        """The parameters of every run, in the grid's order."""
        return [{**self.grid.given, **point} for point in self.grid.points]

    def run_of(self, point: Mapping[str, Any]) -> Stale:
        """Return the run at a point of the grid."""
        parameters = dict(point)
        if "dataset" in self.declared:
            parameters["dataset"] = self.dataset.dataset
        chapter = self.project.report.chapters[0]
        plan = Plan(chapter, self.notebook, parameters, frozenset())
        return Stale(plan, parameters, with_parameters(self.common, parameters), "")

    def without_defaults(self, run: Stale) -> Inputs:
        """Return the inputs of the same run when what it leaves at its default is not given."""
        parameters = {
            name: value
            for name, value in run.parameters.items()
            # As JSON: 2 and 2.0, or True, are equal, but not the same in a text.
            if name == "dataset" or json.dumps(value) != json.dumps(self.declared[name].default)
        }
        return with_parameters(self.common, parameters)


def folder_of(project: Project, name: str) -> Path:
    """Return the folder of what a sweep came to."""
    return project.root / FOLDER / checked_name(name)


def checked_name(name: str) -> str:
    """Return a sweep's name, or say what is wrong with it."""
    if not _NAME.fullmatch(name):
        raise PressError(f"a sweep's name has letters, digits, - and _ alone; got {name!r}")
    return name


def known(project: Project) -> list[str]:
    """Return the names of the sweeps that have a journal."""
    return sorted(path.parent.name for path in (project.root / FOLDER).glob(f"*/{JOURNAL}"))


def require(package: str) -> None:
    """Say how to install a package that sweeps alone need, if it is not there."""
    if importlib.util.find_spec(package) is None:
        raise PressError(
            f"{package} is not installed: `make sweep SWEEP=NAME` installs it, or the extra [sweep]"
        )


def read_journal(project: Project, name: str) -> Journal:
    """Open the journal of a sweep that was run."""
    path = folder_of(project, name) / JOURNAL
    if not path.is_file() and (project.root / FOLDER / f"{name}.yaml").is_file():
        raise PressError(f"the sweep {name!r} has not been run yet: nbpress sweep {name}")
    if not path.is_file():
        raise PressError(f"no sweep is called {name!r}" + did_you_mean(name, known(project)))
    return Journal(path, reading=True)


def description_in(journal: Journal) -> Description:
    """Return what a journal's sweep is to run."""
    description = journal.fact("description")
    if description is None:  # killed before it began
        raise PressError(f"{journal.path} has no grid yet: start the sweep with its grid")
    return Description.model_validate(description)


def open_sweep(
    project: Project, target: str, words: Sequence[str], *, name: str = "", dataset: str = "auto"
) -> Sweep:
    """Read what is to run: `sweeps/TARGET.yaml`, or the notebook TARGET with a grid in words.

    Without words, a sweep of this name that was run before goes on.
    """
    file = project.root / FOLDER / f"{target}.yaml"
    if file.is_file():
        if words:
            raise PressError(f"the grid of {target} stands in {project.relative(file)}: edit it")
        description, base = read_description(file), file.parent
        name = name or target
    elif words:
        description, base = describe(target, words), Path.cwd()
        name = name or Path(target).name.removesuffix(".ipynb")
    else:
        name = name or target
        if name not in known(project):
            raise PressError(
                f"there is neither {FOLDER}/{target}.yaml nor a sweep {name!r} to go on with: "
                f"write that file, or say what is to vary (nbpress sweep {target} seed=0..4)"
            )
        with read_journal(project, name) as journal:
            description = description_in(journal)
        base = project.root
    checked_name(name)
    path = _notebook(project, description.notebook, base)
    notebook = read_notebook(path)
    own = path.parent == project.notebooks and _chapter(project, path.name)
    chapter = own or Chapter(notebook=path.name)
    if chapter.needs or RECORDED in notebook.parameters():
        raise PressError(f"{path.name} needs values of other chapters, so it cannot be swept")
    grid = make_grid(description, notebook)
    takes = notebook.parameters()
    if "dataset" in [*grid.given, *grid.varied, *grid.repeated]:
        raise PressError("the data set is chosen by --dataset, or by `dataset:` in the file")
    # What is said now counts more than what the file or the journal says.
    asked = dataset if dataset != "auto" else description.dataset or dataset
    data = NO_DATA_SET
    if "dataset" in takes and project.report.resolver:
        data = resolve(asked, project.report.resolver, project.sources)
    report = project.report.of_chapter(chapter)
    return Sweep(
        name,
        NotebookProject(project.root, report, path.parent),
        description.model_copy(update={"notebook": project.relative(path), "dataset": asked}),
        notebook,
        data,
        grid,
        Cache(project.build / "runs", project.root) if own else None,
    )


def _notebook(project: Project, named: str, base: Path) -> Path:
    """Find a notebook: a path from `base`, or a chapter of the report."""
    path = (base / f"{named.removesuffix('.ipynb')}.ipynb").resolve()
    if not path.is_file() and ("/" in named or named.endswith(".ipynb")):
        inside = project.notebooks / Path(named).name
        if not inside.is_file():
            raise PressError(f"there is no notebook {path}")
    if not path.is_file():
        path = project.notebooks / project.chapter(Path(named).name).notebook
    if not path.is_relative_to(project.root):
        raise PressError(f"a sweep's notebook lies in the project; got {named}")
    return path


def _chapter(project: Project, file: str) -> Chapter | None:
    return next((each for each in project.report.chapters if each.notebook == file), None)
