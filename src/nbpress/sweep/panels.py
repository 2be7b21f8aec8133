"""Draws the panels of a sweep's figures: their content, style and scales.

Colour-blind readers can tell the colours apart; in grey print the markers differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbpress.sweep.tables import is_number, label, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_MOST_LINES = 6
_OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#555555"]
_MARKERS = "osD^vP"
_WIDE = 10  # if the largest value exceeds this multiple of the smallest, the axis is logarithmic
STYLE: Any = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
}


def draw_effect(axes: Axes, runs: DataFrame, value: str, name: str, names: list[str]) -> None:
    """Draw the mean and spread of a value against one parameter, with lines for another one."""
    import matplotlib as mpl

    others = [
        other
        for other in names
        if other != name
        and 2 <= runs[other].nunique() <= _MOST_LINES
        and runs.groupby(name)[other].nunique().max() > 1  # not zipped with it
    ]
    is_ordered = bool(others) and is_number(runs[others[0]])
    groups = list(runs.groupby(others[0], sort=is_ordered)) if others else [(None, runs)]
    positions = _scale_parameter(axes, runs[name])
    for i, (key, group) in enumerate(groups):
        shade = mpl.colormaps["viridis"](0.88 * i / max(1, len(groups) - 1))
        color = shade if is_ordered else _OKABE_ITO[i]
        repeat = runs.attrs["repeat"]
        each = (
            group.groupby([name, *repeat], sort=is_number(runs[name]))[value]
            .mean()
            .groupby(level=0, sort=False)
        )
        mean, deviation = each.mean(), each.std() if repeat else np.nan
        aside = 0 if is_number(runs[name]) else 0.05 * (i - (len(groups) - 1) / 2)
        x = [positions[at] + aside for at in mean.index]
        line: dict[str, Any] = {"lw": 1.2} if is_number(runs[name]) else {"lw": 0.8, "ls": ":"}
        axes.plot(x, mean, marker=_MARKERS[i], ms=3.5, color=color, label=text(key), **line)
        if is_number(runs[name]):
            axes.fill_between(x, mean - deviation, mean + deviation, color=color, alpha=0.18, lw=0)
        else:
            axes.errorbar(x, mean, deviation, color=color, lw=0, elinewidth=1, capsize=2)
    axes.grid(True)
    axes.set_axisbelow(True)
    if others:
        columns = 2 if len(groups) < 5 else 3
        axes.legend(
            title=label(others[0]), fontsize=7.5, title_fontsize=8, ncols=columns,
            loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=1, handlelength=1.6,
        )  # fmt: skip
    axes.set_xlabel(label(name))


def draw_heat_map(axes: Axes, cells: DataFrame, value: str) -> None:
    """Draw a value over two parameters; up to 60 cells also show their number."""
    from matplotlib.colors import LogNorm, Normalize

    array = cells.to_numpy()
    low, high = np.nanmin(array), np.nanmax(array)
    norm = LogNorm(low, high) if _is_wide(cells.stack()) else Normalize(low, high)
    image = axes.imshow(array, cmap="cividis", norm=norm, aspect="auto", origin="lower")
    axes.set_xticks(range(array.shape[1]), map(text, cells.columns))
    axes.set_yticks(range(array.shape[0]), map(text, cells.index))
    axes.tick_params(length=0, labelsize=8)
    axes.set(xlabel=label(str(cells.columns.name)), ylabel=label(str(cells.index.name)))
    axes.set_title(label(value), fontsize=9)
    axes.figure.colorbar(image, ax=axes, pad=0.02).ax.tick_params(labelsize=7)
    for (row, column), mean in np.ndenumerate(array):
        if array.size <= 60 and np.isfinite(mean):
            color = "black" if norm(mean) > 0.55 else "white"
            axes.text(
                column,
                row,
                f"{mean:#.3g}".rstrip("."),
                ha="center",
                va="center",
                size=7,
                color=color,
            )


def _scale_parameter(axes: Axes, column: Any) -> dict[Any, float]:
    """Scale the axis of a parameter; return the positions of its values."""
    known = sorted(set(column)) if is_number(column) else list(dict.fromkeys(column))
    gaps = np.diff(known) if is_number(column) else np.ones(1)
    if not is_number(column) or (known[0] == 0 and len(known) > 2 and known[-1] > _WIDE * known[1]):
        axes.set_xticks(range(len(known)), [text(each) for each in known])
        axes.margins(x=0.15 if len(known) < 4 else 0.05)
        return {each: float(i) for i, each in enumerate(known)}
    if len(known) > 2 and known[0] > 0 and np.ptp(np.diff(np.log(known))) < np.ptp(np.log(gaps)):
        axes.set_xscale("log")
    if len(known) <= 6:
        axes.set_xticks(known, [text(each) for each in known])
        axes.set_xticks([], minor=True)
    return {each: float(each) for each in known}


def _is_wide(values: Any) -> bool:
    """Return whether positive values are so far apart that a logarithmic scale suits them."""
    return bool(values.min() > 0 and values.max() > _WIDE * values.min())


def scale_values(axes: Axes, values: Any, value: str) -> None:
    """Scale the axis of a value; on a logarithmic one, bands end at the lowest run."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = values.min(), values.max()
    if _is_wide(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        axes.yaxis.set_major_formatter(lambda each, _: f"{each:,.6g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(bottom=low / (high / low) ** 0.05)
    axes.set_ylabel(label(value))
