"""What a model predicts, and where it goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import SettingError
from onelayer.models import Array, SoftmaxRegression, logits


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for images, and what they are.

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
    def mistakes(self) -> NDArray[np.int64]:
        """The confusion without its diagonal.

        Raises
        ------
        SettingError
            If no image is predicted wrongly.
        """
        mistakes = self.confusion - np.diag(np.diag(self.confusion))
        if not mistakes.any():
            raise SettingError(
                f"the model is right on all {self.confusion.sum()} validation images, so that "
                "there are no mistakes to look at: choose more images (validation_size)"
            )
        return mistakes

    @property
    def most_frequent_mistake(self) -> tuple[int, int, int]:
        """A class, the one that it is most often taken for, and how often."""
        errors = self.mistakes
        row, column = np.unravel_index(errors.argmax(), errors.shape)
        return int(row), int(column), int(errors.max())

    @property
    def most_frequent_mistakes(self) -> str:
        """All mistakes as frequent as the most frequent one, for example "5 as 3 and 9 as 4"."""
        errors = self.mistakes
        pairs = [f"{row} as {column}" for row, column in np.argwhere(errors == errors.max())]
        *others, last = pairs
        return f"{', '.join(others)} and {last}" if others else last

    @property
    def recall(self) -> Array:
        """The share of each class that is predicted right, (K,); NaN for a class without images."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(self.confusion) / self.confusion.sum(axis=1))


def predictions(model: SoftmaxRegression, X: Array, w: Array, targets: Array) -> Predictions:
    """Predict inputs (N, D+1) with weights (D+1, K); compare with one-hot targets (N, K)."""
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


def share_of_half_the_residuals(
    model: SoftmaxRegression, X: Array, w: Array, targets: Array
) -> float:
    """Return the share of the images that make up half of the residuals of a class.

    The gradient xᵀ(ŷ − y)/N is a sum of images, each with its residual |ŷ − y|. The largest are
    counted until they make up half of Σ |ŷ − y|; the result is the mean share over the classes.
    """
    residuals = np.abs(model.probabilities(logits(X, w)) - targets)  # (N, K)
    running = np.cumsum(-np.sort(-residuals, axis=0), axis=0, dtype=np.float64)
    counts = (running < running[-1] / 2).sum(axis=0) + 1  # (K,)
    return float(counts.mean() / len(X))
