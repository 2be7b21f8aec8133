"""A notebook's parameters: their declarations, types and bounds, and the values given."""

from __future__ import annotations

import ast
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

from pydantic import ConfigDict, TypeAdapter, ValidationError

from nbpress.errors import PressError
from nbpress.files import read_yaml
from nbpress.project.code import comments, parse

# Values by chapter, then by name; those under "" are for every chapter that has the parameter.
Parameters = dict[str, dict[str, Any]]

_WITHIN = {">": operator.gt, "≥": operator.ge, "<": operator.lt, "≤": operator.le}
_WITHIN |= {f"len {sign}": within for sign, within in {**_WITHIN, "=": operator.eq}.items()}
_BOUND = re.compile(
    r"\s*((?:>=|<=|>|<|≥|≤)|len\s*(?:>=|<=|>|<|≥|≤|=))\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
    r"(?![^\s,;])\s*[,;]?",
    re.IGNORECASE,
)
_ORDER = re.compile(r"\s*(distinct|increasing)\b(?!\s+\w)\s*[,;]?", re.IGNORECASE)
_LIKE_A_BOUND = re.compile(
    r"[≥≤⩾⩽]|[<>]=|=[<>]|(?<!-)[<>]\s*[-+−]?(?:\.?\d|inf\b)|\blen\s*=|\b(?:distinct|increasing)\s*(?:[,;]|$)"
)
# The types that papermill can write into a notebook.
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook, as its `parameters` cell declares it."""

    name: str
    type: str  # "float"; "" if neither an annotation nor the default determines it
    default: Any
    bounds: tuple[tuple[str, float], ...]  # (">", 0.0), ("len ≥", 1.0)
    comment: str
    order: str = ""  # of a list's items: "distinct" or "increasing"

    def check(self, value: Any) -> Any:
        """Return `value` converted to the parameter's type; raise an error if it does not fit."""
        if isinstance(value, str) and self.type != "str":
            value = literal(value)
        if not self.type:
            return value
        try:
            adapter = TypeAdapter(_type(self.type), config=ConfigDict(strict=True))
        except PressError as error:
            raise PressError(f"{self.name}: {error}") from error
        try:
            # Through JSON an int may become a float, but a text never becomes a number.
            value = adapter.validate_json(json.dumps(value))
        except (ValidationError, TypeError, ValueError, RecursionError) as error:
            is_item = isinstance(value, int | float | str) and not str(value).startswith("[")
            is_item = is_item and "list[" in self.type
            hint = f"; write {self.name}=[{value}]" if is_item else ""
            kind = re.sub(r"^Optional\[(.*)\]$", r"\1 or None", self.type)
            raise PressError(f"{self.name} must be {kind}; got {value!r:.80}{hint}") from error
        lengths = [bound for bound in self.bounds if bound[0].startswith("len")]
        for sign, limit in lengths if isinstance(value, list | dict | str) else ():
            if not _WITHIN[sign](len(value), limit):
                raise PressError(f"{self.name} must have {sign} {limit:g}; got {value!r:.80}")
        for number in numbers(value):
            for sign, limit in (bound for bound in self.bounds if bound not in lengths):
                if not _WITHIN[sign](number, limit):
                    raise PressError(f"{self.name} must be {sign} {limit:g}; got {number!r}")
            if not -math.inf < number < math.inf:
                raise PressError(f"{self.name} must be finite; got {number!r}")
        if isinstance(value, list) and not _is_ordered(value, self.order):
            raise PressError(f"{self.name} must have {self.order} items; got {value!r:.80}")
        return value

    def described_bounds(self) -> str:
        """Return the bounds as its comment writes them: "> 0, ≤ 1, len = 2, increasing"."""
        bounds = [f"{sign} {limit:g}" for sign, limit in self.bounds]
        return ", ".join([*bounds, self.order] if self.order else bounds)

    def is_default(self, value: Any) -> bool:
        """Return whether a checked value is the default, so that a run is the same without it.

        They are compared as JSON: 2, 2.0 and True may be equal in Python, but differ in a text.
        """
        return json.dumps(value) == json.dumps(self.default)


