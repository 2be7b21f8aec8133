"""The results of a sweep as a table with a row for each run, in CSV or as a DataFrame."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbpress.errors import PressError, did_you_mean
from nbpress.files import write
from nbpress.sweep.journal import DONE, Entry

if TYPE_CHECKING:
    import pandas

TABLE = "results.csv"
FACTS = "results.json"  # describes the sweep and the table's columns

_ABOUT = ("state", "attempts", "seconds", "host", "key", "path")


def names_of(entries: Iterable[Entry], first: Iterable[str]) -> list[str]:
    """Return the names of all values: those in `first`, then the others in recorded order."""
    recorded = dict.fromkeys(name for entry in entries for name in entry.values)
    return list(dict.fromkeys([*(name for name in first if name in recorded), *recorded]))


def differing(entries: list[Entry]) -> list[str]:
    """Return the names of the parameters that differ between runs."""
    names = dict.fromkeys(name for entry in entries for name in entry.parameters)
    return [n for n in names if len({repr(entry.parameters.get(n)) for entry in entries}) > 1]


def write_table(
    folder: Path, entries: list[Entry], facts: dict[str, Any], first: Iterable[str]
) -> Path:
    """Write the table and its description; return the table's path.

    Parameters
    ----------
    facts
        `name`, `notebook`, `dataset`, `given`, `parameters`, `repeat` and `stale`.
    first
        The values whose columns come first.
    """
    values = names_of(entries, first)
    parameters = list(dict.fromkeys(name for entry in entries for name in entry.parameters))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*parameters, *values, *_ABOUT])
    for entry in entries:
        row = [entry.parameters.get(name, "") for name in parameters]
        row += [entry.values.get(name, "") for name in values]
        row += [getattr(entry, name) for name in _ABOUT]
        writer.writerow([cell(value) for value in row])
    content = json.dumps({**facts, "values": values}, indent=1, ensure_ascii=False)
    write({folder / TABLE: text.getvalue().encode(), folder / FACTS: content.encode()})
    return folder / TABLE


def read_table(folder: Path, values: Iterable[str] = ()) -> pandas.DataFrame:
    """Return the table as a DataFrame; `attrs` describes it and lists `values`, if given."""
    import pandas

    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        # Only an empty cell is None: texts such as "None" and "NA" are values.
        table = pandas.read_csv(folder / TABLE, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        raise PressError(
            f"the sweep {folder.name!r} has no results yet: run `nbpress sweep {folder.name}`"
        ) from error
    for name in values:
        if name not in facts["values"]:
            known = did_you_mean(name, facts["values"])
            raise PressError(f"no run of {folder.name} has a value {name!r}{known}")
    table.attrs = {**facts, "values": list(values) or facts["values"]}
    return table


def groups(
    entries: list[Entry], repeated: Iterable[str]
) -> list[tuple[dict[str, Any], list[Entry]]]:
    """Return the runs of each combination of parameters, apart from the repeated ones."""
    without = set(repeated)
    groups: dict[str, tuple[dict[str, Any], list[Entry]]] = {}
    for entry in entries:
        own = {name: v for name, v in entry.parameters.items() if name not in without}
        groups.setdefault(json.dumps(own, sort_keys=True), (own, []))[1].append(entry)
    return list(groups.values())


def spread(entries: Iterable[Entry], name: str) -> tuple[float, float | None] | None:
    """Return mean and standard deviation of a value over runs; None if it is never a number.

    A single run has no standard deviation.
    """
    numbers = [
        float(value)
        for entry in entries
        if entry.state == DONE and isinstance(value := entry.values.get(name), int | float)
    ]
    if not numbers:
        return None
    return statistics.fmean(numbers), statistics.stdev(numbers) if numbers[1:] else None


def plus_minus(mean: float, deviation: float | None) -> str:
    """Return "0.448 ± 0.051": the deviation with two digits, the mean with as many places."""
    if not deviation or deviation <= 1e-9 * abs(mean):
        return f"{mean:.4g}".replace("-", "−")
    rounded = float(f"{deviation:.1e}")  # 0.0996 is 0.10
    places = max(0, 1 - math.floor(math.log10(rounded)))
    both = f"{mean:.3g} ± {deviation:.2g}"
    if places <= 6:
        both = f"{mean:.{places}f} ± {deviation:.{places}f}"
    return both.replace("-", "−")


def cell(value: Any) -> str:
    """Return a value as written in the table: text unchanged, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
