"""What the terms of a derivation are at given sizes: SymPy's expressions, and their derivatives.

Each quantity with given indices is a symbol; what is defined is told by its definition, one level
at a time, so that a quantity can be held while one differentiates by it. For a derivative by v,

    dA/dv = Σ_s ∂A/∂s · ds/dv,  where s are the symbols in A and ds/dv is 1 for v itself,
    follows from the definition of s if it has one, and is 0 otherwise.

e^u and ln u are symbols as well, with (e^u)' = e^u u' and (ln u)' = u'/u. So every expression is
a rational function of its symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

import sympy

from onelayer.derivations.terms import (
    Add,
    Chain,
    Condition,
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
    Range,
    Refused,
    Size,
    Sum,
    Term,
    Transpose,
)

Indices = Mapping[str, int]  # the values that indices have

_TRIES = 5  # of random numbers, where a denominator happens to be 0
_DIGITS, _NEARLY_ZERO = 50, 1e-30  # of numbers that tell whether one is 0
_LARGEST = 100  # the largest power of e: more takes too long


@dataclass(frozen=True)
class Definition:
    """A quantity by its name and whether it was written with an example's index; its body."""

    name: Name
    body: Term
    is_of_example: bool


@dataclass
class Quantities:
    """What has been declared and defined so far, at given sizes."""

    sizes: Mapping[str, int]
    written_with_example: frozenset[str]  # names that somewhere have an example's index
    example: str = ""  # the index that stands above, "n"
    ranges: dict[str, str] = field(default_factory=dict)
    definitions: dict[tuple[str, bool], Definition] = field(default_factory=dict)
    given: dict[sympy.Expr, sympy.Expr] = field(default_factory=dict)  # by assumptions
    _shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _leaf_names: set[str] = field(default_factory=set)
    _bases: dict[sympy.Symbol, tuple[str, bool]] = field(default_factory=dict)  # as definitions'
    _defined: dict[sympy.Symbol, tuple[Definition, Indices]] = field(default_factory=dict)
    _exponents: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _logarithms: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _expanded: dict[sympy.Symbol, sympy.Expr] = field(default_factory=dict)
    _slopes: dict[sympy.Symbol, Mapping[sympy.Symbol, sympy.Expr]] = field(default_factory=dict)
    _tied: set[sympy.Symbol] = field(default_factory=set)  # what assumptions are about
    _points: dict[int, tuple[Random, dict[sympy.Symbol, sympy.Expr]]] = field(default_factory=dict)
    _not_zero: dict[sympy.Expr, int] = field(default_factory=dict)  # denominators, and their place
    _open: dict[sympy.Symbol, int] = field(default_factory=dict)  # being expanded, and their place

    # ---- What is declared -----------------------------------------------------------------------

    def declare(self, range_: Range) -> None:
        """Take the range of indices."""
        if range_.size not in self.sizes:
            known = ", ".join(self.sizes)
            raise Refused(f"{range_.size!r} is no size; those known are {known}", range_.at)
        for index in range_.indices:
            if index in self.ranges or index in self.sizes:
                raise Refused(f"{index!r} is declared twice", range_.at)
            if index in self._shapes:
                raise Refused(f"{index!r} stands for a quantity above", range_.at)
            self.ranges[index] = range_.size

    def define(self, chains: Iterable[Chain]) -> None:
        """Take definitions that stand together; each may use the others."""
        earlier = [*self.definitions.values()]
        keys = [self._register(chain) for chain in chains]
        grows = True
        while grows:  # what is made of an example's quantities is an example's as well
            grows = False
            for key in keys:
                old = self.definitions[key]
                if not old.is_of_example and self.example in self.free([old.body]):
                    self.definitions[key] = replace(old, is_of_example=True)
                    grows = True
        for key in keys:
            self._check_elided(self.definitions[key], earlier)
        new = [(self.definitions[key].name, self.definitions[key].body) for key in keys]
        for name, body in new:
            if loose := self.free([body]) - {*name.subscripts, name.example or self.example}:
                raise Refused(f"the index {min(loose)!r} stands on the right side alone", body.at)
        for name, body in new:
            for indices in self.cases([name, body]):
                self._leaves(self.symbol(name, indices))

    def _register(self, chain: Chain) -> tuple[str, bool]:
        if len(chain.members) != 2:
            raise Refused("expected one definition, 'name = …'", chain.members[0].at)
        name, body = chain.members
        if not isinstance(name, Name):
            raise Refused("expected a name on the left of a definition", name.at)
        if len({*name.subscripts, name.example}) != len(name.subscripts) + 1:
            raise Refused("an index stands twice in what is defined", name.at)
        key = name.base, bool(name.example)
        if key in self.definitions:
            raise Refused(f"{name.base} is defined twice", name.at)
        if name.base in self._leaf_names:
            raise Refused(f"{name.base} is used before it is defined", name.at)
        self._check_shape(name)
        self.definitions[key] = Definition(name, body, bool(name.example))
        return key

    def _check_elided(self, new: Definition, earlier: Iterable[Definition]) -> None:
        """Refuse a definition if its name without an example's index meant something else so far.

        Without its index C is one example's until it is defined as the mean of all of them.
        """
        plain, of_example = (self.definitions.get((new.name.base, has)) for has in (False, True))
        if plain and of_example and plain.is_of_example:
            raise Refused(f"{new.name.base} is defined twice", new.name.at)
        if new is plain and not new.is_of_example:
            bodies = (term for old in earlier for term in old.body.all())
            if any(
                isinstance(t, Name) and (t.base, t.example) == (new.name.base, "") for t in bodies
            ):
                raise Refused(
                    f"{new.name.base} is used before it is defined: there, its index was left out",
                    new.name.at,
                )

    def assume(self, chains: Iterable[Chain]) -> None:
        """Take equations as given, for all values of their indices."""
        for chain in chains:
            free = sorted(self.free(chain.members))
            for values in product(*(range(1, self.size_of(index) + 1) for index in free)):
                indices = dict(zip(free, values, strict=True))
                values_ = [self.value(member, indices) for member in chain.members]
                for value in values_:
                    self._tied |= self._all_below(value.free_symbols)
                left, *rights = map(self.expanded, values_)
                for right in rights:
                    self._take(sympy.expand(left - right), chain.members[0].at)

        for denominator, at in self._not_zero.items():
            self._refuse_zero(denominator, at)

    def _take(self, zero: sympy.Expr, at: int) -> None:
        """Solve an equation for the last of its quantities that it is linear in."""
        if zero == 0:
            return
        for symbol in sorted(zero.free_symbols, key=str, reverse=True):
            slope = zero.coeff(symbol)
            if slope.is_number and not (rest := sympy.expand(zero - slope * symbol)).has(symbol):
                solution = -rest / slope
                self.given = {
                    known: value.xreplace({symbol: solution}) for known, value in self.given.items()
                }
                self.given[symbol] = solution
                self._points.clear()
                return
        raise Refused("expected an assumption that is linear in some quantity", at)

    # ---- Indices --------------------------------------------------------------------------------

    def size_of(self, index: str) -> int:
        """Return how many values an index has."""
        return self.sizes[self.ranges[index]]

    def free(self, terms: Iterable[Term]) -> set[str]:
        """Return the indices that terms depend on; an example's index counts where it is left out.

        An index is left out everywhere in a statement or nowhere, and never below a sum over it.
        """
        written: dict[str, int] = {}
        left_out: dict[str, int] = {}

        def range_of(index: str, term: Term) -> str:
            if index not in self.ranges:
                raise Refused(f"the index {index!r} is not declared", term.at)
            return self.ranges[index]

        def look(term: Term, bound: frozenset[str]) -> None:
            if isinstance(term, Sum):
                if term.unequal and term.unequal not in bound:
                    written.setdefault(term.unequal, term.at)
                bound |= {*term.indices}
            if isinstance(term, Name):
                for index in filter(None, (*term.subscripts, term.example)):
                    if index not in bound:
                        written.setdefault(index, term.at)
                if term.example and range_of(term.example, term) != range_of(self.example, term):
                    raise Refused(
                        f"{term.example!r} does not count what {self.example!r} does", term.at
                    )
                if not term.example and self.is_of_example(term):
                    range_of(self.example, term)
                    size = self.ranges[self.example]
                    if any(self.ranges.get(index) == size for index in bound):
                        raise Refused(
                            f"the index {self.example!r} is left out below a sum", term.at
                        )
                    left_out.setdefault(self.example, term.at)
            for part in term.parts():
                look(part, bound)

        for term in terms:
            look(term, frozenset())
        if left_out and self.example in written:
            at = max(left_out[self.example], written[self.example])
            raise Refused(
                f"the index {self.example!r} is written in places and left out in others", at
            )
        return {*written, *left_out}

    def cases(
        self, terms: Sequence[Term], conditions: Sequence[Condition] = ()
    ) -> Iterator[Indices]:
        """Yield values of a statement's indices, one for each way in which they can coincide.

        Numbers never stand for an index, and sums run over whole ranges, so that no value of an
        index differs from another: what holds for i = 1, k = 2 does so for all i ≠ k.
        """
        named = self.free(terms)
        for case in conditions:
            if not {case.first, case.second} & named:
                raise Refused("the case is about no index of the formula", case.at)
            if self.ranges[case.first] != self.ranges[case.second]:
                raise Refused("the case compares indices of different ranges", case.at)
        free = sorted(named | {i for c in conditions for i in (c.first, c.second)})

        def choose(chosen: Indices) -> Iterator[Indices]:
            if len(chosen) == len(free):
                if all((chosen[c.first] == chosen[c.second]) == c.equal for c in conditions):
                    yield chosen
                return
            index = free[len(chosen)]
            alike = [v for i, v in chosen.items() if self.ranges[i] == self.ranges[index]]
            for value in range(1, min(max(alike, default=0) + 1, self.size_of(index)) + 1):
                yield from choose({**chosen, index: value})

        yield from choose({})

    # ---- Values ---------------------------------------------------------------------------------

    def is_of_example(self, name: Name) -> bool:
        """Return whether a quantity is one example's, whether or not its index is written."""
        definition = self.definition(name)
        if definition is not None:
            return definition.is_of_example
        return name.base in self.written_with_example

    def definition(self, name: Name) -> Definition | None:
        """Return what defines a quantity: with an index left out, that of an example may."""
        plain, of_example = ((name.base, has) for has in (False, True))
        if not name.example:
            return self.definitions.get(plain) or self.definitions.get(of_example)
        found = self.definitions.get(of_example)
        if found is None and (other := self.definitions.get(plain)) and other.is_of_example:
            return other
        return found

    def symbol(self, name: Name, indices: Indices) -> sympy.Symbol:
        """Return the symbol of a quantity with these indices."""
        self._check_shape(name)
        of_example = self.is_of_example(name)
        if name.example and not of_example:
            raise Refused(f"{name.base} does not depend on {name.example!r}", name.at)
        if name.applied:
            definition = self.definition(name)
            if definition is None or definition.name.applied != name.applied:
                raise Refused(f"{name.base} is no function of {name.applied}", name.at)
        needed = [*name.subscripts, *([name.example or self.example] if of_example else [])]
        if lacking := [index for index in needed if index not in indices]:
            raise Refused(f"the index {lacking[0]!r} of {name.base} has no value here", name.at)
        example = indices[needed[-1]] if of_example else 0
        return self._symbol(name, [indices[index] for index in name.subscripts], example)

    def _check_shape(self, name: Name) -> None:
        shape = tuple(self.ranges[index] for index in name.subscripts)
        if self._shapes.setdefault(name.base, shape) != shape:
            raise Refused(f"{name.base} has other indices here than where it stands first", name.at)

    def _symbol(self, name: Name, values: Sequence[int], example: int) -> sympy.Symbol:
        # A mean over examples and an example's own have one name, told apart by the second's index.
        symbol = sympy.Symbol(f"{name.base}_{[*values]}" + (f"^{example}" if example else ""))
        definition = self.definition(name)
        self._bases[symbol] = name.base, bool(definition and definition.name.example)
        if definition is None:
            self._leaf_names.add(name.base)
        else:
            wanted = definition.name
            inner = dict(zip(wanted.subscripts, values, strict=True))
            if example:
                inner[wanted.example or self.example] = example
            self._defined.setdefault(symbol, (definition, inner))
        return symbol

    def value(self, term: Term, indices: Indices) -> sympy.Expr:
        """Return a term for given indices, in symbols; definitions are not looked into."""
        match term:
            case Number():
                return sympy.Integer(term.value)
            case Size():
                return sympy.Integer(self.sizes[term.letter])
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
                return self._exp(sympy.expand(self.value(term.exponent, indices)), term.at)
            case Ln():
                argument = self.value(term.argument, indices)
                self._check_not_zero(argument, term.argument.at)
                if argument == 1:
                    return sympy.Integer(0)
                symbol = sympy.Symbol(f"ln({argument})")
                self._logarithms[symbol] = argument
                return symbol
            case Sum():
                return sympy.Add(
                    *(self.value(term.body, inner) for inner in self._summed(term, indices))
                )
            case Derivative():
                by = self.symbol(term.by, indices)
                value = self.value(term.of, indices)
                self._check_derivative(value, by, term.at)
                return self._derivatives(value, [by])[0]
            case Transpose() | Gradient():
                raise Refused("a matrix stands among numbers", term.at)
        raise AssertionError(term)

    def _check_not_zero(self, value: sympy.Expr, at: int) -> None:
        if value not in self._not_zero:
            self._refuse_zero(value, at)
            self._not_zero[value] = at

    def _refuse_zero(self, value: sympy.Expr, at: int) -> None:
        """Refuse what one divides by if it is 0, by the definitions and assumptions so far.

        SymPy itself cancels c/c before it is known that c is 0, and finds 1/0 equal to 2/0.
        """
        if not self.differs_from_zero(value):
            raise Refused("a denominator is 0, or a logarithm's argument", at)

    def differs_from_zero(self, value: sympy.Expr) -> bool:
        """Return whether an expression is not 0 at random numbers, where e^u is that of u."""
        for symbol in value.free_symbols:
            self._leaves(symbol)  # which refuses what is defined by itself
        random = Random(0)
        numbers = (self._number(value, random, {}, real=True) for _ in range(_TRIES))
        return any(number.is_finite and abs(number) > _NEARLY_ZERO for number in numbers)

    def at_random(self, values: Sequence[sympy.Expr]) -> list[sympy.Rational]:
        """Return expressions at random rational numbers, where e^u is any; [] if there are none."""
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
        """Return an expression at random numbers; where they are `real`, e^u is that of u."""

        def number(inside: sympy.Expr) -> sympy.Expr:
            return self._number(inside, random, known, real=real)

        for symbol in sorted(value.free_symbols - known.keys(), key=str):
            if symbol in known:  # by now
                continue
            body = self.given.get(symbol, self._body(symbol))
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
        found = value.xreplace(known)
        return found.evalf(_DIGITS) if real else found

    def _summed(self, term: Sum, indices: Indices) -> Iterator[Indices]:
        if term.unequal and term.unequal not in indices:
            raise Refused(f"the index {term.unequal!r} has no value here", term.at)
        for values in product(*(range(1, self.size_of(index) + 1) for index in term.indices)):
            inner = {**indices, **dict(zip(term.indices, values, strict=True))}
            if not term.unequal or values[0] != indices[term.unequal]:
                yield inner

    def _exp(self, exponent: sympy.Expr, at: int) -> sympy.Expr:
        """Return e to a power; of a sum the product, so that e^{-z} is 1 over e^z."""
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

    # ---- Derivatives and definitions ------------------------------------------------------------

    def _derivatives(self, value: sympy.Expr, by: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
        """Return the derivatives by several quantities at once: a symbol passes its own on."""
        wanted = set(by)
        leads: dict[sympy.Symbol, bool] = {}  # to what is wanted

        def visit(symbol: sympy.Symbol) -> bool:
            if symbol not in leads:
                leads[symbol] = symbol in wanted or any([*map(visit, self._slopes_of(symbol))])
            return leads[symbol]

        first = {s: slope for s, slope in _slopes(value).items() if visit(s)}
        found: dict[sympy.Symbol, list[sympy.Expr]] = {s: [slope] for s, slope in first.items()}
        for symbol in reversed(leads):  # those that a symbol is made of were visited before it
            if leads[symbol] and symbol not in wanted:
                total = sympy.Add(*found.pop(symbol, ()))
                for inner, slope in self._slopes_of(symbol).items():
                    if leads[inner]:
                        found.setdefault(inner, []).append(total * slope)
        return [sympy.Add(*found.get(symbol, ())) for symbol in by]

    def _check_derivative(self, value: sympy.Expr, by: sympy.Symbol, at: int) -> None:
        self._refuse_ways_around(value, by, at)
        if not self._tied.isdisjoint(self._all_below([by])):
            raise Refused(
                f"by an assumption {self._bases[by][0]} depends on other quantities, "
                "which a derivative would hold",
                at,
            )

    def _refuse_ways_around(self, value: sympy.Expr, by: sympy.Symbol, at: int) -> None:
        """Refuse a derivative by what is defined if that is not all through which value depends.

        With u = 1 + e^z and v = e^z, a derivative of v by u would be 0, for v does not name u.
        """
        if by not in self._defined:
            return
        below = self._all_below([by])
        if not below.isdisjoint(self._all_below(value.free_symbols, self._bases[by])):
            raise Refused(
                f"the numerator depends on what {self._bases[by][0]} is made of in other ways than "
                f"through {self._bases[by][0]}",
                at,
            )

    def _all_below(
        self, symbols: Iterable[sympy.Symbol], but: tuple[str, bool] | None = None
    ) -> set[sympy.Symbol]:
        """Return the quantities without a definition that symbols are made of.

        What is reached through the quantity `but` alone does not count.
        """
        found: set[sympy.Symbol] = set()
        seen: set[sympy.Symbol] = set()
        waiting = list(symbols)
        while waiting:
            symbol = waiting.pop()
            if symbol in seen or (but and self._bases.get(symbol) == but):
                continue
            seen.add(symbol)
            inside = self._exponents.get(symbol, self._logarithms.get(symbol))
            if inside is None:
                inside = self._body(symbol)
            if inside is None:
                found.add(symbol)
            else:
                waiting += inside.free_symbols
        return found

    def _slopes_of(self, symbol: sympy.Symbol) -> Mapping[sympy.Symbol, sympy.Expr]:
        """Return the derivatives of what a symbol stands for, by the symbols in it."""
        if symbol not in self._slopes:
            if symbol in self._exponents:
                found = _slopes(self._exponents[symbol])
                found = {s: symbol * slope for s, slope in found.items()}
            elif symbol in self._logarithms:
                argument = self._logarithms[symbol]
                found = {s: slope / argument for s, slope in _slopes(argument).items()}
            else:
                body = self._body(symbol)
                found = {} if body is None else _slopes(body)
            self._slopes[symbol] = found
        return self._slopes[symbol]

    def _body(self, symbol: sympy.Symbol) -> sympy.Expr | None:
        if symbol not in self._defined:
            return None
        definition, indices = self._defined[symbol]
        return self.value(definition.body, indices)

    def expanded(self, value: sympy.Expr) -> sympy.Expr:
        """Return an expression in what is not defined, with the assumptions."""
        return value.xreplace({s: self._leaves(s) for s in value.free_symbols}).xreplace(self.given)

    def _leaves(self, symbol: sympy.Symbol) -> sympy.Expr:
        if symbol in self._open:
            raise Refused(f"{symbol} is defined by itself", self._open[symbol])
        if symbol not in self._expanded:
            self._open[symbol] = self._defined[symbol][0].name.at if symbol in self._defined else 0
            body = self._body(symbol)
            for inside in (self._exponents.get(symbol), self._logarithms.get(symbol)):
                for other in inside.free_symbols if inside is not None else ():
                    self._leaves(other)
            self._expanded[symbol] = (
                symbol
                if body is None
                else body.xreplace({s: self._leaves(s) for s in body.free_symbols})
            )
            del self._open[symbol]
        return self._expanded[symbol]

    def has_logarithms(self, value: sympy.Expr) -> bool:
        """Return whether logarithms are left in an expression."""
        return not self.expanded(value).free_symbols.isdisjoint(self._logarithms)

    # ---- Matrices -------------------------------------------------------------------------------

    def matrix(self, term: Term) -> sympy.Matrix | sympy.Expr:
        """Return a term whose names mean whole matrices; a number has no rows.

        A row is an example or, of the weights w_j or w_kj, an input j; a column is a class or an
        input, and where there is neither, the only one.
        """
        match term:
            case Name(subscripts=(), example="", applied=""):
                return self._matrix(term.base, term.at)
            case Gradient():
                return self._gradient(term)
            case Transpose():
                matrix = self.matrix(term.matrix)
                if not isinstance(matrix, sympy.MatrixBase):
                    raise Refused("what is transposed is no matrix", term.at)
                return matrix.T
            case Add():
                first, *others = map(self.matrix, term.terms)
                for other in others:
                    first = _combined(first, other, "+", term.at)
                return first
            case Negative():
                return -self.matrix(term.term)
            case Product():
                first, *others = map(self.matrix, term.factors)
                for other in others:
                    first = _combined(first, other, "*", term.at)
                return first
            case Quotient() | Number() | Size():
                return self.value(term, {})
        raise Refused("expected a sum or a product of matrices", term.at)

    def _matrix(self, base: str, at: int) -> sympy.Matrix | sympy.Symbol:
        if base not in self._shapes:
            raise Refused(f"{base} has not been used so far", at)
        name = Name(at, base)
        match self.is_of_example(name), [self.sizes[letter] for letter in self._shapes[base]]:
            case True, []:
                return sympy.Matrix(
                    self.size_of(self.example), 1, lambda row, _: self._symbol(name, [], row + 1)
                )
            case False, [rows]:
                return sympy.Matrix(rows, 1, lambda row, _: self._symbol(name, [row + 1], 0))
            case True, [columns]:
                return sympy.Matrix(
                    self.size_of(self.example),
                    columns,
                    lambda row, column: self._symbol(name, [column + 1], row + 1),
                )
            case False, [columns, rows] if columns != rows:
                return sympy.Matrix(
                    rows, columns, lambda row, column: self._symbol(name, [column + 1, row + 1], 0)
                )
            case False, []:
                return self._symbol(name, [], 0)
        raise Refused(f"{base} is no matrix", at)

    def _gradient(self, term: Gradient) -> sympy.Matrix:
        definition = self.definitions.get((term.of.base, False))
        if definition is None or not definition.name.applied:
            raise Refused(
                f"expected a function such as C, defined as 'C(w) = …'; got {term.of.base}", term.at
            )
        value = self.symbol(term.of, {})
        weights = self._matrix(definition.name.applied, term.at)
        if not isinstance(weights, sympy.MatrixBase):
            raise Refused(f"{definition.name.applied} is no matrix", term.at)
        for weight in weights:
            self._check_derivative(value, weight, term.at)
        return sympy.Matrix(*weights.shape, self._derivatives(value, list(weights)))


def _slopes(expression: sympy.Expr) -> dict[sympy.Symbol, sympy.Expr]:
    return {s: expression.diff(s) for s in sorted(expression.free_symbols, key=str)}


def _combined(
    first: sympy.Matrix | sympy.Expr, second: sympy.Matrix | sympy.Expr, sign: str, at: int
) -> sympy.Matrix | sympy.Expr:
    try:
        return first * second if sign == "*" else first + second
    except (sympy.ShapeError, TypeError) as error:
        raise Refused("the shapes of these matrices do not fit", at) from error
