"""`nbpress check`: execute afresh, and compare every value with the one recorded earlier.

The recorded values stand in `report/expected/<data set>.json`, each with the tolerance that it is
allowed: `{"3d.generalisation_gap": {"value": -0.0045, "relative": 0.001, "absolute": 0.0005}}`.
Counts and texts have none and must be equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nbpress.errors import PressError
from nbpress.files import as_json, write
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.publish.build import Request, compose, locked

_RELATIVE = 1e-3  # what a newly recorded float is allowed: other BLAS kernels round differently


@dataclass(frozen=True)
class Drift:
    """A value that is not what it was."""

    name: str
    expected: str
    observed: str
    allowed: str


def check(project: Project, request: Request, *, record: bool = False) -> None:
    """Execute every chapter again and compare its values with the recorded ones.

    Parameters
    ----------
    record
        Write these values as the expected ones; tolerances set by hand are kept.

    Raises
    ------
    PressError
        If a value drifted, is missing or new, with a table of all that did; or nothing is recorded.
    """
    if request.parameters:
        raise PressError("check compares reports with the data set's own parameters: unset PARAMS")
    with locked(project.build):
        dataset, bound, _ = compose(project, replace(request, force=True))
    path = project.output / "expected" / f"{dataset.dataset or 'report'}.json"
    observed = {name: entry["value"] for name, entry in bound.values.items()}
    expected = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if record:
        write({path: as_json(_recorded(observed, expected)).encode()})
        say(f"{project.relative(path)}: {len(observed)} values recorded")
        return
    if not expected:
        raise PressError(
            f"no recorded values in {project.relative(path)}: `nbpress check --record` writes them"
        )
    drifts = list(compare(expected, observed))
    if drifts:
        raise PressError(
            f"{len(drifts)} values drifted from {project.relative(path)}\n\n{_table(drifts)}"
        )
    say(f"{path.stem}: {len(observed)} values agree with {project.relative(path)}")


def compare(expected: Mapping[str, Any], observed: Mapping[str, Any]) -> Iterator[Drift]:
    """Yield each value that is missing, new, or further from the recorded one than allowed."""
    for name in sorted({*expected, *observed}):
        if name not in observed:
            yield Drift(name, _short(expected[name]["value"]), "missing", "")
        elif name not in expected:
            yield Drift(name, "not recorded", _short(observed[name]), "")
        else:
            entry = expected[name]
            relative, absolute = entry.get("relative", 0.0), entry.get("absolute", 0.0)
            for leaf, was, now in _leaves(name, entry["value"], observed[name]):
                if not _agree(was, now, relative, absolute):
                    allowed = f"± {relative:g} relative, ± {absolute:g}"
                    yield Drift(leaf, _short(was), _short(now), allowed)


def _recorded(observed: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    entries = {}
    for name, value in observed.items():
        kept = {k: v for k, v in former.get(name, {}).items() if k != "value"}
        is_float = any(isinstance(leaf, float) for _, leaf, _ in _leaves(name, value, value))
        entries[name] = {"value": value, **(kept or ({"relative": _RELATIVE} if is_float else {}))}
    return entries


def _leaves(name: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield pairs of single values from two values of the same structure."""
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for key in was:
            yield from _leaves(f"{name}[{key}]", was[key], now[key])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from _leaves(f"{name}[{index}]", left, right)
    else:
        yield name, was, now


def _agree(was: Any, now: Any, relative: float, absolute: float) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (was, now))
    if not numbers:
        return bool(was == now)
    return math.isclose(now, was, rel_tol=relative, abs_tol=absolute)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"


def _table(drifts: list[Drift]) -> str:
    rows = [("value", "recorded", "computed", "allowed")]
    rows += [(d.name, d.expected, d.observed, d.allowed) for d in drifts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
