"""Proves what derivations claim, from the same LaTeX that is printed.

At the first size an equality holds if the difference of its sides, over a common denominator, has
the numerator 0: no numbers, no tolerance. For an equality of matrices this is shown for the first
entry; the other entries, and everything at the second size, are compared at random rational
numbers. The same comparison also refutes a wrong equality quickly.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy

from onelayer.derivations.declarations import Declarations
from onelayer.derivations.matrices import matrix_of
from onelayer.derivations.quantities import Quantities
from onelayer.derivations.rational import is_zero
from onelayer.derivations.reader import functions_of, read
from onelayer.derivations.terms import Chain, Condition, Name, Notation, Range, Refused, Statement
from onelayer.derivations.verdicts import Verdict, summary

DEFINE, PROVE = "define", "prove"  # how a formula is meant; if neither, it is assumed


@dataclass(frozen=True)
class Prover:
    """Proves derivations for K classes, N examples and D inputs, and at a second size.

    Indices run to these numbers, of which no two are equal and none is 1 or 2, so that no count can
    be mistaken for another. Where K, N or D itself stands in a formula, it is a symbol: what holds
    by chance for these numbers, such as K + 1 = D, is refused.

    Raises
    ------
    ValueError
        If two of these numbers are equal, or one is below 3.
    """

    num_classes: int = 3
    num_examples: int = 5
    num_inputs: int = 4

    def __post_init__(self) -> None:
        sizes = self.num_classes, self.num_examples, self.num_inputs
        if len({1, 2, *sizes}) != 5 or min(sizes) < 3:
            raise ValueError(
                "num_classes, num_examples and num_inputs must be three different numbers, each "
                f"at least 3; got {sizes}"
            )

    def prove(self, formulas: Sequence[tuple[str, str]]) -> list[Verdict]:
        """Judge the formulas of a derivation.

        Parameters
        ----------
        formulas
            How each is meant ("define", "assume" or "prove"), and its LaTeX. A definition or an
            assumption holds from its place on.
        """
        return list(self.verdicts(formulas))

    def verdicts(self, formulas: Sequence[tuple[str, str]]) -> Iterator[Verdict]:
        """Judge them one by one, as they are asked for."""
        derivation = _Derivation(formulas, self._sizes())
        for kind, latex in formulas:
            yield derivation.judge(kind, latex)

    def summary(self, verdicts: Sequence[Verdict]) -> str:
        """Return a sentence in Markdown that says what was proved and what was not."""
        return summary(verdicts, self._sizes())

    def _sizes(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the numbers by their letters, and those of the second size."""
        first = {"K": self.num_classes, "N": self.num_examples, "D": self.num_inputs}
        larger = dict(zip(sorted(first.values()), (1, 2, 4), strict=True))
        return first, {letter: size + larger[size] for letter, size in first.items()}


