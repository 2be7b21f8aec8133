"""Runs the rest of a sweep; however it ends, the journal knows which runs are done."""

from __future__ import annotations

import contextlib
import errno
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from nbpress.errors import PressError, disk_error
from nbpress.run import worker
from nbpress.run.attempt import Attempt, Changed, begin
from nbpress.run.cache import Run
from nbpress.run.failed import keep_failed
from nbpress.run.said import Said
from nbpress.run.stale import PendingRun
from nbpress.sweep.journal import DONE, FAILED, LOST, RUNNING, WAITING, Entry, Journal, point_of
from nbpress.sweep.stale import counted, in_words, stale_runs
from nbpress.sweep.sweep import Sweep
from nbpress.sweep.view import View
from nbpress.sweep.workers import Refused, Workers

ROOM = 2**20  # if fewer bytes are free, a failure is blamed on the full disk
MOST_KILLS = 3  # after so many kills of its process, a run counts as failed

_POLL_SECONDS = 0.2


@dataclass
class Agenda:
    """The runs to execute, the state of all runs, and notes to print before they start."""

    runs: dict[str, PendingRun] = field(default_factory=dict)  # by point
    entries: dict[str, Entry] = field(default_factory=dict)  # the whole grid, by point
    notes: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)  # all files that any run has read

    def enter(self, entry: Entry) -> None:
        """Update a run's entry."""
        self.entries[entry.point] = entry
        self.read.update(n for n in entry.observed.get("read", ()) if not n.endswith("/"))


def prepare(sweep: Sweep, journal: Journal, *, retry: bool) -> Agenda:
    """Update the journal to the grid, code and data; return what to run.

    A run that is done stays done unless something that it depends on has changed. With `retry`,
    failed runs are repeated.
    """
    agenda = Agenda()
    if journal.damaged:
        kept = journal.damaged.name
        agenda.notes.append(f"the journal was damaged: it is kept as {kept}, and a new one started")
    with journal.together():
        _update(sweep, journal, agenda, retry=retry)
    return agenda


def _update(sweep: Sweep, journal: Journal, agenda: Agenda, *, retry: bool) -> None:
    """Update the journal, and put on the agenda what is to be run and to be noted."""
    before = {entry.point for entry in journal.entries()}
    planned = {point_of(point): sweep.run_of(point) for point in sweep.points}
    if before and (added := planned.keys() - before):
        agenda.notes.append(f"{counted(len(added))} new in the grid")
    if gone := before - planned.keys():
        agenda.notes.append(f"{counted(len(gone))} no longer in the grid")
    journal.lay_out((point, run.inputs.key) for point, run in planned.items())
    if stale := stale_runs(sweep, journal, planned):
        agenda.notes.append(in_words(stale))
        nothing = {"values": {}, "observed": {}, "error": "", "path": ""}
        journal.change(stale, state=WAITING, kills=0, **nothing)
    for entry in journal.entries():
        run = planned[entry.point]
        if entry.key != run.inputs.key:
            entry = journal.update(entry, key=run.inputs.key)
        if entry.state == RUNNING:  # the process that ran it is gone
            entry = journal.update(entry, state=LOST)
        if entry.state == FAILED and retry:
            entry = journal.update(entry, state=WAITING, kills=0)
        if entry.state in (WAITING, LOST):
            if there := _kept(sweep, run):
                entry = _note_done(sweep, journal, entry, there, run)
            else:
                agenda.runs[entry.point] = run
        agenda.enter(entry)
    facts = {"dataset": sweep.dataset.dataset, "common": dict(sweep.common.parts)}
    journal.note({"description": sweep.description.model_dump(), **facts})


