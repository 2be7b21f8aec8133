"""How the plots of this package look: colours, axes and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from onelayer.errors import SettingError

BLUE, VERMILION = "#0072B2", "#D55E00"
GREY = "#555555"  # for anything that is neither training nor validation
PALE = "#BBBBBB"  # for the bars beside the marked one
TRAINING: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.2}
VALIDATION: dict[str, Any] = {"color": VERMILION, "linestyle": (0, (4, 1.2)), "linewidth": 1.4}
STYLE = "onelayer.style.report"  # style/report.mplstyle, as matplotlib finds it


@contextmanager
def figure_of(height: float | None = None) -> Iterator[Figure]:
    """Yield a figure as wide as the text, in the report's style."""
    with matplotlib.style.context(STYLE):
        figure = Figure()
        if height:
            figure.set_figheight(height)
        yield figure


@contextmanager
def axes_of(height: float | None = None) -> Iterator[tuple[Figure, Axes]]:
    """Yield such a figure with one pair of axes."""
    with figure_of(height) as figure:
        yield figure, figure.subplots()


def label_steps(
    axes: Axes, ylabel: str, ylim: Sequence[float] | None, percent: bool = False
) -> None:
    """Label axes over gradient steps; with `percent`, fractions are written as percentages.

    `ylim` are the limits of the vertical axis; None: those that fit.

    Raises
    ------
    SettingError
        If they are not a lower and a higher number.
    """
    axes.set(xlabel="gradient step", ylabel=ylabel)
    axes.margins(x=0.01)
    if ylim is not None:
        if len(ylim) != 2 or not ylim[0] < ylim[1]:
            raise SettingError(f"an axis must have a lower and a higher limit; got {list(ylim)}")
        axes.set_ylim(*ylim)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    if percent:
        axes.yaxis.set_major_formatter(Percent())


class Percent(Formatter):
    """Fractions in percent, with the same number of decimals along an axis: 92.0% beside 92.2%."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the label of a value alone."""
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        """Return all labels of an axis."""
        percent = [100 * value for value in values]
        decimals = max((len(f"{each:g}".partition(".")[2]) for each in percent), default=0)
        return [f"{each:.{decimals}f}%" for each in percent]
