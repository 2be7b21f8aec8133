"""Adapts plots to a dark page: the same lines, in colours that stand out from its background."""

from __future__ import annotations

import colorsys
import re

_COLOUR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})\b")
_ROOT = re.compile(r"<svg\b[^>]*>")
_INK, _PAPER = (228, 229, 231), (23, 25, 28)  # those of report.css
_GREY = 12  # by how much the red, green and blue of a grey may differ


def for_both_schemes(svg: bytes) -> bytes | None:
    """Return a Matplotlib plot with extra colours for dark pages; None for any other picture.

    Only in these plots is it known what each colour means: paper, ink or the colour of a line.
    Pictures within a plot keep their colours.
    """
    drawing = svg.decode("utf-8", "replace")
    root = _ROOT.search(drawing)
    if root is None or "Matplotlib v" not in drawing[:4000]:
        return None
    rules = "".join(
        f'[style*="{kind}: {colour}"]{{{kind}:{_dark(colour)}!important}}'
        for kind, colour in sorted(set(_COLOUR.findall(drawing)))
    )
    ink = "#{:02x}{:02x}{:02x}".format(*_INK)
    style = f"<style>@media (prefers-color-scheme:dark){{svg{{fill:{ink}}}{rules}}}</style>"
    return (drawing[: root.end()] + style + drawing[root.end() :]).encode()


def _dark(colour: str) -> str:
    """Return the dark version of a colour: a grey between ink and paper, or a lighter tint."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    if max(parts) - min(parts) <= _GREY:
        light = sum(parts) / 3 / 255
        parts = [
            round(ink + (paper - ink) * light) for ink, paper in zip(_INK, _PAPER, strict=True)
        ]
    else:
        hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in parts))
        parts = [round(255 * part) for part in colorsys.hls_to_rgb(hue, max(light, 0.6), full)]
    return "#{:02x}{:02x}{:02x}".format(*parts)
