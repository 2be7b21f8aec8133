"""The keys of YAML files, with their meanings from the docstrings below them."""

from __future__ import annotations

import ast
import datetime
import inspect
import re
import textwrap
import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nbpress.say.markdown import pipe_table

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false",
          datetime.date: "date", Any: "value"}  # fmt: skip


def keys_of(model: type[BaseModel]) -> str:
    """Return a table of a YAML file's keys; their meaning is the docstring below each field."""
    meanings = docstrings_of_fields(model)
    rows = [
        [
            f"`{field.alias or name}`",
            in_words(field.annotation),
            default_of(field),
            meanings[name],
        ]
        for name, field in model.model_fields.items()
    ]
    return pipe_table(["key", "value", "default", "meaning"], rows)


def docstrings_of_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return the string below each of a class's fields."""
    (class_,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(class_, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(class_.body, class_.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def in_words(annotation: Any) -> str:
    """Return the name of a type in YAML, "list of text"."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return in_words(inner[0])
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(in_words(each) for each in inner if each is not type(None))
    if origin is list:
        return f"list of {plural(in_words(inner[0]))}"
    if origin is dict:
        return f"mapping of {plural(in_words(inner[0]))} to {plural(in_words(inner[1]))}"
    return f"{annotation.__name__.lower()}, see below"


def plural(name: str) -> str:
    """Return the plural of a type's name: "texts", "lists of texts", "chapters, see below"."""
    return re.sub(r"^(text|whole number|number|date|value|list|mapping|chapter)\b", r"\1s", name)


def default_of(field: FieldInfo) -> str:
    """Return a key's default, "none", or "must be given"."""
    if field.is_required():
        return "must be given"
    return f"`{field.default}`" if field.default not in (None, "", [], {}) else "none"
