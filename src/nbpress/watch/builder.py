"""Builds in a separate process, which is kept until the modules it imported may have changed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from concurrent.futures import BrokenExecutor, Executor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, disk_error
from nbpress.log import keep_log, keep_traceback, say
from nbpress.project.parameters import read_parameters
from nbpress.project.project import open_project
from nbpress.publish.build import Request, build
from nbpress.publish.lint import wrong_formulas
from nbpress.publish.render import ENGINES, EXPORTERS
from nbpress.run.processes import local_pool
from nbpress.watch.dependencies import Dependencies, dependencies

_FAREWELL_SECONDS = 5  # at most, for an interrupted build to end


@dataclass(frozen=True)
class Job:
    """What to build: the request, and the parameters as given, which each build reads again."""

    root: Path
    request: Request
    given: str | list[str]
    debug: bool


@dataclass(frozen=True)
class Outcome:
    """The outcome of a build: its error or "", and what it depends on, if known."""

    error: str
    dependencies: Dependencies | None


def build_once(job: Job) -> Outcome:
    """Build the report; print errors instead of raising them."""
    error, depends = "", None
    # Processes of a pool ignore Ctrl-C, but a build must end its own processes first.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        project = open_project(job.root)
        keep_log(project.build / "nbpress.log", debug=job.debug)
        try:
            build(project, replace(job.request, parameters=read_parameters(job.given)))
        finally:
            depends = dependencies(project)
    except Exception as stopped:  # even a bug in the press must not end the watch
        keep_traceback(stopped)
        if isinstance(stopped, OSError):
            stopped = disk_error(stopped)
        kind = "" if isinstance(stopped, PressError) else f"{type(stopped).__name__}: "
        error = f"{kind}{stopped}"
        say(f"nbpress: {error}")
    finally:
        signal.signal(signal.SIGINT, ignored)
    return Outcome(error, depends)


class Builder:
    """Builds in one process at a time, and keeps it, so that modules are imported only once."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stack = contextlib.ExitStack()
        self._process: Executor | None = None
        self._installed: dict[Path, int] = {}

    def __enter__(self) -> Builder:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def build(self, *, anew: bool) -> Outcome:
        """Build; in a new process if `anew`, or if something was installed since the last build."""
        installed = _installed(self._job.root)
        if anew or self._installed != installed:
            self._end()
        if is_new := self._process is None:
            self._installed = installed
            self._process = self._stack.enter_context(local_pool(1))
        try:
            future = self._process.submit(build_once, self._job)
            try:
                if is_new:
                    self._process.submit(_import_all, self._job.request)
                return future.result()
            except KeyboardInterrupt:
                wait([future], _FAREWELL_SECONDS)
                raise
        except BrokenExecutor:
            self._end()
            error = "the build's process was killed, or the press failed: save again to retry"
            say(f"nbpress: {error}")
            return Outcome(error, None)

    def _end(self) -> None:
        self._process = None
        self._stack.close()


def _import_all(request: Request) -> None:
    """Import what the next build needs, if this one rendered nothing: typeset an empty report."""
    wrong_formulas([], [EXPORTERS.get(request.form, ENGINES.get(request.engine, ""))])


def _installed(root: Path) -> dict[Path, int]:
    """Return when the folders in which this Python finds modules and tools last changed."""
    folders = {Path(folder) for folder in (os.path.dirname(sys.executable), *sys.path)}
    return {f: f.stat().st_mtime_ns for f in folders - {root, Path.cwd(), Path()} if f.is_dir()}
