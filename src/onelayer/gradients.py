"""Check gradients twice: by central differences, and by proving the formulas with SymPy.

A central difference asks whether `models.gradient` computes the slope of J at given numbers;
a proof asks whether the formula that it implements is right for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from onelayer.models import Array, Model, gradient, logits

if TYPE_CHECKING:
    from sympy import Expr, Symbol

    from onelayer.data import Split

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
            model.cross_entropy_and_residual(moved.reshape(N, -1, K), targets)  # (rows · K,)
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


@dataclass(frozen=True)
class Equation:
    """A step of a derivation as data: `left`, differentiated by SymPy, is claimed to be `right`.

    Both sides list the same entries, one for each case that the statement covers; `given` holds
    what the statement presupposes, as replacements of symbols.

    Raises
    ------
    ValueError
        If the sides are of different lengths, or empty: nothing would be proved.
    """

    task: str
    statement: str
    left: Sequence[Expr]
    right: Sequence[Expr]
    given: Mapping[Symbol, Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.left) == len(self.right) > 0:
            raise ValueError(
                "left and right must list the same entries, at least one; "
                f"got {len(self.left)} and {len(self.right)}"
            )


@dataclass(frozen=True)
class Proof:
    """What became of an equation; `statement` is Markdown without a full stop."""

    task: str
    statement: str
    holds: bool


def prove(equations: Iterable[Equation]) -> tuple[Proof, ...]:
    """Tell of each equation whether left − right is exactly 0 for all values of its symbols.

    Both sides are rational functions of their symbols and of exponentials, so bringing their
    difference over a common denominator and cancelling decides it: no numbers, no tolerance.
    What cancelling cannot decide counts as not proved.
    """
    return tuple(Proof(e.task, e.statement, _holds(e)) for e in equations)


def logistic_equations() -> tuple[Equation, ...]:
    """State task 1a for any target y and any number of inputs.

    C = −(y ln ŷ + (1 − y) ln(1 − ŷ)), ŷ = 1 / (1 + exp(−z)), z = w_i x_i + r, where r stands for
    the terms of the other weights.
    """
    from sympy import diff, exp, log, symbols

    y, y_hat, z, w, x, r = symbols("y y_hat z w_i x_i r", real=True)

    cost = -(y * log(y_hat) + (1 - y) * log(1 - y_hat))
    sigmoid = 1 / (1 + exp(-z))
    z_of_w = w * x + r
    output = sigmoid.subs(z, z_of_w)
    step = partial(Equation, "1a")
    return (
        step(
            r"$\partial C/\partial\hat{y} = -(y - \hat{y})/(\hat{y}(1 - \hat{y}))$",
            [diff(cost, y_hat)],
            [-(y - y_hat) / (y_hat * (1 - y_hat))],
        ),
        step(
            r"$\mathrm{d}\hat{y}/\mathrm{d}z = \hat{y}(1 - \hat{y})$",
            [diff(sigmoid, z)],
            [sigmoid * (1 - sigmoid)],
        ),
        step(r"$\partial z/\partial w_i = x_i$", [diff(z_of_w, w)], [x]),
        step(
            r"$\partial C/\partial w_i = -(y - \hat{y})\,x_i$, differentiated in one go",
            [diff(cost.subs(y_hat, output), w)],
            [-(y - output) * x],
        ),
    )


def softmax_equations(num_classes: int = 3) -> tuple[Equation, ...]:
    """State task 1b for K classes, any targets y_k that sum to 1, and any number of inputs.

    C = −Σ_k y_k ln ŷ_k, ŷ_k = exp(z_k) / Σ_m exp(z_m), z_k = w_kj x_j + r_k, where r_k stands for
    the terms of the other weights. Only the two equations that say so need Σ_k y_k = 1.
    """
    from sympy import diff, log, symbols

    classes = range(num_classes)
    names = (f"{name}:{num_classes}" for name in ("y", "y_hat", "z", "w", "r"))
    y, y_hat, z, w, r = symbols(list(names), real=True)
    x = symbols("x_j", real=True)
    unequal = list(permutations(classes, 2))  # all (i, k) with i ≠ k
    sums_to_one = {y[-1]: 1 - sum(y[:-1])}

    cost = -sum(y[k] * log(y_hat[k]) for k in classes)
    softmax = _softmax(z)
    z_of_w = [w[k] * x + r[k] for k in classes]
    outputs = _softmax(z_of_w)
    cost_of_z = cost.subs(dict(zip(y_hat, softmax, strict=True)))
    cost_of_w = cost.subs(dict(zip(y_hat, outputs, strict=True)))
    step = partial(Equation, "1b")
    return (
        step(
            r"$\partial C/\partial\hat{y}_i = -y_i/\hat{y}_i$",
            [diff(cost, y_hat[i]) for i in classes],
            [-y[i] / y_hat[i] for i in classes],
        ),
        step(
            r"$\partial\hat{y}_i/\partial z_k = \hat{y}_k(1 - \hat{y}_k)$ for $i = k$",
            [diff(softmax[k], z[k]) for k in classes],
            [softmax[k] * (1 - softmax[k]) for k in classes],
        ),
        step(
            r"$\partial\hat{y}_i/\partial z_k = -\hat{y}_i\hat{y}_k$ for $i \neq k$",
            [diff(softmax[i], z[k]) for i, k in unequal],
            [-softmax[i] * softmax[k] for i, k in unequal],
        ),
        step(
            r"$\partial C/\partial z_k = -y_k + \hat{y}_k\sum_i y_i$, whatever the targets sum to",
            [diff(cost_of_z, z[k]) for k in classes],
            [-y[k] + softmax[k] * sum(y) for k in classes],
        ),
        step(
            r"$\partial C/\partial z_k = -(y_k - \hat{y}_k)$ if $\sum_i y_i = 1$",
            [diff(cost_of_z, z[k]) for k in classes],
            [-(y[k] - softmax[k]) for k in classes],
            given=sums_to_one,
        ),
        step(
            r"$\partial z_i/\partial w_{kj}$ is $x_j$ for $i = k$ and $0$ for $i \neq k$",
            [diff(z_of_w[i], w[k]) for i in classes for k in classes],
            [x if i == k else 0 for i in classes for k in classes],
        ),
        step(
            r"$\partial C/\partial w_{kj} = -x_j(y_k - \hat{y}_k)$ if $\sum_i y_i = 1$, "
            "differentiated in one go",
            [diff(cost_of_w, w[k]) for k in classes],
            [-x * (y[k] - outputs[k]) for k in classes],
            given=sums_to_one,
        ),
    )


def l2_equations(num_classes: int = 3, num_examples: int = 2) -> tuple[Equation, ...]:
    """State task 4a for a batch of N examples; the rest is as in `softmax_equations`.

    J = C + λ R, C = (1/N) Σ_n Cⁿ, R = ½ Σ_k Σ_j w_kj², z_k = Σ_j w_kj x_j with two inputs j.
    """
    from sympy import Rational, diff, log, symbols

    classes, inputs, examples = range(num_classes), range(2), range(num_examples)
    w = [symbols(f"w{k}_:2", real=True) for k in classes]
    x = [symbols(f"x{n}_:2", real=True) for n in examples]
    y = [symbols(f"y{n}_:{num_classes}", real=True) for n in examples]
    l2_lambda = symbols("lambda", real=True)
    every_weight = [(k, j) for k in classes for j in inputs]
    sums_to_one = {y[n][-1]: 1 - sum(y[n][:-1]) for n in examples}

    outputs = [
        _softmax([sum(w[k][j] * x[n][j] for j in inputs) for k in classes]) for n in examples
    ]
    costs = [-sum(y[n][k] * log(outputs[n][k]) for k in classes) for n in examples]
    penalty = Rational(1, 2) * sum(w[k][j] ** 2 for k, j in every_weight)
    objective = sum(costs) / num_examples + l2_lambda * penalty
    step = partial(Equation, "4a")
    return (
        step(
            r"$\partial R/\partial w_{kj} = w_{kj}$",
            [diff(penalty, w[k][j]) for k, j in every_weight],
            [w[k][j] for k, j in every_weight],
        ),
        step(
            r"$\partial J/\partial w_{kj} = -\frac{1}{N}\sum_n x_j^n(y_k^n - \hat{y}_k^n) "
            r"+ \lambda w_{kj}$, differentiated in one go",
            [diff(objective, w[k][j]) for k, j in every_weight],
            [
                -sum(x[n][j] * (y[n][k] - outputs[n][k]) for n in examples) / num_examples
                + l2_lambda * w[k][j]
                for k, j in every_weight
            ],
            given=sums_to_one,
        ),
    )


def _softmax(z: Sequence[Expr]) -> list[Expr]:
    from sympy import exp

    total = sum(exp(z_k) for z_k in z)
    return [exp(z_k) / total for z_k in z]


def _holds(equation: Equation) -> bool:
    from sympy import cancel

    return all(
        cancel((left - right).subs(equation.given)) == 0
        for left, right in zip(equation.left, equation.right, strict=True)
    )
