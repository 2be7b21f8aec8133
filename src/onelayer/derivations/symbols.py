"""What symbols stand for: quantities, defined or not, e^u and ln u; and their derivatives.

A defined quantity is replaced by its definition one level at a time, so that one can also
differentiate by it. For a derivative by v,

    dA/dv = Σ_s ∂A/∂s · ds/dv,  where s are the symbols in A and ds/dv is 1 for v itself,
    follows from the definition of s if it has one, and is 0 otherwise.

e^u and ln u are symbols as well, with (e^u)' = e^u u' and (ln u)' = u'/u. So every expression is
a rational function of its symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import sympy

from onelayer.derivations.terms import Refused

_TRIES = 5  # sets of random numbers, in case a denominator happens to be 0
_DIGITS, _NEARLY_ZERO = 50, 1e-30  # for deciding whether a number is 0
_LARGEST = 100  # the largest power of e: larger ones take too long


@dataclass
class Symbols:
    """What symbols stand for, with the assumptions about them.

    Attributes
    ----------
    body_of, place_of : callable
        The body of a symbol's definition, or None; and the definition's place, or 0.
    sizes : mapping
        The numbers of classes, examples and inputs, by the symbols that stand for them.
    """

    body_of: Callable[[sympy.Symbol], sympy.Expr | None]
    place_of: Callable[[sympy.Symbol], int]
    sizes: Mapping[sympy.Symbol, sympy.Integer]
    _given: dict[sympy.Expr, sympy.Expr] = field(default_factory=dict)  # by assumptions
    _exponents: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _logarithms: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _expanded: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _slopes: dict[sympy.Symbol, Mapping[sympy.Symbol, sympy.Expr]] = field(default_factory=dict)
    _points: dict[int, tuple[Random, dict[sympy.Symbol, sympy.Expr]]] = field(default_factory=dict)
    _open: dict[sympy.Symbol, int] = field(default_factory=dict)  # being expanded, and their place

    def exp(self, exponent: sympy.Expr, at: int) -> sympy.Expr:
        """Return e to a power, as a product if it is a sum; so e^{-z} is 1 over e^z."""
        factors = []
        for part in sympy.Add.make_args(exponent):
            count, rest = part.as_coeff_Mul()
            if not count.is_Integer:
                count, rest = sympy.Integer(1), part
            if abs(count) > _LARGEST:
                raise Refused(f"powers of e are read up to {_LARGEST}", at)
            symbol = sympy.Symbol(f"exp({rest})")
            self._exponents[symbol] = rest
            factors.append(symbol**count if rest != 0 else sympy.Integer(1))
        return sympy.Mul(*factors)

    def ln(self, argument: sympy.Expr) -> sympy.Expr:
        """Return the natural logarithm of an argument that is not 0."""
        if argument == 1:
            return sympy.Integer(0)
        symbol = sympy.Symbol(f"ln({argument})")
        self._logarithms[symbol] = argument
        return symbol

    def solve(self, zero: sympy.Expr, at: int) -> None:
        """Solve an equation for the last quantity in which it is linear."""
        if zero == 0:
            return
        for symbol in sorted(zero.free_symbols - self.sizes.keys(), key=str, reverse=True):
            slope = zero.coeff(symbol)
            number = slope.xreplace(self.sizes)
            rest = sympy.expand(zero - slope * symbol)
            if number.is_number and number != 0 and not rest.has(symbol):
                solution = -rest / slope
                self._given = {
                    known: value.xreplace({symbol: solution})
                    for known, value in self._given.items()
                }
                self._given[symbol] = solution
                self._points.clear()
                return
        raise Refused("expected an assumption that is linear in some quantity", at)

    def derivatives(self, value: sympy.Expr, by: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
        """Return the derivatives by several quantities at once, in one pass over the symbols."""
        wanted = set(by)
        leads: dict[sympy.Symbol, bool] = {}  # to what is wanted

        def visit(symbol: sympy.Symbol) -> bool:
            if symbol not in leads:
                leads[symbol] = symbol in wanted or any([*map(visit, self._slopes_of(symbol))])
            return leads[symbol]

        first = {s: slope for s, slope in _slopes(value).items() if visit(s)}
        passed: dict[sympy.Symbol, list[sympy.Expr]] = {s: [slope] for s, slope in first.items()}
        for symbol in reversed(leads):  # the parts of a symbol were visited before it
            if leads[symbol] and symbol not in wanted:
                total = sympy.Add(*passed.pop(symbol, ()))
                for inner, slope in self._slopes_of(symbol).items():
                    if leads[inner]:
                        passed.setdefault(inner, []).append(total * slope)
        return [sympy.Add(*passed.get(symbol, ())) for symbol in by]

    def _slopes_of(self, symbol: sympy.Symbol) -> Mapping[sympy.Symbol, sympy.Expr]:
        """Return the derivatives of what a symbol stands for, by the symbols in it."""
        if symbol not in self._slopes:
            if symbol in self._exponents:
                slopes = _slopes(self._exponents[symbol])
                slopes = {s: symbol * slope for s, slope in slopes.items()}
            elif symbol in self._logarithms:
                argument = self._logarithms[symbol]
                slopes = {s: slope / argument for s, slope in _slopes(argument).items()}
            else:
                body = self.body_of(symbol)
                slopes = {} if body is None else _slopes(body)
            self._slopes[symbol] = slopes
        return self._slopes[symbol]

    def below(
        self,
        symbols: Iterable[sympy.Symbol],
        except_for: Callable[[sympy.Symbol], bool] = lambda _: False,
    ) -> set[sympy.Symbol]:
        """Return the undefined quantities that symbols are made of; sizes are none.

        Those reached only through symbols for which `except_for` is true do not count.
        """
        leaves: set[sympy.Symbol] = set()
        seen = {*self.sizes}
        waiting = list(symbols)
        while waiting:
            symbol = waiting.pop()
            if symbol in seen or except_for(symbol):
                continue
            seen.add(symbol)
            inside = self._exponents.get(symbol, self._logarithms.get(symbol))
            if inside is None:
                inside = self.body_of(symbol)
            if inside is None:
                leaves.add(symbol)
            else:
                waiting += inside.free_symbols
        return leaves

    def expanded(self, value: sympy.Expr) -> sympy.Expr:
        """Return an expression in undefined quantities, with the assumptions put in."""
        return value.xreplace({s: self.leaves(s) for s in value.free_symbols}).xreplace(self._given)

    def leaves(self, symbol: sympy.Symbol) -> sympy.Expr:
        """Return a symbol in undefined quantities; refuse one that is defined by itself."""
        if symbol in self._open:
            raise Refused(f"{symbol} is defined by itself", self._open[symbol])
        if symbol not in self._expanded:
            self._open[symbol] = self.place_of(symbol)
            body = self.body_of(symbol)
            for inside in (self._exponents.get(symbol), self._logarithms.get(symbol)):
                for other in inside.free_symbols if inside is not None else ():
                    self.leaves(other)
            self._expanded[symbol] = (
                symbol
                if body is None
                else body.xreplace({s: self.leaves(s) for s in body.free_symbols})
            )
            del self._open[symbol]
        return self._expanded[symbol]

    def has_logarithms(self, value: sympy.Expr) -> bool:
        """Return whether logarithms are left in an expression."""
        return not self.expanded(value).free_symbols.isdisjoint(self._logarithms)

    def differs_from_zero(self, value: sympy.Expr, *, at_sizes: bool = True) -> bool:
        """Return whether an expression is not 0 at random numbers, with e^u computed from u.

        The sizes are those given, or random numbers as well.
        """
        for symbol in value.free_symbols:
            self.leaves(symbol)  # which refuses a symbol that is defined by itself
        random = Random(0)
        sizes = self.sizes if at_sizes else {}
        numbers = (self._number(value, random, {**sizes}, real=True) for _ in range(_TRIES))
        return any(number.is_finite and abs(number) > _NEARLY_ZERO for number in numbers)

    def at_random(self, values: Sequence[sympy.Expr]) -> list[sympy.Rational]:
        """Return the values at random rational numbers, with e^u random, too; [] if undefined."""
        for seed in range(_TRIES):
            random, known = self._points.setdefault(seed, (Random(seed), {}))
            numbers = [self._number(value, random, known, real=False) for value in values]
            if all(number.is_Rational for number in numbers):
                return numbers
        return []

    def _number(
        self,
        value: sympy.Expr,
        random: Random,
        known: dict[sympy.Symbol, sympy.Expr],
        *,
        real: bool,
    ) -> sympy.Expr:
        """Return an expression at random numbers; if `real`, e^u is computed from u."""

        def number(inside: sympy.Expr) -> sympy.Expr:
            return self._number(inside, random, known, real=real)

        for symbol in sorted(value.free_symbols - known.keys(), key=str):
            if symbol in known:  # in the meantime
                continue
            body = self._given.get(symbol, self.body_of(symbol))
            if real and symbol in self._exponents:
                known[symbol] = sympy.exp(number(self._exponents[symbol]))
            elif real and symbol in self._logarithms:
                known[symbol] = sympy.log(number(self._logarithms[symbol]))
            elif body is not None:
                known[symbol] = number(body)
            else:
                known[symbol] = sympy.Rational(random.randint(1, 997), 997)
            if real:
                known[symbol] = known[symbol].evalf(_DIGITS)
        result = value.xreplace(known)
        return result.evalf(_DIGITS) if real else result


def _slopes(expression: sympy.Expr) -> dict[sympy.Symbol, sympy.Expr]:
    """Return the derivatives of a rational function by each of its symbols, all in one pass."""
    if expression.is_Symbol:
        return {expression: sympy.Integer(1)}
    parts = expression.args
    if expression.is_Mul:
        others = [sympy.Mul(*parts[:i], *parts[i + 1 :]) for i in range(len(parts))]
    elif expression.is_Pow and parts[1].is_Integer:
        base, exponent = parts
        parts, others = [base], [exponent * base ** (exponent - 1)]
    elif expression.is_Add or expression.is_Rational:  # the latter has no parts
        others = [sympy.Integer(1)] * len(parts)
    else:
        raise AssertionError(expression)
    summands: dict[sympy.Symbol, list[sympy.Expr]] = {}
    for part, factor in zip(parts, others, strict=True):
        for symbol, slope in _slopes(part).items():
            summands.setdefault(symbol, []).append(factor * slope)
    return {symbol: sympy.Add(*slopes) for symbol, slopes in summands.items()}
