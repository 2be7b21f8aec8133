"""Selects runs by conditions on their parameters: `nbpress sweep show --where rate=0.1`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.parameters import literal
from nbpress.sweep.grid import split_values
from nbpress.sweep.journal import Entry
from nbpress.sweep.results import cell

_MOST_NAMED = 8  # values in a message


def matching(entries: list[Entry], conditions: Iterable[str]) -> list[Entry]:
    """Return the runs that match all conditions, such as "rate=0.10" or "seed=1,2".

    Raises
    ------
    PressError
        If a condition has no value, or no run matches.
    """
    conditions, chosen = list(conditions), entries
    for condition in conditions:
        name, equals, text = condition.partition("=")
        there = [entry.parameters[name] for entry in entries if name in entry.parameters]
        if not equals:
            example = f"{name}={cell(there[0])}" if there else "seed=1,2"
            raise PressError(
                f"--where: expected PARAMETER=VALUE, such as {example}; got {condition!r}"
            )
        if not there:
            names = {each for entry in entries for each in entry.parameters}
            raise PressError(f"--where: no run has a parameter {name!r}{did_you_mean(name, names)}")
        wanted = split_values(text)
        for one in wanted:
            if not any(_is(value, one) for value in there):
                if "=" in one:
                    raise PressError(f"--where: {condition}: give --where once for each parameter")
                raise PressError(f"--where: no run has {name}={one}; {name} is {_listed(there)}")
        chosen = [e for e in chosen if any(_is(e.parameters.get(name), one) for one in wanted)]
    if entries and not chosen:
        raise PressError(f"--where: no run has {' and '.join(conditions)}; leave one out")
    return chosen


def _is(value: Any, text: str) -> bool:
    """Return whether a text stands for a parameter's value: 0.10 is 0.1, but 1 is not true."""
    given = text if isinstance(value, str) else literal(text)
    return bool(given == value) and isinstance(given, bool) == isinstance(value, bool)


def _listed(values: list[Any]) -> str:
    """Return different values as "0.1, 0.2 or 0.3"."""
    *first, last = texts if (texts := list(dict.fromkeys(map(cell, values)))) else [""]
    if len(first) >= _MOST_NAMED:
        return f"{', '.join(texts[:_MOST_NAMED])}, …"
    return f"{', '.join(first)} or {last}" if first else last
