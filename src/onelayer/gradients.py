"""Checks by central differences whether `models.gradient` computes the slope of J."""

from __future__ import annotations

import numpy as np

from onelayer.models import Array, Model, gradient, logits
from onelayer.sampling import Split

_BLOCK_NUMBERS = 2**17  # moved logits held at a time and side: 1 MB, so that they stay in the cache


def central_difference(
    model: Model,
    X: Array,
    w: Array,
    targets: Array,
    l2_lambda: float = 0.0,
    epsilon: float = 1e-3,
) -> Array:
    """Return (J(w + ε e_i) − J(w − ε e_i)) / 2ε for every weight, shaped like `w`, in float64.

    A step in w_jk moves logit k of an example by ε x_j and no other logit, so each J is evaluated
    from moved logits, many side by side, instead of by a product xw of its own. Of R only the
    term of the weight itself differs between the two sides; the others cancel exactly.

    All is computed in float64 whatever the inputs are: float32 knows J to about 1e-7, and the
    division by 2ε = 2e-3 makes 5e-5 of that, far more than the ε² = 1e-6 that the check allows.

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
    ValueError
        If the shapes do not fit or epsilon is not positive.
    """
    if not epsilon > 0:
        raise ValueError(f"epsilon must be positive; got {epsilon}")
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
    slope += l2_lambda * 0.5 * ((w + epsilon) ** 2 - (w - epsilon) ** 2)
    return slope / (2 * epsilon)


def largest_deviation(
    model: Model,
    X: Array,
    w: Array,
    targets: Array,
    l2_lambda: float = 0.0,
    epsilon: float = 1e-3,
) -> float:
    """Return max |∇J − central difference| over all weights; the gradient passes if it is ≤ ε².

    The gradient is computed in the dtype of the inputs, as in training; see
    `central_difference` for parameters and errors.
    """
    numerical = central_difference(model, X, w, targets, l2_lambda, epsilon)
    return float(np.abs(gradient(model, X, w, targets, l2_lambda) - numerical).max())


def check_on_batch(
    model: Model,
    split: Split,
    batch_size: int,
    seed: int,
    l2_lambda: float = 0.0,
    epsilon: float = 1e-3,
) -> float:
    """Return the largest deviation at random weights on the first batch of real images.

    The weights are normal with standard deviation 0.1, drawn from a stream of their own.
    """
    X, targets = split.X_train[:batch_size], split.targets_train[:batch_size]
    shape = (X.shape[1], model.num_outputs)
    w = np.random.RandomState(seed).normal(scale=0.1, size=shape).astype(X.dtype)
    return largest_deviation(model, X, w, targets, l2_lambda, epsilon)
