"""Executes the chapters that are stale, side by side, and says why each runs again."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nbpress import worker
from nbpress.cache import Cache, Inputs, Run
from nbpress.display import MIME_TYPE
from nbpress.errors import PressError, did_you_mean
from nbpress.notebooks import Notebook, read_notebook
from nbpress.project import Chapter, DataSet, Parameters, Project

_POLL_SECONDS = 0.1
_INJECTED = ("dataset", "recorded")  # parameters that the press itself sets


@dataclass(frozen=True)
class Plan:
    """A chapter to be run: its notebook, its checked parameters, its former run if still valid."""

    chapter: Chapter
    notebook: Notebook
    parameters: dict[str, Any]


@dataclass
class Execution:
    """Runs of all chapters of a report on one data set, and what was executed for them."""

    runs: dict[str, Run] = field(default_factory=dict)  # by the chapter's name
    executed: list[str] = field(default_factory=list)


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
        notebook = notebooks[chapter.name]
        plans.append(Plan(chapter, notebook, notebook.checked(values)))
    return plans


def execute(
    project: Project,
    dataset: DataSet,
    plans: Iterable[Plan],
    *,
    force: bool = False,
    say: Callable[[str], None] = print,
    executor: Executor | None = None,
) -> Execution:
    """Return a complete run of every chapter; execute what the cache does not hold.

    Parameters
    ----------
    force
        Execute everything.
    say
        Where to tell what happens.
    executor
        Where notebooks run: by default a pool of processes on this machine.

    Raises
    ------
    PressError
        If a notebook does not run to its end. Runs that did finish are kept.
    """
    cache = Cache(project)
    waiting = list(plans)
    result = Execution()
    running: dict[Future[worker.Outcome], _Running] = {}
    failures: list[str] = []
    with ExitStack() as stack:
        progress = stack.enter_context(_Progress())

        def tell(line: str) -> None:
            progress.clear()
            say(line)

        while waiting or running:
            ready = [p for p in waiting if _needs(project, p) <= result.runs.keys()]
            for plan in ready:
                waiting.remove(plan)
                parameters = _with_needed_values(plan, result)
                inputs = cache.inputs(plan.notebook, parameters, dataset.sha256)
                run = None if force else cache.find(inputs)
                if run is not None:
                    result.runs[plan.chapter.name] = run
                elif not failures:
                    if executor is None:
                        executor = stack.enter_context(_local_pool(len(waiting) + 1))
                    why = "FORCE is set" if force else cache.why_stale(plan.notebook, inputs)
                    tell(f"{plan.chapter.name}: runs{_again(why)}, {why}")
                    entry = _Running(plan, parameters, inputs, cache.partial(inputs))
                    running[executor.submit(worker.run, entry.job(project))] = entry
                    progress.add(entry)
            if not running:
                if ready and not failures:
                    continue  # what the cache held may be what others wait for
                break
            done, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            progress.update()
            for future in done:
                entry = running.pop(future)
                outcome = _outcome(future)
                progress.remove(entry)
                if outcome.failure is None:
                    result.runs[entry.name] = _keep(project, dataset, cache, entry, outcome)
                    result.executed.append(entry.name)
                    tell(f"{entry.name}: done in {outcome.seconds:.1f} s")
                else:
                    place = _keep_failed(project, entry)
                    failures.append(
                        f"{entry.plan.notebook.path.name}: {outcome.failure}\n\n"
                        f"What was executed is kept in {place}; the former report is as it was."
                    )
    if failures:
        raise PressError("\n\n".join(failures))
    return result


def values(run: Run) -> dict[str, dict[str, Any]]:
    """Return the values that a run recorded: `{"2d.stop_step": {"value": …, "notebook": …}}`.

    Raises
    ------
    PressError
        If two answers record the same value.
    """
    found: dict[str, dict[str, Any]] = {}
    for cell in run.executed["cells"]:
        for record in records(cell):
            for name, value in record.get("values", {}).items():
                key = f"{record['task']}.{name}"
                if key in found:
                    raise PressError(
                        f"{run.notebook}: {key} is recorded twice, in the cells "
                        f"{found[key]['cell']} and {cell['id']}"
                    )
                found[key] = {"value": value, "notebook": run.notebook, "cell": cell["id"]}
    return found


def records(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a cell's outputs say to the press."""
    return [
        output["data"][MIME_TYPE]
        for output in cell.get("outputs", ())
        if MIME_TYPE in output.get("data", {})
    ]


