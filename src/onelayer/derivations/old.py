"""The derivations' steps as equations, and their proofs by SymPy.

A proof asks whether a formula is right for all numbers; `onelayer.gradients` asks whether
`models.gradient` computes it, at given numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations

from sympy import Expr, Rational, Symbol, cancel, diff, exp, log, symbols


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
    """Whether an equation holds; `statement` is Markdown without a full stop."""

    task: str
    statement: str
    holds: bool


def prove(equations: Iterable[Equation]) -> tuple[Proof, ...]:
    """Prove that left − right is exactly 0 for all values of the symbols, or fail to.

    Both sides are rational functions of their symbols and of exponentials, so bringing their
    difference over a common denominator and cancelling decides it: no numbers, no tolerance.
    What cancelling cannot decide counts as not proved.
    """
    return tuple(
        Proof(
            equation.task,
            equation.statement,
            all(
                cancel((left - right).subs(equation.given)) == 0
                for left, right in zip(equation.left, equation.right, strict=True)
            ),
        )
        for equation in equations
    )


def logistic_equations() -> tuple[Equation, ...]:
    """State task 1a for any target y and any number of inputs.

    C = −(y ln ŷ + (1 − y) ln(1 − ŷ)), ŷ = 1 / (1 + exp(−z)), z = w_i x_i + r, where r stands for
    the terms of the other weights.
    """
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
    total = sum(exp(z_k) for z_k in z)
    return [exp(z_k) / total for z_k in z]
