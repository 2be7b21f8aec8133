"""The minimum of the objective, found by accelerated descent on all examples at once.

With λ > 0, J is λ-strongly convex. Nesterov's method with the step η ≤ 1/L, where L bounds the
curvature of J, and the momentum (1 − √(ηλ))/(1 + √(ηλ)) comes closer by the factor 1 − √(ηλ) in
each step (Y. Nesterov, *Lectures on Convex Optimization*, 2018, 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onelayer.models import Array, Model, objective_and_gradient
from onelayer.threads import limits_threads

_ROUNDING = 1e-6  # relative amount by which J may seem to rise in float32


@dataclass(frozen=True, eq=False)
class Minimum:
    """Weights (D+1, K) at which the search for the minimum ended, and how it got there.

    `largest_slope` is the largest |∂J/∂w| there, `steps` is how many steps it took.
    """

    weights: Array
    largest_slope: float
    steps: int


@limits_threads
def minimum(
    model: Model,
    X: Array,
    targets: Array,
    l2_lambda: float,
    start: Array,
    step_size: float,
    *,
    tolerance: float = 1e-4,
    max_steps: int = 100,
) -> Minimum:
    """Descend from `start` until no |∂J/∂w| exceeds `tolerance`, or for `max_steps`.

    `step_size` is the initial η. Whenever J rises, it is halved and the momentum is reset.

    Raises
    ------
    ValueError
        If λ or η is not positive: then J need not have a minimum, or the descent cannot reach it.
    """
    if not (l2_lambda > 0 and step_size > 0):
        raise ValueError(
            f"l2_lambda and step_size must be positive; got {l2_lambda} and {step_size}"
        )
    dtype = X.dtype.type
    w = ahead = start.astype(X.dtype)
    lowest, steps = np.inf, 0
    while True:
        value, slope = objective_and_gradient(model, X, ahead, targets, l2_lambda)
        largest = float(np.abs(slope).max())
        if largest <= tolerance or steps == max_steps:
            return Minimum(ahead, largest, steps)
        steps += 1
        if not value <= lowest * (1 + _ROUNDING):
            step_size /= 2
            ahead, lowest = w, np.inf
            continue
        lowest = min(lowest, value)
        root = np.sqrt(step_size * l2_lambda)
        before, w = w, ahead - dtype(step_size) * slope
        ahead = w + dtype((1 - root) / (1 + root)) * (w - before)
