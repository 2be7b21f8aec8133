"""The report's figures: each function takes numbers and returns a Figure at its printed size.

The same quantity looks the same everywhere: training is blue and solid, validation vermilion and
dashed. All else that makes up the look stands in `onelayer.style`, for plots of anybody's:
`plt.style.use("onelayer.style.report")`. The colours are Okabe and Ito's
(https://jfly.uni-koeln.de/color/). pyplot is not used: no global state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import Formatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from onelayer.history import History
from onelayer.models import Array

BLUE, VERMILION = "#0072B2", "#D55E00"
GREY = "#555555"  # what is neither training nor validation
PALE = "#BBBBBB"  # bars beside the one that is meant
TRAINING: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.2}
VALIDATION: dict[str, Any] = {"color": VERMILION, "linestyle": (0, (4, 1.2)), "linewidth": 1.4}
STYLE = "onelayer.style.report"  # style/report.mplstyle, as matplotlib finds it


def loss_curves(history: History, ylim: Sequence[float] | None = None, window: int = 10) -> Figure:
    """Plot training and validation loss against gradient steps.

    The training loss is drawn as the mean over `window` steps, with a band of ± one standard
    deviation of the loss within the window; at the window's middle.
    """
    whole = len(history.train_loss) // window * window
    windows = history.train_loss[:whole].reshape(-1, window)
    middle = np.arange(len(windows)) * window + (window - 1) / 2
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    with _axes() as (figure, axes):
        axes.fill_between(
            middle, mean - deviation, mean + deviation, color=BLUE, alpha=0.22, linewidth=0
        )
        label = f"training (mean of {window} steps ± 1 s.d.)"
        axes.plot(middle, mean, label=label, **{**TRAINING, "linewidth": 0.8})
        axes.plot(
            history.validation_step, history.validation_loss, label="validation", **VALIDATION
        )
        _label_steps(axes, "cross entropy (nats per image)", ylim)
        axes.legend(loc="upper right")
    return figure


def accuracy_curves(history: History, ylim: Sequence[float] | None = None) -> Figure:
    """Plot training and validation accuracy against gradient steps.

    Raises
    ------
    ValueError
        If the history holds no training accuracy.
    """
    if history.train_accuracy is None:
        raise ValueError("history must hold a train_accuracy: train with train_accuracy=True")
    with _axes() as (figure, axes):
        axes.plot(history.validation_step, history.train_accuracy, label="training", **TRAINING)
        axes.plot(
            history.validation_step, history.validation_accuracy, label="validation", **VALIDATION
        )
        _label_steps(axes, "accuracy", ylim, percent=True)
        axes.legend(loc="lower right")
    return figure


def validation_accuracies(
    histories: Mapping[str, History], ylim: Sequence[float] | None = None
) -> Figure:
    """Plot the validation accuracy of several runs, by name, on one graph."""
    with _axes() as (figure, axes):
        if len(histories) > (most := len(mpl.rcParams["axes.prop_cycle"])):
            raise ValueError(f"at most {most} runs can be told apart; got {len(histories)}")
        for name, history in histories.items():
            axes.plot(history.validation_step, history.validation_accuracy, label=name)
        _label_steps(axes, "validation accuracy", ylim, percent=True)
        figure.legend(loc="outside upper center", ncols=len(histories))
    return figure


def stop_distribution(epochs: Sequence[int], marked: int) -> Figure:
    """Plot one dot for each run over the epoch in which it stopped; one epoch is marked."""
    with _axes(height=1.7) as (figure, axes):
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
        axes.set(xlabel="epoch of the stop, counted from 0", ylabel="seeds", ylim=(0, top + 1.1))
        axes.set_xlim(left=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    return figure


def accuracy_by_place(accuracies: Mapping[str, Array], gradient_norm: Array, marked: int) -> Figure:
    """Plot accuracies (P,) by place in the epoch, and below them the norm of each batch's gradient.

    A line through both marks one place, and its bar differs in colour.
    """
    with matplotlib.style.context(STYLE):
        width, _ = mpl.rcParams["figure.figsize"]
        figure = Figure(figsize=(width, 3.4))
        above, below = figure.subplots(2, sharex=True)
        places = np.arange(len(gradient_norm))
        for name, accuracy in accuracies.items():
            above.plot(places, accuracy, marker=".", label=name)
        below.bar(places, gradient_norm, color=[BLUE if i == marked else PALE for i in places])
        for axes in (above, below):
            axes.axvline(marked, color=GREY, linestyle=(0, (1, 1.5)), linewidth=0.8, zorder=0)
            axes.margins(x=0.01)
        above.set_ylabel("validation accuracy")
        below.set(xlabel="batch of the epoch, counted from 0", ylabel="norm of gradient")
        above.yaxis.set_major_formatter(_Percent())
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def captioned_images(rows: Mapping[str, tuple[Array, Sequence[str]]]) -> Figure:
    """Show rows of images (N, H, W) with pixels in [−1, 1], each image below a text of its own."""
    num_columns = max(len(images) for images, _ in rows.values())
    with matplotlib.style.context(STYLE):
        width, _ = mpl.rcParams["figure.figsize"]
        figure = Figure(figsize=(width, (width / num_columns + 0.22) * len(rows)))
        row_axes = figure.subplots(len(rows), squeeze=False)[:, 0]
        for (name, (images, texts)), axes in zip(rows.items(), row_axes, strict=True):
            _side_by_side(axes, name, images, texts, num_columns)
    return figure


def weight_images(rows: Mapping[str, Array], names: Sequence[str] | None = None) -> Figure:
    """Show weights as pictures: one row for each name, of images (K, H, W).

    `names` are those of the classes; without them they are numbered from 0.

    Each row has its own grey scale, symmetric about zero, beside it: grey is 0, white positive,
    black negative. Rows differ in scale by far, and their patterns are what is compared.
    """
    num_columns = len(next(iter(rows.values())))
    with matplotlib.style.context(STYLE):
        width, _ = mpl.rcParams["figure.figsize"]
        height = width / (num_columns + 2) * len(rows) + 0.6
        layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.02)
        figure = Figure(figsize=(width, height), layout=layout)
        row_axes = figure.subplots(len(rows), squeeze=False)[:, 0]
        for (name, images), axes in zip(rows.items(), row_axes, strict=True):
            bound = float(np.abs(images).max()) or 1.0
            digits = (names or list(map(str, range(num_columns)))) if axes is row_axes[0] else []
            picture = _side_by_side(axes, name, images, digits, num_columns, bound)
            bar = figure.colorbar(picture, ax=axes, aspect=8, pad=0.01)
            bar.set_ticks([-bound, 0, bound], labels=[f"−{bound:.2g}", "0", f"{bound:.2g}"])
            bar.ax.tick_params(labelsize=8, length=2)
            bar.outline.set_linewidth(0.4)
    return figure


def accuracies_by_lambda(
    histories: Mapping[str, History], ylim: Sequence[float] | None = None
) -> Figure:
    """Plot the validation accuracy of several λ, by name, all on one graph.

    Curves that lie close together are shown once more beside it, larger: those that end within the
    upper quarter of the range of the ends, in their second half.
    """
    ends = {name: float(h.validation_accuracy[-20:].mean()) for name, h in histories.items()}
    highest, lowest = max(ends.values()), min(ends.values())
    close = [name for name, end in ends.items() if highest - end <= (highest - lowest) / 4]
    with matplotlib.style.context(STYLE):
        figure = Figure()
        figure.set_figheight(3.0)
        looks = dict(zip(histories, mpl.rcParams["axes.prop_cycle"](), strict=False))
        whole, near = figure.subplots(1, 2, width_ratios=[1.4, 1])
        for axes, names in ((whole, list(histories)), (near, close)):
            for name in names:
                steps = histories[name].validation_step
                shown = steps >= (steps[-1] / 2 if axes is near else 0)
                accuracy = histories[name].validation_accuracy
                axes.plot(steps[shown], accuracy[shown], label=name, **looks[name])
            _label_steps(axes, "validation accuracy" if axes is whole else "", None, percent=True)
            axes.xaxis.set_major_locator(MaxNLocator(5 if axes is whole else 3))
        if ylim is not None:
            whole.set_ylim(*ylim)
        figure.legend(  # handles as long as the longest pattern of dashes takes
            *whole.get_legend_handles_labels(),
            loc="outside upper center",
            ncols=len(histories),
            handlelength=3.2,
            columnspacing=1.4,
        )
    return figure


def confusion(counts: NDArray[Any], names: Sequence[str] | None = None) -> Figure:
    """Show how many images of each class (row) are predicted as each (column), (K, K).

    `names` are those of the classes; without them they are numbered from 0.
    """
    errors = np.array(counts, dtype=float)
    np.fill_diagonal(errors, 0)
    with _axes(height=3.3) as (figure, axes):
        axes.imshow(errors, cmap="Oranges", vmax=1.6 * max(errors.max(), 1))
        for (row, column), count in np.ndenumerate(counts):
            if count:
                weight = "bold" if row == column else "normal"
                axes.text(column, row, f"{count}", ha="center", va="center", fontweight=weight)
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
    with _axes(height=2.3) as (figure, axes):
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


def _side_by_side(
    axes: Axes,
    name: str,
    images: Array,
    texts: Sequence[str],
    num_columns: int,
    bound: float = 1.0,
) -> AxesImage:
    """Show images (N, H, W) with pixels in [−bound, bound] as one, below a text for each.

    One picture is drawn much faster than pairs of axes for each image are.
    """
    gap = max(1, images.shape[2] // 14)  # white, as everything that is NaN
    padded = np.pad(images, ((0, num_columns - len(images)), (0, 0), (0, gap)))
    padded[len(images) :], padded[:, :, -gap:] = np.nan, np.nan
    row = np.concatenate(list(padded), axis=1)[:, :-gap]
    middles = (images.shape[2] - 1) / 2 + np.arange(len(texts)) * padded.shape[2]
    axes.set_xticks(middles, texts, fontsize=8.5)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.set(yticks=[], ylabel=name)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return axes.imshow(row, cmap="gray", vmin=-bound, vmax=bound, interpolation="nearest")


@contextmanager
def _axes(height: float | None = None) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure of the text's width and one pair of axes, in the report's style."""
    with matplotlib.style.context(STYLE):
        figure = Figure()
        if height:
            figure.set_figheight(height)
        yield figure, figure.subplots()


def _label_steps(
    axes: Axes, ylabel: str, ylim: Sequence[float] | None, percent: bool = False
) -> None:
    axes.set(xlabel="gradient step", ylabel=ylabel)
    axes.margins(x=0.01)
    if ylim is not None:
        axes.set_ylim(*ylim)
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    if percent:
        axes.yaxis.set_major_formatter(_Percent())


class _Percent(Formatter):
    """Fractions in percent, all of an axis with as many decimals: 92.0% beside 92.2%."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        places = [100 * value for value in values]
        decimals = max((len(f"{place:g}".partition(".")[2]) for place in places), default=0)
        return [f"{place:.{decimals}f}%" for place in places]
