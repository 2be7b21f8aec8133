"""Numbers as print sets them, and values as JSON holds them exactly."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping
from typing import Any


def prose(text: str, /, **values: Any) -> str:
    """Return a text with its numbers set as `answer` sets them, for the cells of a table."""
    return _PROSE.vformat(text, (), values)


def quoted_names(text: str) -> set[str]:
    """Return the names of the values that a text quotes, `{stop_step:,}` that of stop_step."""
    fields = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    return {re.split(r"[.\[]", name)[0] for name in fields}


class _Prose(string.Formatter):
    """Formats numbers as print does: −0.5 with a minus sign, and 1.8 × 10⁻⁷ for 1.8e-07."""

    def format_field(self, value: Any, format_spec: str) -> str:
        value = value.tolist() if hasattr(value, "tolist") else value
        text = str(super().format_field(value, format_spec))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return text
        number = re.fullmatch(r"([-+]?[\d.,]+)e([-+]\d+)", text)
        if not number:
            return text.replace("-", "−")
        power = f"10{str(int(number[2])).translate(_SUPERSCRIPT)}"
        mantissa = number[1].replace("-", "−")
        return power if mantissa == "1" else f"{mantissa}\u00a0×\u00a0{power}"


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PROSE = _Prose()


def plain(name: str, value: Any) -> Any:
    """Turn NumPy's scalars and arrays, and tuples, into what JSON holds exactly."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(name, item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(
            f"{name} must be a finite number, as JSON has no {value}; "
            "correct what computes it, or give None where there is no number"
        )
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} must be a number, text, list or mapping; got {type(value).__name__}")
