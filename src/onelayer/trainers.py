"""Mini-batch gradient descent with validation, early stopping and several models side by side.

One loop trains every model of this project. It starts from zero weights and makes the update
w ← w − η (xᵀ(ŷ − y)/B + λw) for batches of B images; a last incomplete batch is dropped.
Models that differ in learning rate η or penalty λ alone can share their batches: their weights
stand side by side as one (D+1, S·K) matrix, so that a step is one matrix product instead of S.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from onelayer.models import Array, Model

if TYPE_CHECKING:
    from onelayer.data import Split

_MAX_BLOCK_BYTES = 64 * 2**20  # of weight snapshots, and of logits, for the training accuracy


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
    train_accuracy : (V,) array, or None where the trainer was told to leave it out
        Fraction of training images predicted right.
    weights : (D+1, K) array
        The final weights; with early stopping those with the lowest validation loss.
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
    train_accuracy: Array | None
    weights: Array
    stop_step: int
    stop_epoch: int
    stopped_early: bool
    steps_per_epoch: int


@dataclass(frozen=True)
class Trainer:
    """Mini-batch gradient descent; `fit` may be called any number of times.

    Parameters
    ----------
    model : Model
        `LogisticRegression()` or `SoftmaxRegression(K)`.
    learning_rate : float
        η > 0.
    batch_size : int
        B, images per step.
    num_epochs : int
        Passes over the training set, at most.
    l2_lambda : float
        λ ≥ 0, weight of the penalty R(w) = ½ Σ w².
    shuffle : bool
        Draw a fresh permutation of the training set before each epoch.
    patience : int or None
        Early stopping: how many validations in a row may fail to improve on the lowest
        validation loss. None: no early stopping.
    validations_per_epoch : int
        V per epoch: after step s whenever s mod ⌊steps per epoch / V⌋ = 0.
    train_accuracy : bool
        Record the training accuracy too; it costs more than everything else together.
    progress : bool or None
        Show a progress bar; None: only if a person is watching.
    """

    model: Model
    learning_rate: float
    batch_size: int = 128
    num_epochs: int = 50
    l2_lambda: float = 0.0
    shuffle: bool = True
    patience: int | None = None
    validations_per_epoch: int = 5
    train_accuracy: bool = True
    progress: bool | None = None

    def fit(self, split: Split, random_state: np.random.RandomState) -> History:
        """Train on `split`; the shuffles, if any, are drawn from `random_state`.

        Raises
        ------
        ValueError
            If a setting is out of bounds, or shapes, dtypes or values of the data do not fit.
        FloatingPointError
            If the training diverges.
        """
        return fit_side_by_side([self], split, random_state)[0]


def fit_side_by_side(
    trainers: Sequence[Trainer], split: Split, random_state: np.random.RandomState
) -> list[History]:
    """Train models that differ in learning rate and λ alone on the same batches.

    Each history equals, up to rounding, that of the trainer's own `fit` with the same draws.

    Raises
    ------
    ValueError, FloatingPointError
        As `Trainer.fit`, and if the trainers differ in anything else.
    """
    first = trainers[0]
    _check(trainers, split)
    X, Y = split.X_train, split.targets_train
    num_models, num_outputs = len(trainers), first.model.num_outputs  # S, K
    batch_size = first.batch_size  # B
    steps_per_epoch = len(X) // batch_size
    interval = max(1, steps_per_epoch // first.validations_per_epoch)

    def per_column(values: list[float]) -> Array:
        return np.repeat(np.asarray(values, X.dtype), num_outputs)  # (S·K,)

    step_size = per_column([t.learning_rate / batch_size for t in trainers])
    decay = per_column([1 - t.learning_rate * t.l2_lambda for t in trainers])
    has_decay = bool((decay != 1).any())

    w = np.zeros((X.shape[1], num_models * num_outputs), X.dtype)  # (D+1, S·K)
    # Every array of the loop is allocated once.
    gradient = np.empty_like(w)
    x = np.empty((batch_size, X.shape[1]), X.dtype)  # (B, D+1)
    y = np.empty((batch_size, num_outputs), Y.dtype)  # (B, K)
    z = np.empty((batch_size, w.shape[1]), X.dtype)  # (B, S·K)
    z_by_model = z.reshape(batch_size, num_models, num_outputs)
    record = _Record(trainers, split, w)

    for step, batch in enumerate(_batches(first, len(X), random_state)):
        # mode="clip" lets take write straight into x; a permutation has no index out of range.
        X.take(batch, axis=0, out=x, mode="clip")
        Y.take(batch, axis=0, out=y, mode="clip")
        np.matmul(x, w, out=z)
        record.train_loss.append(first.model.cross_entropy_and_residual(z_by_model, y))
        z *= step_size  # η(ŷ − y)/B: scaling (B, S·K) is cheaper than scaling the gradient
        np.matmul(x.T, z, out=gradient)
        if has_decay:
            w *= decay  # − ηλw
        w -= gradient
        if step % interval == 0 and record.validate(step):
            break
    return record.histories(steps_per_epoch)


def _batches(
    trainer: Trainer, num_images: int, random_state: np.random.RandomState
) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield the indices of each batch of each epoch, and show the progress."""
    show = _is_watched() if trainer.progress is None else trainer.progress
    steps = num_images // trainer.batch_size
    order = np.arange(num_images)
    with tqdm(total=trainer.num_epochs * steps, unit="step", disable=not show, leave=False) as bar:
        for _ in range(trainer.num_epochs):
            if trainer.shuffle:
                order = random_state.permutation(num_images)
            yield from order[: steps * trainer.batch_size].reshape(steps, -1)
            bar.update(steps)


