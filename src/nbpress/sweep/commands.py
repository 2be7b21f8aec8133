"""`nbpress sweep run`: runs a sweep, or the rest of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbpress.errors import PressError
from nbpress.lock import locked
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.run.environment import kernel_environment
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.processes import cores
from nbpress.run.stale import imported
from nbpress.run.temporary import delete_abandoned
from nbpress.sweep.journal import DONE, FAILED, DamagedJournal, Entry, Journal, point_of
from nbpress.sweep.report import report_sweep, write_results
from nbpress.sweep.run import Agenda, prepare, run
from nbpress.sweep.show import count
from nbpress.sweep.sweep import Sweep, open_sweep, require
from nbpress.sweep.view import View, confirm, duration
from nbpress.sweep.workers import LocalWorkers

if TYPE_CHECKING:
    from nbpress.run.attempt import Attempt
    from nbpress.sweep.cluster import ClusterWorkers
    from nbpress.sweep.remote import Parcel

ASKS = 500  # for more runs than this, it asks for confirmation


def run_sweep(
    project: Project,
    target: str,
    settings: Sequence[str],
    *,
    name: str = "",
    dataset: str = "auto",
    workers: int = 0,
    scheduler: str = "",
    insecure: bool = False,
    retry: bool = False,
    yes: bool = False,
    reports: bool = False,
) -> None:
    """Run the rest of a sweep, write its table and, if requested, publish its summary.

    Raises
    ------
    PressError
        If the sweep cannot begin, or after all runs if some of them failed.
    """
    sweep = open_sweep(project, target, settings, name=name, dataset=dataset)
    _consider(sweep, yes=yes)
    project.build.mkdir(exist_ok=True)
    sweep.cache.folder.mkdir(parents=True, exist_ok=True)
    with locked(sweep.build), Journal(sweep.journal) as journal:
        agenda = prepare(sweep, journal, retry=retry)
        _announce(sweep, agenda, 0 if scheduler else workers or cores())
        first = sweep.description.values or project.report.headlines
        try:
            if agenda.runs:
                varied = [*sweep.grid.varied, *sweep.grid.repeated] or list(sweep.grid.given)
                with (
                    _workers(sweep, agenda, workers or cores(), scheduler, insecure) as ready,
                    View(varied, len(agenda.runs), first) as view,
                ):
                    run(sweep, journal, agenda, ready, view)
        finally:
            entries = journal.entries()
            table = write_results(project, sweep.name, journal)
            sweep.cache.tidy()
            sweep.cache.trim(project.report.cache_megabytes * 10**6, ())
    say(f"{project.relative(table)}: {count(entries)}")
    if reports:
        report_sweep(project, sweep.name)
    if failed := sum(entry.state == FAILED for entry in entries):
        raise PressError(
            f"{failed} of {len(entries)} runs failed (`nbpress sweep show {sweep.name}` lists "
            "them); --retry runs them again"
        )


def _workers(
    sweep: Sweep, agenda: Agenda, number: int, scheduler: str, insecure: bool
) -> LocalWorkers | ClusterWorkers:
    project = sweep.project
    modules = imported(project, [next(iter(agenda.runs.values()))])
    delete_abandoned()
    if not scheduler:
        prepare_matplotlib(project.build)
        environment = kernel_environment(project.root, project.build, project.sources)
        return LocalWorkers(min(number, len(agenda.runs)), environment, modules)
    require("distributed")
    from nbpress.sweep.cluster import ClusterWorkers
    from nbpress.sweep.remote import pack

    def packed(attempt: Attempt) -> Parcel:
        return pack(project, sweep.dataset, attempt, modules, agenda.read)

    return ClusterWorkers(scheduler, packed, insecure=insecure)


def _announce(sweep: Sweep, agenda: Agenda, workers: int) -> None:
    """Say how many runs are done and how many will be executed, and how long that may take."""
    for note in agenda.notes:
        say(note)
    done = [entry for entry in agenda.entries.values() if entry.state == DONE]
    facts = [f"{len(agenda.entries)} runs of {sweep.description.notebook}"]
    if sweep.dataset.dataset:
        facts[0] += f" on {sweep.dataset.dataset}"
    if done:
        facts.append(f"{len(done)} are done")
    if failed := sum(entry.state == FAILED for entry in agenda.entries.values()):
        facts.append(f"{failed} failed")
    if agenda.runs:
        processes = f" in {workers} process{'es' if workers > 1 else ''}" if workers else ""
        facts.append(f"{len(agenda.runs)} to execute{processes}")
        timed = [entry.seconds for entry in done if entry.seconds]
        if timed and workers:
            seconds = sum(timed) / len(timed) * len(agenda.runs) / workers
            facts.append(f"about {duration(seconds)}")
    say(f"{sweep.name}: {', '.join(facts)}")


def _consider(sweep: Sweep, *, yes: bool) -> None:
    """Ask to confirm many runs, and refuse another sweep's name, before anything changes."""
    former: list[Entry] = []
    notebook = sweep.description.notebook
    if sweep.journal.is_file():
        with contextlib.suppress(DamagedJournal), Journal(sweep.journal, reading=True) as journal:
            former = journal.entries()
            notebook = (journal.fact("description") or {}).get("notebook", notebook)
    if notebook != sweep.description.notebook:
        raise PressError(
            f"there is a sweep {sweep.name!r} of {notebook}: give this one another --name, or "
            f"remove that one (nbpress sweep rm {sweep.name})"
        )
    done = {entry.point for entry in former if entry.state == DONE}
    runs = sum(point_of(point) not in done for point in sweep.points)
    if runs <= ASKS or yes:
        return
    state = f"the sweep has {runs:,} runs to execute"
    confirm(state, f"Execute {runs:,} runs?", "nothing was executed")
