"""Checks by central differences whether the trainer's steps follow the gradient of J."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from onelayer.errors import SettingError
from onelayer.models import Array, Model, l2_penalty, logits
from onelayer.sampling import Split
from onelayer.threads import limits_threads
from onelayer.trainers import Trainer

_BLOCK_NUMBERS = 2**17  # moved logits held at a time on each side: 1 MB, which fits the cache


@limits_threads
def central_difference(
    model: Model,
    X: Array,
    w: Array,
    targets: Array,
    l2_lambda: float = 0.0,
    epsilon: float = 1e-3,
) -> Array:
    """Return (J(w + ε e_i) − J(w − ε e_i)) / 2ε for every weight, shaped like `w`, in float64.

    J is `models.objective`. A step in w_jk moves logit k of an example by ε x_j and no other logit,
    so C is evaluated from moved logits, many side by side, without a product xw for each weight.
    R is `models.l2_penalty` of the moved weights.

    Everything is computed in float64 whatever the inputs are: float32 knows J to about 1e-7, and
    dividing by 2ε = 2e-3 turns that into 5e-5, far more than the ε² = 1e-6 that the check allows.

    Parameters
    ----------
    model
        What the weights mean.
    X, w, targets
        Inputs (N, D+1), weights (D+1, K) and targets (N, K).
    l2_lambda
        λ of J = C + λ R.
    epsilon
        The step ε > 0; the error of the difference falls with its square.

    Raises
    ------
    SettingError
        If epsilon is not positive.
    ValueError
        If the shapes do not fit.
    """
    if not epsilon > 0:
        raise SettingError(f"epsilon must be positive; got {epsilon}")
    X, w, targets = (np.asarray(a, dtype=np.float64) for a in (X, w, targets))
    z = logits(X, w)
    N, K = z.shape
    step = epsilon * np.eye(K)  # row k moves logit k
    slope = np.empty_like(w)
    inputs_at_once = max(1, _BLOCK_NUMBERS // (N * K * K))
    for start in range(0, len(w), inputs_at_once):
        rows = slice(start, start + inputs_at_once)
        move = X[:, rows, None, None] * step  # (N, rows, K weights, K logits)
        above, below = (
            model.cross_entropy(moved.reshape(N, -1, K), targets)  # (rows · K,)
            for moved in (z[:, None, None, :] + move, z[:, None, None, :] - move)
        )
        slope[rows] = (above - below).reshape(-1, K)
    if l2_lambda:
        near_w = w.copy()
        for index in np.ndindex(w.shape):
            near_w[index] = w[index] + epsilon
            penalty_above = l2_penalty(near_w)
            near_w[index] = w[index] - epsilon
            slope[index] += l2_lambda * (penalty_above - l2_penalty(near_w))
            near_w[index] = w[index]
    return slope / (2 * epsilon)


def check_steps(
    trainer: Trainer, split: Split, seed: int, l2_lambda: float = 0.0, epsilon: float = 1e-3
) -> float:
    """Return max |(w₀ − w₂)/η − d₀ − d₁| / 2 over all weights, in float64.

    `trainer` itself goes from w₀ to w₂, in two steps of the loop that trains, on the shuffled
    first two batches of real images: so this is the gradient by which the models are trained.
    d₀ and d₁ are the central differences on the two batches, d₁ at w₀ − ηd₀. The check passes if
    the result is ≤ ε², the order of a central difference's own error. Two steps are taken so that
    an error that one step leaves for the next is found; a model with λ = 0 is trained beside λ.

    The error of d₀ enters d₁ multiplied by ηJ″: the bound is meant for stable descent, η < 2/J″.

    The weights w₀ are normal with standard deviation 0.1, drawn from a stream of their own.
    """
    size = min(trainer.batch_size, len(split.X_train) // 2)
    X, targets = (
        array[: 2 * size].astype(np.float64) for array in (split.X_train, split.targets_train)
    )
    w = np.random.RandomState(seed).normal(scale=0.1, size=(X.shape[1], targets.shape[1]))
    two_steps = replace(
        trainer,
        batch_size=size,
        num_epochs=1,
        shuffle=True,
        patience=None,
        validations_per_epoch=1,
        train_accuracy=False,
    )
    batches = Split(X, targets, X, targets, split.image_shape)
    after, _ = two_steps.fit_each(batches, np.random.RandomState(seed), [l2_lambda, 0.0], w)
    order = np.random.RandomState(seed).permutation(2 * size).reshape(2, size)
    numerical = np.zeros_like(w)  # d₀, then d₀ + d₁
    for batch in order:
        at = w - trainer.learning_rate * numerical
        numerical += central_difference(
            trainer.model, X[batch], at, targets[batch], l2_lambda, epsilon
        )
    deviation = (w - after.weights) / trainer.learning_rate - numerical
    return float(np.abs(deviation).max() / 2)
