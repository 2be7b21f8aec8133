"""Measured quantities that the answers rely on: spikes, places in the epoch, trends, roughness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.history import History
from onelayer.models import Array, LogisticRegression, SoftmaxRegression, logits
from onelayer.sampling import Split


@dataclass(frozen=True)
class LossSummary:
    """The losses of a run in numbers; all losses in nats per example.

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
    """Return the last and the lowest losses of a run, and where they were."""
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
        Validations that lie more than the threshold below the one before; in the whole run, and
        after the first epoch.
    largest_fall : float
        The largest fall, in percentage points; 0 if the accuracy never falls.
    largest_fall_later : float
        The largest fall after the first epoch, in which every run leaps up and down.
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


def thinned(history: History, interval: int) -> History:
    """Return a run as it would be had it been validated only after steps s with s mod interval = 0.

    For a run without early stopping, which would have stopped elsewhere.
    """
    kept = history.validation_step % interval == 0
    accuracy = history.train_accuracy
    return replace(
        history,
        validation_step=history.validation_step[kept],
        validation_loss=history.validation_loss[kept],
        validation_accuracy=history.validation_accuracy[kept],
        validation_correct=history.validation_correct[kept],
        squared_norm=history.squared_norm[kept],
        train_accuracy=None if accuracy is None else accuracy[kept],
    )


def accuracy_by_place(history: History) -> Array:
    """Return the mean validation accuracy after each step of an epoch, (steps per epoch,).

    The first epoch, in which every run leaps up and down, is left out unless it is the only one.

    Raises
    ------
    ValueError
        If the run was not validated after every step.
    """
    if len(history.validation_step) != history.stop_step:
        raise ValueError(
            "history must hold a validation after every step: train with validations_per_epoch = "
            f"steps per epoch; got {len(history.validation_step)} of {history.stop_step}"
        )
    by_epoch = history.validation_accuracy.reshape(-1, history.steps_per_epoch)
    return np.asarray(by_epoch[min(1, len(by_epoch) - 1) :].mean(axis=0))


@dataclass(frozen=True)
class Dip:
    """The place in the epoch after which accuracy is lowest, and the other places.

    Attributes
    ----------
    place : int
        The step within the epoch, counted from 0.
    accuracy, before, after : float
        Mean accuracy there, one step before and one step after; an epoch follows on another.
    others_lowest, others_highest : float
        Of the mean accuracies at all other places.
    """

    place: int
    accuracy: float
    before: float
    after: float
    others_lowest: float
    others_highest: float

    @property
    def stands_out(self) -> bool:
        """Whether it lies further below the others than these lie apart."""
        return self.others_lowest - self.accuracy > self.others_highest - self.others_lowest

    @property
    def is_repaired(self) -> bool:
        """Whether the next step wins back at least half of what was lost."""
        return self.after - self.accuracy >= (self.before - self.accuracy) / 2


def dip(accuracy: Array) -> Dip:
    """Find the lowest of the mean accuracies (P,) by place in the epoch.

    Raises
    ------
    ValueError
        If there are fewer than three places.
    """
    if len(accuracy) < 3:
        raise ValueError(f"an epoch must have at least three steps; got {len(accuracy)}")
    place = int(accuracy.argmin())
    others = np.delete(accuracy, place)
    return Dip(
        place=place,
        accuracy=float(accuracy[place]),
        before=float(accuracy[place - 1]),
        after=float(accuracy[(place + 1) % len(accuracy)]),
        others_lowest=float(others.min()),
        others_highest=float(others.max()),
    )


@dataclass(frozen=True)
class BatchErrors:
    """What a logistic regression gets wrong in a batch.

    Attributes
    ----------
    first, second : int
        Of the images on which it errs most, those of the first class (target 1) and of the second.
    lowest, highest : float
        The range of its predictions ŷ for these.
    missed_first, missed_second : int
        Images of the batch that it takes for the other class, by their own.
    """

    first: int
    second: int
    lowest: float
    highest: float
    missed_first: int
    missed_second: int


