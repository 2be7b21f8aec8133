"""Curves as SVG in the colours of JupyterLab's theme, drawn in a millisecond during training."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from onelayer.models import Array

TRAINING, VALIDATION = "var(--explore-training)", "var(--explore-validation)"
KEPT = ("#009E73", "#CC79A7", "#E69F00", "#8C6BB1")  # distinct from the two above
DASHES = ("", "6 2", "1.5 2")
MOST_KEPT = len(KEPT) * len(DASHES)  # that can be told apart

_WIDTH, _HEIGHT = 460, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 36
_MOST_POINTS = 200  # of a curve: about one for every two pixels
_EARLY = 0.1  # share of the steps, at the beginning, whose curves may leave the picture


class Line(NamedTuple):
    """A curve: its points and its style."""

    steps: Any  # a list or an array of int
    values: Any  # of float, as long
    colour: str
    dash: str = ""
    width: float = 1.5


def kept_look(number: int) -> tuple[str, str]:
    """Return colour and dash of the kept run with this number, counted from 1."""
    dash, colour = divmod(number - 1, len(KEPT))
    return KEPT[colour], DASHES[dash]


def swatch(colour: str, dash: str = "") -> str:
    """Return a short stroke, for a legend."""
    return (
        '<svg class="swatch" width="26" height="10" aria-hidden="true"><line x1="1" x2="25" '
        f'y1="5" y2="5" stroke="{colour}" stroke-dasharray="{dash}" stroke-width="2.5"/></svg>'
    )


def chart(title: str, lines: Sequence[Line], num_steps: int, percent: bool = False) -> str:
    """Return lines over gradient steps from 0 to `num_steps`, as one SVG.

    The vertical axis fits all values but the early ones, so that later changes are visible.
    """
    lines = [_thinned(line) for line in lines if len(line.steps)]
    num_steps = max([num_steps, 1, *(line.steps[-1] for line in lines)])
    low, high = _limits(lines, num_steps)
    xs = [x for x in MaxNLocator(5, integer=True).tick_values(0, num_steps) if 0 <= x <= num_steps]
    ys = [y for y in MaxNLocator(5).tick_values(low, high) if low <= y <= high]
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(step: Array) -> Array:
        return np.asarray(step) / num_steps * width

    def down(value: Array) -> Array:
        return height - (np.asarray(value) - low) / (high - low) * height

    grid = [
        f'<line class="grid" x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{_tick(value, percent)}</text>'
        for value, y in zip(ys, down(np.array(ys)), strict=True)
    ]
    grid += [
        f'<text x="{x:.1f}" y="{height + 16}" text-anchor="middle">{value:,.0f}</text>'
        for value, x in zip(xs, across(np.array(xs)), strict=True)
    ]
    curves = [
        f'<polyline points="{_points(across(line.steps), down(line.values))}" '
        f'stroke="{line.colour}" stroke-dasharray="{line.dash}" stroke-width="{line.width}"/>'
        for line in lines
    ]
    return (
        f'<svg class="chart" viewBox="{-_LEFT} {-_TOP} {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(grid)}'
        f'<svg width="{width}" height="{height}">{"".join(curves)}</svg>'  # it clips
        f'<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/>'
        f'<text x="{width / 2}" y="{height + 32}" text-anchor="middle">gradient step</text></svg>'
    )


def _points(x: Array, y: Array) -> str:
    return " ".join(map("{:.1f},{:.1f}".format, x.tolist(), y.tolist()))


def _thinned(line: Line) -> Line:
    """Return a line with few points, the last one among them, as arrays of equal length."""
    length = len(line.steps)  # a running training may add values meanwhile
    shown = np.unique(np.linspace(0, length - 1, min(length, _MOST_POINTS)).astype(int))
    steps, values = np.array(line.steps[:length]), np.array(line.values[:length])
    return line._replace(steps=steps[shown], values=values[shown])


def _limits(lines: Sequence[Line], num_steps: int) -> tuple[float, float]:
    """Return the limits of the vertical axis, with a margin; they are never equal."""
    late = [
        line.values[min(np.searchsorted(line.steps, _EARLY * num_steps), len(line.steps) - 1) :]
        for line in lines
    ]
    values = np.concatenate(late) if late else np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _tick(value: float, percent: bool) -> str:
    return f"{100 * value:.4g} %" if percent else f"{value:.4g}"
