"""What `nbpress sweep` does: run, show, list and remove sweeps."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from nbpress.errors import PressError, did_you_mean
from nbpress.lock import locked
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.run.environment import kernel_environment
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.stale import imported
from nbpress.run.temporary import sweep as sweep_temporary
from nbpress.sweep.engine import LocalEngine, cores
from nbpress.sweep.journal import DONE, FAILED, RUNNING, WAITING, DamagedJournal, Entry, Journal
from nbpress.sweep.run import Agenda, prepare, run
from nbpress.sweep.sweep import (
    JOURNAL,
    Sweep,
    description_in,
    folder_of,
    known,
    open_sweep,
    read_journal,
)
from nbpress.sweep.table import differing, groups, matching, names_of, spread, write_table
from nbpress.sweep.view import View, duration, short

ASKS = 500  # runs, beyond which it asks whether that is meant


def run_sweep(
    project: Project,
    target: str,
    words: Sequence[str],
    *,
    name: str = "",
    dataset: str = "auto",
    workers: int = 0,
    retry: bool = False,
    yes: bool = False,
) -> None:
    """Run what is left of a sweep, and write its table.

    Raises
    ------
    PressError
        If the sweep cannot begin, or if runs failed; all others are then done.
    """
    sweep = open_sweep(project, target, words, name=name, dataset=dataset)
    workers = workers or cores()
    project.build.mkdir(exist_ok=True)
    sweep.cache.folder.mkdir(parents=True, exist_ok=True)
    with locked(sweep.build), Journal(sweep.folder / JOURNAL) as journal:
        agenda = prepare(sweep, journal, retry=retry)
        _announce(sweep, agenda, workers)
        if len(agenda.runs) > ASKS and not yes:
            _confirm(len(agenda.runs))
        try:
            if agenda.runs:
                _execute(sweep, journal, agenda, workers)
        finally:
            entries = journal.entries()
            table = write_table(sweep.folder, entries, _facts(sweep))
            sweep.cache.tidy()
            sweep.cache.trim(project.report.cache_megabytes * 10**6, ())
    say(f"{project.relative(table)}: {_count(entries)}")
    if failed := sum(entry.state == FAILED for entry in entries):
        raise PressError(
            f"{failed} of {len(entries)} runs failed (`nbpress sweep show {sweep.name}` lists "
            "them); --retry runs them again"
        )


def _execute(sweep: Sweep, journal: Journal, agenda: Agenda, workers: int) -> None:
    project = sweep.project
    sweep_temporary()
    prepare_matplotlib(project.build)
    environment = kernel_environment(project.root, project.build, project.sources)
    first = next(iter(agenda.runs.values()))
    workers = min(workers, len(agenda.runs))
    varied = [*sweep.grid.varied, *sweep.grid.repeated]
    with (
        View(varied or list(sweep.grid.given), len(agenda.runs)) as view,
        LocalEngine(workers, environment, imported(project, [first])) as engine,
    ):
        run(sweep, journal, agenda, engine, view)


def _announce(sweep: Sweep, agenda: Agenda, workers: int) -> None:
    """Say what is to run, what is not, and how long it may take."""
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
        processes = f"{workers} process{'es' if workers > 1 else ''}"
        facts.append(f"{len(agenda.runs)} to execute in {processes}")
        timed = [entry.seconds for entry in done if entry.seconds]
        if timed:
            seconds = sum(timed) / len(timed) * len(agenda.runs) / workers
            facts.append(f"about {duration(seconds)}")
    say(f"{sweep.name}: {', '.join(facts)}")


def _confirm(runs: int) -> None:
    if not sys.stdin.isatty():
        raise PressError(f"{runs:,} runs are many: --yes says that they are meant")
    if not click.confirm(f"Execute {runs:,} runs?", err=True):
        raise PressError("nothing was executed")


def _facts(sweep: Sweep) -> dict[str, Any]:
    return {
        "name": sweep.name,
        "notebook": sweep.description.notebook,
        "dataset": sweep.dataset.dataset,
        "given": sweep.grid.given,
        "parameters": sweep.grid.varied,
        "repeat": sweep.grid.repeated,
    }


def show(
    project: Project, name: str, *, best: str = "", lowest: bool = False, where: Iterable[str] = ()
) -> str:
    """Return a sweep's results: the parameters that differ, values with their spread."""
    with read_journal(project, name) as journal:
        entries = matching(journal.entries(), where)
        description = description_in(journal)
    repeated = list(description.repeat)
    values = names_of(entries)
    if best and best not in values:
        raise PressError(f"no run has a value {best!r}" + did_you_mean(best, values))
    combinations = groups(entries, repeated)
    if best:
        sign = 1 if lowest else -1
        ranked = [(spread(runs, best), own, runs) for own, runs in combinations]
        combinations = [
            (own, runs)
            for mean, own, runs in sorted(
                ((m[0] * sign, own, runs) for m, own, runs in ranked if m), key=lambda row: row[0]
            )
        ][:1]
    shown = [n for n in differing(entries) if n not in repeated]
    head = [*shown, "runs", *values]
    rows = []
    for own, runs in combinations:
        done = sum(entry.state == DONE for entry in runs)
        count = str(done) if done == len(runs) else f"{done} of {len(runs)}"
        rows.append([*(short(own[n]) for n in shown), count, *(_spread(runs, v) for v in values)])
    lines = _columns([head, *rows])
    for entry in entries:
        if entry.state == FAILED:
            point = " ".join(f"{n}={entry.parameters[n]}" for n in [*shown, *repeated])
            lines += ["", f"FAILED {point}, attempt {entry.attempts}: {entry.error}", entry.path]
    return "\n".join(lines)


