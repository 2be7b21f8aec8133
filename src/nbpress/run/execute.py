"""Executes the chapters that are stale, side by side, and says why each runs again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.log import logger
from nbpress.project.code import compile_sources
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project
from nbpress.run import worker
from nbpress.run.cache import Cache, Run
from nbpress.run.failed import keep_failed
from nbpress.run.inputs import Inputs, read_inputs
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.observed import after_run, digests
from nbpress.run.plan import Plan
from nbpress.run.processes import local_pool
from nbpress.run.progress import Progress
from nbpress.run.said import Said
from nbpress.run.temporary import sweep

_POLL_SECONDS = 0.1


@dataclass
class Execution:
    """Runs of all chapters of a report on one data set, and what was executed for them.

    Both runs and what the chapters say are found by the chapter's name.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        """Return the values that the chapters recorded or quote, by task and name."""
        return {
            name: entry["value"]
            for said in self.said.values()
            for name, entry in said.values.items()
        }


def execute(
    project: Project,
    dataset: DataSet,
    plans: Iterable[Plan],
    *,
    force: bool = False,
    say: Callable[[str], None] = print,
    before: Callable[[], None] = lambda: None,
    executor: Executor | None = None,
) -> Execution:
    """Return a complete run of every chapter; execute what the cache does not hold.

    Parameters
    ----------
    force
        Execute everything.
    say
        Reports what happens.
    before
        Is called once, before the first notebook starts; its error stops the build.
    executor
        Where notebooks run: by default a pool of processes on this machine.

    Raises
    ------
    PressError
        If a notebook does not run to its end. Runs that did finish are kept.
    """
    waiting = list(plans)
    with _Runner(project, dataset, force, say, before, executor) as runner:
        while (ready := runner.ready(waiting)) or runner.running:
            for plan in ready:
                waiting.remove(plan)
                if not runner.failures:
                    with runner.failing():
                        runner.begin(plan)
            with runner.failing():
                runner.collect()
    if runner.result.executed:
        limit = project.report.cache_megabytes * 10**6
        runner.cache.trim(limit, runner.result.runs.values())
    if runner.failures:
        raise PressError("\n\n".join(runner.failures))
    return runner.result


@dataclass
class _Running:
    plan: Plan
    parameters: dict[str, Any]
    inputs: Inputs
    partial: Path
    modules: dict[str, str]  # the sources, as they were when it started

    @property
    def name(self) -> str:
        return self.plan.chapter.name

    @property
    def progress(self) -> Path:
        return self.partial / worker.PROGRESS

    def job(self, project: Project) -> worker.Job:
        return worker.Job(
            self.plan.notebook.content,
            self.parameters,
            self.partial,
            project.notebooks,
            project.sources,
            project.root,
            project.build,
            project.report.cell_timeout,
        )


class _Runner:
    """Starts chapters when the values that they need are there, and checks the outcomes."""

    def __init__(
        self,
        project: Project,
        dataset: DataSet,
        force: bool,
        say: Callable[[str], None],
        before: Callable[[], None],
        executor: Executor | None,
    ) -> None:
        self.project = project
        self.dataset = dataset
        self.force = force
        self.before = before
        self.executor = executor
        self.progress = Progress(say)
        self.cache = Cache(project.build / "runs", project.root)
        self.result = Execution()
        self.running: dict[Future[worker.Outcome], _Running] = {}
        self.failures: list[str] = []

    def __enter__(self) -> _Runner:
        self.cache.tidy()
        sweep()
        prepare_matplotlib(self.project.build)
        self.stack = contextlib.ExitStack()
        self.stack.callback(self.progress.close)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def ready(self, waiting: list[Plan]) -> list[Plan]:
        """Return the chapters that can start; none after a failure."""
        done = self.result.runs.keys()
        return [p for p in waiting if not self.failures and p.after <= done]

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Keep an error for the end: what is running finishes, nothing else starts."""
        try:
            yield
        except PressError as error:
            self.failures.append(str(error))

    def begin(self, plan: Plan) -> None:
        """Take a chapter from the cache, or start it and say why."""
        values = self.result.values() if plan.after else {}
        parameters = plan.complete_parameters(values)
        inputs = read_inputs(self.project, plan.notebook, parameters, self.dataset.sha256)
        why = "all are to run"
        if not self.force:
            run = self.cache.find(inputs)
            said = Said(plan.notebook, run.executed["cells"]) if run else None
            if run and said and not said.lacking:
                self.cache.mark_used(run)
                self.result.runs[plan.chapter.name] = run
                self.result.said[plan.chapter.name] = said
                return
            why = (
                f"no run recorded what {said.lacking[0]}"
                if said
                else self.cache.why_stale(plan.chapter.notebook, inputs, self.dataset.dataset)
            )
        first = not self.running and not self.result.executed
        if first:
            self.before()
        self.progress.say(f"{plan.chapter.name}: runs{_again(why)}, {why}")
        if first:
            compile_sources(self.project.source_files())
        if self.executor is None:
            self.executor = self.stack.enter_context(local_pool())
        modules = digests(
            self.project.root, map(self.project.relative, self.project.source_files())
        )
        entry = _Running(plan, parameters, inputs, self.cache.partial(inputs), modules)
        self.running[worker.submit(self.executor, entry.job(self.project))] = entry
        self.progress.add(entry.progress, entry.name, len(plan.notebook.cells))

    def collect(self) -> None:
        """Wait a moment for chapters to end; keep those that are complete."""
        done, _ = wait(self.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        self.progress.update()
        for future in done:
            entry = self.running.pop(future)
            self.progress.remove(entry.progress)
            outcome = worker.outcome(future)
            observed, changed = after_run(
                self.project.root, outcome.observation, entry.modules, entry.inputs.files
            )
            failure = outcome.failure
            if changed and not failure:
                failure = f"{', '.join(changed)} changed while it ran: run it again"
            if failure is None:
                run = self._keep(entry, outcome, observed)
                self.result.runs[entry.name] = run
                self.result.said[entry.name] = Said(entry.plan.notebook, run.executed["cells"])
                self.result.executed.append(entry.name)
                self.progress.say(f"{entry.name}: done in {outcome.seconds:.1f} s")
            else:
                logger.debug("%s\n%s", entry.name, outcome.traceback)
                notebook = entry.plan.chapter.notebook
                self.failures.append(
                    f"{notebook}: {failure}\n\n"
                    f"{keep_failed(self.project.build, notebook, entry.partial, outcome)}"
                    "the former report is as it was."
                )

    def _keep(self, entry: _Running, outcome: worker.Outcome, observed: dict[str, str]) -> Run:
        record = {
            "notebook": entry.plan.notebook.path.name,
            "dataset": self.dataset.dataset,
            "parameters": entry.parameters,
            "observed": observed,
            "written": outcome.observation.written,
            "seconds": round(outcome.seconds, 3),
        }
        return self.cache.keep(entry.partial, entry.inputs, record)


def _again(why: str) -> str:
    return "" if why.startswith("it has no run") else " again"
