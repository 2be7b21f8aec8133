"""The types in annotations, evaluated without running any code: `Optional[list[float]]`."""

from __future__ import annotations

import ast
from types import UnionType
from typing import Any, get_args, get_origin

from nbpress.errors import PressError

# The types that papermill can write into a notebook.
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict}


def evaluated(annotation: str) -> Any:
    """Evaluate an annotation made of built-in types, such as `Optional[list[float]]`."""

    def build(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name) if name in _TYPES:
                return _TYPES[name]
            case ast.Constant(value=None):
                return type(None)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return build(left) | build(right)
            case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
                return build(inner) | None
            case ast.Subscript(value=ast.Name(id="list"), slice=inner):
                return list[build(inner)]  # type: ignore[misc]
            case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, inner])):
                return dict[build(key), build(inner)]  # type: ignore[misc]
        raise PressError(
            f"a type must be made of {', '.join(_TYPES)}, such as list[int], dict[str, float] or "
            f"Optional[str]; got {annotation!r}"
        )

    return build(ast.parse(annotation, mode="eval").body)


def alternatives(type_: Any) -> set[Any]:
    """Return the types that a value may have: {list, NoneType} for `list[int] | None`."""
    if isinstance(type_, UnionType):
        return set().union(*map(alternatives, get_args(type_)))
    return {get_origin(type_) or type_}


def innermost(type_: Any) -> set[Any]:
    """Return the types that a type is made of in the end: {str, int} for `dict[str, int]`."""
    return set().union(*map(innermost, get_args(type_))) if get_args(type_) else {type_}
