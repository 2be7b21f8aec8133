"""Mini-batch gradient descent with validation and early stopping, for one λ or several at once.

One loop trains every model of this project. It starts from zero weights, unless others are given,
and makes the update w ← w − η (xᵀ(ŷ − y)/B + λw) for each batch of B images. A last incomplete
batch is dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onelayer.errors import SettingError
from onelayer.history import History
from onelayer.models import Array, Model
from onelayer.sampling import Split
from onelayer.threads import limits_threads
from onelayer.validation import Progress, Validator

# Called after each validation; training stops there if it returns True.
OnValidation = Callable[[Progress], bool | None]


@dataclass(frozen=True)
class Trainer:
    """Mini-batch gradient descent; `fit` and `fit_each` may be called any number of times.

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
    shuffle : bool
        Draw a fresh permutation of the training set before each epoch.
    patience : int or None
        Early stopping: how many validations in a row may fail to improve on the lowest
        validation loss. None: no early stopping.
    validations_per_epoch : int
        V per epoch: after the update of step s whenever s mod ⌊steps per epoch / V⌋ = 0.
    train_accuracy : bool
        Record the training accuracy, too; this can take a third of the time.
    progress : bool or None
        Show a progress bar; None: only if a person is watching.

    Raises
    ------
    SettingError
        If a setting is out of bounds.
    """

    model: Model
    learning_rate: float
    batch_size: int = 128
    num_epochs: int = 50
    shuffle: bool = True
    patience: int | None = None
    validations_per_epoch: int = 5
    train_accuracy: bool = True
    progress: bool | None = None

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < np.inf:
            raise SettingError(
                f"learning_rate must be positive and finite; got {self.learning_rate}"
            )
        for name in ("batch_size", "num_epochs", "patience", "validations_per_epoch"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | np.integer) and value >= 1):
                raise SettingError(f"{name} must be a whole number, at least 1; got {value}")

    def fit(
        self,
        split: Split,
        random_state: np.random.RandomState,
        l2_lambda: float = 0.0,
        initial_weights: Array | None = None,
        on_validation: OnValidation | None = None,
    ) -> History:
        """Train on `split` with the penalty λR(w), R = ½ Σ w²; see `fit_each`."""
        return self.fit_each(split, random_state, [l2_lambda], initial_weights, on_validation)[0]

    @limits_threads
    def fit_each(
        self,
        split: Split,
        random_state: np.random.RandomState,
        l2_lambdas: Sequence[float],
        initial_weights: Array | None = None,
        on_validation: OnValidation | None = None,
    ) -> list[History]:
        """Train one model for each λ ≥ 0, all on the same batches; return their histories in order.

        Each history equals, up to rounding, that of `fit` with the same draws: one permutation
        for each epoch if `shuffle`, else none. The S models' weights stand side by side as one
        (D+1, S·K) matrix, so that a step is one matrix product instead of S. All start from
        `initial_weights` (D+1, K), or from zero. The dtype is that of `split`.

        `on_validation` is called after each validation. If it returns True, training stops there,
        and the histories end there; with None or False it goes on. It draws nothing, so that a
        history is the same with and without it.

        Beside `split`, memory holds six such matrices, twice the logits of the validation images,
        a copy of the targets, a byte for each model, validation and validation image and, for the
        training accuracy, at most 64 MiB.

        Raises
        ------
        SettingError
            If there is no λ or a negative one, or an epoch has too few steps.
        ValueError
            If `split` or the initial weights do not fit the model.
        DivergenceError
            If the training diverges.
        """
        self._check(split, l2_lambdas)
        X, dtype = split.X_train, split.X_train.dtype
        num_models, num_outputs = len(l2_lambdas), self.model.num_outputs  # S, K
        steps_per_epoch = len(X) // self.batch_size
        interval = steps_per_epoch // self.validations_per_epoch
        step_size = self.learning_rate / self.batch_size
        # ηλ, repeated for each weight: a product that broadcasts takes three times as long.
        shrinkage = np.array([self.learning_rate * value for value in l2_lambdas], dtype)
        shrinkage = np.tile(np.repeat(shrinkage, num_outputs), (X.shape[1], 1))  # (D+1, S·K)
        is_penalised = bool(shrinkage.any())

        # Every array of the loop is allocated once. With order "F", memory runs along the examples,
        # so that a reduction over the few outputs of each example is a vector operation.
        Y = np.asfortranarray(split.targets_train)  # (N, K)
        w = np.zeros((X.shape[1], num_models * num_outputs), dtype)  # (D+1, S·K)
        if initial_weights is not None:
            _check_weights(initial_weights, (X.shape[1], num_outputs))
            w[...] = np.tile(initial_weights, num_models)
        gradient, penalty = np.empty_like(w), np.empty_like(w)
        x = np.empty((self.batch_size, X.shape[1]), dtype)  # (B, D+1)
        y = np.empty((self.batch_size, num_outputs), dtype, order="F")  # (B, K)
        product = np.empty((self.batch_size, w.shape[1]), dtype)  # (B, S·K)
        z = np.empty_like(product, order="F")
        z_by_model = z.reshape(self.batch_size, num_models, num_outputs)
        settings = [f"learning rate {self.learning_rate} and λ = {value}" for value in l2_lambdas]
        validator = Validator(self.model, split, w, settings, self.patience, self.train_accuracy)
        train_loss = []  # of (S,)

        with np.errstate(over="ignore", invalid="ignore"):  # divergence has a message of its own
            for step, batch in enumerate(self._batches(len(X), random_state)):
                # mode="clip" lets take write straight into `out`; no index is out of range.
                X.take(batch, axis=0, out=x, mode="clip")
                Y.T.take(batch, axis=1, out=y.T, mode="clip")
                np.matmul(x, w, out=product)
                z[...] = product  # BLAS writes rows faster than columns, copy included
                train_loss.append(self.model.cross_entropy(z_by_model, y, out_residual=z_by_model))
                z *= step_size  # η(ŷ − y)/B: scaling (B, S·K) is cheaper than scaling the gradient
                np.matmul(x.T, z, out=gradient)
                if is_penalised:
                    gradient += np.multiply(w, shrinkage, out=penalty)  # 1 − ηλ would round λ away
                w -= gradient
                if step % interval == 0:
                    stops = validator.validate(step)
                    if on_validation is not None:
                        stops |= bool(on_validation(validator.progress(train_loss)))
                    if stops:
                        break
        return validator.histories(np.array(train_loss), steps_per_epoch)

    def _batches(
        self, num_images: int, random_state: np.random.RandomState
    ) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
        """Yield the indices of each batch of each epoch, and show the progress."""
        show = is_watched() if self.progress is None else self.progress
        steps = num_images // self.batch_size
        order = np.arange(num_images)
        if show:
            from tqdm.auto import tqdm  # in JupyterLab a widget, elsewhere a line of text
        else:
            from tqdm.std import tqdm  # type: ignore[assignment]
        total = self.num_epochs * steps
        with tqdm(total=total, unit="step", disable=not show, leave=False) as bar:
            for _ in range(self.num_epochs):
                if self.shuffle:
                    order = random_state.permutation(num_images)
                yield from order[: steps * self.batch_size].reshape(steps, -1)
                bar.update(steps)

    def _check(self, split: Split, l2_lambdas: Sequence[float]) -> None:
        if not len(l2_lambdas):
            raise SettingError("l2_lambdas must hold at least one λ; got none")
        for value in l2_lambdas:
            if not value >= 0:
                raise SettingError(f"l2_lambda must not be negative; got {value}")
        expected = (len(split.X_train), self.model.num_outputs)
        if split.targets_train.shape != expected:
            raise ValueError(
                f"targets_train must have shape {expected}; got {split.targets_train.shape}"
            )
        steps = len(split.X_train) // self.batch_size
        if steps < self.validations_per_epoch:
            raise SettingError(
                f"an epoch must have at least {self.validations_per_epoch} steps, one for each "
                f"validation; got {steps} ({len(split.X_train)} images, batch size "
                f"{self.batch_size}): take a smaller batch_size or more images"
            )


def _check_weights(w: Array, shape: tuple[int, int]) -> None:
    if w.shape != shape:
        raise ValueError(f"initial_weights must have shape {shape}; got {w.shape}")


def is_watched() -> bool:
    """Return whether a person would see a progress bar: in a terminal or in JupyterLab.

    If a kernel may ask its front end for input, a person is there; nbclient and papermill, which
    run notebooks in batch, forbid it.
    """
    if "ipykernel" in sys.modules:
        from IPython import get_ipython

        kernel = getattr(get_ipython(), "kernel", None)
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr.isatty()
