"""What counts as the truth of a claim."""

from __future__ import annotations


def truth(holds: object) -> bool:
    """Return whether something holds; a list of truths, or a function, is no truth."""
    if type(holds).__name__ in ("BooleanTrue", "BooleanFalse"):  # SymPy's
        return bool(holds)
    value = holds.item() if getattr(holds, "shape", None) == () else holds  # type: ignore[attr-defined]
    if not isinstance(value, bool):
        raise TypeError(
            f"what is claimed must be True or False; got {holds!r:.80}. "
            "Of several truths, say which is meant: all(…) or any(…)"
        )
    return value
