"""Summarises a sweep's table in words and rows: what was run, means with their spread, failures.

The table is what `nbpress.results(sweep)` returns: a row for each run; `attrs` says which columns
are parameters, repetitions and recorded values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nbpress.sweep.results import plus_minus

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_MOST_ROWS = 60  # of a printed table
_MOST_VALUES = 4  # that are drawn
_MOST_NAMED = 8  # of the values that are not


class Rows(NamedTuple):
    """A table to print."""

    header: list[str]
    rows: list[list[str]]
    caption: str


def label(name: str) -> str:
    """Return a column's name for readers: "validation loss" for `1.validation_loss`."""
    return name.rpartition(".")[2].replace("_", " ")


def text(value: Any) -> str:
    """Return a parameter's value as it is printed."""
    if isinstance(value, float):
        return "None" if math.isnan(value) else f"{value:.6g}".replace("e-0", "e-")
    return str(value)


def listed(names: list[str]) -> str:
    """Return columns' names as a list in words: "λ and learning rate"."""
    *first, last = map(label, names)
    return f"{', '.join(first)} and {last}" if first else last


def is_number(column: Series[Any]) -> bool:
    """Return whether a column holds only numbers; true and false do not count as numbers."""
    return column.dtype.kind in "iuf" and not column.isna().any()


def prepared(table: DataFrame) -> DataFrame:
    """Return a copy whose parameters are numbers or texts, and whose recorded values are floats.

    Values that are not numbers, such as texts and lists, become NaN; true and false 1 and 0.
    """
    table = table.copy()
    for name in [*table.attrs["parameters"], *table.attrs["repeat"]]:
        if not is_number(table[name]):
            table[name] = table[name].map(text)
    for name in table.attrs["values"]:
        table[name] = [_number(value) for value in table[name]]
    return table


def has_failed(table: DataFrame) -> Series[bool]:
    """Return for each run whether it recorded nothing."""
    return table[table.attrs["values"]].isna().all(axis=1)


def varied(table: DataFrame) -> list[str]:
    """Return the parameters, without the repeated ones, that differ between runs."""
    return [name for name in table.attrs["parameters"] if table[name].map(text).nunique() > 1]


def drawn(table: DataFrame) -> list[str]:
    """Return the values to draw: the first numbers that differ between runs.

    If no number differs, true and false are drawn, as 1 and 0.
    """
    differing = _differing(table)
    numbers = [name for name in differing if not _is_truth(table[name])]
    return (numbers or differing)[:_MOST_VALUES]


def left_out(table: DataFrame) -> str:
    """Return a sentence on the recorded values that no figure shows."""
    numbers, shown = prepared(table), drawn(table)
    if has_failed(table).all():
        return "No run succeeded, so there is nothing to draw."
    said = [
        f"{label(name)} (always {numbers[name].min():.6g})"
        if numbers[name].nunique() == 1
        else label(name)
        for name in table.attrs["values"]
        if name not in shown
    ]
    more = f" and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    names = f"{', '.join(said[:_MOST_NAMED])}{more}"
    return f"Recorded, but not drawn: {names}." if said else "All values are drawn."


def overview(table: DataFrame) -> dict[str, Any]:
    """Return what was run, as numbers and parts of sentences."""
    attrs, num_failed = table.attrs, int(has_failed(table).sum())
    repeats = len(table[attrs["repeat"]].map(text).drop_duplicates()) if attrs["repeat"] else 1
    given = [f"{label(name)} = {text(value)}" for name, value in attrs["given"].items()]
    seconds = table["seconds"].median()
    return {
        "num_runs": len(table),
        "num_failed": num_failed,
        "notebook": attrs["notebook"],
        "data": f", on the data set {attrs['dataset']}" if attrs["dataset"] else "",
        "varied": "; ".join(f"{label(name)} {_values(table[name])}" for name in varied(table)),
        "repeated": f"each with {repeats} values of {listed(attrs['repeat'])}"
        if attrs["repeat"]
        else "each once",
        "given": f"The same in every run: {', '.join(given)}." if given else "",
        "failed": (f"{num_failed:,} failed." if num_failed else "None failed.")
        + ("" if math.isnan(seconds) else f" Half of the runs took at most {seconds:.2g} s."),
        "stale": f"Note that {attrs['stale']}." if attrs.get("stale") else "",
    }


