"""Runs one notebook through papermill, in a process of its own, and checks the outcome."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import traceback
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

from nbpress.run.environment import kernel_environment
from nbpress.run.observed import Observation, read_observation
from nbpress.run.processes import skip_slow_imports
from nbpress.run.verdict import INDENT, out_of_memory, verdict

PROGRESS = "progress"  # the file that says which cell is running, of how many
_SCRATCH = ("source.ipynb", PROGRESS, "observation.json", "kernel.log")


@dataclass(frozen=True)
class Job:
    """A notebook to run, with everything that another process needs to know."""

    notebook: dict[str, Any]  # its content: the file may be saved again while it runs
    parameters: dict[str, Any]
    partial: Path  # the folder to write executed.ipynb and progress to
    folder: Path  # where the notebook runs: its own folder
    sources: list[Path]  # where it finds first-party modules
    root: Path  # the project's: files below it are observed
    build: Path
    cell_timeout: int  # seconds
    server: str = ""  # the socket of a fork server


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; `failure` is None if every cell ran without an error."""

    seconds: float
    failure: str | None
    observation: Observation = field(default_factory=Observation)
    traceback: str = ""  # of what stopped papermill


def run(job: Job) -> Outcome:
    """Execute the notebook to `executed.ipynb` in the job's folder."""
    start = time.monotonic()
    environment = kernel_environment(job.root, job.build, job.sources)
    os.environ.clear()
    os.environ.update(environment)
    skip_slow_imports()
    source, progress, observed, log = (job.partial / name for name in _SCRATCH)
    executed = job.partial / "executed.ipynb"
    observation, stopped = Observation(), None
    try:
        import papermill

        from nbpress.run.kernels import ENGINE_NAME

        logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the verdict says what is wrong
        source.write_text(json.dumps(job.notebook), "utf-8")
        papermill.execute_notebook(
            _literally(source),
            _literally(executed),
            parameters=job.parameters,
            engine_name=ENGINE_NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=str(job.folder),
            execution_timeout=job.cell_timeout,
            progress_file=str(progress),
            observation_file=str(observed),
            log_file=str(log),
            server=job.server,
        )
        observation = read_observation(observed)
    except Exception as error:  # kernel, papermill and disk may fail in any way
        stopped = error
        with contextlib.suppress(OSError, ValueError):  # of the cells that did run
            observation = read_observation(observed)
    failure = verdict(executed, stopped, job.cell_timeout)
    trace = "".join(traceback.format_exception(stopped)) if stopped else ""
    if isinstance(stopped, RuntimeError | ImportError | MemoryError):  # the kernel, or we
        message = log.read_text("utf-8", "replace").strip() if log.is_file() else ""
        if shortage := out_of_memory(message or trace):
            failure = f"its {'kernel' if message else 'process'} {shortage}"
        elif message:
            failure = f"{failure}\n\nits kernel wrote:\n{indent(message, INDENT)}"
    for name in _SCRATCH:
        (job.partial / name).unlink(missing_ok=True)
    return Outcome(time.monotonic() - start, failure, observation, trace)


def warm_up() -> None:
    """Import what a run needs, in advance."""
    skip_slow_imports()
    import nbpress.run.kernels  # noqa: F401


def submit(executor: Executor, job: Job) -> Future[Outcome]:
    """Have an executor run a job; if it is broken, the future that is returned says so."""
    try:
        return executor.submit(run, job)
    except BrokenExecutor as error:
        broken: Future[Outcome] = Future()
        broken.set_exception(error)
        return broken


def outcome(future: Future[Outcome]) -> Outcome:
    """Return the outcome of a job; if its process was killed, the outcome says so."""
    try:
        return future.result()
    except BrokenExecutor:
        return Outcome(0, "did not finish: its process was killed (by someone, or out of memory)")


def _literally(path: Path) -> str:
    """Return a path with its braces doubled, so that papermill does not fill in parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")
