"""A sweep, ready to run: its notebook, data set, grid, and the paths of its files."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, did_you_mean, suggestion
from nbpress.project.dataset import NO_DATA_SET, DataSet, resolve
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.project.parameters import Parameter
from nbpress.project.project import Project
from nbpress.project.report import Chapter
from nbpress.run.cache import Cache
from nbpress.run.inputs import RECORDED, Inputs, common_inputs, with_parameters
from nbpress.run.plan import Plan
from nbpress.run.stale import PendingRun
from nbpress.sweep.grid import Description, Grid, describe, make_grid, read_description
from nbpress.sweep.journal import Journal

FOLDER = "sweeps"  # of descriptions, notebooks and results
JOURNAL = "journal.sqlite"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class NotebookProject(Project):
    """A project seen from one notebook, which need not be a chapter of the report."""

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
    chapters: Cache | None  # the report's runs, if the notebook is a chapter

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return folder_of(self.project, self.name) / JOURNAL

    @property
    def build(self) -> Path:
        """Where its executed notebooks are, and its lock."""
        return self.project.build / FOLDER / self.name

    @property
    def cache(self) -> Cache:
        """The cache of its executed notebooks."""
        return Cache(self.build / "runs", self.project.root)

    @cached_property
    def common(self) -> Inputs:
        """The inputs that all of its runs share."""
        return common_inputs(self.project, self.notebook, self.dataset.sha256)

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The notebook's parameters."""
        return self.notebook.parameters()

    @property
    def points(self) -> list[dict[str, Any]]:
        """The parameters of every run, in the grid's order."""
        return [{**self.grid.given, **point} for point in self.grid.points]

    def run_of(self, point: Mapping[str, Any]) -> PendingRun:
        """Return the run at a point of the grid."""
        parameters = dict(point)
        if "dataset" in self.declared:
            parameters["dataset"] = self.dataset.dataset
        chapter = self.project.report.chapters[0]
        plan = Plan(chapter, self.notebook, parameters, frozenset())
        return PendingRun(plan, parameters, with_parameters(self.common, parameters), "")

    def without_defaults(self, run: PendingRun) -> Inputs:
        """Return the run's inputs without the parameters that equal their defaults."""
        parameters = {
            name: value
            for name, value in run.parameters.items()
            if name == "dataset" or not self.declared[name].is_default(value)
        }
        return with_parameters(self.common, parameters)


def folder_of(project: Project, name: str) -> Path:
    """Return the folder of a sweep's journal and results; `make clean` keeps it."""
    return project.root / FOLDER / checked_name(name)


def checked_name(name: str) -> str:
    """Return a sweep's name; refuse an invalid one."""
    if not _NAME.fullmatch(name):
        raise PressError(f"a sweep's name must have only letters, digits, - and _; got {name!r}")
    return name


def known(project: Project) -> list[str]:
    """Return the names of the sweeps that have a journal."""
    return sorted(path.parent.name for path in (project.root / FOLDER).glob(f"*/{JOURNAL}"))


def require(package: str) -> None:
    """Raise an error that says how to install a package for sweeps, if it is missing."""
    if importlib.util.find_spec(package) is None:
        raise PressError(
            f"{package} is not installed: install the extra [sweep] (`make sweep SWEEP=NAME` does)"
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
    """Return the description of a journal's sweep."""
    description = journal.fact("description")
    if description is None:  # killed before it began
        raise PressError(f"{journal.path} has no grid yet: start the sweep again with its grid")
    return Description.model_validate(description)


def open_sweep(
    project: Project, target: str, settings: Sequence[str], *, name: str = "", dataset: str = "auto"
) -> Sweep:
    """Read what to run: `sweeps/TARGET.yaml`, or the notebook TARGET with `settings`, its grid.

    Without these, an earlier sweep of this name is continued.
    """
    file = project.root / FOLDER / f"{target}.yaml"
    if file.is_file():
        if settings:
            raise PressError(
                f"the grid of {target} is in {project.relative(file)}: edit that file, or give the "
                "notebook's path and another --name"
            )
        description, base = read_description(file), file.parent
        name = name or target
    elif settings:
        description, base = describe(target, settings), Path.cwd()
        name = name or Path(target).name.removesuffix(".ipynb")
        if (taken := project.root / FOLDER / f"{name}.yaml").is_file():
            raise PressError(
                f"the name {name!r} belongs to {project.relative(taken)}: give this sweep another "
                "name, --name NAME"
            )
    else:
        name = name or target
        if name not in known(project):
            described = [path.stem for path in (project.root / FOLDER).glob("*.yaml")]
            raise PressError(
                f"there is neither {FOLDER}/{target}.yaml nor a sweep {name!r} to continue: write "
                f"that file, or give parameters to vary (nbpress sweep {target} seed=0..4)"
                + suggestion(name, {*described, *known(project)})
            )
        with read_journal(project, name) as journal:
            description = description_in(journal)
        base = project.root
    return _open(project, checked_name(name), description, base, dataset)


def reopen(project: Project, name: str, journal: Journal) -> Sweep:
    """Return the sweep in a journal as it would be now, whatever `sweeps/NAME.yaml` has become."""
    return _open(project, name, description_in(journal), project.root, "auto")


def _open(project: Project, name: str, description: Description, base: Path, dataset: str) -> Sweep:
    path = _notebook(project, description.notebook, base)
    notebook = read_notebook(path)
    chapters = project.report.chapters if path.parent == project.notebooks else []
    own = next((each for each in chapters if each.notebook == path.name), None)
    chapter = own or Chapter(notebook=path.name)
    takes = notebook.parameters()
    if chapter.needs or RECORDED in takes:
        raise PressError(f"{path.name} needs values of other chapters, so it cannot be swept")
    grid = make_grid(description, notebook)
    if "dataset" in [*grid.given, *grid.varied, *grid.repeated]:
        raise PressError(
            "the data set cannot be varied: choose it by --dataset, or by `dataset:` in the file"
        )
    # The command line takes precedence over the file and the journal.
    asked = dataset if dataset != "auto" else description.dataset or dataset
    data = NO_DATA_SET
    if "dataset" in takes:
        data = resolve(asked, project.report.resolver, project.sources)
        for point in grid.points:
            data.refuse_too_large({**grid.given, **point}, path.name)
    elif asked != "auto":
        raise PressError(
            f"{path.name} has no parameter 'dataset', so it cannot run on {asked!r}: leave the "
            "data set out (--dataset, DATASET, or `dataset:` in the file)"
        )
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
            beside = [*project.notebooks.glob("*.ipynb"), *project.root.glob("sweeps/*.ipynb")]
            hint = did_you_mean(named, [project.relative(each) for each in sorted(beside)])
            raise PressError(f"there is no notebook {path}{hint}")
    if not path.is_file():
        path = project.notebooks / project.chapter(Path(named).name).notebook
    if not path.is_relative_to(project.root):
        raise PressError(f"a sweep's notebook must be inside the project; got {named}")
    return path
