"""The results of a training run: losses, accuracies, and the weights that it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.models import Array


@dataclass(frozen=True, eq=False)
class History:
    """What a training run recorded, and the weights that it returns.

    Attributes
    ----------
    train_loss : (steps,) array
        Cross entropy of the batch at every step, before the update; nats per example.
    validation_step : (V,) array of int
        The steps s = 0, 1, … after whose update the model was validated.
    validation_loss, validation_accuracy : (V,) arrays
        Cross entropy in nats per example, and fraction of validation images predicted right.
    validation_correct : (V, N) array of bool
        Which of the N validation images are predicted right.
    squared_norm : (V,) array
        Σ w², bias included, in float64.
    train_accuracy : (V,) array, or None if the trainer does not record it
        Fraction of training images predicted right.
    weights : (D+1, K) array
        The final weights; with early stopping, those with the lowest validation loss.
    stop_step : int
        Updates made.
    stop_epoch : int
        The epoch, counted from 0, of the last update.
    stopped_early : bool
        Whether early stopping ended the run.
    steps_per_epoch : int
        Updates in an epoch.
    """

    train_loss: Array
    validation_step: np.ndarray[Any, np.dtype[np.int64]]
    validation_loss: Array
    validation_accuracy: Array
    validation_correct: NDArray[np.bool_]
    squared_norm: Array
    train_accuracy: Array | None
    weights: Array
    stop_step: int
    stop_epoch: int
    stopped_early: bool
    steps_per_epoch: int
