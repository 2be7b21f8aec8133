"""Executes the chapters that are stale, side by side, and says why each runs again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.project import DataSet, Project
from nbpress.run import worker
from nbpress.run.cache import RECORDED, Cache, Inputs, Run
from nbpress.run.plan import Plan
from nbpress.run.processes import local_pool
from nbpress.run.progress import Progress
from nbpress.say.records import values

_POLL_SECONDS = 0.1


@dataclass
class Execution:
    """Runs of all chapters of a report on one data set, and what was executed for them."""

    runs: dict[str, Run] = field(default_factory=dict)  # by the chapter's name
    executed: list[str] = field(default_factory=list)


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
    waiting = list(plans)
    with _Runner(project, dataset, force, say, executor) as runner:
        while (ready := runner.ready(waiting)) or runner.running:
            for plan in ready:
                waiting.remove(plan)
                runner.begin(plan)
            runner.take_in()
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
            project.build,
            project.report.cell_timeout,
        )


class _Runner:
    """Starts chapters when the values that they need are there, and judges what came of them."""

    def __init__(
        self,
        project: Project,
        dataset: DataSet,
        force: bool,
        say: Callable[[str], None],
        executor: Executor | None,
    ) -> None:
        self.project = project
        self.dataset = dataset
        self.force = force
        self.executor = executor
        self.progress = Progress(say)
        self.cache = Cache(project)
        self.result = Execution()
        self.running: dict[Future[worker.Outcome], _Running] = {}
        self.failures: list[str] = []

    def __enter__(self) -> _Runner:
        self.cache.tidy()
        self.stack = contextlib.ExitStack()
        self.stack.callback(self.progress.close)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def ready(self, waiting: list[Plan]) -> list[Plan]:
        """Return the chapters that can start; none after a failure."""
        done = self.result.runs.keys()
        return [p for p in waiting if not self.failures and _needs(self.project, p) <= done]

    def begin(self, plan: Plan) -> None:
        """Take a chapter from the cache, or start it and say why."""
        try:
            parameters = _with_needed_values(plan, self.result)
        except PressError as error:
            self.failures.append(str(error))
            return
        inputs = self.cache.inputs(plan.notebook, parameters, self.dataset.sha256)
        run = None if self.force else self.cache.find(inputs)
        if run is not None:
            self.result.runs[plan.chapter.name] = run
            return
        why = "FORCE is set"
        if not self.force:
            why = self.cache.why_stale(plan.notebook, inputs, self.dataset.dataset)
        self.progress.tell(f"{plan.chapter.name}: runs{_again(why)}, {why}")
        if not self.running and not self.result.executed:
            _compile(self.project)
        if self.executor is None:
            self.executor = self.stack.enter_context(local_pool())
        modules = self.cache.modules(self.project.source_files())
        entry = _Running(plan, parameters, inputs, self.cache.partial(inputs), modules)
        self.running[_submit(self.executor, entry.job(self.project))] = entry
        self.progress.add(entry.progress, entry.name, len(plan.notebook.cells))

    def take_in(self) -> None:
        """Wait a moment for chapters to end; keep those that are complete."""
        done, _ = wait(self.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        self.progress.update()
        for future in done:
            entry = self.running.pop(future)
            self.progress.remove(entry.progress)
            outcome = _outcome(future)
            failure = outcome.failure or _edited_meanwhile(self.cache, entry, outcome)
            if failure is None:
                self.result.runs[entry.name] = self._keep(entry, outcome)
                self.result.executed.append(entry.name)
                self.progress.tell(f"{entry.name}: done in {outcome.seconds:.1f} s")
            else:
                self.failures.append(
                    f"{entry.plan.notebook.path.name}: {failure}\n\n"
                    f"{_keep_failed(self.project, entry)}the former report is as it was."
                )

    def _keep(self, entry: _Running, outcome: worker.Outcome) -> Run:
        record = {
            "notebook": entry.plan.notebook.path.name,
            "dataset": self.dataset.dataset,
            "parameters": entry.parameters,
            "loaded": _loaded(self.project, entry, outcome),
            "seconds": round(outcome.seconds, 3),
        }
        return self.cache.keep(entry.partial, entry.inputs, record)


def _compile(project: Project) -> None:
    """Write bytecode that Python checks against the source's content before it uses it.

    By default it trusts time and size, and so misses an edit within the same second.
    """
    import compileall
    import marshal
    from importlib.util import cache_from_source
    from py_compile import PycInvalidationMode

    for path in project.source_files():
        compileall.compile_file(
            path, quiet=2, force=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH
        )
        compiled = Path(cache_from_source(path))
        with contextlib.suppress(OSError):
            try:
                marshal.loads(compiled.read_bytes()[16:])
            except (EOFError, ValueError, TypeError):
                compiled.unlink()  # cut off by a full disk, of which Python says nothing


def _submit(executor: Executor, job: worker.Job) -> Future[worker.Outcome]:
    try:
        return executor.submit(worker.run, job)
    except BrokenExecutor as error:
        broken: Future[worker.Outcome] = Future()
        broken.set_exception(error)
        return broken


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
    return plan.notebook.checked({**plan.parameters, RECORDED: recorded})


def _outcome(future: Future[worker.Outcome]) -> worker.Outcome:
    try:
        return future.result()
    except BrokenExecutor:
        return worker.Outcome(
            0, "did not finish: its process was killed (by somebody, or for want of memory)"
        )


def _loaded(project: Project, entry: _Running, outcome: worker.Outcome) -> dict[str, str]:
    """Return the first-party modules that the kernel loaded, as they were when it started."""
    files = set(outcome.loaded)
    return {name: sha for name, sha in entry.modules.items() if str(project.root / name) in files}


def _edited_meanwhile(cache: Cache, entry: _Running, outcome: worker.Outcome) -> str | None:
    """Tell which modules are not any more what they were when the notebook started."""
    project = cache.project
    used = {name for name in entry.inputs.parts if name in entry.modules}
    used |= _loaded(project, entry, outcome).keys()
    before = {**entry.modules, **entry.inputs.parts}
    now = cache.modules(project.root / name for name in used)
    changed = [name for name in now if now[name] != before[name]]
    return f"{', '.join(changed)} changed while it ran: run it again" if changed else None


def _keep_failed(project: Project, entry: _Running) -> str:
    """Keep what was executed of a failed notebook where its author can look at it; say where."""
    place = project.build / "failed" / entry.plan.notebook.path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # of an earlier failure
    with contextlib.suppress(FileNotFoundError):
        os.replace(entry.partial / "executed.ipynb", place)
    return f"What was executed is kept in {project.relative(place)}; " if place.is_file() else ""


def _again(why: str) -> str:
    return "" if why.startswith("it has no run") else " again"
