"""Tells which finished runs of a sweep are stale: what they depend on has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nbpress.errors import PressError
from nbpress.project.project import Project
from nbpress.run.observed import changes_since, describe
from nbpress.run.stale import PendingRun
from nbpress.sweep.journal import DONE, FAILED, Journal
from nbpress.sweep.sweep import Sweep, reopen


def stale_runs(sweep: Sweep, journal: Journal, planned: Mapping[str, PendingRun]) -> dict[str, str]:
    """Return the finished runs whose code, data or files have changed since, and what changed."""
    former = journal.fact("common") or {}
    names = sweep.common.changes(former)
    why_key = describe(names, former, sweep.common.parts) if names else "what it depends on changed"
    known: dict[str, str] = {}
    stale = {}
    for entry in journal.entries():
        if entry.state not in (DONE, FAILED) or entry.point not in planned:  # new in the journal
            continue
        if entry.key != planned[entry.point].inputs.key:
            stale[entry.point] = why_key
        elif entry.state == DONE:
            text = json.dumps(entry.observed, sort_keys=True)
            if text not in known:
                read, written = entry.observed.get("read", {}), entry.observed.get("written", [])
                known[text] = changes_since(sweep.project.root, read, written)
            if known[text]:
                stale[entry.point] = known[text]
    return stale


def staleness(project: Project, name: str, journal: Journal) -> str:
    """Say in a line that runs in a journal are stale, why, and what to do; "" if none is.

    They are compared with what a run would depend on now, with the data set of the last sweep.
    """
    try:
        sweep = reopen(project, name, journal)
        planned = {entry.point: sweep.run_of(entry.parameters) for entry in journal.entries()}
        stale = stale_runs(sweep, journal, planned)
    except PressError as error:
        return f"it cannot be checked whether these results are stale: {error}"
    again = "it" if len(stale) == 1 else "them"
    return f"{in_words(stale)}; `nbpress sweep {name}` runs {again} again" if stale else ""


def in_words(stale: Mapping[str, str]) -> str:
    """Return "2 runs are stale: its code changed"."""
    return f"{counted(len(stale))} stale: {'; '.join(dict.fromkeys(stale.values()))}"


def counted(number: int) -> str:
    """Return "1 run is" or "2 runs are"."""
    return "1 run is" if number == 1 else f"{number} runs are"
