"""Measures of a run: its losses and spikes, when it settles, and what it still gains late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import SettingError
from onelayer.history import History
from onelayer.models import Array


@dataclass(frozen=True)
class LossSummary:
    """A summary of a run's losses, all in nats per example.

    Attributes
    ----------
    num_steps, steps_per_epoch : int
        Updates made, and updates in an epoch.
    final_train_loss : float
        Mean training loss of the last epoch's batches.
    final_validation_loss, lowest_validation_loss : float
        Of the last validation, and of the best.
    lowest_step : int
        Updates made when the validation loss was lowest.
    """

    num_steps: int
    steps_per_epoch: int
    final_train_loss: float
    final_validation_loss: float
    lowest_validation_loss: float
    lowest_step: int


def loss_summary(history: History) -> LossSummary:
    """Return the last and the lowest losses of a run, and when the lowest was reached."""
    lowest = int(history.validation_loss.argmin())
    return LossSummary(
        num_steps=history.stop_step,
        steps_per_epoch=history.steps_per_epoch,
        final_train_loss=float(history.train_loss[-history.steps_per_epoch :].mean()),
        final_validation_loss=float(history.validation_loss[-1]),
        lowest_validation_loss=float(history.validation_loss[lowest]),
        lowest_step=int(history.validation_step[lowest]) + 1,
    )


@dataclass(frozen=True)
class Spikes:
    """How often and how far an accuracy falls from one validation to the next.

    Attributes
    ----------
    count, count_later : int
        Validations that lie more than the threshold below the one before, in the whole run and
        after the first epoch.
    largest_fall : float
        The largest fall, in percentage points; 0 if the accuracy never falls.
    largest_fall_later : float
        The largest fall after the first epoch, in which accuracy leaps up and down.
    largest_share : float
        The largest share of spikes that fall on the same step of an epoch; 0 without spikes.
    """

    count: int
    count_later: int
    largest_fall: float
    largest_fall_later: float
    largest_share: float


def spikes(history: History, threshold: float = 0.005) -> Spikes:
    """Count the spikes of the validation accuracy; `threshold` is a fraction of the images."""
    fall = -np.diff(history.validation_accuracy)  # (V − 1,), the fall to validations 1, 2, …
    step = history.validation_step[1:]
    is_later = step >= history.steps_per_epoch
    spike_steps = step[fall > threshold] % history.steps_per_epoch  # within their epochs
    return Spikes(
        count=len(spike_steps),
        count_later=int((fall[is_later] > threshold).sum()),
        largest_fall=100 * float(fall.max(initial=0.0)),
        largest_fall_later=100 * float(fall[is_later].max(initial=0.0)),
        largest_share=float(np.bincount(spike_steps).max(initial=0) / max(1, len(spike_steps))),
    )


def settled_step(history: History, within: float = 0.0025, window: int = 10) -> int:
    """Return the number of updates after which the validation accuracy has little left to gain.

    That is when the mean of the last `window` validations first comes within `within`, a fraction
    of the images, of the best such mean of the whole run.
    """
    window = min(window, len(history.validation_accuracy))
    running = np.convolve(history.validation_accuracy, np.ones(window) / window, mode="valid")
    settled = int(np.argmax(running >= running.max() - within))
    return int(history.validation_step[window - 1 :][settled]) + 1


@dataclass(frozen=True)
class Late:
    """The late part of a run, from step `first_step` on.

    Attributes
    ----------
    validation_mean, validation_std : float
        Mean and standard deviation of the validation accuracy over the late validations.
    validation_trend, train_trend : float
        Slopes of the least-squares lines through the accuracies, per 1,000 steps.
    validation_trend_error : float
        Standard error of the validation slope, as if the validations were independent.
    validation_trend_image_error : float
        Standard error of the validation slope over the images, each of which has a slope of its
        own: how much the slope would vary on other images.
    """

    first_step: int
    validation_mean: float
    validation_std: float
    validation_trend: float
    validation_trend_error: float
    validation_trend_image_error: float
    train_trend: float


def is_late(history: History, first_step: int) -> NDArray[np.bool_]:
    """Return which validations belong to the late part of a run, from `first_step` on.

    Raises
    ------
    SettingError
        If fewer than three do.
    """
    belongs = history.validation_step >= first_step
    if belongs.sum() < 3:
        third_last = history.validation_step[-3:][0]
        raise SettingError(
            f"late_step must be at most {third_last}, so that three validations are late; "
            f"got {first_step}"
        )
    return np.asarray(belongs)


def late(history: History, first_step: int) -> Late:
    """Measure the late part of a run, from `first_step` on.

    Raises
    ------
    SettingError
        As `is_late`.
    ValueError
        If the history has no training accuracy.
    """
    chosen = is_late(history, first_step)
    if history.train_accuracy is None:
        raise ValueError("history must hold a train_accuracy: train with train_accuracy=True")
    steps = history.validation_step[chosen] / 1000
    accuracy = history.validation_accuracy[chosen]
    trend, error = _slope(steps, accuracy)
    by_image = _trend(steps, history.validation_correct[chosen])  # (N,)
    return Late(
        first_step=first_step,
        validation_mean=float(accuracy.mean()),
        validation_std=float(accuracy.std()),
        validation_trend=trend,
        validation_trend_error=error,
        validation_trend_image_error=float(by_image.std(ddof=1) / np.sqrt(len(by_image))),
        train_trend=_slope(steps, history.train_accuracy[chosen])[0],
    )


def standard_error(accuracy: float, num_images: int) -> float:
    """Return √(a(1 − a)/N), the standard error of an accuracy a measured on N images."""
    return float(np.sqrt(accuracy * (1 - accuracy) / num_images))


def is_falling(values: list[float]) -> bool:
    """Return whether each value is smaller than the one before."""
    return bool(np.all(np.diff(values) < 0))


def _slope(x: Array, y: Array) -> tuple[float, float]:
    """Return the slope of the least-squares line through the points, and its standard error."""
    offset, slope = x - x.mean(), float(_trend(x, y))
    residual = y - y.mean() - slope * offset
    return slope, float(np.sqrt(residual @ residual / (len(x) - 2) / (offset @ offset)))


def _trend(x: Array, y: NDArray[Any]) -> Any:
    """Return the slope of the least-squares line through points, one for each column of y."""
    offset = x - x.mean()
    return offset @ y / (offset @ offset)
