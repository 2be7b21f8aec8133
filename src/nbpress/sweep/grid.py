"""The grid of a sweep: the values of its parameters, from `name=value,value` or `sweeps/NAME.yaml`.

`product` combines every value with every other, `zip` pairs lists of equal length, and `repeat`
runs each of these combinations once for each of its values, such as seeds. Values are a list,
`0..4` (both ends included), or a range `{from: 1, to: 100, count: 3, scale: log}`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nbpress.errors import PressError
from nbpress.files import read_yaml
from nbpress.project.complaints import complaints
from nbpress.project.notebook import Notebook

MOST_RUNS = 100_000
REPEATED = ("seed",)  # parameters that the command line repeats rather than varies

_STEPS = re.compile(r"(-?\d+)\.\.(-?\d+)")
_DIGITS = 12  # of a number in a range, so that 0.1 does not become 0.10000000000000002


class Range(BaseModel):
    """Numbers with equal differences, or with equal ratios."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    first: float = Field(alias="from", allow_inf_nan=False)
    """The first number."""
    last: float = Field(alias="to", allow_inf_nan=False)
    """The last number."""
    count: int = Field(ge=2, le=MOST_RUNS)
    """How many numbers, including both ends."""
    scale: Literal["linear", "log"] = "linear"
    """Whether the numbers have equal differences or equal ratios."""

    def values(self) -> list[int | float]:
        """Return the numbers, including both ends; whole ones as int."""
        shares = [step / (self.count - 1) for step in range(self.count)]
        if self.scale == "linear":
            numbers = [self.first + share * (self.last - self.first) for share in shares]
        elif self.first > 0 and self.last > 0:
            numbers = [self.first * (self.last / self.first) ** share for share in shares]
        else:
            raise PressError(
                f"a range on a log scale must be above 0; got {self.first:g}..{self.last:g}"
            )
        tidy = [float(f"{number:.{_DIGITS}g}") for number in numbers]
        return [int(n) if n.is_integer() else n for n in tidy]


class Description(BaseModel):
    """What a sweep runs, from `sweeps/NAME.yaml` or the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str
    """A notebook beside this file, or a chapter of the report."""
    dataset: str = ""
    """The data set, unless `--dataset` is given; by default the report's."""
    given: dict[str, Any] = {}
    """Parameters with one value for every run."""
    product: dict[str, Any] = {}
    """Parameters to combine, every value with every other."""
    zip: dict[str, Any] = {}
    """Parameters with equally many values, to be paired: first with first, and so on."""
    repeat: dict[str, Any] = {}
    """Parameters, such as a seed, over which to repeat every combination; tables give the spread
    over them."""
    values: list[str] = []
    """The recorded values to show first in tables and figures, such as `3c.final_train_accuracy`;
    by default those that the report's key results quote."""


@dataclass(frozen=True)
class Grid:
    """The points at which a notebook runs, in order; repetitions of a combination are adjacent."""

    given: dict[str, Any]
    varied: list[str]
    repeated: list[str]
    points: list[dict[str, Any]]