class _Derivation:
    """What has been defined and assumed up to one place of a derivation, at two sizes."""

    def __init__(
        self, formulas: Sequence[tuple[str, str]], sizes: Sequence[dict[str, int]]
    ) -> None:
        self.functions: set[str] = set()
        self.is_broken = False
        for _, latex in formulas:
            with contextlib.suppress(Refused, RecursionError):
                self.functions |= functions_of(latex)
        ranges: dict[str, str] = {}
        examples: dict[str, str] = {}  # the index above a name, where it is defined
        for kind, latex in formulas:  # a quantity of an example is one throughout the derivation
            with contextlib.suppress(Refused, RecursionError):
                for statement in read(latex, Notation(sizes[0], ranges, self.functions)):
                    if isinstance(statement, Range):
                        ranges |= dict.fromkeys(statement.indices, statement.size)
                    elif isinstance(statement, Chain) and kind == DEFINE:
                        terms = (term for member in statement.members for term in member.all())
                        names = [term for term in terms if isinstance(term, Name)]
                        examples |= {name.base: name.example for name in names if name.example}
        example = min(examples.values(), default="")
        self.scopes = [
            Quantities(Declarations(each, frozenset(examples), example)) for each in sizes
        ]

    def judge(self, kind: str, latex: str) -> Verdict:
        """Add a definition or an assumption, or prove a claim."""
        if self.is_broken:
            return Verdict("cannot be judged: it may need a formula that is refused above")
        scope = self.scopes[0]
        try:
            statements = read(
                latex, Notation(scope.declared.sizes, scope.declared.ranges, self.functions)
            )
            if kind == PROVE:
                return self._prove(statements)
            ranges = [s for s in statements if isinstance(s, Range) and kind == DEFINE]
            chains = [s for s in statements if isinstance(s, Chain) and not s.is_of_matrices]
            if len(ranges) + len(chains) < len(statements):
                expected = "'name = …' or a range" if kind == DEFINE else "equations of numbers"
                raise Refused(f"there is nothing to {kind}: expected {expected}", 0)
            for scope in self.scopes:
                for range_ in ranges:
                    scope.declared.declare(range_)
                (scope.define if kind == DEFINE else scope.assume)(chains)
        except RecursionError:
            self.is_broken = kind != PROVE
            return Verdict("cannot be read: it is nested too deeply")
        except Refused as refusal:
            self.is_broken = kind != PROVE
            at = latex[refusal.at :].split("\n")[0].split(r"\end{")[0].strip()
            location = f", at '{at:.40}'" if at else ""
            return Verdict(f"{refusal}{location}", latex.count("\n", 0, refusal.at))
        sizes = frozenset(range_.size for range_ in ranges)
        return Verdict(sizes=sizes.union(*(chain.sizes for chain in chains)))

    def _prove(self, statements: Sequence[Statement]) -> Verdict:
        conditions = [statement for statement in statements if isinstance(statement, Condition)]
        chains = [statement for statement in statements if isinstance(statement, Chain)]
        if not chains or len(chains) + len(conditions) < len(statements):
            raise Refused("expected equations, and at most the case that they hold for", 0)
        if conditions and (len(chains) > 1 or chains[0].is_of_matrices):
            raise Refused(
                "a case can be given for a single equation only, and not for one of matrices",
                conditions[0].at,
            )
        for number, scope in enumerate(self.scopes):
            for chain in chains:
                if chain.is_of_matrices:
                    members = [matrix_of(scope, member) for member in chain.members]
                    self._equal_matrices(scope, chain, members, exact=number == 0)
                    continue
                cases = list(scope.declared.cases(chain.members, conditions))
                if not cases:
                    raise Refused("the conditions leave no case", chain.members[0].at)
                for indices in cases:
                    values = [scope.value(member, indices) for member in chain.members]
                    for position in range(1, len(values)):
                        left, right = values[position - 1 : position + 1]
                        case = ", ".join(f"{i} = {value}" for i, value in indices.items())
                        at = chain.members[position].at
                        self._equal(scope, left, right, at, case, exact=number == 0)
        signs = ((c.first, "=" if c.equal else r"\neq", c.second) for c in conditions)
        case = "".join(rf" \qquad {' '.join(sign)}" for sign in signs)  # not proved for all cases
        results = tuple(f"{chain.sources[0]} = {chain.sources[-1]}{case}" for chain in chains)
        count = sum(len(chain.members) - 1 for chain in chains)
        has_matrices = any(chain.is_of_matrices for chain in chains)
        sizes = frozenset().union(*(chain.sizes for chain in chains))
        return Verdict("", 0, results, count, sizes, has_matrices)

    def _equal_matrices(
        self, scope: Quantities, chain: Chain, members: Sequence[sympy.Expr], *, exact: bool
    ) -> None:
        for position in range(1, len(members)):
            left, right = members[position - 1 : position + 1]
            at = chain.members[position].at
            if getattr(left, "shape", None) != getattr(right, "shape", None):
                raise Refused("the two sides have different shapes", at)
            if not isinstance(left, sympy.MatrixBase):  # two numbers
                left, right = sympy.Matrix([[left]]), sympy.Matrix([[right]])
            for number, (one, other) in enumerate(zip(left, right, strict=True)):
                row, column = divmod(number, left.shape[1])
                case = f"row {row + 1}, column {column + 1}"
                self._equal(scope, one, other, at, case, exact=exact and number == 0)

    def _equal(
        self,
        scope: Quantities,
        left: sympy.Expr,
        right: sympy.Expr,
        at: int,
        case: str,
        *,
        exact: bool,
    ) -> None:
        """Refuse two expressions unless they are equal."""
        if left == right:
            return
        values = scope.symbols.at_random([left, right])
        if not values:
            raise Refused("a denominator is 0", at)
        if values[0] != values[1]:
            if scope.symbols.has_logarithms(left - right):
                raise Refused("could not be proved: logarithms are left", at)
            if not scope.symbols.differs_from_zero(left - right, at_sizes=False):
                raise Refused("could not be proved: powers of e are left", at)
            if not scope.symbols.differs_from_zero(left - right):
                sizes = ", ".join(f"{letter} = {n}" for letter, n in scope.declared.sizes.items())
                raise Refused(f"could not be proved: it may hold for {sizes} only", at)
            here = f" for {case}" if case else ""
            ours, theirs = map(_short, values)
            message = f"at random numbers{here} the left is {ours}, the right {theirs}"
            message += scope.only_on_one_side(left, right)
            raise Refused(f"the two sides differ: {message}", at)
        if exact and not is_zero(scope.symbols.expanded(left) - scope.symbols.expanded(right)):
            raise Refused("could not be proved", at)


def _short(number: sympy.Rational) -> str:
    try:
        return f"{float(Fraction(number.p, number.q)):.6g}"
    except OverflowError:
        return str(number.evalf(6))
