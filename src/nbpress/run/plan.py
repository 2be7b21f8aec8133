"""Plans what is to run: each chapter's notebook as it is now, with parameters that are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.notebooks import Notebook, read_notebook
from nbpress.project.project import Chapter, DataSet, Parameters, Project
from nbpress.run.cache import RECORDED

_INJECTED = ("dataset", RECORDED)  # parameters that the press itself sets


@dataclass(frozen=True)
class Plan:
    """A chapter, its notebook as it is now, and the checked parameters that it is to run with."""

    chapter: Chapter
    notebook: Notebook
    parameters: dict[str, Any]


def plan(project: Project, dataset: DataSet, given: Parameters) -> list[Plan]:
    """Read the notebooks and check every parameter, before any kernel starts.

    `given` holds parameters by chapter; those under "" go to every chapter that takes them.
    """
    own = project.parameters(dataset.dataset)
    for name in given:
        if name:
            project.chapter(name)
    notebooks = {
        c.name: read_notebook(project.notebooks / c.notebook) for c in project.report.chapters
    }
    declared = {name: notebook.parameters() for name, notebook in notebooks.items()}
    everywhere = given.get("", {})
    known = {p for parameters in declared.values() for p in parameters} - set(_INJECTED)
    for name in [*everywhere, *(n for k, values in given.items() if k for n in values)]:
        if name in _INJECTED:
            raise PressError(f"{name} is set by the press; choose the data set with DATASET")
    for name in everywhere:
        if name not in known:
            raise PressError(f"no chapter has a parameter {name!r}" + did_you_mean(name, known))
    plans = []
    for chapter in project.report.chapters:
        takes = declared[chapter.name]
        values = {
            **own.get(chapter.name, {}),
            **{name: value for name, value in everywhere.items() if name in takes},
            **given.get(chapter.name, {}),
        }
        if "dataset" in takes:
            values["dataset"] = dataset.dataset
        if chapter.needs and RECORDED not in takes:
            raise PressError(
                f"{chapter.notebook} needs values of other chapters, so its parameters must "
                f"have '{RECORDED}: dict = {{}}'"
            )
        notebook = notebooks[chapter.name]
        plans.append(Plan(chapter, notebook, notebook.checked(values)))
    return plans
