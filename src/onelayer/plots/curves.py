"""Curves over gradient steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from onelayer.errors import SettingError
from onelayer.history import History
from onelayer.plots.look import BLUE, TRAINING, VALIDATION, axes_of, figure_of, label_steps

_MOST_BESIDE = 5  # entries in a line of a legend


def loss_curves(history: History, ylim: Sequence[float] | None = None, window: int = 10) -> Figure:
    """Plot training and validation loss against gradient steps.

    The training loss is drawn as the mean over `window` steps, at the middle of the window, with a
    band of ± one standard deviation of the loss within the window.
    """
    whole = len(history.train_loss) // window * window
    windows = history.train_loss[:whole].reshape(-1, window)
    middle = np.arange(len(windows)) * window + (window - 1) / 2
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    with axes_of() as (figure, axes):
        axes.fill_between(
            middle, mean - deviation, mean + deviation, color=BLUE, alpha=0.22, linewidth=0
        )
        label = f"training (mean of {window} steps ± 1 s.d.)"
        axes.plot(middle, mean, label=label, **{**TRAINING, "linewidth": 0.8})
        axes.plot(
            history.validation_step, history.validation_loss, label="validation", **VALIDATION
        )
        label_steps(axes, "cross entropy (nats per image)", ylim)
        axes.legend(loc="upper right")
    return figure


def accuracy_curves(history: History, ylim: Sequence[float] | None = None) -> Figure:
    """Plot training and validation accuracy against gradient steps.

    Raises
    ------
    ValueError
        If the history has no training accuracy.
    """
    if history.train_accuracy is None:
        raise ValueError("history must hold a train_accuracy: train with train_accuracy=True")
    with axes_of() as (figure, axes):
        axes.plot(history.validation_step, history.train_accuracy, label="training", **TRAINING)
        axes.plot(
            history.validation_step, history.validation_accuracy, label="validation", **VALIDATION
        )
        label_steps(axes, "accuracy", ylim, percent=True)
        axes.legend(loc="lower right")
    return figure


def validation_accuracies(
    histories: Mapping[str, History], ylim: Sequence[float] | None = None
) -> Figure:
    """Plot the validation accuracy of several runs, by name, on one graph."""
    with axes_of() as (figure, axes):
        for (name, history), look in zip(histories.items(), _looks(len(histories)), strict=True):
            axes.plot(history.validation_step, history.validation_accuracy, label=name, **look)
        label_steps(axes, "validation accuracy", ylim, percent=True)
        figure.legend(loc="outside upper center", ncols=min(len(histories), _MOST_BESIDE))
    return figure


def accuracies_by_lambda(
    histories: Mapping[str, History], ylim: Sequence[float] | None = None
) -> Figure:
    """Plot the validation accuracy for several λ, by name, all on one graph.

    Beside it, the second half of some curves is enlarged: of those whose ends lie within the upper
    quarter of the range of all ends.
    """
    ends = {name: float(h.validation_accuracy[-20:].mean()) for name, h in histories.items()}
    highest, lowest = max(ends.values()), min(ends.values())
    close = [name for name, end in ends.items() if highest - end <= (highest - lowest) / 4]
    with figure_of(height=3.0) as figure:
        looks = dict(zip(histories, _looks(len(histories)), strict=True))
        whole, near = figure.subplots(1, 2, width_ratios=[1.4, 1])
        for axes, names in ((whole, list(histories)), (near, close)):
            for name in names:
                steps = histories[name].validation_step
                shown = steps >= (steps[-1] / 2 if axes is near else 0)
                accuracy = histories[name].validation_accuracy
                axes.plot(steps[shown], accuracy[shown], label=name, **looks[name])
            axes.xaxis.set_major_locator(MaxNLocator(5 if axes is whole else 3))
        label_steps(whole, "validation accuracy", ylim, percent=True)
        label_steps(near, "", None, percent=True)
        figure.legend(  # handles long enough for the longest pattern of dashes
            *whole.get_legend_handles_labels(),
            loc="outside upper center",
            ncols=min(len(histories), _MOST_BESIDE),
            handlelength=3.2,
            columnspacing=1.4,
        )
    return figure


def _looks(count: int) -> list[dict[str, Any]]:
    """Return the style's looks of lines; beyond the last, colours go with other dashes.

    Raises
    ------
    SettingError
        If there are more lines than looks.
    """
    looks = list(mpl.rcParams["axes.prop_cycle"])
    if count > len(looks) ** 2:
        raise SettingError(f"at most {len(looks) ** 2} runs can be told apart; got {count}")
    shifted = (looks[(n + n // len(looks)) % len(looks)]["linestyle"] for n in range(count))
    return [{**looks[n % len(looks)], "linestyle": line} for n, line in enumerate(shifted)]
