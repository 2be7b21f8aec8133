"""Plots of what is counted or measured for runs, batches, predictions and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from onelayer.models import Array
from onelayer.plots.look import BLUE, GREY, PALE, Percent, axes_of, figure_of


def stop_distribution(epochs: Sequence[int], marked: int) -> Figure:
    """Plot a dot for each run at the epoch in which it stopped, and mark one epoch."""
    with axes_of(height=1.7) as (figure, axes):
        seen: dict[int, int] = {}
        for epoch in epochs:
            height = seen[epoch] = seen.get(epoch, 0) + 1
            axes.plot(epoch, height, "o", color=BLUE, markersize=6, clip_on=False)
        axes.axvline(marked, color=GREY, linestyle=(0, (4, 1.2)), linewidth=1.2, zorder=0)
        top = max(seen.values())
        axes.annotate(
            f"this report: {marked}",
            (marked, top + 0.75),
            xytext=(5, 0),
            textcoords="offset points",
        )
        axes.set(
            xlabel="epoch of the stop, counted from 0",
            ylabel="number of seeds",
            ylim=(0, top + 1.1),
        )
        axes.set_xlim(left=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    return figure


def accuracy_by_batch(accuracies: Mapping[str, Array], gradient_norm: Array, marked: int) -> Figure:
    """Plot accuracies (P,) by batch in the epoch, and below them the norm of each batch's gradient.

    A line through both marks one batch, and its bar differs in colour.
    """
    with figure_of(height=3.4) as figure:
        above, below = figure.subplots(2, sharex=True)
        batches = np.arange(len(gradient_norm))
        for name, accuracy in accuracies.items():
            above.plot(batches, accuracy, marker=".", label=name)
        below.bar(batches, gradient_norm, color=[BLUE if i == marked else PALE for i in batches])
        for axes in (above, below):
            axes.axvline(marked, color=GREY, linestyle=(0, (1, 1.5)), linewidth=0.8, zorder=0)
            axes.margins(x=0.01)
        above.set_ylabel("validation accuracy")
        below.set(xlabel="batch of the epoch, counted from 0", ylabel="norm of gradient")
        above.yaxis.set_major_formatter(Percent())
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def confusion(counts: NDArray[Any], names: Sequence[str] | None = None) -> Figure:
    """Show how many images of each class (row) are predicted as each (column), (K, K).

    `names` are the names of the classes; without them, classes are numbered from 0.
    """
    errors = np.array(counts, dtype=float)
    np.fill_diagonal(errors, 0)
    with axes_of(height=3.3) as (figure, axes):
        axes.imshow(errors, cmap="Oranges", vmax=1.6 * max(errors.max(), 1))
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = GREY if row == column else "black"  # the mistakes are to be seen
                axes.text(column, row, f"{count}", ha="center", va="center", color=color)
        ticks = range(len(counts))
        axes.set(xlabel="predicted", ylabel="digit", xticks=ticks, yticks=ticks)
        if names is not None:
            axes.set(xticklabels=names, yticklabels=names)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def squared_norms(norms: Mapping[float, float]) -> Figure:
    """Plot Σ w² against λ, both logarithmic; the value for λ = 0 is a dashed line across."""
    positive = {value: norm for value, norm in norms.items() if value > 0}
    with axes_of(height=2.3) as (figure, axes):
        axes.loglog(
            list(positive), list(positive.values()), "o", color=BLUE, linestyle="-", linewidth=1.2
        )
        for value, norm in positive.items():
            axes.annotate(  # left of the curve and below it, where the dashed line is not
                f"{norm:.3g}",
                (value, norm),
                xytext=(-6, -5),
                textcoords="offset points",
                ha="right",
                va="top",
            )
        if 0 in norms:
            axes.axhline(norms[0], color=GREY, linestyle=(0, (4, 1.2)), linewidth=1.2)
            axes.annotate(
                f"λ = 0: {norms[0]:.3g}",
                (1, norms[0]),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 4),
                textcoords="offset points",
                ha="right",
            )
        axes.set(xlabel="λ", ylabel="Σ w²")
        for axis in (axes.xaxis, axes.yaxis):  # 0.01, not 10⁻²: no formula, so the text's typeface
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.08, y=0.2)
    return figure
