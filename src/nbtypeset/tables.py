"""Aligns the columns of numbers in tables by their decimal points."""

from __future__ import annotations

import re
from typing import Any

from nbtypeset.tree import Node, node, plain

# A sign, digits, a fraction, and what follows them: "%", " × 10⁻⁷". "2d" is not a number.
_POWER = "[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+"
_NUMBER = re.compile(rf"[<>≤≥≈±+−-]?\s?\d[\d,]*(?:\.(\d+))?((?:\s?×\s?10)?{_POWER}|\s?[^\w\s.]*)")
_DIGIT, _POINT = "\u2007", "\u2008"  # blanks as wide as a digit, and as a point


def align_numbers(table: Node) -> None:
    """Align columns of numbers to the right, padding each number so that the points line up.

    A column counts if most of its cells are numbers with the same unit and the others have no
    digits; one that is explicitly aligned to the left or the middle is not changed.
    """
    _, _, columns, _, bodies, _ = table["c"]
    rows = [cells for _, _, above, below in bodies for _, cells in [*above, *below]]
    if not rows or any(_is_spread(cell) for cells in rows for cell in cells):
        return
    for index, column in enumerate(columns):
        if column[0]["t"] in ("AlignDefault", "AlignRight"):
            cells = [row[index] for row in rows if index < len(row)]
            if (fractions := _fractions([plain(cell[4]).strip() for cell in cells])) is not None:
                column[0] = {"t": "AlignRight"}
                for cell, fraction in zip(cells, fractions, strict=True):
                    _fill(cell, fraction, max(f for f in fractions if f is not None))


def _is_spread(cell: list[Any]) -> bool:
    """Return whether a cell spans several rows or columns."""
    return bool(cell[2] != 1 or cell[3] != 1)


def _fractions(texts: list[str]) -> list[int | None] | None:
    """Return the number of decimals of each number; None if it is not a column of numbers."""
    numbers = [_NUMBER.fullmatch(text) for text in texts]
    units = {number[2] for number in numbers if number}
    others = [text for text, number in zip(texts, numbers, strict=True) if not number]
    most = len(others) < len(texts) / 2
    if not most or len({len(unit) for unit in units}) != 1 or re.search(r"\d", "".join(others)):
        return None
    return [len(number[1] or "") if number else None for number in numbers]


def _fill(cell: list[Any], fraction: int | None, longest: int) -> None:
    """Put blanks after a number with fewer decimals than the longest."""
    if fraction is None or fraction == longest or not cell[4]:
        return
    blanks = ("" if fraction else _POINT) + _DIGIT * (longest - fraction)
    last = cell[4][-1]
    if last["t"] in ("Plain", "Para"):
        last["c"].append(node("Str", blanks))
