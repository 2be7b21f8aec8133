"""`nbpress sweep show`, `ls` and `rm`: shows and deletes the results of sweeps."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from collections.abc import Iterable
from pathlib import Path

from nbpress.errors import PressError, did_you_mean
from nbpress.files import aside
from nbpress.lock import locked
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.publish.compare import as_table
from nbpress.publish.published import RECORD, VALUES, delete_own, finish, read_published
from nbpress.sweep.journal import (
    DONE,
    FAILED,
    RUNNING,
    WAITING,
    DamagedJournal,
    Entry,
    NewerJournal,
)
from nbpress.sweep.results import FACTS, TABLE, differing, groups, names_of, plus_minus, spread
from nbpress.sweep.stale import staleness
from nbpress.sweep.sweep import FOLDER, JOURNAL, description_in, folder_of, known, read_journal
from nbpress.sweep.view import confirm, short
from nbpress.sweep.where import matching

_MOST_VALUES = 5  # shown as columns
_MOST_NAMED = 8  # listed by name below the table


def show(
    project: Project,
    name: str,
    *,
    best: str = "",
    lowest: bool = False,
    value: Iterable[str] = (),
    where: Iterable[str] = (),
) -> str:
    """Return a sweep's results: the parameters that differ, and values with their spread.

    Parameters
    ----------
    best
        The value by which to rank the combinations of parameters, the highest first.
    lowest
        Whether to rank the lowest first instead.
    value
        The values to show; by default the ranked one, or the first that differ between runs.
    where
        Conditions on the runs to show, such as "learning_rate=0.1".
    """
    with read_journal(project, name) as journal:
        entries = matching(journal.entries(), where)
        description = description_in(journal)
        if stale := staleness(project, name, journal):
            say(stale)
    repeated = list(description.repeat)
    values = names_of(entries, description.values or project.report.headlines)
    for named in description.values:
        if named not in values:
            say(f"note: no run has the value {named!r} of `values:`" + did_you_mean(named, values))
    for given in filter(None, [best, *value]):
        if given not in values:
            raise PressError(f"no run has a value {given!r}" + did_you_mean(given, values))
    combinations = groups(entries, repeated)
    if best:
        sign = 1 if lowest else -1
        ranked = [(summary, each) for each in combinations if (summary := spread(each[1], best))]
        # One lucky run among failures proves little: combinations with missing values rank last.
        lacks = {id(runs): any(best not in run.values for run in runs) for _, runs in combinations}
        ranked.sort(key=lambda rank: (lacks[id(rank[1][1])], sign * rank[0][0]))
        combinations = [each for _, each in ranked]
    chosen = list(value) or ([best] if best else _varying(entries, values))
    shown = [n for n in differing(entries) if n not in repeated]
    rows = [[*shown, "runs", *chosen]]
    for own, runs in combinations:
        done = sum(entry.state == DONE for entry in runs)
        ended = str(done) if done == len(runs) else f"{done} of {len(runs)}"
        rows.append([*(short(own[n]) for n in shown), ended, *(_spread(runs, v) for v in chosen)])
    lines = [as_table(rows, align=str.rjust)]
    if more := [each for each in values if each not in chosen]:
        named = ", ".join(more[:_MOST_NAMED]) + (", …" if more[_MOST_NAMED:] else "")
        lines.append(f"{len(more)} more values in {FOLDER}/{name}/{TABLE}; --value shows: {named}")
    if any(" ± " in cell for row in rows for cell in row):
        lines.append(f"± one standard deviation over {' and '.join(repeated)}")
    failures: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.state == FAILED:
            failures.setdefault(entry.error, []).append(entry)
    for error, failed in failures.items():
        first = failed[0].parameters
        point = " ".join(f"{n}={first[n]}" for n in [*shown, *repeated])
        others = f" and {len(failed) - 1} more" if failed[1:] else ""
        attempt = f"attempt {failed[0].attempts}"
        lines += ["", f"FAILED {point}{others}, {attempt}: {error}", failed[0].path]
    return "\n".join(lines)


def _varying(entries: list[Entry], values: list[str]) -> list[str]:
    """Return the values to show by default: all if there are few, else the first that differ."""
    if len(values) <= _MOST_VALUES:
        return values
    seen = {name: {repr(entry.values.get(name)) for entry in entries} for name in values}
    return [name for name in values if len(seen[name]) > 1][:_MOST_VALUES]


def ls(project: Project) -> str:
    """Return a line for each sweep: name, finished runs, notebook, and when the last run began."""
    rows = []
    for name in known(project):
        try:
            with read_journal(project, name) as journal:
                entries = journal.entries()
                notebook = (journal.fact("description") or {}).get("notebook", "")
        except PressError as error:
            rows.append([name, str(error)])
            continue
        last = max((entry.started or 0 for entry in entries), default=0)
        when = datetime.datetime.fromtimestamp(last).strftime("%Y-%m-%d %H:%M") if last else ""
        rows.append([name, count(entries), notebook, when])
    return "\n".join("  ".join(row).rstrip() for row in rows) or "no sweep has been run"


def rm(project: Project, name: str, *, yes: bool = False) -> None:
    """Delete a sweep's journal, results and executed notebooks; anything else is kept.

    If runs are done, or the journal cannot be read, results may be lost: that is to be confirmed,
    on the terminal or by `yes`.
    """
    folder = folder_of(project, name)
    if name not in known(project):
        raise PressError(f"no sweep is called {name!r}" + did_you_mean(name, known(project)))
    build = project.build / FOLDER / name
    build.mkdir(parents=True, exist_ok=True)
    with locked(build):
        try:
            with read_journal(project, name) as journal:
                entries = journal.entries()
            has_results = any(entry.state == DONE for entry in entries)
            results, runs = f"has results, {count(entries)}", f", {count(entries)}"
        except (DamagedJournal, NewerJournal) as error:
            has_results, results, runs = True, f"may have results ({error})", ""
        if has_results and not yes:
            confirm(f"the sweep {name} {results}", "Delete them?", "nothing was deleted")
        _delete_made(folder)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(build)
        say(f"deleted: the sweep {name}{runs}")
        if folder.exists():
            others = ", ".join(sorted(path.name for path in folder.iterdir()))
            say(f"{project.relative(folder)}/ is kept, with what the sweep did not make: {others}")


def _delete_made(folder: Path) -> None:
    """Delete what a sweep makes in its folder, and the folder if nothing else is in it."""
    with contextlib.suppress(PressError):  # a damaged record: whose report it is, is unknown
        finish(folder)
        if published := read_published(folder):
            delete_own(folder, published.files())
    names = [JOURNAL, *(f"{JOURNAL}-{end}" for end in ("journal", "wal", "shm"))]
    for name in [*names, TABLE, FACTS, VALUES, RECORD]:
        (folder / name).unlink(missing_ok=True)
        aside(folder / name).unlink(missing_ok=True)
    for damaged in folder.glob(f"{JOURNAL}.damaged-*"):
        damaged.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _spread(entries: list[Entry], name: str) -> str:
    """Return a value over repetitions: "94.2 ± 0.3"; if it is not a number, only if all agree."""
    if summary := spread(entries, name):
        return plus_minus(*summary)
    texts = {str(entry.values[name]) for entry in entries if name in entry.values}
    return texts.pop() if len(texts) == 1 else ""


def count(entries: list[Entry]) -> str:
    """Return the number of runs in each state: "96 of 100 runs done, 4 failed"."""
    text = f"{sum(entry.state == DONE for entry in entries)} of {len(entries)} runs done"
    for state in (FAILED, RUNNING):
        if number := sum(entry.state == state for entry in entries):
            text += f", {number} {state}"
    if waiting := sum(entry.state not in (DONE, FAILED, RUNNING) for entry in entries):
        text += f", {waiting} {WAITING}"
    return text
