"""Mini-batch gradient descent with validation, early stopping and several models side by side.

One loop trains every model of this project. It starts from zero weights and makes the update
w ← w − η (xᵀ(ŷ − y)/B + λw) for batches of B images; a last incomplete batch is dropped.
Models that differ in learning rate η or penalty λ alone can share their batches: their weights
stand side by side as one (D+1, S·K) matrix, so that a step is one matrix product instead of S.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from onelayer.history import History, Record
from onelayer.models import Array, Model

if TYPE_CHECKING:
    from onelayer.data import Split


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
        V per epoch: after the update of step s whenever s mod ⌊steps per epoch / V⌋ = 0.
    train_accuracy : bool
        Record the training accuracy too, where it is wanted: it can take a third of the time.
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

    Beside `split`, memory holds six weight matrices (D+1, S·K), the logits of the validation
    images, a copy of the targets and, for the training accuracy, at most 64 MiB.

    Raises
    ------
    ValueError, FloatingPointError
        As `Trainer.fit`, and if the trainers differ in anything else.
    """
    _check(trainers, split)
    first = trainers[0]
    X, dtype = split.X_train, split.X_train.dtype
    num_models, num_outputs = len(trainers), first.model.num_outputs  # S, K
    batch_size = first.batch_size  # B
    steps_per_epoch = len(X) // batch_size
    interval = steps_per_epoch // first.validations_per_epoch

    def per_column(values: list[float]) -> Array:
        return np.repeat(np.asarray(values, dtype), num_outputs)  # (S·K,)

    step_size = per_column([t.learning_rate / batch_size for t in trainers])
    # ηλ, repeated for each input: a product that broadcasts takes three times as long.
    shrinkage = per_column([t.learning_rate * t.l2_lambda for t in trainers])
    shrinkage = np.tile(shrinkage, (X.shape[1], 1))  # (D+1, S·K)
    is_penalised = bool(shrinkage.any())

    # Every array of the loop is allocated once. Order "F" lets memory run along the examples:
    # what reduces over the few outputs of each example is then a vector operation.
    Y = np.asfortranarray(split.targets_train)  # (N, K)
    w = np.zeros((X.shape[1], num_models * num_outputs), dtype)  # (D+1, S·K)
    gradient, penalty = np.empty_like(w), np.empty_like(w)
    x = np.empty((batch_size, X.shape[1]), dtype)  # (B, D+1)
    y = np.empty((batch_size, num_outputs), dtype, order="F")  # (B, K)
    product = np.empty((batch_size, w.shape[1]), dtype)  # (B, S·K)
    z = np.empty_like(product, order="F")
    z_by_model = z.reshape(batch_size, num_models, num_outputs)
    record = Record(trainers, split, w)

    with np.errstate(over="ignore", invalid="ignore"):  # divergence has a message of its own
        for step, batch in enumerate(_batches(first, len(X), random_state)):
            # mode="clip" lets take write straight into `out`; no index is out of range.
            X.take(batch, axis=0, out=x, mode="clip")
            Y.T.take(batch, axis=1, out=y.T, mode="clip")
            np.matmul(x, w, out=product)
            z[...] = product  # BLAS writes rows faster than columns, copy included
            record.train_loss.append(first.model.cross_entropy_and_residual(z_by_model, y))
            z *= step_size  # η(ŷ − y)/B: scaling (B, S·K) is cheaper than scaling the gradient
            np.matmul(x.T, z, out=gradient)
            if is_penalised:
                gradient += np.multiply(w, shrinkage, out=penalty)  # 1 − ηλ would round λ away
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
    if show:
        from tqdm.auto import tqdm  # for a terminal, or for JupyterLab (and then it wants widgets)
    else:
        from tqdm.std import tqdm  # type: ignore[assignment]
    with tqdm(total=trainer.num_epochs * steps, unit="step", disable=not show, leave=False) as bar:
        for _ in range(trainer.num_epochs):
            if trainer.shuffle:
                order = random_state.permutation(num_images)
            yield from order[: steps * trainer.batch_size].reshape(steps, -1)
            bar.update(steps)


def _check(trainers: Sequence[Trainer], split: Split) -> None:
    if not trainers:
        raise ValueError("at least one trainer is needed; got none")
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
    dtype, num_outputs = split.X_train.dtype, first.model.num_outputs
    if split.X_train.ndim != 2 or dtype not in (np.float32, np.float64):
        raise ValueError(
            "X_train must have shape (N, D+1) and dtype float32 or float64; "
            f"got {split.X_train.shape} and {dtype}"
        )
    num_images, num_inputs = split.X_train.shape
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
    for name in ("X_train", "targets_train", "X_validation", "targets_validation"):
        # The sum is finite only if every element is, and needs no array of its own.
        with np.errstate(invalid="ignore"):  # ∞ − ∞
            total = getattr(split, name).sum(dtype=np.float64)
        if not np.isfinite(total):
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
