"""The grid of a sweep: which parameters take which values, from words or from `sweeps/NAME.yaml`.

`product` combines every value with every other, `zip` takes lists of equal length side by side,
and `repeat` runs each of these combinations once for each of its values, such as seeds. Values
are a list, `0..4` (both ends included), or a range `{from: 1, to: 100, count: 3, scale: log}`.
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

from nbpress.errors import PressError, did_you_mean
from nbpress.files import read_yaml
from nbpress.project.notebook import Notebook

MOST_RUNS = 100_000
REPEATED = ("seed",)  # what words on the command line repeat, rather than vary

_STEPS = re.compile(r"(-?\d+)\.\.(-?\d+)")
_DIGITS = 12  # of a number in a range, so that 0.1 is no 0.10000000000000002


class Range(BaseModel):
    """Numbers at equal distances, or in equal proportions."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    first: float = Field(alias="from", allow_inf_nan=False)
    """The first number."""
    last: float = Field(alias="to", allow_inf_nan=False)
    """The last number."""
    count: int = Field(ge=2, le=MOST_RUNS)
    """How many numbers, both ends among them."""
    scale: Literal["linear", "log"] = "linear"
    """Whether they lie at equal distances, or in equal proportions."""

    def values(self) -> list[int | float]:
        """Return the numbers, both ends among them; whole ones as int."""
        shares = [step / (self.count - 1) for step in range(self.count)]
        if self.scale == "linear":
            numbers = [self.first + share * (self.last - self.first) for share in shares]
        elif self.first > 0 and self.last > 0:
            numbers = [self.first * (self.last / self.first) ** share for share in shares]
        else:
            raise PressError(
                f"a range on a log scale is above 0; got {self.first:g}..{self.last:g}"
            )
        tidy = [float(f"{number:.{_DIGITS}g}") for number in numbers]
        return [int(n) if n.is_integer() else n for n in tidy]


class Description(BaseModel):
    """What a sweep is to run, as `sweeps/NAME.yaml` or the command line says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str
    """A notebook beside the file, or a chapter of the report."""
    dataset: str = ""
    """The data set; by default `--dataset`, else as for the report."""
    given: dict[str, Any] = {}
    """Parameters with one value for every run."""
    product: dict[str, Any] = {}
    """Parameters of which every value is combined with every other."""
    zip: dict[str, Any] = {}
    """Parameters with equally many values, which go side by side: first with first, and so on."""
    repeat: dict[str, Any] = {}
    """Parameters, such as a seed, for each value of which every combination runs once more; tables
    give the spread over them."""
    values: list[str] = []
    """The recorded values that tables and figures show first, such as `3c.final_train_accuracy`; by
    default those that the report's key results quote."""


@dataclass(frozen=True)
class Grid:
    """The points at which a notebook runs, in order; those of one combination are neighbours."""

    given: dict[str, Any]
    varied: list[str]
    repeated: list[str]
    points: list[dict[str, Any]]


def read_description(path: Path) -> Description:
    """Read `sweeps/NAME.yaml`; an unknown key, a missing one or a wrong type is refused."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise PressError(f"{path.name}: expected `notebook:` and what it is to vary, `product:`")
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        # A key that is unknown explains one that is missing.
        problem = max(error.errors(), key=lambda each: each["type"] == "extra_forbidden")
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            hint = did_you_mean(key, Description.model_fields)
            raise PressError(f"{path.name}: unknown key {key!r}{hint}") from error
        raise PressError(f"{path.name}: {key}: {problem['msg'].lower()}") from error


def describe(notebook: str, words: Sequence[str]) -> Description:
    """Read `learning_rate=0.01,0.05 seed=0..4`; one value alone is given to every run."""
    axes: dict[str, dict[str, Any]] = {"given": {}, "product": {}, "repeat": {}}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise PressError(f"expected parameter=value,value or parameter=0..4; got {word!r}")
        if any(name in axis for axis in axes.values()):
            raise PressError(f"{name} is given twice; write {name}=value,value")
        values = text.split(",")
        if "" in values:
            raise PressError(f"{name} has no value: expected {name}=value,value; got {word!r}")
        many = len(values) > 1 or _STEPS.fullmatch(text)
        kind = "given" if not many else "repeat" if name in REPEATED else "product"
        axes[kind][name] = text if not many or _STEPS.fullmatch(text) else values
    return Description.model_validate({"notebook": notebook, **axes})


def make_grid(description: Description, notebook: Notebook) -> Grid:
    """Return the grid, with every value checked against the notebook's parameters.

    Raises
    ------
    PressError
        If a parameter is unknown, a value has the wrong type or lies out of bounds, a list is
        empty or holds a value twice, or there are too many runs.
    """
    given = notebook.checked(description.given)
    kinds = {
        kind: {name: _values(name, axis) for name, axis in getattr(description, kind).items()}
        for kind in ("product", "zip", "repeat")
    }
    names = [*given, *(name for axes in kinds.values() for name in axes)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PressError(f"{twice[0]} stands in more than one part of the sweep")
    side_by_side = kinds["zip"].values()
    if len({len(values) for values in side_by_side}) > 1:
        lengths = ", ".join(f"{name} has {len(v)}" for name, v in kinds["zip"].items())
        raise PressError(f"zip takes lists of equal length; {lengths}")
    factors = [len(values) for kind in ("product", "repeat") for values in kinds[kind].values()]
    count = math.prod(factors) * max(map(len, side_by_side), default=1)
    if count > MOST_RUNS:
        raise PressError(f"the sweep has {count:,} runs; at most {MOST_RUNS:,} can be made")
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
    """Return the values that an axis stands for."""
    if isinstance(axis, str) and (ends := _STEPS.fullmatch(axis)):
        first, last = int(ends[1]), int(ends[2])
        if last < first:
            raise PressError(f"{name}: {axis} holds no number; expected such as {last}..{first}")
        if last - first >= MOST_RUNS:
            raise PressError(f"{name}: {axis} holds more than {MOST_RUNS:,} numbers")
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
    """Return a value that is there more than once; None if none is."""
    seen: set[str] = set()
    for value in values:
        text = repr(value)
        if text in seen:
            return value
        seen.add(text)
    return None