def read_description(path: Path) -> Description:
    """Read `sweeps/NAME.yaml`; refuse unknown keys, missing keys and wrong types."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise PressError(f"{path.name}: expected the keys `notebook:` and, say, `product:`")
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        # Report an unknown key before a missing one: it may be a misspelling of it.
        lines = complaints(error, list(Description.model_fields))
        message = max(lines, key=lambda line: line.startswith("unknown key"))
        raise PressError(f"{path.name}: {message}") from error


def describe(notebook: str, settings: Sequence[str]) -> Description:
    """Read `learning_rate=0.01,0.05 seed=0..4`; a single value is given to every run.

    Commas inside brackets belong to a value: `classes=[2,3]` is one.
    """
    axes: dict[str, dict[str, Any]] = {"given": {}, "product": {}, "repeat": {}}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise PressError(f"expected parameter=value,value or parameter=0..4; got {setting!r}")
        if any(name in axis for axis in axes.values()):
            raise PressError(f"{name} is given twice; write {name}=value,value")
        values = split_values(text)
        if "" in values:
            raise PressError(f"{name} lacks a value: expected {name}=value,value; got {setting!r}")
        many = len(values) > 1 or _STEPS.fullmatch(text)
        kind = "given" if not many else "repeat" if name in REPEATED else "product"
        axes[kind][name] = text if not many or _STEPS.fullmatch(text) else values
    return Description.model_validate({"notebook": notebook, **axes})


def split_values(text: str) -> list[str]:
    """Split at the commas outside brackets: "[2,3],[4,5]" are two values."""
    values, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth <= 0:
            values.append("")
        else:
            values[-1] += letter
    return text.split(",") if depth else values  # a bracket without its partner is text


def make_grid(description: Description, notebook: Notebook) -> Grid:
    """Return the grid, with every value checked against the notebook's parameters.

    Raises
    ------
    PressError
        If a parameter is unknown, a value has the wrong type or is out of bounds, a list is empty
        or contains a value twice, or there are too many runs.
    """
    given = notebook.checked(description.given)
    kinds = {
        kind: {name: _values(name, axis) for name, axis in getattr(description, kind).items()}
        for kind in ("product", "zip", "repeat")
    }
    names = [*given, *(name for axes in kinds.values() for name in axes)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PressError(f"{twice[0]} is given in more than one part of the sweep; keep one")
    side_by_side = kinds["zip"].values()
    if len({len(values) for values in side_by_side}) > 1:
        lengths = ", ".join(f"{name} has {len(v)}" for name, v in kinds["zip"].items())
        raise PressError(f"the lists in zip must have equal length; {lengths}")
    factors = [len(values) for kind in ("product", "repeat") for values in kinds[kind].values()]
    count = math.prod(factors) * max(map(len, side_by_side), default=1)
    if count > MOST_RUNS:
        raise PressError(f"the sweep has {count:,} runs; the limit is {MOST_RUNS:,}")
    checked = {
        name: [notebook.checked({name: value})[name] for value in values]
        for axes in kinds.values()
        for name, values in axes.items()
    }
    for name, values in checked.items():
        if name not in kinds["zip"] and (same := _twice(values)) is not None:
            raise PressError(f"{name} has the value {same!r} twice")

    def axes(kind: str) -> list[list[dict[str, Any]]]:
        return [[{name: value} for value in checked[name]] for name in kinds[kind]]

    rows = list(zip(*(checked[name] for name in kinds["zip"]), strict=True))
    pairs = [[dict(zip(kinds["zip"], row, strict=True)) for row in rows]] if rows else []
    points = [
        {name: value for part in parts for name, value in part.items()}
        for parts in itertools.product(*axes("product"), *pairs, *axes("repeat"))
    ]
    if (same := _twice(points)) is not None:
        raise PressError(f"zip has {same!r} twice")
    return Grid(given, [*kinds["product"], *kinds["zip"]], list(kinds["repeat"]), points)


def _values(name: str, axis: Any) -> list[Any]:
    """Return the values of an axis."""
    if isinstance(axis, str) and (ends := _STEPS.fullmatch(axis)):
        first, last = int(ends[1]), int(ends[2])
        if last < first:
            raise PressError(f"{name}: {axis} contains no numbers; did you mean {last}..{first}?")
        if last - first >= MOST_RUNS:
            raise PressError(f"{name}: {axis} has more than {MOST_RUNS:,} numbers, the limit")
        return list(range(first, last + 1))
    if isinstance(axis, Mapping):
        try:
            return list(Range.model_validate(axis).values())
        except ValidationError as error:
            raise PressError(
                f"{name}: expected {{from: 1, to: 100, count: 3, scale: log}}; got {axis!r}"
            ) from error
        except PressError as error:
            raise PressError(f"{name}: {error}") from error
    if isinstance(axis, list) and axis:
        return axis
    raise PressError(
        f"{name}: expected a list of values, 0..4 or {{from:, to:, count:, scale:}}; got {axis!r}"
    )


def _twice(values: Sequence[Any]) -> Any:
    """Return a value that occurs more than once; None if there is none."""
    seen: set[str] = set()
    for value in values:
        text = repr(value)
        if text in seen:
            return value
        seen.add(text)
    return None
