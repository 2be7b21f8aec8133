"""Validates models while they train: early stopping, training accuracy and histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import DivergenceError
from onelayer.history import History
from onelayer.models import Array, Model
from onelayer.sampling import Split

# For weight snapshots, for the matrix made of them, and for its logits. With the memory that
# `is_correct` needs for these, the training accuracy needs at most four times as much.
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class Progress:
    """How far the training of S models has come, after a validation.

    Attributes
    ----------
    step : int
        The step s = 0, 1, … after whose update the models were validated.
    train_loss : (S,) array
        Mean of the batches' cross entropies since the previous validation; nats per example.
    validation_loss, validation_accuracy : (S,) arrays
        Cross entropy in nats per example, and fraction of validation images predicted right.
    weights : (D+1, S, K) array
        A view of the trainer's own weights, which it goes on to change: copy what you keep.
    """

    step: int
    train_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    weights: Array


class Validator:
    """Validates S models on the same images, stops each when it is due, and makes their histories.

    The trainer's loop updates the weights `w` (D+1, S·K) in place. `settings` describe each of the
    S models in an error; `patience` and `train_accuracy` are the trainer's.
    """

    def __init__(
        self,
        model: Model,
        split: Split,
        w: Array,
        settings: list[str],
        patience: int | None,
        train_accuracy: bool,
    ) -> None:
        num_models = len(settings)
        self.model, self.w, self.settings, self.patience = model, w, settings, patience
        self.X_validation = split.X_validation
        self.targets_validation = np.asfortranarray(split.targets_validation)
        self.z = np.empty((len(split.X_validation), w.shape[1]), w.dtype, order="F")
        self.steps: list[int] = []
        self.loss: list[Array] = []  # of (S,)
        self.correct: list[NDArray[np.bool_]] = []  # of (N, S)
        self.squared_norm: list[Array] = []  # of (S,)
        self.snapshots = _Snapshots(model, split) if train_accuracy else None
        self.is_running = np.ones(num_models, bool)
        self.best_loss = np.full(num_models, np.inf)
        self.best_index = np.zeros(num_models, int)  # of the best validation in `steps`
        self.best_w = w.copy()
        self.last_index = np.zeros(num_models, int)  # of the last validation in `steps`

    def validate(self, step: int) -> bool:
        """Validate after the update of `step`; return whether all models have stopped."""
        z = _by_model(np.matmul(self.X_validation, self.w, out=self.z), self.model)
        self.correct.append(self.model.is_correct(z, self.targets_validation))
        w = _by_model(self.w, self.model)
        self.squared_norm.append(np.einsum("ijk,ijk->j", w, w, dtype=np.float64))
        loss = self.model.cross_entropy(z, self.targets_validation)
        self._refuse_divergence(loss, "the validation loss", step)
        self.steps.append(step)
        self.loss.append(loss)
        if self.snapshots is not None:
            self.snapshots.add(self.w)
        if self.patience is not None:
            self._stop(loss, self.patience)
        return not self.is_running.any()

    def progress(self, train_loss: Sequence[Array]) -> Progress:
        """Return the results of the last validation, given each step's losses so far, of (S,)."""
        since = self.steps[-2] + 1 if len(self.steps) > 1 else 0
        return Progress(
            step=self.steps[-1],
            train_loss=np.mean(train_loss[since:], axis=0),
            validation_loss=self.loss[-1],
            validation_accuracy=self.correct[-1].mean(axis=0),
            weights=_by_model(self.w, self.model),
        )

    def histories(self, train_loss: Array, steps_per_epoch: int) -> list[History]:
        """Return each model's history up to its stop, given all the losses (steps, S)."""
        last_step = len(train_loss) - 1
        weights = _by_model(self.w if self.patience is None else self.best_w, self.model)
        self._refuse_divergence(weights.sum(axis=(0, 2)), "a weight", last_step)
        loss, squared_norm = np.array(self.loss), np.array(self.squared_norm)  # (V, S)
        correct = np.array(self.correct)  # (V, N, S)
        accuracy = correct.mean(axis=1)  # (V, S)
        train_accuracy = None if self.snapshots is None else self.snapshots.accuracies()  # (V, S)
        result = []
        for s, is_running in enumerate(self.is_running):
            end = len(self.steps) if is_running else self.last_index[s] + 1
            stop_step = 1 + (last_step if is_running else self.steps[end - 1])
            result.append(
                History(
                    train_loss=train_loss[:stop_step, s],
                    validation_step=np.array(self.steps[:end]),
                    validation_loss=loss[:end, s],
                    validation_accuracy=accuracy[:end, s],
                    validation_correct=correct[:end, :, s],
                    squared_norm=squared_norm[:end, s],
                    train_accuracy=None if train_accuracy is None else train_accuracy[:end, s],
                    weights=weights[:, s].copy(),
                    stop_step=stop_step,
                    stop_epoch=(stop_step - 1) // steps_per_epoch,
                    stopped_early=not is_running,
                    steps_per_epoch=steps_per_epoch,
                )
            )
        return result

    def _stop(self, loss: Array, patience: int) -> None:
        """Keep the weights of models that improved; stop those that have not for too long."""
        now = len(self.steps) - 1
        improved = self.is_running & (loss < self.best_loss)
        self.best_loss[improved] = loss[improved]
        self.best_index[improved] = now
        _by_model(self.best_w, self.model)[:, improved] = _by_model(self.w, self.model)[:, improved]
        stops = self.is_running & (now - self.best_index >= patience)
        self.last_index[stops] = now
        self.is_running &= ~stops

    def _refuse_divergence(self, values: Array, name: str, step: int) -> None:
        """Raise if one of `values` (S,) is not finite, unless its model has stopped before."""
        diverged = np.flatnonzero(self.is_running & ~np.isfinite(values))
        if len(diverged):
            raise DivergenceError(
                f"training diverged: {name} after step {step} is not finite with "
                f"{self.settings[diverged[0]]}; take a smaller learning rate or λ"
            )


