"""Compares values with those recorded earlier, each within its tolerance.

`{"3d.generalisation_gap": {"value": -0.0045, "relative": 0.001, "absolute": 0.0005}}`. Counts and
texts have no tolerance and must be equal.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.files import read

_RELATIVE = 1e-3  # the tolerance of newly recorded floats: other BLAS kernels round differently
_ABSENT = object()


@dataclass(frozen=True)
class Drift:
    """A value that differs from the recorded one."""

    kind: str  # "new", "missing" or "drifted"
    name: str
    expected: str
    observed: str
    allowed: str = ""
    change: tuple[float, float] | None = None  # of a number


def recorded_path(output: Path, dataset: str) -> Path:
    """Return the file with the values recorded for a data set, or for a report without one."""
    return output / "expected" / f"{dataset or 'report'}.json"


def read_values(path: Path) -> dict[str, Any]:
    """Return the entries of values.json or of recorded values; {} if the file does not exist."""
    try:
        content = json.loads(read(path) or b"{}")
        if isinstance(content, dict) and all(map(_is_entry, content.values())):
            return content
        problem = (
            "expected for each name an object with a 'value', and optionally the tolerances "
            "'relative', below 1, and 'absolute'"
        )
    except (ValueError, RecursionError) as error:
        problem = str(error)
    raise PressError(f"{path.name} is damaged ({problem}): restore or delete it")


def plain(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name, without their origins and tolerances."""
    return {name: entry["value"] for name, entry in entries.items()}


def _is_entry(entry: Any) -> bool:
    """Return whether an entry has a value, optionally an origin or tolerances, and nothing else."""
    if not isinstance(entry, dict) or "value" not in entry:
        return False
    limits = {"relative": 1.0, "absolute": math.inf}
    tolerances = {key: entry[key] for key in limits if key in entry}
    known = {"value", "notebook", "cell", *limits}
    return entry.keys() <= known and all(
        isinstance(tolerance, int | float) and 0 <= tolerance < limits[key]
        for key, tolerance in tolerances.items()
    )


def drift_table(
    expected: Mapping[str, Any], observed: Mapping[str, Any], source: str, remedy: str
) -> str:
    """Return a table of the values that differ from `source`, and what to do; "" if none does."""
    drifts = list(compare(expected, observed))
    counts = Counter(drift.kind for drift in drifts)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    rows = [("", "value", "recorded", "computed", "allowed")]
    rows += [(d.kind, d.name, d.expected, d.observed, d.allowed) for d in drifts]
    return f"{kinds}, compared with {source}\n\n{as_table(rows)}\n\n{remedy}" if drifts else ""


def record_command(dataset: str) -> str:
    """Return what to do if values differ from those recorded for a data set."""
    named = f" DATASET={dataset}" if dataset else ""
    return f"If the new values are right, `make check{named} RECORD=1` records them."


def compare(expected: Mapping[str, Any], observed: Mapping[str, Any]) -> Iterator[Drift]:
    """Yield each value that is missing, new, or further from the recorded one than allowed."""
    for name in sorted({*expected, *observed}):
        if name not in observed:
            yield Drift("missing", name, _short(expected[name]["value"]), "")
        elif name not in expected:
            yield Drift("new", name, "", _short(observed[name]))
        else:
            entry = expected[name]
            relative, absolute = entry.get("relative", 0.0), entry.get("absolute", 0.0)
            for leaf, was, now in _leaves(name, entry["value"], observed[name]):
                if now is _ABSENT:
                    yield Drift("missing", leaf, _short(was), "")
                elif was is _ABSENT:
                    yield Drift("new", leaf, "", _short(now))
                elif not _agree(was, now, relative, absolute):
                    allowed = f"± {relative:g} relative, ± {absolute:g}"
                    change = (was, now) if _are_numbers(was, now) else None
                    yield Drift("drifted", leaf, _short(was), _short(now), allowed, change)


def recorded(observed: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in the form in which they are recorded, with the tolerances in `former`.

    A value that agrees with the one in `former` keeps that one's entry.
    """
    differing = {drift.name.partition("[")[0] for drift in compare(former, observed)}
    entries = {name: entry for name, entry in former.items() if name in observed}
    for name, value in observed.items():
        if name not in differing:
            continue
        kept = {k: v for k, v in former.get(name, {}).items() if k != "value"}
        is_float = any(isinstance(leaf, float) for _, leaf, _ in _leaves(name, value, value))
        entries[name] = {"value": value, **(kept or ({"relative": _RELATIVE} if is_float else {}))}
    return entries


def _leaves(name: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield names and pairs of single values; `_ABSENT` stands for a key that one side lacks."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from _leaves(f"{name}[{key}]", was.get(key, _ABSENT), now.get(key, _ABSENT))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from _leaves(f"{name}[{index}]", left, right)
    else:
        yield name, was, now


def _agree(was: Any, now: Any, relative: float, absolute: float) -> bool:
    if not _are_numbers(was, now):
        return bool(was == now) and isinstance(was, bool) == isinstance(now, bool)  # 1 == True
    try:
        return math.isclose(now, was, rel_tol=relative, abs_tol=absolute)
    except OverflowError:  # integers beyond every float
        return bool(was == now)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"


def as_table(rows: Sequence[Sequence[str]], align: Callable[[str, int], str] = str.ljust) -> str:
    """Return rows as text, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(align(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