@dataclass
class _Running:
    plan: Plan
    parameters: dict[str, Any]
    inputs: Inputs
    partial: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        return self.plan.chapter.name

    def job(self, project: Project) -> worker.Job:
        return worker.Job(
            self.plan.notebook.path,
            self.parameters,
            self.partial,
            project.build,
            project.report.cell_timeout,
        )


class _Progress:
    """One live line for each running notebook in a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self.bars: dict[str, tuple[_Running, tqdm[Any]]] = {}

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        for _entry, bar in self.bars.values():
            bar.close()

    def add(self, entry: _Running) -> None:
        bar = tqdm(
            total=len(entry.plan.notebook.cells),
            desc=entry.name,
            unit="cell",
            leave=False,
            disable=not sys.stderr.isatty(),
            bar_format="{desc}: cell {n} of {total}, {elapsed}",
        )
        self.bars[entry.name] = (entry, bar)

    def update(self) -> None:
        for entry, bar in self.bars.values():
            try:
                cell, total = map(int, (entry.partial / "progress").read_text().split())
            except (OSError, ValueError):  # not started yet, or being written just now
                continue
            bar.n, bar.total = cell, total
            bar.refresh()

    def remove(self, entry: _Running) -> None:
        self.bars.pop(entry.name)[1].close()

    def clear(self) -> None:
        for _entry, bar in self.bars.values():
            bar.clear()


def _local_pool(jobs: int) -> ProcessPoolExecutor:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ProcessPoolExecutor(
        max_workers=min(jobs, cores or 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=worker.watch_parent,
    )


def _needs(project: Project, plan: Plan) -> set[str]:
    return {project.report.provider(value).name for value in plan.chapter.needs}


def _with_needed_values(plan: Plan, result: Execution) -> dict[str, Any]:
    if not plan.chapter.needs:
        return plan.parameters
    available = {
        key: record["value"] for run in result.runs.values() for key, record in values(run).items()
    }
    missing = [value for value in plan.chapter.needs if value not in available]
    if missing:
        raise PressError(
            f"{plan.chapter.notebook} needs {', '.join(missing)}"
            + did_you_mean(missing[0], available)
        )
    recorded = {value: available[value] for value in plan.chapter.needs}
    return plan.notebook.checked({**plan.parameters, "recorded": recorded})


def _outcome(future: Future[worker.Outcome]) -> worker.Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return worker.Outcome(0, "its process was killed (by somebody, or for want of memory)")


def _keep(
    project: Project, dataset: DataSet, cache: Cache, entry: _Running, outcome: worker.Outcome
) -> Run:
    now = cache.inputs(entry.plan.notebook, entry.parameters, dataset.sha256)
    if now != entry.inputs:
        changed = ", ".join(now.changes(entry.inputs.parts))
        raise PressError(f"{entry.name}: {changed} changed while it ran; run it again")
    loaded = [
        path
        for name in outcome.loaded
        if any((path := Path(name)).is_relative_to(s) for s in project.sources)
    ]
    record = {
        "notebook": entry.plan.notebook.path.name,
        "dataset": dataset.dataset,
        "parameters": entry.parameters,
        "loaded": cache.modules(loaded),
        "seconds": round(outcome.seconds, 3),
    }
    return cache.keep(entry.partial, entry.inputs, record)


def _keep_failed(project: Project, entry: _Running) -> str:
    """Keep what was executed of a failed notebook where its author can look at it."""
    place = project.build / "failed" / entry.plan.notebook.path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    executed = entry.partial / "executed.ipynb"
    if executed.is_file():
        os.replace(executed, place)
    shutil.rmtree(entry.partial, ignore_errors=True)
    return project.relative(place)


def _again(why: str) -> str:
    return "" if "no run yet" in why else " again"


def as_json(content: Any) -> str:
    """Return JSON as people read it and version control compares it."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
