"""One run of a notebook: what it needs to start, and what is kept when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbpress.errors import PressError
from nbpress.project.project import Project
from nbpress.run import worker
from nbpress.run.cache import Cache, Run
from nbpress.run.observed import after_run, digests
from nbpress.run.stale import PendingRun


class Changed(PressError):
    """Something that a run depends on changed while it ran, so its results cannot be used."""


@dataclass(frozen=True)
class Attempt:
    """A run that has begun: its folder in the cache, and the sources' digests at its start."""

    project: Project
    cache: Cache
    stale: PendingRun
    partial: Path
    modules: dict[str, str]

    @property
    def progress(self) -> Path:
        """The file to which the worker writes the number of the running cell."""
        return self.partial / worker.PROGRESS

    def job(self, server: str) -> worker.Job:
        """Return what a process needs to run it, with kernels from the server at this socket."""
        return worker.Job(
            self.stale.plan.notebook.content,
            self.stale.parameters,
            self.partial,
            self.project.notebooks,
            self.project.sources,
            self.project.root,
            self.project.build,
            self.project.report.cell_timeout,
            server,
        )

    def keep(self, outcome: worker.Outcome, dataset: str) -> Run:
        """Keep the finished run in the cache.

        Raises
        ------
        PressError
            If it failed.
        Changed
            If something that it depends on changed while it ran.
        """
        observed, changed = after_run(
            self.project.root, outcome.observation, self.modules, self.stale.inputs.files
        )
        if outcome.failure is not None:
            raise PressError(outcome.failure)
        if changed:
            raise Changed(f"{', '.join(changed)} changed while it ran: run it again")
        record = {
            "notebook": self.stale.plan.notebook.path.name,
            "dataset": dataset,
            "parameters": self.stale.parameters,
            "observed": observed,
            "written": outcome.observation.written,
            "seconds": round(outcome.seconds, 3),
        }
        return self.cache.keep(self.partial, self.stale.inputs, record)


def begin(project: Project, cache: Cache, stale: PendingRun) -> Attempt:
    """Make a folder for a run, and digest the sources that it may import."""
    sources = map(project.relative, project.source_files())
    modules = digests(project.root, sources)
    return Attempt(project, cache, stale, cache.partial(stale.inputs), modules)
