"""Finds what serves a chapter: a run of the cache, or a new one, and why."""

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
class Stale:
    """A chapter that is to run, what its run will depend on, and why it runs."""

    plan: Plan
    parameters: dict[str, Any]
    inputs: Inputs
    why: str

    @property
    def name(self) -> str:
        """The chapter's."""
        return self.plan.chapter.name


def find(
    project: Project,
    dataset: DataSet,
    cache: Cache,
    plan: Plan,
    values: Mapping[str, Any],
    *,
    force: bool,
) -> tuple[Run, Said] | Stale:
    """Return the run that serves a chapter with what it says, or say why there is none.

    `values` are those of other chapters, by task and name; with `force` no run serves.
    """
    parameters = plan.complete_parameters(values)
    inputs = read_inputs(project, plan.notebook, parameters, dataset.sha256)
    if force:
        return Stale(plan, parameters, inputs, "runs, all are to run")
    run = cache.find(inputs)
    if run is None:
        why = cache.why_stale(plan.chapter.notebook, inputs, dataset.dataset)
        again = "" if why.startswith("it has no run") else " again"
        return Stale(plan, parameters, inputs, f"runs{again}, {why}")
    said = Said(plan.notebook, run.executed["cells"])
    if said.lacking:
        why = f"runs again, no run recorded what {said.lacking[0]}"
        return Stale(plan, parameters, inputs, why)
    cache.mark_used(run)
    return run, said


def imported(project: Project, stale: Iterable[Stale]) -> list[str]:
    """Return the modules that a kernel may find loaded: those that half of these chapters need."""
    needed = [
        imported_modules(each.plan.notebook.named_code(), project.import_path) for each in stale
    ]
    count = Counter(module for modules in needed for module in modules)
    return sorted(module for module, chapters in count.items() if 2 * chapters >= len(needed))


def longest_first(stale: Iterable[Stale], cache: Cache) -> list[Stale]:
    """Return the chapters in the order to start them in: a long one that starts last delays all.

    Its last run shows how long a chapter takes; one without a run is started first.
    """
    seconds = {run.notebook: run.seconds for run in reversed(cache.all())}

    def expected(each: Stale) -> tuple[float, int]:
        notebook = each.plan.notebook
        return seconds.get(notebook.path.name, math.inf), len(notebook.code)

    return sorted(stale, key=expected, reverse=True)