class _Snapshots:
    """Turns weights into training accuracies, many snapshots in one wide matrix product.

    The product of (N, D+1) with one model's (D+1, K) is limited by memory, that with many
    snapshots by arithmetic. Snapshots are kept until they fill `_BLOCK_BYTES`; then X is taken in
    blocks of rows whose logits fit into as many bytes again.
    """

    def __init__(self, model: Model, split: Split) -> None:
        self.model = model
        self.X = split.X_train
        self.targets = np.asfortranarray(split.targets_train)
        self.waiting: list[Array] = []  # of (D+1, S·K)
        self.done: list[Array] = []  # of (V, S)

    def add(self, w: Array) -> None:
        """Take a copy of the weights (D+1, S·K)."""
        if (len(self.waiting) + 1) * w.nbytes > _BLOCK_BYTES:
            self._flush()
        self.waiting.append(w.copy())

    def accuracies(self) -> Array:
        """Return the fraction of training images predicted right by each snapshot, (V, S)."""
        self._flush()
        return np.concatenate(self.done)

    def _flush(self) -> None:
        if not self.waiting:
            return
        w = np.concatenate(self.waiting, axis=1)  # (D+1, V·S·K)
        rows = min(len(self.X), max(1, _BLOCK_BYTES // w[0].nbytes))
        z = np.empty((rows, w.shape[1]), w.dtype, order="F")
        correct = np.zeros(w.shape[1] // self.model.num_outputs, int)  # (V·S,)
        for start in range(0, len(self.X), rows):
            x, y = self.X[start : start + rows], self.targets[start : start + rows]
            logits = _by_model(np.matmul(x, w, out=z[: len(x)]), self.model)
            correct += self.model.is_correct(logits, y).sum(axis=0)
        self.done.append(correct.reshape(len(self.waiting), -1) / len(self.X))
        self.waiting.clear()


def _by_model(array: Array, model: Model) -> Array:
    """View (…, S·K) as (…, S, K)."""
    return array.reshape(len(array), -1, model.num_outputs)
