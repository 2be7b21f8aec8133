"""Formats numbers for print, and converts values so that JSON holds them exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_MINUS_ZERO = re.compile(r"^-(?=0(?:\.0*)?%?$)")
_COUNTED = re.compile(r"(\S*) ([^|]+)\|([^|]+)")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class ValueRefused(TypeError):
    """A value that cannot be recorded; IPython shows the message alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def set_value(value: Any, format_: str) -> str:
    """Format a value, numbers as in print: −0.5 with a minus sign, 1.8 × 10⁻⁷ for 1.8e-07.

    In a list each value is formatted: "1, 2 and 3", or "none" if the list is empty. A format may
    end in a word for one and another for any other number: with ", step|steps", 1546 becomes
    "1,546 steps", and 1 "1 step".
    """
    if counted := _COUNTED.fullmatch(format_):
        number = set_value(value, counted[1])
        return f"{number} {counted[2] if number == '1' else counted[3]}"
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        *others, last = [_set_one(each, format_) for each in value] or ["none"]
        return f"{', '.join(others)} and {last}" if others else last
    return _set_one(value, format_)


def _set_one(value: Any, format_: str) -> str:
    if isinstance(value, list | tuple | Mapping | None) and not format_:
        raise TypeError("expected a number, a text or a flat list of these")
    text = _MINUS_ZERO.sub("", format(value, format_))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text
    number = re.fullmatch(r"([-+]?[\d.,]+)e([-+]\d+)", text)
    if not number:
        return text.replace("-", "−")
    power = f"10{str(int(number[2])).translate(_SUPERSCRIPT)}"
    mantissa = number[1].replace("-", "−")
    return power if mantissa == "1" else f"{mantissa}\u00a0×\u00a0{power}"


# What JSON would hold of a subclass, which may print itself as something else.
_EXACT: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
}


def plain(name: str, value: Any) -> Any:
    """Convert NumPy scalars, arrays, tuples and subclasses to types that JSON holds exactly."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(name, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(name, each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueRefused(
            f"{name} must be a finite number, because JSON has no {value}; "
            "correct its computation, or use None where there is no number"
        )
    if value is None or isinstance(value, bool):
        return value
    for type_, exact in _EXACT.items():
        if isinstance(value, type_):
            return exact(value)
    kind = type(value).__name__
    raise ValueRefused(f"{name} must be a number, text, list or mapping; got {kind}")
