"""What is wrong with a YAML file, in the words of those who write such files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from nbpress.errors import did_you_mean

# What pydantic's kinds of errors mean for a value; those in braces are its own limits.
_EXPECTED = {
    "string_type": "expected a text",
    "list_type": "expected a list",
    "dict_type": "expected a name and a value for each, such as `epochs: [1, 2]`",
    "model_type": "expected keys with values, such as `notebook: 1_sums.ipynb`",
    "too_short": "expected at least {min_length}; got none",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "greater_than": "expected a number above {gt}",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "literal_error": "expected {expected}",
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        "expected a date such as 2026-03-31",
    ),
}


def complaints(error: ValidationError, known: list[str]) -> list[str]:
    """Return a line for each mistake; entries are counted from one, as people do."""
    return [_complaint(problem, known) for problem in error.errors()]


def _complaint(problem: Mapping[str, Any], known: list[str]) -> str:
    kind, got = problem["type"], problem["input"]
    key = ".".join(str(p + 1 if isinstance(p, int) else p) for p in problem["loc"])
    if kind == "extra_forbidden":
        return f"unknown key {key!r}" + did_you_mean(str(problem["loc"][-1]), known)
    if kind == "missing":
        return f"{key} is missing"
    if kind == "value_error":
        return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    if problem["loc"][-1:] == ("[key]",):
        key = ".".join(map(str, problem["loc"][:-2]))
        return f"{key}: expected names before the colons; got {got!r:.60}"
    message = _EXPECTED.get(kind, problem["msg"].lower()).format(**problem.get("ctx", {}))
    if isinstance(got, str | int | float) and kind != "too_short":
        message += f"; got {got!r:.60}"
        message += f"; write [{got}]" if kind == "list_type" else ""
    elif got is None:
        message += "; got nothing"
    return f"{key}: {message}" if key else message
