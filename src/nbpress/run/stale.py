"""Decides for each chapter whether a cached run can be used or it must run, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nbpress.project.code import imported_modules
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project
from nbpress.run.cache import Cache, Run
from nbpress.run.inputs import Inputs, read_inputs
from nbpress.run.plan import Plan
from nbpress.run.said import Said


@dataclass(frozen=True)
class PendingRun:
    """A chapter that must run, the inputs of that run, and why it runs."""

    plan: Plan
    parameters: dict[str, Any]
    inputs: Inputs
    why: str

    @property
    def name(self) -> str:
        """The chapter's name."""
        return self.plan.chapter.name


def find(
    project: Project,
    dataset: DataSet,
    cache: Cache,
    plan: Plan,
    values: Mapping[str, Any],
    *,
    force: bool,
) -> tuple[Run, Said] | PendingRun:
    """Return a cached run for a chapter and what the chapter says; else why it must run.

    `values` are those of other chapters, by task and name; with `force` it always runs.
    """
    parameters = plan.complete_parameters(values)
    inputs = read_inputs(project, plan.notebook, parameters, dataset.sha256)
    if force:
        return PendingRun(plan, parameters, inputs, "runs because all notebooks are executed")
    run = cache.find(inputs)
    if run is None:
        why = cache.why_stale(plan.chapter.notebook, inputs, dataset.dataset)
        again = "" if why.startswith("it has no run") else " again"
        return PendingRun(plan, parameters, inputs, f"runs{again} because {why}")
    said = Said(plan.notebook, run.executed["cells"])
    if said.lacking:
        why = f"runs again because {said.lacking[0]}, which no run recorded"
        return PendingRun(plan, parameters, inputs, why)
    cache.mark_used(run)
    return run, said


def imported(project: Project, stale: Iterable[PendingRun]) -> list[str]:
    """Return the modules worth loading before kernels start: those that half the chapters need."""
    needed = [
        imported_modules(each.plan.notebook.named_code(), project.import_path) for each in stale
    ]
    count = Counter(module for modules in needed for module in modules)
    return sorted(module for module, chapters in count.items() if 2 * chapters >= len(needed))


def longest_first(stale: Iterable[PendingRun], cache: Cache) -> list[PendingRun]:
    """Return the chapters in the order to start them: a long one started last would delay all.

    The last run shows how long a chapter takes; those without a run start first.
    """
    seconds = {run.notebook: run.seconds for run in reversed(cache.all())}

    def expected(each: PendingRun) -> tuple[float, int]:
        notebook = each.plan.notebook
        return seconds.get(notebook.path.name, math.inf), len(notebook.code)

    return sorted(stale, key=expected, reverse=True)