def means(table: DataFrame) -> Rows:
    """Return the mean ± standard deviation of each number, by combination of parameters."""
    names, values = varied(table), _differing(table)[: _MOST_VALUES + 1]
    rows = [
        [*map(text, key), *(_mean(group[name]) for name in values)]
        for key, group in _combinations(prepared(table)[~has_failed(table)], names)
    ]
    spread = ", ± standard deviation over the repetitions" if table.attrs["repeat"] else ""
    header = [label(name) for name in [*names, *values]]
    return _cut(header, rows if values else [], f"Means of the runs that recorded a value{spread}")


def extremes(table: DataFrame) -> Rows:
    """Return for each number the combinations of parameters with its lowest and highest mean.

    Combinations with a run that recorded nothing are left out: one lucky run proves little. There
    are no rows if fewer than two combinations remain.
    """
    names, values = varied(table), _differing(table)[: _MOST_VALUES + 1]
    numbers = prepared(table)
    rows = []
    if names and values:
        whole = list(_combinations(numbers, names))
        for name in values:
            columns = [(group[name], key) for key, group in whole if not group[name].isna().any()]
            if columns[1:]:
                ends = (pick(columns, key=lambda each: each[0].mean()) for pick in (min, max))
                cells = ([_mean(column), _combination(names, key)] for column, key in ends)
                rows.append([label(name), *(cell for pair in cells for cell in pair)])
    has_gaps = bool(has_failed(table).any())
    gaps = "; combinations with failed runs are left out" if has_gaps else ""
    return Rows(
        ["value", "lowest", "with", "highest", "with"], rows, f"Where each mean is extreme{gaps}."
    )


def failures(table: DataFrame) -> Rows:
    """Return the number and states of failed runs, by combination of parameters."""
    names = varied(table)
    failed = prepared(table)[has_failed(table)].assign(state=table["state"].astype(str))
    rows = [
        [*map(text, key), str(len(group)), ", ".join(sorted(set(group["state"])))]
        for key, group in _combinations(failed, names)
    ]
    header = [*map(label, names), "failed runs", "state"]
    return _cut(header, rows, "Runs that recorded nothing")


def _combinations(runs: DataFrame, names: list[str]) -> Iterator[tuple[Any, DataFrame]]:
    """Yield the runs of each combination of parameters, with the parameters' values."""
    if names:
        yield from runs.groupby(names, sort=False)
    elif len(runs):
        yield (), runs


def _cut(header: list[str], rows: list[list[str]], caption: str) -> Rows:
    """Return the table without the rows beyond the limit; the caption then says so."""
    cut = f"; the first {_MOST_ROWS} of {len(rows)} combinations" if rows[_MOST_ROWS:] else ""
    return Rows(header, rows[:_MOST_ROWS], f"{caption}{cut}.")


def _differing(table: DataFrame) -> list[str]:
    numbers = prepared(table)
    return [name for name in table.attrs["values"] if numbers[name].nunique() > 1]


def _is_truth(column: Series[Any]) -> bool:
    return set(column.dropna().map(type).map(lambda kind: kind.__name__)) <= {"bool", "bool_"}


def _number(value: Any) -> float:
    is_one = isinstance(value, bool | int | float) or hasattr(value, "dtype")
    return float(value) if is_one else math.nan


def _combination(names: list[str], key: tuple[Any, ...]) -> str:
    """Return "batch size = 16, learning rate = 1"."""
    pairs = zip(names, key, strict=True)
    return ", ".join(f"{label(name)} = {text(value)}" for name, value in pairs)


def _values(column: Series[Any]) -> str:
    values = [text(value) for value in sorted(set(column))] if is_number(column) else []
    values = values or list(dict.fromkeys(column.map(text)))
    if len(values) > 8:
        return f"{values[0]} to {values[-1]} ({len(values)} values)"
    return ", ".join(values)


def _mean(column: Series[float]) -> str:
    """Return "0.448 ± 0.051", or a dash if there is no number."""
    mean, deviation = column.mean(), column.std()
    if math.isnan(mean):
        return "–"
    return plus_minus(mean, None if math.isnan(deviation) else deviation)
