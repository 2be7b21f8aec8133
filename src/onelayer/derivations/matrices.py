"""Matrix forms: terms in which a name means a whole matrix, as SymPy matrices at given sizes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import sympy

from onelayer.derivations.quantities import Quantities
from onelayer.derivations.terms import (
    Add,
    Gradient,
    Name,
    Negative,
    Number,
    Product,
    Quotient,
    Refused,
    Size,
    Term,
    Transpose,
)


def matrix_of(quantities: Quantities, term: Term) -> sympy.Matrix | sympy.Expr:
    """Return the value of a term whose names mean whole matrices; it may be a plain number.

    A row is an example or, for the weights w_j or w_kj, an input j. A column is a class or an
    input; without either there is a single column.
    """
    read = partial(matrix_of, quantities)
    match term:
        case Name(subscripts=(), example="", applied=""):
            return _matrix(quantities, term.base, term.at)
        case Gradient():
            return _gradient(quantities, term)
        case Transpose():
            matrix = read(term.matrix)
            if not isinstance(matrix, sympy.MatrixBase):
                raise Refused("what is transposed is no matrix", term.at)
            return matrix.T
        case Add():
            return _combined(operator.add, [*map(read, term.terms)], term.at)
        case Negative():
            return -read(term.term)
        case Product():
            return _combined(operator.mul, [*map(read, term.factors)], term.at)
        case Quotient() | Number() | Size():
            return quantities.value(term, {})
    raise Refused("expected a sum or a product of matrices", term.at)


def _matrix(quantities: Quantities, base: str, at: int) -> sympy.Matrix | sympy.Symbol:
    declared = quantities.declared
    if base not in declared.shapes:
        raise Refused(f"{base} has not been used so far", at)
    name = Name(at, base)
    match (
        declared.is_of_example(name),
        [declared.sizes[letter] for letter in declared.shapes[base]],
    ):
        case True, []:
            return sympy.Matrix(
                declared.size_of(declared.example),
                1,
                lambda row, _: quantities.entry(name, [], row + 1),
            )
        case False, [rows]:
            return sympy.Matrix(rows, 1, lambda row, _: quantities.entry(name, [row + 1], 0))
        case True, [columns]:
            return sympy.Matrix(
                declared.size_of(declared.example),
                columns,
                lambda row, column: quantities.entry(name, [column + 1], row + 1),
            )
        case False, [columns, rows] if columns != rows:
            return sympy.Matrix(
                rows, columns, lambda row, column: quantities.entry(name, [column + 1, row + 1], 0)
            )
        case False, []:
            return quantities.entry(name, [], 0)
    raise Refused(f"{base} is no matrix", at)


def _gradient(quantities: Quantities, term: Gradient) -> sympy.Matrix:
    definition = quantities.declared.definitions.get((term.of.base, False))
    if definition is None or not definition.name.applied:
        raise Refused(
            f"expected a function such as C, defined as 'C(w) = …'; got {term.of.base}", term.at
        )
    value = quantities.symbol(term.of, {})
    weights = _matrix(quantities, definition.name.applied, term.at)
    if not isinstance(weights, sympy.MatrixBase):
        raise Refused(f"{definition.name.applied} is no matrix", term.at)
    derivatives = quantities.derivatives(value, list(weights), term.at)
    return sympy.Matrix(*weights.shape, derivatives)


def _combined(
    combine: Callable[[Any, Any], Any], values: Sequence[sympy.Matrix | sympy.Expr], at: int
) -> sympy.Matrix | sympy.Expr:
    try:
        return reduce(combine, values)
    except (sympy.ShapeError, TypeError) as error:
        raise Refused("the shapes of these matrices do not fit", at) from error
