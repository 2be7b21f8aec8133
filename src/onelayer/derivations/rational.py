"""Decides whether a rational function is 0, much faster than SymPy alone."""

from __future__ import annotations

from collections.abc import Iterator

import sympy


def is_zero(expression: sympy.Expr) -> bool:
    """Return whether a rational function is 0 for all values of its symbols.

    Summands with the same denominator are added up before all get a common one.
    """
    numerators: dict[sympy.Expr, sympy.Expr] = {}
    for summand in _summands(expression):
        numerator, denominator = sympy.fraction(sympy.cancel(summand))
        numerators[denominator] = numerators.get(denominator, 0) + numerator
    rest = sympy.Add(*(sympy.expand(n) / d for d, n in numerators.items()))
    return bool(rest == 0 or sympy.cancel(rest) == 0)


def _summands(expression: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield the summands of a sum; a factor in front of it is multiplied into each of them."""
    sums = [factor for factor in sympy.Mul.make_args(expression) if factor.is_Add]
    if len(sums) == 1:
        factor = expression / sums[0]
        for summand in sums[0].args:
            yield from _summands(factor * summand)
    else:
        yield expression
