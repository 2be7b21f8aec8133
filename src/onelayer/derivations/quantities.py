"""Turns the terms of a derivation into SymPy expressions, at given sizes.

Each quantity with given indices is a symbol; `onelayer.derivations.symbols` knows what it stands
for. Sums are written out, but a size that stands as a number is a symbol as well: D = 2 K - 2 may
be true at the given sizes, and says nothing about others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import sympy

from onelayer.derivations.declarations import Declarations, Definition, Indices
from onelayer.derivations.symbols import Symbols
from onelayer.derivations.terms import (
    Add,
    Chain,
    Derivative,
    Exp,
    Gradient,
    Ln,
    Name,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Refused,
    Size,
    Sum,
    Term,
    Transpose,
)


@dataclass
class Quantities:
    """The formulas' terms as expressions, given what has been declared and assumed so far."""

    declared: Declarations
    symbols: Symbols = field(init=False)
    _bases: dict[sympy.Symbol, tuple[str, bool]] = field(default_factory=dict)  # as in definitions
    _defined: dict[sympy.Symbol, tuple[Definition, Indices]] = field(default_factory=dict)
    _bodies: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)  # of their definitions
    _tied: set[sympy.Symbol] = field(default_factory=set)  # what assumptions are about
    _not_zero: dict[sympy.Expr, int] = field(default_factory=dict)  # denominators, and their place

    def __post_init__(self) -> None:
        given = self.declared.sizes.items()
        sizes = {_size(letter): sympy.Integer(size) for letter, size in given}
        self.symbols = Symbols(self._body, self._place, sizes)

    def define(self, chains: Iterable[Chain]) -> None:
        """Add definitions that stand together; each may use the others, but not itself."""
        for name, body in self.declared.define(chains):
            for indices in self.declared.cases([name, body]):
                self.symbols.leaves(self.symbol(name, indices))

    def assume(self, chains: Iterable[Chain]) -> None:
        """Take equations as given, for all values of their indices."""
        for chain in chains:
            free = sorted(self.declared.free(chain.members))
            for values in product(*(range(1, self.declared.size_of(index) + 1) for index in free)):
                indices = dict(zip(free, values, strict=True))
                sides = [self.value(member, indices) for member in chain.members]
                for value in sides:
                    self._tied |= self.symbols.below(value.free_symbols)
                left, *rights = map(self.symbols.expanded, sides)
                for right in rights:
                    self.symbols.solve(sympy.expand(left - right), chain.members[0].at)

        for denominator, at in self._not_zero.items():
            self._refuse_zero(denominator, at)

    def symbol(self, name: Name, indices: Indices) -> sympy.Symbol:
        """Return the symbol of a quantity with these indices."""
        self.declared.check_shape(name)
        of_example = self.declared.is_of_example(name)
        if name.example and not of_example:
            if self.declared.definition(name) is None:
                unknown = f"no formula above defines {name.base}"
                raise Refused(f"{unknown}, so it has no index {name.example!r}", name.at)
            raise Refused(f"{name.base} does not depend on {name.example!r}", name.at)
        if name.applied:
            definition = self.declared.definition(name)
            if definition is None or definition.name.applied != name.applied:
                raise Refused(f"{name.base} is no function of {name.applied}", name.at)
        needed = [
            *name.subscripts,
            *([name.example or self.declared.example] if of_example else []),
        ]
        if lacking := [index for index in needed if index not in indices]:
            raise Refused(f"the index {lacking[0]!r} of {name.base} has no value here", name.at)
        example = indices[needed[-1]] if of_example else 0
        return self.entry(name, [indices[index] for index in name.subscripts], example)

    def entry(self, name: Name, values: Sequence[int], example: int) -> sympy.Symbol:
        """Return the symbol of a quantity with these values of its indices; 0: of no example."""
        # A mean over examples and the value of one share a name; only the latter has an index.
        symbol = sympy.Symbol(f"{name.base}_{[*values]}" + (f"^{example}" if example else ""))
        definition = self.declared.definition(name)
        self._bases[symbol] = name.base, bool(definition and definition.name.example)
        if definition is None:
            self.declared.used.add(name.base)
        else:
            wanted = definition.name
            inner = dict(zip(wanted.subscripts, values, strict=True))
            if example:
                inner[wanted.example or self.declared.example] = example
            self._defined.setdefault(symbol, (definition, inner))
        return symbol

    def only_on_one_side(self, *sides: sympy.Expr) -> str:
        """Name the undefined quantities that only one of two sides has: one may be misspelt."""
        left, right = (
            {
                self._bases[symbol][0]
                for symbol in self.symbols.below(side.free_symbols)
                if symbol in self._bases
            }
            for side in sides
        )
        only = {"left": ", ".join(sorted(left - right)), "right": ", ".join(sorted(right - left))}
        return "".join(f"; only the {side} has {names}" for side, names in only.items() if names)

    def value(self, term: Term, indices: Indices) -> sympy.Expr:
        """Return a term for given indices, in symbols; definitions are not expanded."""
        match term:
            case Number():
                return sympy.Integer(term.value)
            case Size():
                return _size(term.letter)
            case Name():
                return self.symbol(term, indices)
            case Add():
                return sympy.Add(*(self.value(each, indices) for each in term.terms))
            case Negative():
                return -self.value(term.term, indices)
            case Product():
                return sympy.Mul(*(self.value(each, indices) for each in term.factors))
            case Quotient():
                below = self.value(term.denominator, indices)
                self._check_not_zero(below, term.denominator.at)
                return self.value(term.numerator, indices) / below
            case Power():
                base = self.value(term.base, indices)
                if term.exponent < 0:
                    self._check_not_zero(base, term.base.at)
                return base**term.exponent
            case Exp():
                return self.symbols.exp(sympy.expand(self.value(term.exponent, indices)), term.at)
            case Ln():
                argument = self.value(term.argument, indices)
                self._check_not_zero(argument, term.argument.at)
                return self.symbols.ln(argument)
            case Sum():
                return sympy.Add(
                    *(self.value(term.body, inner) for inner in self._summed(term, indices))
                )
            case Derivative():
                by = self.symbol(term.by, indices)
                return self.derivatives(self.value(term.of, indices), [by], term.at)[0]
            case Transpose() | Gradient():
                raise Refused("a matrix stands among numbers", term.at)
        raise AssertionError(term)

    def _summed(self, term: Sum, indices: Indices) -> Iterator[Indices]:
        if term.unequal and term.unequal not in indices:
            raise Refused(f"the index {term.unequal!r} has no value here", term.at)
        for values in product(
            *(range(1, self.declared.size_of(index) + 1) for index in term.indices)
        ):
            inner = {**indices, **dict(zip(term.indices, values, strict=True))}
            if not term.unequal or values[0] != indices[term.unequal]:
                yield inner

    def _check_not_zero(self, value: sympy.Expr, at: int) -> None:
        if value not in self._not_zero:
            self._refuse_zero(value, at)
            self._not_zero[value] = at

    def _refuse_zero(self, value: sympy.Expr, at: int) -> None:
        """Refuse a divisor that is 0 by the definitions and assumptions so far.

        SymPy itself cancels c/c before it is known that c is 0, and finds 1/0 equal to 2/0.
        """
        if not self.symbols.differs_from_zero(value):
            raise Refused("a denominator is 0, or a logarithm's argument", at)

    def derivatives(
        self, value: sympy.Expr, by: Sequence[sympy.Symbol], at: int
    ) -> list[sympy.Expr]:
        """Return the derivatives by several quantities, unless these depend on others."""
        for each in by:
            self._refuse_other_dependence(value, each, at)
            if not self.symbols.below([each]):
                raise Refused(
                    f"{self._bases[each][0]} is a constant, so nothing changes with it", at
                )
            if not self._tied.isdisjoint(self.symbols.below([each])):
                raise Refused(
                    f"by an assumption {self._bases[each][0]} depends on other quantities, "
                    "which a derivative would hold",
                    at,
                )
        return self.symbols.derivatives(value, by)

    def _refuse_other_dependence(self, value: sympy.Expr, by: sympy.Symbol, at: int) -> None:
        """Refuse a derivative by a defined quantity on whose parts `value` depends in other ways.

        With u = 1 + e^z and v = e^z, the derivative of v by u would be 0, as v does not name u.
        """
        if by not in self._defined:
            return
        below = self.symbols.below([by])
        if not below.isdisjoint(
            self.symbols.below(
                value.free_symbols, except_for=lambda s: self._bases.get(s) == self._bases[by]
            )
        ):
            name = self._bases[by][0]
            raise Refused(
                f"the numerator depends on the variables of {name} other than through {name}", at
            )

    def _body(self, symbol: sympy.Symbol) -> sympy.Expr | None:
        if symbol in self._defined and symbol not in self._bodies:
            definition, indices = self._defined[symbol]
            self._bodies[symbol] = self.value(definition.body, indices)
        return self._bodies.get(symbol)

    def _place(self, symbol: sympy.Symbol) -> int:
        return self._defined[symbol][0].name.at if symbol in self._defined else 0


def _size(letter: str) -> sympy.Symbol:
    return sympy.Symbol(letter)