def _spread(entries: list[Entry], name: str) -> str:
    """Return a value over repetitions: "94.2 ± 0.3"; what is no number only if all agree."""
    if found := spread(entries, name):
        mean, deviation = found
        return f"{mean:.4g}" + (f" ± {deviation:.2g}" if deviation is not None else "")
    texts = {str(entry.values[name]) for entry in entries if name in entry.values}
    return texts.pop() if len(texts) == 1 else ""


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def ls(project: Project) -> str:
    """Return a line for each sweep: its name, how many runs are done, and when the last began."""
    import datetime

    rows = []
    for name in known(project):
        try:
            with read_journal(project, name) as journal:
                entries = journal.entries()
                notebook = (journal.fact("description") or {}).get("notebook", "")
        except DamagedJournal:
            rows.append([name, "its journal is damaged"])
            continue
        last = max((entry.started or 0 for entry in entries), default=0)
        when = datetime.datetime.fromtimestamp(last).strftime("%Y-%m-%d %H:%M") if last else ""
        rows.append([name, _count(entries), notebook, when])
    return "\n".join("  ".join(row).rstrip() for row in rows) or "no sweep has been run"


def rm(project: Project, name: str) -> None:
    """Delete a sweep's journal, results and executed notebooks; its description stays."""
    folder = folder_of(project, name)
    if name not in known(project):
        raise PressError(f"no sweep is called {name!r}" + did_you_mean(name, known(project)))
    build = project.build / "sweeps" / name
    build.mkdir(parents=True, exist_ok=True)
    with locked(build):
        shutil.rmtree(folder)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(build)


def _count(entries: list[Entry]) -> str:
    """Return how many runs are in which state: "96 of 100 runs done, 4 failed"."""
    text = f"{sum(entry.state == DONE for entry in entries)} of {len(entries)} runs done"
    for state in (FAILED, RUNNING):
        if count := sum(entry.state == state for entry in entries):
            text += f", {count} {state}"
    if waiting := sum(entry.state not in (DONE, FAILED, RUNNING) for entry in entries):
        text += f", {waiting} {WAITING}"
    return text
