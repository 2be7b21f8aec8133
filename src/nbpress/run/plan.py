"""Plans what to run: each chapter's current notebook, with checked parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.dataset import NO_DATA_SET, DataSet
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.project.parameters import Parameters
from nbpress.project.project import Project
from nbpress.project.report import Chapter
from nbpress.run.inputs import RECORDED
from nbpress.run.observed import declared_files
from nbpress.say.last import reference_figures

REFERENCE = "reference"  # the parameter that receives the values of report/reference.yaml
INJECTED = ("dataset", RECORDED, REFERENCE)  # parameters that the press itself sets


@dataclass(frozen=True)
class Plan:
    """A chapter, its current notebook, and the checked parameters to run it with."""

    chapter: Chapter
    notebook: Notebook
    parameters: dict[str, Any]
    after: frozenset[str]  # the chapters whose values it needs

    def complete_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters, including the values that it needs from other chapters."""
        needs = self.chapter.needs
        if not needs:
            return self.parameters
        missing = [name for name in needs if name not in values]
        if missing:
            raise PressError(
                f"{self.chapter.notebook} needs {', '.join(missing)}, which no chapter records"
                + did_you_mean(missing[0], values)
            )
        recorded = {name: values[name] for name in needs}
        return self.notebook.checked({**self.parameters, RECORDED: recorded})


def plan(project: Project, dataset: DataSet, given: Parameters) -> list[Plan]:
    """Read the notebooks and check every parameter, before any kernel starts.

    `given` holds parameters by chapter; those under "" go to every chapter that has them. A value
    that equals the default is left out of the plan, so that it makes nothing run again. If any is
    left, there are no reference values: they are about the report with its own parameters.
    """
    figures = reference_figures(project.output / "reference.yaml", dataset.dataset)
    for name in given:
        if name:
            project.chapter(name)
    notebooks = {
        c.name: read_notebook(project.notebooks / c.notebook) for c in project.report.chapters
    }
    declared = {name: notebook.parameters() for name, notebook in notebooks.items()}
    everywhere = given.get("", {})
    known = {p for parameters in declared.values() for p in parameters} - set(INJECTED)
    for name in [*everywhere, *(n for k, values in given.items() if k for n in values)]:
        if name in INJECTED:
            how = "; choose the data set with DATASET" if name == "dataset" else ", and only by it"
            raise PressError(f"{name} is set by the press{how}")
    for name in everywhere:
        if name not in known:
            hints = [hint for notebook in notebooks.values() if (hint := notebook.untagged(name))]
            raise PressError(
                f"no chapter has a parameter {name!r}"
                + (hints[0] if hints else did_you_mean(name, known))
            )
    plans = []
    for chapter in project.report.chapters:
        takes = declared[chapter.name]
        values = {
            **{name: value for name, value in everywhere.items() if name in takes},
            **given.get(chapter.name, {}),
        }
        for name in INJECTED:
            if name not in takes and (hint := notebooks[chapter.name].untagged(name)):
                raise PressError(f"{chapter.notebook} cannot receive {name!r} from the press{hint}")
        if "dataset" in takes:
            if dataset == NO_DATA_SET:
                raise PressError(
                    f"{chapter.notebook} has the parameter 'dataset', which a resolver sets, but "
                    "report.yaml has no resolver: add `resolver: module:function`, or rename it"
                )
            values["dataset"] = dataset.dataset
        if REFERENCE in takes:
            values[REFERENCE] = figures
        if chapter.needs and RECORDED not in takes:
            raise PressError(
                f"{chapter.notebook} needs values of other chapters, so its parameters must "
                f"have '{RECORDED}: dict = {{}}'"
            )
        list(declared_files(project.root, chapter.inputs))  # refuses missing files
        notebook = notebooks[chapter.name]
        after = frozenset(project.report.provider(name).name for name in chapter.needs)
        checked = notebook.checked(values)
        if "dataset" in takes:
            dataset.refuse_too_large(checked, chapter.notebook)
        parameters = {
            name: value
            for name, value in checked.items()
            if name in INJECTED or not takes[name].is_default(value)
        }
        plans.append(Plan(chapter, notebook, parameters, after))
    if are_defaults(plans):
        return plans
    return [
        replace(each, parameters={**each.parameters, REFERENCE: []})
        if REFERENCE in each.parameters
        else each
        for each in plans
    ]


def are_defaults(plans: Iterable[Plan]) -> bool:
    """Return whether every chapter runs with the parameters that it has by default."""
    return all(each.parameters.keys() <= set(INJECTED) for each in plans)
