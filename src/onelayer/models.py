"""Logistic and softmax regression: logits, probabilities, cross entropy, gradient, L2 penalty.

Both are one layer: z = xw, with the bias as the last row of w (the last column of X is 1).
A model holds no weights; it says what weights mean. Logits have the shape (N, K), or (N, S, K)
for S models side by side on the same inputs, and losses then come back with the shape (S,).

The formulas are those of C. Bishop, *Pattern Recognition and Machine Learning* (2006), 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


class Model(Protocol):
    """What a trainer and the gradient check ask of a model."""

    @property
    def num_outputs(self) -> int:
        """K, the number of logits of an example."""

    def cross_entropy(
        self, logits: Array, targets: Array, out_residual: Array | None = None
    ) -> Array:
        """Return C, the mean cross entropy in nats per example; shape () or (S,).

        If `out_residual`, an array like `logits`, is given, ŷ − y is written into it. It may be
        `logits` itself; otherwise `logits` are left unchanged. Targets whose shape is not (N, K)
        raise a ValueError.
        """

    def is_correct(self, logits: Array, targets: Array) -> NDArray[np.bool_]:
        """Return for each example whether the prediction is the target; (N,) or (N, S)."""


@dataclass(frozen=True)
class LogisticRegression:
    """Two classes, one logit: ŷ = σ(z) = 1 / (1 + exp(−z)); a prediction is 1 if ŷ ≥ 0.5.

    Cross entropy in nats, per example: C = −(y ln ŷ + (1 − y) ln(1 − ŷ)) = ln(1 + exp(z)) − yz.
    """

    num_outputs: ClassVar[int] = 1

    def probabilities(self, logits: Array) -> Array:
        """Return ŷ = σ(z), (N, 1); large |z| does not overflow."""
        return np.exp(-_softplus(-logits))

    def cross_entropy(
        self, logits: Array, targets: Array, out_residual: Array | None = None
    ) -> Array:
        """Return C from logits, so that saturated outputs stay finite; see `Model`."""
        y = _aligned(targets, logits)
        surprisal = _softplus(-logits)  # −ln ŷ; and −ln(1 − ŷ) is larger by z
        loss = surprisal + (1 - y) * logits  # (N, …, 1)
        if out_residual is not None:
            np.exp(-surprisal, out=out_residual)
            out_residual -= y
        return _mean_over_examples(loss[..., 0])

    def is_correct(self, logits: Array, targets: Array) -> NDArray[np.bool_]:
        """Compare ŷ ≥ 0.5, that is z ≥ 0, with y; shape (N,) or (N, S)."""
        return ((logits >= 0) == (_aligned(targets, logits) == 1))[..., 0]


@dataclass(frozen=True)
class SoftmaxRegression:
    """K classes: ŷ_k = exp(z_k) / Σ_j exp(z_j); the prediction is the largest ŷ_k.

    Cross entropy in nats, per example: C = −Σ_k y_k ln ŷ_k = ln Σ_j exp(z_j) − Σ_k y_k z_k,
    for targets that sum to 1.

    K is small: reductions over it are slow if memory runs along K, and vector operations if it
    runs along the examples (Fortran order). Either order may be given.
    """

    num_outputs: int = 10

    def probabilities(self, logits: Array) -> Array:
        """Return ŷ = softmax(z), (N, K); invariant to a shift of all logits of an example."""
        exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return exp / exp.sum(axis=-1, keepdims=True)

    def cross_entropy(
        self, logits: Array, targets: Array, out_residual: Array | None = None
    ) -> Array:
        """Return C from logits, so that saturated outputs stay finite; see `Model`."""
        y = _aligned(targets, logits)
        z = np.subtract(logits, logits.max(axis=-1, keepdims=True), out=out_residual)
        target_logit = np.einsum("...k,...k->...", z, y)  # Σ_k y_k z_k
        np.exp(z, out=z)
        normaliser = z.sum(axis=-1)  # (N, …)
        if out_residual is not None:
            z /= normaliser[..., None]  # now ŷ
            z -= y
        return _mean_over_examples(np.log(normaliser) - target_logit)

    def is_correct(self, logits: Array, targets: Array) -> NDArray[np.bool_]:
        """Return whether the target's logit is larger than all others; (N,) or (N, S).

        Targets are one-hot. An exact tie counts as wrong. This is several times faster than
        argmax, which is slow over so few logits.
        """
        target_logit = np.einsum("...k,...k->...", logits, _aligned(targets, logits))
        return (logits >= target_logit[..., None]).sum(axis=-1, dtype=np.int16) == 1


def logits(X: Array, w: Array) -> Array:
    """Return z = xw, (N, K), for inputs (N, D+1) and weights (D+1, K).

    Raises
    ------
    ValueError
        If the shapes do not fit or the dtypes differ.
    """
    if X.ndim != 2 or w.ndim != 2 or X.shape[1] != w.shape[0]:
        raise ValueError(
            f"X and w must have shapes (N, D+1) and (D+1, K); got {X.shape} and {w.shape}"
        )
    if X.dtype != w.dtype:
        raise ValueError(f"X and w must have the same dtype; got {X.dtype} and {w.dtype}")
    return X @ w


def accuracy(model: Model, X: Array, w: Array, targets: Array) -> float:
    """Return the share of inputs (N, D+1) that weights (D+1, K) predict right; targets (N, K)."""
    return float(model.is_correct(logits(X, w), targets).mean())


def l2_penalty(w: Array) -> float:
    """Return R(w) = ½ Σ w²; the bias weights are penalised like the others."""
    return 0.5 * float(np.vdot(w, w))


def objective(model: Model, X: Array, w: Array, targets: Array, l2_lambda: float = 0.0) -> float:
    """Return J(w) = C(w) + λ R(w)."""
    return float(model.cross_entropy(logits(X, w), targets)) + l2_lambda * l2_penalty(w)


def gradient(model: Model, X: Array, w: Array, targets: Array, l2_lambda: float = 0.0) -> Array:
    """Return ∇J = xᵀ(ŷ − y)/N + λw, shaped like `w`."""
    return objective_and_gradient(model, X, w, targets, l2_lambda)[1]


def objective_and_gradient(
    model: Model, X: Array, w: Array, targets: Array, l2_lambda: float = 0.0
) -> tuple[float, Array]:
    """Return J(w) and ∇J, at the cost of the gradient alone."""
    residual = logits(X, w)
    cost = model.cross_entropy(residual, targets, out_residual=residual)  # now ŷ − y
    gradient = X.T @ residual / len(X) + w.dtype.type(l2_lambda) * w
    return float(cost) + l2_lambda * l2_penalty(w), gradient


def _aligned(targets: Array, logits: Array) -> Array:
    """Add to targets (N, K) the axis for models that logits (N, S, K) have, or refuse them."""
    expected = (logits.shape[0], logits.shape[-1])
    if targets.shape != expected:
        raise ValueError(f"targets must have shape {expected}; got {targets.shape}")
    return targets if logits.ndim == 2 else targets[:, None, :]


def _softplus(z: Array) -> Array:
    """Return ln(1 + exp(z)) without overflow."""
    return np.logaddexp(0, z)


def _mean_over_examples(loss: Array) -> Array:
    return loss.sum(axis=0) / len(loss)  # takes a third of the time of `mean` on a batch
