"""A notebook's parameters: their types and bounds, and the values given."""

from __future__ import annotations

import ast
import contextlib
import datetime
import itertools
import json
import math
import operator
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from nbpress.errors import PressError
from nbpress.files import read_yaml
from nbpress.project.annotations import alternatives, evaluated, innermost

# Values by chapter, then by name; those under "" are for every chapter that has the parameter.
Parameters = dict[str, dict[str, Any]]

_WITHIN = {">": operator.gt, "≥": operator.ge, "<": operator.lt, "≤": operator.le}
_WITHIN |= {f"len {sign}": within for sign, within in {**_WITHIN, "=": operator.eq}.items()}
_SIZED, _NUMERIC = {list, dict, str}, {int, float, bool, list, dict}
_MOST_SHOWN = 80  # characters
_ANY = "a number, text, True, False, None, or a list or dict of these"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook, as its `parameters` cell declares it."""

    name: str
    type: str  # "float"; "" if neither an annotation nor the default determines it
    default: Any  # as JSON gives it back: a tuple is a list
    bounds: tuple[tuple[str, float], ...]  # (">", 0.0), ("len ≥", 1.0)
    comment: str
    order: str = ""  # of a list's items: "distinct" or "increasing"

    def check(self, value: Any) -> Any:
        """Return `value` converted to the parameter's type; raise an error if it does not fit.

        A text is read as a literal, unless only the text itself fits. The result is as JSON gives
        it back: a tuple is a list, and the keys of a dict are text.
        """
        value = self._converted(value)
        if not self.type and value is not None and (idle := self._idle({type(value)})):
            raise PressError(f"{self.name} must be {idle[1]}, for {idle[0]!r}; got {shown(value)}")
        lengths = [bound for bound in self.bounds if bound[0].startswith("len")]
        for sign, limit in lengths if isinstance(value, list | dict | str) else ():
            if not _WITHIN[sign](len(value), limit):
                raise PressError(f"{self.name} must have {sign} {limit:.15g}; got {shown(value)}")
        for number in numbers(value):
            for sign, limit in (bound for bound in self.bounds if bound not in lengths):
                if not _WITHIN[sign](number, limit):
                    raise PressError(
                        f"{self.name} must be {sign} {limit:.15g}; got {shown(number)}"
                    )
            if not -math.inf < number < math.inf:
                raise PressError(f"{self.name} must be finite; got {number!r}")
        if isinstance(value, list) and not _is_ordered(value, self.order):
            raise PressError(f"{self.name} must have {self.order} items; got {shown(value)}")
        return value

    def _converted(self, value: Any) -> Any:
        parsed = literal(value) if isinstance(value, str) and self.type != "str" else value
        if not self.type:
            return as_json(self.name, parsed)
        adapter = TypeAdapter(self._evaluated(), config=ConfigDict(strict=True))
        for reading in (parsed, value):
            with contextlib.suppress(TypeError, ValueError, RecursionError):
                # Through JSON an int may become a float, but a text never becomes a number.
                return as_json(self.name, adapter.validate_json(json.dumps(reading)))
        kind = re.sub(r"^Optional\[(.*)\]$", r"\1 or None", self.type)
        raise PressError(
            f"{self.name} must be {kind}; got {shown(parsed)}{self._hint(value, parsed)}"
        )

    def _hint(self, value: Any, parsed: Any) -> str:
        """Return how a value that does not fit was probably meant, or ""."""
        got = shown(parsed)
        is_item = isinstance(parsed, int | float | str) and not got.startswith(("'[", "a value"))
        if is_item and "list[" in self.type and len(got) < _MOST_SHOWN:
            return f"; write {self.name}=[{value}]"
        if isinstance(value, str) and re.search(r",\s*\w+=", value):
            return "; write a blank, and no comma, between parameters"
        if isinstance(value, str) and re.fullmatch(r"[-+]?\d+,\d+", value):
            return f"; with a decimal point it is {self.name}={value.replace(',', '.')}"
        if isinstance(parsed, float) and parsed.is_integer() and "int" in self.type:
            return f"; write {self.name}={parsed:.0f}"
        return ""

    def refuse_idle_bounds(self) -> None:
        """Refuse a bound that no value of the declared type could have."""
        type_ = self._evaluated()
        if self.type and (idle := self._idle(alternatives(type_), innermost(type_))):
            raise PressError(
                f"the bound {idle[0]!r} of {self.name} is for {idle[1]}, but {self.name} is "
                f"{self.type}: change the bound or the type"
            )

    def _idle(self, kinds: set[Any], innermost: set[Any] | None = None) -> tuple[str, str] | None:
        """Return a bound that values of these types cannot have, and what could have it."""
        for sign, limit in self.bounds:
            if sign.startswith("len") and not kinds & _SIZED:
                return f"{sign} {limit:.15g}", "a list, dict or text"
            if not sign.startswith("len") and not (innermost or kinds) & _NUMERIC:
                return f"{sign} {limit:.15g}", "a number, or a list or dict of numbers"
        return (self.order, "a list") if self.order and list not in kinds else None

    def _evaluated(self) -> Any:
        try:
            return evaluated(self.type) if self.type else Any
        except PressError as error:
            raise PressError(f"{self.name}: {error}") from error

    def described_bounds(self) -> str:
        """Return the bounds as its comment writes them: "> 0, ≤ 1, len = 2, increasing"."""
        bounds = [f"{sign} {limit:.15g}" for sign, limit in self.bounds]
        return ", ".join([*bounds, self.order] if self.order else bounds)

    def is_default(self, value: Any) -> bool:
        """Return whether a checked value is the default, so that a run is the same without it.

        They are compared as JSON: 2, 2.0 and True may be equal in Python, but differ in a text.
        """
        return json.dumps(value) == json.dumps(self.default)


def read_parameters(given: str | list[str]) -> Parameters:
    """Read parameters from `learning_rate=0.1`, `2_logistic_regression.seed=1` and YAML files.

    A name alone applies to every chapter that has it (kept under ""); a YAML file may also group
    parameters by chapter.
    """
    parameters: Parameters = {}
    given_here: dict[str, str] = {}
    try:
        settings = _joined(shlex.split(given)) if isinstance(given, str) else given
    except ValueError as error:
        raise PressError(f"PARAMS: {error}: {given!r}") from error
    for setting in settings:
        if setting.count("[") > setting.count("]"):
            raise PressError(f"PARAMS: a bracket is not closed: {setting!r}")
        name, equals, value = setting.partition("=")
        if equals and name:
            chapter, _, parameter = name.rpartition(".")
            if name in given_here:  # a value from a file may be given again
                raise PressError(f"PARAMS: {name} is given twice: {given_here[name]} and {value}")
            parameters.setdefault(chapter, {})[parameter] = given_here[name] = value
        elif setting.endswith((".yaml", ".yml")):
            content = read_yaml(Path(setting))
            if not isinstance(content, dict):
                raise PressError(f"{setting}: expected parameters, 'name: value' on each line")
            for key, entry in content.items():
                if isinstance(entry, dict):
                    by_name = {str(name): value for name, value in entry.items()}
                    parameters.setdefault(str(key), {}).update(by_name)
                else:
                    parameters.setdefault("", {})[str(key)] = entry
        else:
            remedy = "quote one that has spaces: \"'my chapter.n=20'\""
            if any(each.startswith("=") or each.endswith("=") for each in settings):
                remedy = "without spaces beside the '='"
            raise PressError(
                f"PARAMS: expected name=value or a YAML file; got {setting!r} ({remedy})"
            )
    return parameters


def _joined(pieces: Sequence[str]) -> list[str]:
    """Rejoin the pieces of a list: `l2_lambdas=[2, 0.2]` may contain spaces."""
    settings: list[str] = []
    for piece in pieces:
        if settings and settings[-1].count("[") > settings[-1].count("]"):
            settings[-1] += f" {piece}"
        else:
            settings.append(piece)
    return settings


def _is_ordered(values: list[Any], order: str) -> bool:
    """Return whether a list's items are in order; those that cannot be compared are not."""
    if order == "increasing":
        try:
            return all(a < b for a, b in itertools.pairwise(values))
        except TypeError:
            return False
    return not order or all(value not in values[:i] for i, value in enumerate(values))


def numbers(value: Any) -> Iterator[int | float]:
    """Yield the numbers in a value, including those nested in lists and mappings."""
    if isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from numbers(each)
    elif isinstance(value, int | float):
        yield value


def as_json(name: str, value: Any) -> Any:
    """Return a value as JSON gives it back; errors call it `name`."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()  # refuses half of a surrogate pair
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise PressError(f"{name} must be {_ANY}; got {shown(value)}") from error


def shown(value: Any) -> str:
    """Return what a message shows of a value."""
    if isinstance(value, datetime.date):
        return f"the date {value} (put it in quotes to make it text)"
    try:
        return f"{value!r:.{_MOST_SHOWN}}"
    except (ValueError, RecursionError):  # a number with thousands of digits, or lists in lists
        return "a value that is too large to print"


def literal(text: str) -> Any:
    """Read a value from the command line: a literal if it is one, otherwise text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(text.lower(), text)
