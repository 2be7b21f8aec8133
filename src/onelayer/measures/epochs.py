"""Measures within an epoch: accuracy by batch, and how each batch pulls at the weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.history import History
from onelayer.models import Array, LogisticRegression, logits
from onelayer.sampling import Split


def thinned(history: History, interval: int) -> History:
    """Return the run as if it had been validated only after steps s with s mod interval = 0.

    This is for runs without early stopping; with it, the run would have stopped elsewhere.
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


def accuracy_by_batch(history: History) -> Array:
    """Return the mean validation accuracy after each step of an epoch, (steps per epoch,).

    The first epoch, in which accuracy leaps up and down, is left out unless it is the only one.

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
    """The batch in the epoch after which accuracy is lowest, and the others.

    Attributes
    ----------
    batch : int
        The step within the epoch, counted from 0.
    accuracy, before, after : float
        Mean accuracy there, one step before and one step after; the first batch follows the last.
    others_lowest, others_highest : float
        Of the mean accuracies at all others.
    """

    batch: int
    accuracy: float
    before: float
    after: float
    others_lowest: float
    others_highest: float

    @property
    def stands_out(self) -> bool:
        """Whether it lies further below the others than the others lie apart."""
        return self.others_lowest - self.accuracy > self.others_highest - self.others_lowest

    @property
    def is_repaired(self) -> bool:
        """Whether the next step wins back more than half of what was lost."""
        return self.after - self.accuracy > (self.before - self.accuracy) / 2


def dip(accuracy: Array) -> Dip:
    """Find the lowest of the mean accuracies (P,) by batch in the epoch.

    Raises
    ------
    ValueError
        If there are fewer than three batches.
    """
    if len(accuracy) < 3:
        raise ValueError(f"an epoch must have at least three steps; got {len(accuracy)}")
    batch = int(accuracy.argmin())
    others = np.delete(accuracy, batch)
    return Dip(
        batch=batch,
        accuracy=float(accuracy[batch]),
        before=float(accuracy[batch - 1]),
        after=float(accuracy[(batch + 1) % len(accuracy)]),
        others_lowest=float(others.min()),
        others_highest=float(others.max()),
    )


@dataclass(frozen=True)
class BatchErrors:
    """What a logistic regression gets wrong in a batch.

    Attributes
    ----------
    first, second : int
        How many of the images on which it errs most are of the first class (target 1), and of the
        second.
    lowest, highest : float
        The range of its predictions ŷ for these.
    missed_first, missed_second : int
        How many images of each class in the batch it takes for the other class.
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
        """The batch with the median gradient norm; for an even number, the larger of the two."""
        return int(self.gradient_norm.argsort(kind="stable")[len(self.gradient_norm) // 2])

    def worst_images(self, batch: int, count: int) -> NDArray[np.int64]:
        """Return the training images of a batch on which the model errs most, the worst first."""
        error = np.abs(self.predictions[batch] - self.targets[batch])
        order = (-error).argsort(kind="stable")[:count]
        return np.asarray(batch * len(error) + order, dtype=np.int64)

    def errors(self, batch: int, count: int) -> BatchErrors:
        """Summarise what the model gets wrong in a batch, and the `count` worst images."""
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
