"""Shows the progress of a sweep: a line for each run, and in a terminal a live line."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterable
from typing import Any

import click

from nbpress.errors import PressError
from nbpress.log import say
from nbpress.sweep.journal import DONE, FAILED, LOST, Entry

_MOST_VALUES = 3  # shown after each run


def confirm(state: str, question: str, refusal: str) -> None:
    """Ask a question on the terminal; raise an error if there is none, or the answer is not yes."""
    if not sys.stdin.isatty():
        raise PressError(f"{state}: confirm that with --yes")
    if not click.confirm(question, err=True):
        raise PressError(refusal)


class View:
    """Prints a line for each run that ends, and in a terminal a live line below them.

    Parameters
    ----------
    varied
        The names of the parameters that distinguish runs.
    left
        The number of runs to execute.
    first
        The values to show of each run; of a run that has none of them, those that have changed.
    """

    def __init__(self, varied: list[str], left: int, first: Iterable[str] = ()) -> None:
        self.varied, self.left, self.first = varied, left, list(first)
        self.ended_runs, self.failed = 0, 0
        self._failures: dict[str, str] = {}  # by error, the first run with it
        self._values: dict[str, Any] = {}  # of the last run
        self._changed: set[str] = set()  # the values that have differed between runs
        self._start = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> View:
        if sys.stderr.isatty() and importlib.util.find_spec("rich"):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._live = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[facts]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._live.start()
            self._task = self._live.add_task("runs", total=self.left, facts="")
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live:
            self._live.stop()

    def say(self, line: str) -> None:
        """Write a line above the live one."""
        if self._live:
            self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def ended(self, entry: Entry) -> None:
        """Say how a run has ended."""
        point = " ".join(f"{name}={entry.parameters[name]}" for name in self.varied)
        if entry.state == LOST:
            self.say(f"{point}: {entry.error}; it runs again")
            return
        self.ended_runs += 1
        prefix = f"[{self.ended_runs}/{self.left}] {point}"
        if entry.state == FAILED:
            self.failed += 1
            alike = self._failures.setdefault(entry.error, point)
            error = entry.error if alike == point else f"the same error as {alike}"
            self.say(f"{prefix}: FAILED: {error}")
        elif entry.state == DONE:
            news = {name: entry.values[name] for name in self.first if name in entry.values}
            if not news:  # values that all runs share say nothing about progress
                values, before = entry.values, self._values or entry.values
                self._changed |= {name for name in values if values[name] != before.get(name)}
                whole = not self._values or len(values) <= _MOST_VALUES
                news = {n: v for n, v in values.items() if whole or n in self._changed}
            shown = "  ".join(
                f"{name} {short(value)}" for name, value in [*news.items()][:_MOST_VALUES]
            )
            self.say(f"{prefix}: done in {entry.seconds:.1f} s  {shown}".rstrip())
            self._values = entry.values

    def update(self, running: int) -> None:
        """Update the live line."""
        if self._live:
            facts = [f"{running} running"]
            if self.failed:
                facts.append(f"{self.failed} failed")
            if self.ended_runs:
                spent = time.monotonic() - self._start
                rest = (self.left - self.ended_runs) * spent / self.ended_runs
                facts.append(f"{duration(rest)} left")
            self._live.update(self._task, completed=self.ended_runs, facts=", ".join(facts))


def short(value: Any) -> str:
    """Return a value for a line of output: floats with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a time in a suitable unit: "45 s", "3 min", "2.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