def declarations(source: str, name: str) -> Iterator[Parameter]:
    """Yield the parameters that a cell declares; errors call the cell `name`.

    `learning_rate: float = 0.05  # > 0, per step` declares type, default, bounds and unit. Bounds
    must begin the comment: anything else that looks like a bound is refused, not ignored.
    """
    tree, lines = parse(source, name), comments(source)
    read: set[int] = set()
    for node in tree.body:
        match node:
            case ast.AnnAssign(
                target=ast.Name(id=parameter), annotation=note, value=ast.expr() as value
            ):
                annotation = ast.unparse(note)
            case ast.Assign(targets=[ast.Name(id=parameter)], value=value):
                annotation = ""
            case _:
                continue
        its_lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        read.update(its_lines)
        comment = " ".join(lines.get(number, "") for number in its_lines).strip()
        bounds, order, rest = [], "", comment
        while bound := _BOUND.match(rest) or _ORDER.match(rest):
            if bound.re is _ORDER:
                order = bound[1].lower()
            else:
                sign = bound[1].lower().replace(">=", "≥").replace("<=", "≤")
                bounds.append((re.sub(r"^len\s*", "len ", sign), float(bound[2])))
            rest = rest[bound.end() :]
        _refuse_bound(rest, f"{name}: the comment on {parameter}")
        try:
            default = ast.literal_eval(value)
        except ValueError as error:
            raise PressError(
                f"{name}: the default of {parameter} must be a literal; got {ast.unparse(value)}"
            ) from error
        if not annotation and type(default).__name__ in _TYPES:
            annotation = type(default).__name__
        declared = Parameter(parameter, annotation, default, tuple(bounds), rest.strip(), order)
        try:
            declared.check(default)
        except PressError as error:
            raise PressError(f"{name}: the default of {error}") from error
        yield declared
    for number in lines.keys() - read:
        _refuse_bound(lines[number], f"{name}: a comment without a parameter beside it")


def _refuse_bound(comment: str, what: str) -> None:
    """Refuse the rest of a comment, after its bounds, if it looks like a bound."""
    if _LIKE_A_BOUND.search(comment):
        raise PressError(
            f"{what} seems to contain a bound, {comment.strip()!r}; put bounds beside the "
            "parameter, at the start, each a sign and a number: '# > 0, ≤ 1, per step'"
        )


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
            for key, item in content.items():
                if isinstance(item, dict):
                    parameters.setdefault(str(key), {}).update(item)
                else:
                    parameters.setdefault("", {})[str(key)] = item
        else:
            remedy = "quote one that has spaces: \"'my chapter.n=20'\""
            if any(each.startswith("=") or each.endswith("=") for each in settings):
                remedy = "without spaces beside the '='"
            raise PressError(
                f"PARAMS: expected name=value or a YAML file; got {setting!r} ({remedy})"
            )
    return parameters


def _joined(words: Sequence[str]) -> list[str]:
    """Rejoin the pieces of a list: `lambdas=[2, 0.2]` may contain spaces."""
    settings: list[str] = []
    for word in words:
        if settings and settings[-1].count("[") > settings[-1].count("]"):
            settings[-1] += f" {word}"
        else:
            settings.append(word)
    return settings


def _type(annotation: str) -> Any:
    """Evaluate an annotation made of built-in types, such as `Optional[list[float]]`."""

    def build(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name) if name in _TYPES:
                return _TYPES[name]
            case ast.Constant(value=None):
                return None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return build(left) | build(right)
            case ast.Subscript(value=ast.Name(id="Optional"), slice=item):
                return build(item) | None
            case ast.Subscript(value=value, slice=ast.Tuple(elts=items)):
                return build(value)[tuple(build(item) for item in items)]
            case ast.Subscript(value=value, slice=item):
                return build(value)[build(item)]
        raise PressError(f"a type must be made of {', '.join(_TYPES)}; got {annotation!r}")

    return build(ast.parse(annotation, mode="eval").body)


def _is_ordered(items: list[Any], order: str) -> bool:
    if order == "increasing":
        return all(a < b for a, b in itertools.pairwise(items))
    return not order or all(item not in items[:i] for i, item in enumerate(items))


def numbers(value: Any) -> Iterator[int | float]:
    """Yield the numbers in a value, including those nested in lists and mappings."""
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield value


def literal(text: str) -> Any:
    """Read a value from the command line: a literal if it is one, otherwise text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)