@dataclass
class _Record:
    """Validates the models of one run, stops each when its time has come, keeps the history."""

    trainers: Sequence[Trainer]
    split: Split
    w: Array  # (D+1, S·K), updated in place by the loop
    train_loss: list[Array] = field(default_factory=list)  # of (S,)

    def __post_init__(self) -> None:
        num_models = len(self.trainers)
        self.model = self.trainers[0].model
        self.patience = self.trainers[0].patience
        self.steps: list[int] = []
        self.loss: list[Array] = []  # of (S,)
        self.accuracy: list[Array] = []
        self.train_accuracy: list[Array] = []
        self.snapshots: list[Array] = []  # of (D+1, S·K), not yet turned into accuracies
        self.best_loss = np.full(num_models, np.inf)
        self.best_at = np.zeros(num_models, int)  # index of the best validation
        self.best_w = self.w.copy()
        self.stopped_at: list[int | None] = [None] * num_models  # index of the last validation
        validation = self.split.X_validation
        self._z = np.empty((len(validation), self.w.shape[1]), self.w.dtype)

    def validate(self, step: int) -> bool:
        """Record the state after `step`; tell whether all models have stopped."""
        z = self._by_model(np.matmul(self.split.X_validation, self.w, out=self._z))
        targets = self.split.targets_validation
        self.accuracy.append(self.model.is_correct(z, targets).mean(axis=0))
        loss = self.model.cross_entropy_and_residual(z, targets)
        if not np.isfinite(loss).all():
            settings = self.trainers[int(np.argmin(np.isfinite(loss)))]
            raise FloatingPointError(
                f"training diverged: the validation loss after step {step} is not finite with "
                f"learning rate {settings.learning_rate} and λ = {settings.l2_lambda}; "
                "take a smaller learning rate"
            )
        self.steps.append(step)
        self.loss.append(loss)
        if self.trainers[0].train_accuracy:
            self.snapshots.append(self.w.copy())
            if len(self.snapshots) * self.w.nbytes >= _MAX_BLOCK_BYTES:
                self._flush()
        return self.patience is not None and self._all_stopped(loss)

    def histories(self, steps_per_epoch: int) -> list[History]:
        """Return each model's history up to where it stopped."""
        self._flush()
        train_loss = np.array(self.train_loss)  # (steps, S)
        loss, accuracy = np.array(self.loss), np.array(self.accuracy)  # (V, S)
        train_accuracy = np.array(self.train_accuracy) if self.train_accuracy else None
        weights = self.w if self.patience is None else self.best_w
        result = []
        for s, last in enumerate(self.stopped_at):
            end = len(self.steps) if last is None else last + 1
            stop_step = len(train_loss) if last is None else self.steps[last] + 1
            result.append(
                History(
                    train_loss=train_loss[:stop_step, s],
                    validation_step=np.array(self.steps[:end]),
                    validation_loss=loss[:end, s],
                    validation_accuracy=accuracy[:end, s],
                    train_accuracy=None if train_accuracy is None else train_accuracy[:end, s],
                    weights=self._by_model(weights)[:, s].copy(),
                    stop_step=stop_step,
                    stop_epoch=(stop_step - 1) // steps_per_epoch,
                    stopped_early=last is not None,
                    steps_per_epoch=steps_per_epoch,
                )
            )
        return result

    def _all_stopped(self, loss: Array) -> bool:
        running = np.array([last is None for last in self.stopped_at])
        now = len(self.steps) - 1
        improved = running & (loss < self.best_loss)
        self.best_loss[improved] = loss[improved]
        self.best_at[improved] = now
        self._by_model(self.best_w)[:, improved] = self._by_model(self.w)[:, improved]
        for s in np.flatnonzero(running & (now - self.best_at >= self.patience)):
            self.stopped_at[s] = now
        return all(last is not None for last in self.stopped_at)

    def _flush(self) -> None:
        """Turn the snapshots into training accuracies: one wide matrix product for all of them.

        The product of (N, D+1) with one model's (D+1, K) is bound by memory, with that of many
        snapshots by arithmetic. Rows are taken in blocks whose logits fit `_MAX_BLOCK_BYTES`.
        """
        if not self.snapshots:
            return
        X, targets = self.split.X_train, self.split.targets_train
        stacked = np.concatenate(self.snapshots, axis=1)  # (D+1, V·S·K)
        rows = max(1, _MAX_BLOCK_BYTES // (stacked.shape[1] * stacked.itemsize))
        correct = sum(
            self.model.is_correct(
                self._by_model(X[start : start + rows] @ stacked), targets[start : start + rows]
            ).sum(axis=0)
            for start in range(0, len(X), rows)
        )
        self.train_accuracy.extend(np.reshape(correct / len(X), (len(self.snapshots), -1)))
        self.snapshots.clear()

    def _by_model(self, array: Array) -> Array:
        """View (…, S·K) as (…, S, K)."""
        return array.reshape(len(array), -1, self.model.num_outputs)


def _check(trainers: Sequence[Trainer], split: Split) -> None:
    first = trainers[0]
    for trainer in trainers:
        if replace(trainer, learning_rate=1, l2_lambda=0) != replace(
            first, learning_rate=1, l2_lambda=0
        ):
            raise ValueError(
                "trainers side by side must differ in learning_rate and l2_lambda alone; "
                f"got {first} and {trainer}"
            )
        if not trainer.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive; got {trainer.learning_rate}")
        if not trainer.l2_lambda >= 0:
            raise ValueError(f"l2_lambda must not be negative; got {trainer.l2_lambda}")
    for name in ("batch_size", "num_epochs", "patience", "validations_per_epoch"):
        value = getattr(first, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}")
    num_images, num_inputs = split.X_train.shape
    num_outputs, dtype = first.model.num_outputs, split.X_train.dtype
    for name, shape in {
        "targets_train": (num_images, num_outputs),
        "X_validation": (len(split.X_validation), num_inputs),
        "targets_validation": (len(split.X_validation), num_outputs),
    }.items():
        array = getattr(split, name)
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"{name} must have shape {shape} and dtype {dtype}; "
                f"got {array.shape} and {array.dtype}"
            )
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"X_train must be float32 or float64; got {dtype}")
    for name in ("X_train", "X_validation"):
        # The sum is finite only if every element is, and needs no array of its own.
        if not np.isfinite(getattr(split, name).sum(dtype=np.float64)):
            raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    steps = num_images // first.batch_size
    if steps < first.validations_per_epoch:
        raise ValueError(
            f"an epoch must have at least {first.validations_per_epoch} steps, one for each "
            f"validation; got {steps} ({num_images} images, batch size {first.batch_size}): "
            "take a smaller batch_size, more images or fewer validations_per_epoch"
        )


def _is_watched() -> bool:
    """Tell whether a person would see a progress bar: in a terminal or in JupyterLab.

    A kernel that may ask its front end for input has a person in front of it; nbclient and
    papermill, which run notebooks in batch, forbid it.
    """
    if "ipykernel" in sys.modules:
        from IPython import get_ipython

        kernel = getattr(get_ipython(), "kernel", None)
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr.isatty()
