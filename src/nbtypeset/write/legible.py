"""Tells whether the letters of a plot that is shrunk to fit its page can still be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SMALLEST = 5  # points
_MOST = 0.5  # of its size: a plot of unknown letters that is shrunk further cannot be read easily
_FONT_SIZE = re.compile(r"font(?:-size)?\s*[:=]\s*[\"']?[^;\"'<>]*?(\d+(?:\.\d+)?)px")
# A letter that Matplotlib draws: its outlines are those of a font of 100 units.
_DRAWN = re.compile(r"scale\((0?\.\d+|\d+(?:\.\d+)?) -(?:0?\.\d+|\d+(?:\.\d+)?)\)")
_BEGIN = 8000  # bytes with a picture's metadata


def complaint(content: bytes, factor: float) -> str:
    """Return what a reader would complain of in a plot shrunk by `factor`; "" for nothing.

    The size of letters is known in SVG. In a picture of pixels it is not, and only one that
    Matplotlib drew is known to be a plot, not a photograph.
    """
    percent = f"shrunk to {factor:.0%} of its size".replace("%", " %")
    if b"<svg" in content[:_BEGIN]:
        smallest = min(_letters(content.decode("utf-8", "replace")), default=0) * factor
        if 0 < smallest < _SMALLEST:
            return f"a plot is {percent}, its smallest letters to {smallest:.1f} pt"
    elif b"Matplotlib" in content[:_BEGIN] and factor < _MOST:
        return f"a plot is {percent}, its letters may be too small to read"
    return ""


def _letters(svg: str) -> Iterator[float]:
    """Yield the sizes of a plot's letters in the units of the plot, which are points."""
    if "Matplotlib" in svg[:_BEGIN]:
        yield from (float(size) for size in _FONT_SIZE.findall(svg))
        yield from (100 * float(size) for size in _DRAWN.findall(svg))
