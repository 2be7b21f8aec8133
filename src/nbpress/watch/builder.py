"""Builds in a process of its own, kept warm until what it has imported may have changed."""

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

_FAREWELL_SECONDS = 5  # at most, for a build that was interrupted


@dataclass(frozen=True)
class Job:
    """What to build: the request, but for parameters, which are read anew for every build."""

    root: Path
    request: Request
    given: str | list[str]
    debug: bool


@dataclass(frozen=True)
class Outcome:
    """The end of a build: its error, "" if there was none, and what it depends on, if known."""

    error: str
    dependencies: Dependencies | None


def build_once(job: Job) -> Outcome:
    """Build the report; say what is wrong instead of raising it."""
    error, depends = "", None
    # A process of a pool ignores Ctrl-C, but a build ends its own processes before it ends.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        project = open_project(job.root)
        keep_log(project.build / "nbpress.log", debug=job.debug)
        try:
            build(project, replace(job.request, parameters=read_parameters(job.given)))
        finally:
            depends = dependencies(project)
    except Exception as stopped:  # a slip in the press itself must not end the watch either
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
    """Has one process after another build: each pays once for what it imports."""

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
        """Build; `anew` in a new process, as always where something was installed."""
        installed = _installed(self._job.root)
        if anew or self._installed != installed:
            self._end()
        if is_new := self._process is None:
            self._installed = installed
            self._process = self._stack.enter_context(local_pool(1))
        try:
            future = self._process.submit(build_once, self._job)
            if is_new:
                self._process.submit(_import_all, self._job.request)
            return future.result()
        except KeyboardInterrupt:
            wait([future], _FAREWELL_SECONDS)
            raise
        except BrokenExecutor:
            self._end()
            error = "the build's process ended, killed or by an error of the press: save again"
            say(f"nbpress: {error}")
            return Outcome(error, None)

    def _end(self) -> None:
        self._process = None
        self._stack.close()


def _import_all(request: Request) -> None:
    """Import now what the next build needs if this one rendered nothing: set an empty report."""
    wrong_formulas([], [EXPORTERS.get(request.form, ENGINES.get(request.engine, ""))])


def _installed(root: Path) -> dict[Path, int]:
    """Return when something was last installed where this Python looks for modules and tools."""
    folders = {Path(folder) for folder in (os.path.dirname(sys.executable), *sys.path)}
    return {f: f.stat().st_mtime_ns for f in folders - {root, Path.cwd(), Path()} if f.is_dir()}