def run(sweep: Sweep, journal: Journal, agenda: Agenda, workers: Workers, view: View) -> None:
    """Execute what is on the agenda.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, when the current runs have ended; after a second Ctrl-C at once.
    PressError
        If code or data change meanwhile, or no worker can run the notebook.
    """
    waiting = list(agenda.runs)
    running: dict[Future[worker.Outcome], tuple[str, Attempt]] = {}
    sweep.cache.tidy()
    with _interrupts(view) as interrupted:
        try:
            while (waiting and not interrupted) or running:
                while waiting and not interrupted and workers.free():
                    point = waiting.pop(0)
                    attempt = begin(sweep.project, sweep.cache, agenda.runs[point])
                    entry = agenda.entries[point]
                    agenda.entries[point] = journal.update(
                        entry, state=RUNNING, attempts=entry.attempts + 1, started=time.time()
                    )
                    running[workers.submit(attempt)] = point, attempt
                workers.poll()
                if not running:  # no workers have joined yet
                    time.sleep(_POLL_SECONDS)
                done, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    point, attempt = running.pop(future)
                    entry = _end(sweep, journal, agenda.entries[point], attempt, future, workers)
                    agenda.enter(entry)
                    if entry.state == LOST:
                        waiting.append(point)
                    view.ended(entry)
                view.update(len(running))
        finally:
            journal.change([point for point, _ in running.values()], state=WAITING)
    if interrupted:
        raise KeyboardInterrupt


def _end(
    sweep: Sweep,
    journal: Journal,
    entry: Entry,
    attempt: Attempt,
    future: Future[worker.Outcome],
    workers: Workers,
) -> Entry:
    """Note in the journal how a run has ended."""
    host = workers.host(future)
    if isinstance(future.exception(), Refused):
        return journal.update(entry, state=LOST, host=host, error=str(future.exception()))
    if isinstance(future.exception(), BrokenExecutor):
        kills = entry.kills + 1
        if kills < MOST_KILLS:
            return journal.update(
                entry, state=LOST, kills=kills, host=host, error="its process was killed"
            )
        error = f"its process was killed {kills} times (by someone, or because memory ran out)"
        return journal.update(entry, state=FAILED, kills=kills, error=error, host=host)
    outcome = worker.outcome(future)
    try:
        kept = attempt.keep(outcome, sweep.dataset.dataset)
        return _note_done(sweep, journal, entry, kept, attempt.stale, host)
    except Changed as error:
        journal.update(entry, state=WAITING)
        raise PressError(f"{error}; what is done is kept") from error
    except PressError as error:
        if shutil.disk_usage(sweep.build).free < ROOM:  # not the run's fault
            journal.update(entry, state=WAITING)
            raise disk_error(OSError(errno.ENOSPC, ""), sweep.build) from error
        notebook = f"{attempt.stale.inputs.key}.ipynb"
        there = keep_failed(sweep.build, notebook, attempt.partial, outcome)
        return journal.update(
            entry,
            state=FAILED,
            error=str(error),
            seconds=round(outcome.seconds, 3),
            host=host,
            path=sweep.project.relative(there) if there else "",
        )


def _note_done(
    sweep: Sweep,
    journal: Journal,
    entry: Entry,
    kept: Run,
    run: PendingRun,
    host: str | None = None,
) -> Entry:
    """Note that a run is done, with its values."""
    values = Said(run.plan.notebook, kept.executed["cells"]).values
    return journal.update(
        entry,
        state=DONE,
        values={name: recorded["value"] for name, recorded in values.items()},
        observed={"read": kept.observed, "written": kept.written},
        seconds=kept.seconds,
        host=host,
        error="",
        path=sweep.project.relative(kept.folder / "executed.ipynb"),
    )


def _kept(sweep: Sweep, run: PendingRun) -> Run | None:
    """Return an existing run with these inputs: of this sweep, or of the chapter itself."""
    if (kept := sweep.cache.find(run.inputs)) or not sweep.chapters:
        return kept
    return sweep.chapters.find(run.inputs) or sweep.chapters.find(sweep.without_defaults(run))


@contextlib.contextmanager
def _interrupts(view: View) -> Iterator[list[int]]:
    """Collect Ctrl-C in a list: the first one stops the sweep once the current runs have ended."""
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        view.say("Ctrl-C: waiting for the current runs to finish; Ctrl-C again stops at once")

    former = signal.signal(signal.SIGINT, note)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, former)
