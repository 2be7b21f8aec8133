"""Decides whether a claim holds."""

from __future__ import annotations


def truth(holds: object) -> bool:
    """Return whether something holds; refuse anything but a bool, such as a list or a function."""
    if type(holds).__name__ in ("BooleanTrue", "BooleanFalse"):  # SymPy's
        return bool(holds)
    value = holds.item() if getattr(holds, "shape", None) == () else holds  # type: ignore[attr-defined]
    if not isinstance(value, bool):
        raise TypeError(
            f"`holds` must be True or False; got {holds!r:.80}. "
            "For several truth values, use all(…) or any(…)"
        )
    return value