@dataclass(frozen=True, eq=False)
class Pulls:
    """How the batches of an epoch pull at the same weights of a logistic regression.

    Attributes
    ----------
    gradient_norm : (P,) array
        Euclidean norm of each batch's gradient xᵀ(ŷ − y)/B.
    predictions, targets : (P, B) arrays
        ŷ and y of each image.
    """

    gradient_norm: Array
    predictions: Array
    targets: Array

    @property
    def lean(self) -> Array:
        """The mean of ŷ − y over each batch, (P,): 0 if errors on both sides balance."""
        return np.asarray((self.predictions - self.targets).mean(axis=1))

    @property
    def strongest(self) -> int:
        """The batch with the largest gradient."""
        return int(self.gradient_norm.argmax())

    @property
    def ordinary(self) -> int:
        """The batch whose gradient has the median norm; of an even number the larger of the two."""
        return int(self.gradient_norm.argsort(kind="stable")[len(self.gradient_norm) // 2])

    def worst_images(self, batch: int, count: int) -> NDArray[np.int64]:
        """Return which training images of a batch the model errs on most, the worst first."""
        error = np.abs(self.predictions[batch] - self.targets[batch])
        order = (-error).argsort(kind="stable")[:count]
        return np.asarray(batch * len(error) + order, dtype=np.int64)

    def errors(self, batch: int, count: int) -> BatchErrors:
        """Sum up what the model gets wrong in a batch, and on which `count` images it errs most."""
        worst = self.worst_images(batch, count)
        predictions, targets = self.predictions.ravel()[worst], self.targets.ravel()[worst]
        is_missed = (self.predictions[batch] >= 0.5) != (self.targets[batch] == 1)
        return BatchErrors(
            first=int((targets == 1).sum()),
            second=int((targets == 0).sum()),
            lowest=float(predictions.min()),
            highest=float(predictions.max()),
            missed_first=int((is_missed & (self.targets[batch] == 1)).sum()),
            missed_second=int((is_missed & (self.targets[batch] == 0)).sum()),
        )


def pulls(split: Split, w: Array, batch_size: int) -> Pulls:
    """Measure the batches of an epoch in fixed order at the weights `w` (D+1, 1), in float64."""
    num_batches = len(split.X_train) // batch_size
    X, y = (
        array[: num_batches * batch_size].astype(np.float64)
        for array in (split.X_train, split.targets_train)
    )
    predictions = LogisticRegression().probabilities(logits(X, w.astype(np.float64)))
    residuals = (predictions - y).reshape(num_batches, 1, batch_size)
    gradients = residuals @ X.reshape(num_batches, batch_size, -1) / batch_size  # (P, 1, D+1)
    return Pulls(
        gradient_norm=np.linalg.norm(gradients[:, 0], axis=1),
        predictions=predictions.reshape(num_batches, batch_size),
        targets=y.reshape(num_batches, batch_size),
    )


def correlation(x: Array, y: Array) -> float:
    """Return Pearson's correlation coefficient; 0 where one of the two does not vary."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


@dataclass(frozen=True)
class Late:
    """The late part of a run, from step `first_step` on.

    Attributes
    ----------
    validation_mean, validation_std : float
        Of the validation accuracy, over the late validations.
    validation_trend, train_trend : float
        Slopes of the least-squares lines through the accuracies, per 1,000 steps.
    validation_trend_error : float
        Standard error of the validation slope, as if the validations were independent.
    validation_trend_image_error : float
        Standard error of the validation slope over the images, each of which has one of its own:
        how much the slope would differ on other images.
    """

    first_step: int
    validation_mean: float
    validation_std: float
    validation_trend: float
    validation_trend_error: float
    validation_trend_image_error: float
    train_trend: float


def late(history: History, first_step: int) -> Late:
    """Measure the late part of a run, from `first_step` on.

    Raises
    ------
    ValueError
        If fewer than three validations are late, or the history holds no training accuracy.
    """
    is_late = history.validation_step >= first_step
    if is_late.sum() < 3:
        raise ValueError(
            f"at least three validations must come after step {first_step}; got {is_late.sum()}"
        )
    if history.train_accuracy is None:
        raise ValueError("history must hold a train_accuracy: train with train_accuracy=True")
    steps = history.validation_step[is_late] / 1000
    accuracy = history.validation_accuracy[is_late]
    trend, error = _slope(steps, accuracy)
    by_image = _trend(steps, history.validation_correct[is_late])  # (N,)
    return Late(
        first_step=first_step,
        validation_mean=float(accuracy.mean()),
        validation_std=float(accuracy.std()),
        validation_trend=trend,
        validation_trend_error=error,
        validation_trend_image_error=float(by_image.std(ddof=1) / np.sqrt(len(by_image))),
        train_trend=_slope(steps, history.train_accuracy[is_late])[0],
    )


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of images, and what they are.

    Attributes
    ----------
    confusion : (K, K) array of int
        How many images of each class (row) are predicted as each (column).
    wrong : (M,) array of int
        The images that are predicted wrongly, the most confident first.
    predicted, actual : (N,) arrays of int
        The classes.
    confidence : (N,) array
        The probability of the prediction.
    """

    confusion: NDArray[np.int64]
    wrong: NDArray[np.int64]
    predicted: NDArray[np.int64]
    actual: NDArray[np.int64]
    confidence: Array

    @property
    def most_frequent_mistake(self) -> tuple[int, int, int]:
        """A class, the one that it is most often taken for, and how often."""
        errors = self.confusion - np.diag(np.diag(self.confusion))
        row, column = np.unravel_index(errors.argmax(), errors.shape)
        return int(row), int(column), int(errors.max())

    @property
    def most_frequent_mistakes(self) -> str:
        """All mistakes that are as frequent as the most frequent one: "5 as 3 and 9 as 4"."""
        errors = self.confusion - np.diag(np.diag(self.confusion))
        if not errors.any():
            return "none"
        pairs = [f"{row} as {column}" for row, column in np.argwhere(errors == errors.max())]
        *others, last = pairs
        return f"{', '.join(others)} and {last}" if others else last

    @property
    def recall(self) -> Array:
        """The share of each class that is predicted right, (K,); nan of one without images."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(self.confusion) / self.confusion.sum(axis=1))


def predictions(model: SoftmaxRegression, X: Array, w: Array, targets: Array) -> Predictions:
    """Predict inputs (N, D+1) by weights (D+1, K), and compare with one-hot targets (N, K)."""
    probabilities = model.probabilities(logits(X, w))
    predicted, actual = probabilities.argmax(axis=1), targets.argmax(axis=1)
    num_classes = targets.shape[1]
    pairs = num_classes * actual + predicted
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != actual)
    return Predictions(
        confusion=np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, -1),
        wrong=wrong[np.argsort(-confidence[wrong], kind="stable")],
        predicted=predicted,
        actual=actual,
        confidence=confidence,
    )


def share_of_half_the_pull(model: SoftmaxRegression, X: Array, w: Array, targets: Array) -> float:
    """Return the share of the images that make up half of the pull on the weights of a class.

    The gradient xᵀ(ŷ − y)/N is a sum of images, each as strong as |ŷ − y|. The strongest are taken
    until they have half of Σ |ŷ − y|; the share is the mean over the classes.
    """
    strength = np.abs(model.probabilities(logits(X, w)) - targets)  # (N, K)
    running = np.cumsum(-np.sort(-strength, axis=0), axis=0, dtype=np.float64)
    counts = (running < running[-1] / 2).sum(axis=0) + 1  # (K,)
    return float(counts.mean() / len(X))


def settled_step(history: History, within: float = 0.0025, window: int = 10) -> int:
    """Return the updates after which the validation accuracy has little left to gain.

    That is when the mean of the last `window` validations first comes `within` this fraction of
    the images of the best such mean of the whole run.
    """
    window = min(window, len(history.validation_accuracy))
    running = np.convolve(history.validation_accuracy, np.ones(window) / window, mode="valid")
    settled = int(np.argmax(running >= running.max() - within))
    return int(history.validation_step[window - 1 :][settled]) + 1


def standard_error(accuracy: float, num_images: int) -> float:
    """Return √(a(1 − a)/N), the standard error of an accuracy a measured on N images."""
    return float(np.sqrt(accuracy * (1 - accuracy) / num_images))


def roughness(images: NDArray[Any]) -> Array:
    """Return total variation / ‖w‖₁ of each weight picture (K, H, W); shape (K,).

    Total variation is the sum of |differences| between neighbouring pixels, right and below. On
    its own it would fall merely because the weights do; the quotient does not depend on scale.
    """
    across = np.abs(np.diff(images, axis=2)).sum(axis=(1, 2))
    down = np.abs(np.diff(images, axis=1)).sum(axis=(1, 2))
    return np.asarray((across + down) / np.abs(images).sum(axis=(1, 2)))


def squared_norm(w: Array) -> float:
    """Return Σ w², bias included, summed in float64."""
    return float(np.square(w, dtype=np.float64).sum())


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
