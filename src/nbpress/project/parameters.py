"""A notebook's parameters: their declarations, types and bounds, and values given for them."""

from __future__ import annotations

import ast
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

# Values by chapter, then by name; those under "" are for every chapter that takes them.
Parameters = dict[str, dict[str, Any]]

_WITHIN = {">": operator.gt, "≥": operator.ge, "<": operator.lt, "≤": operator.le}
_BOUND = re.compile(
    r"\s*(>=|<=|>|<|≥|≤)\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?![^\s,;])\s*[,;]?", re.IGNORECASE
)
_LIKE_A_BOUND = re.compile(r"[≥≤⩾⩽]|[<>]=|=[<>]|(?<!-)[<>]\s*[-+−]?(?:\.?\d|inf\b)")
# Those that papermill can write into a notebook.
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook, as its `parameters` cell declares it."""

    name: str
    type: str  # "float"; "" where neither an annotation nor the default tells
    default: Any
    bounds: tuple[tuple[str, float], ...]  # (">", 0.0)
    comment: str

    def check(self, value: Any) -> Any:
        """Return `value` as the parameter's type, or say what is wrong with it."""
        if isinstance(value, str) and self.type != "str":
            value = _literal(value)
        if not self.type:
            return value
        try:
            adapter = TypeAdapter(_type(self.type), config=ConfigDict(strict=True))
        except PressError as error:
            raise PressError(f"{self.name}: {error}") from error
        try:
            # By way of JSON an int may become a float, but no text a number.
            value = adapter.validate_json(json.dumps(value))
        except (ValidationError, TypeError, ValueError, RecursionError) as error:
            is_item = "list[" in self.type and isinstance(value, int | float | str)
            hint = f": write {self.name}=[{value}]" if is_item else ""
            raise PressError(f"{self.name} must be {self.type}; got {value!r:.80}{hint}") from error
        for number in _numbers(value):
            for sign, limit in self.bounds:
                if not _WITHIN[sign](number, limit):
                    raise PressError(f"{self.name} must be {sign} {limit:g}; got {number!r}")
            if not -math.inf < number < math.inf:
                raise PressError(f"{self.name} must be finite; got {number!r}")
        return value


def declarations(source: str, name: str) -> Iterator[Parameter]:
    """Yield the parameters that a cell declares; `name` is what an error calls the cell.

    `learning_rate: float = 0.05  # > 0, per step` declares type, default, bounds and unit. The
    bounds begin the comment; what looks like one and stands elsewhere is refused, not passed over.
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
        numbers = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        read.update(numbers)
        comment = " ".join(lines.get(number, "") for number in numbers).strip()
        bounds, rest = [], comment
        while bound := _BOUND.match(rest):
            sign = bound[1].replace(">=", "≥").replace("<=", "≤")
            bounds.append((sign, float(bound[2])))
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
        declared = Parameter(parameter, annotation, default, tuple(bounds), rest.strip())
        try:
            declared.check(default)
        except PressError as error:
            raise PressError(f"{name}: the default of {error}") from error
        yield declared
    for number in lines.keys() - read:
        _refuse_bound(lines[number], f"{name}: a comment beside no parameter")


def _refuse_bound(comment: str, what: str) -> None:
    """Refuse what looks like a bound in a comment whose bounds have been read."""
    if _LIKE_A_BOUND.search(comment):
        raise PressError(
            f"{what} holds what looks like a bound, {comment.strip()!r}; write bounds first, "
            "behind the parameter, a sign and a number each: '# > 0, ≤ 1, per step'"
        )


def read_parameters(given: str | list[str]) -> Parameters:
    """Read parameters from `learning_rate=0.1`, `2_logistic_regression.seed=1` and YAML files.

    A name alone goes to every chapter that takes it (the chapter ""); in a YAML file chapters
    may stand above their own parameters.
    """
    parameters: Parameters = {}
    try:
        settings = _joined(shlex.split(given)) if isinstance(given, str) else given
    except ValueError as error:
        raise PressError(f"PARAMS: {error}: {given!r}") from error
    for setting in settings:
        name, equals, value = setting.partition("=")
        if equals and name:
            chapter, _, parameter = name.rpartition(".")
            parameters.setdefault(chapter, {})[parameter] = value
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
            raise PressError(f"PARAMS: expected name=value or a YAML file; got {setting!r}")
    return parameters


def _joined(words: Sequence[str]) -> list[str]:
    """Put the pieces of a list together again: `lambdas=[2, 0.2]` may have blanks in it."""
    settings: list[str] = []
    for word in words:
        if settings and settings[-1].count("[") > settings[-1].count("]"):
            settings[-1] += f" {word}"
        else:
            settings.append(word)
    return settings


def _type(annotation: str) -> Any:
    """Evaluate an annotation made of built-in types, `Optional[list[float]]`."""

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


def _numbers(value: Any) -> Iterator[int | float]:
    """Yield the numbers of a value, however deep they lie in lists and mappings."""
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
    elif isinstance(value, int | float):
        yield value


def _literal(text: str) -> Any:
    """Read a value from the command line: a literal where it is one, else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)
