"""Executes stale chapters in parallel, and says why each of them runs again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from nbpress.errors import PressError
from nbpress.log import logger
from nbpress.project.code import compile_sources
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project
from nbpress.run import worker
from nbpress.run.attempt import Attempt, begin
from nbpress.run.cache import Cache, Run
from nbpress.run.environment import kernel_environment
from nbpress.run.failed import keep_failed
from nbpress.run.forked import serving
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.plan import Plan
from nbpress.run.processes import local_pool
from nbpress.run.progress import Progress
from nbpress.run.said import Said
from nbpress.run.stale import PendingRun, find, imported, longest_first
from nbpress.run.temporary import delete_abandoned

_POLL_SECONDS = 0.1


@dataclass
class Execution:
    """The runs of all chapters on one data set, what they say, and which were executed now.

    `runs` and `said` are keyed by the chapter's name.
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
    """Return a complete run of every chapter; execute those that are not in the cache.

    Parameters
    ----------
    force
        Execute everything.
    say
        Reports what happens.
    before
        Called once, before the first notebook starts; if it raises, the build stops.
    executor
        Where notebooks run; by default a pool of processes on this machine.

    Raises
    ------
    PressError
        If a notebook does not run to its end. Runs that finished are kept.
    """
    waiting = list(plans)
    with _Runner(project, dataset, force, say, before, executor) as runner:
        while (ready := runner.ready(waiting)) or runner.running:
            stale = []
            for plan in ready:
                waiting.remove(plan)
                with runner.failing():
                    stale += runner.find(plan)
            with runner.failing():
                runner.begin(stale)
            with runner.failing():
                runner.collect()
    if runner.result.executed:
        limit = project.report.cache_megabytes * 10**6
        runner.cache.trim(limit, runner.result.runs.values())
    if runner.failures:
        raise PressError(runner.failure_message())
    return runner.result


class _Runner:
    """Starts chapters once the values that they need are available, and checks the outcomes."""

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
        self.given = executor
        self.executor: Executor | None = None
        self.server = ""
        self.progress = Progress(say)
        self.cache = Cache(project.build / "runs", project.root)
        self.result = Execution()
        self.running: dict[Future[worker.Outcome], Attempt] = {}
        self.failures: dict[str, list[str]] = {}  # by what happened, the notebooks
        self.kept: list[str] = []  # what failed notebooks executed

    def __enter__(self) -> _Runner:
        self.cache.tidy()
        delete_abandoned()
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
        """Keep an error for the end: running chapters finish, no others start."""
        try:
            yield
        except PressError as error:
            self.failures.setdefault(str(error), [])

    def failure_message(self) -> str:
        """Return what stopped the build, each reason once."""
        paragraphs = [
            f"{', '.join(sorted(notebooks))}: {reason}" if notebooks else reason
            for reason, notebooks in self.failures.items()
        ]
        if any(self.failures.values()):
            folder = self.project.relative(self.project.build / "failed")
            where = self.kept[0] if len(self.kept) == 1 else f"{folder}/"
            kept = f"What was executed is kept in {where}; " if self.kept else ""
            paragraphs.append(f"{kept}the previous report is unchanged.")
        return "\n\n".join(paragraphs)

    def find(self, plan: Plan) -> list[PendingRun]:
        """Take a chapter's run from the cache; if that fails, return the chapter as stale."""
        values = self.result.values() if plan.after else {}
        served = find(self.project, self.dataset, self.cache, plan, values, force=self.force)
        if isinstance(served, PendingRun):
            return [served]
        self.result.runs[plan.chapter.name], self.result.said[plan.chapter.name] = served
        return []

    def begin(self, stale: list[PendingRun]) -> None:
        """Start chapters, and say why."""
        if self.failures or not stale:
            return
        executor = self.executor or self.prepare(stale)
        for each in longest_first(stale, self.cache):
            self.progress.say(f"{each.name}: {each.why}")
            attempt = begin(self.project, self.cache, each)
            self.running[worker.submit(executor, attempt.job(self.server))] = attempt
            self.progress.add(attempt.progress, each.name, len(each.plan.notebook.cells))

    def prepare(self, stale: list[PendingRun]) -> Executor:
        """Start the executor, unless one is given, and run all checks before the first chapter."""
        project, executor = self.project, self.given
        if executor is None:
            prepare_matplotlib(project.build)
            environment = kernel_environment(project.root, project.build, project.sources)
            self.server = self.stack.enter_context(serving(environment, imported(project, stale)))
            executor = self.stack.enter_context(local_pool())
            for _ in stale:
                executor.submit(worker.warm_up)
        self.before()
        compile_sources(project.source_files())
        self.executor = executor
        return executor

    def collect(self) -> None:
        """Wait a moment for chapters to end; keep those that are complete."""
        done, _ = wait(self.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        self.progress.update()
        for future in done:
            attempt = self.running.pop(future)
            self.progress.remove(attempt.progress)
            name, plan = attempt.stale.name, attempt.stale.plan
            outcome = worker.outcome(future)
            try:
                run = attempt.keep(outcome, self.dataset.dataset)
            except PressError as error:
                logger.debug("%s\n%s", name, outcome.traceback)
                notebook = plan.chapter.notebook
                if kept := keep_failed(self.project.build, notebook, attempt.partial, outcome):
                    self.kept.append(self.project.relative(kept))
                self.failures.setdefault(str(error), []).append(notebook)
                continue
            self.result.runs[name] = run
            self.result.said[name] = Said(plan.notebook, run.executed["cells"])
            self.result.executed.append(name)
            self.progress.say(f"{name}: done in {outcome.seconds:.1f} s")
