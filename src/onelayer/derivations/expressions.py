r"""Reads the terms of a formula: one side of an equation, by recursive descent."""

from __future__ import annotations

from collections.abc import Sequence

from onelayer.derivations.terms import (
    Add,
    Derivative,
    Exp,
    Gradient,
    Ln,
    Name,
    Negative,
    Notation,
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
from onelayer.derivations.tokens import Cursor, Token, differential

_MOST_DIGITS, _LARGEST_POWER = 9, 20  # more takes too long


class Expression(Cursor):
    """One side of an equation."""

    def __init__(self, tokens: Sequence[Token], notation: Notation, start: int = 0) -> None:
        super().__init__(tokens, start)
        self.notation = notation

    def whole(self) -> Term:
        """Read everything."""
        term = self.sum()
        if self.peek():
            raise self.unknown()
        return term

    def one(self) -> Term:
        """Read everything, which has to be a single factor."""
        term = self.factor()
        if self.peek():
            raise Refused("show by parentheses what is differentiated", self.offset())
        return term

    def is_index(self, token: Token) -> bool:
        """Return whether a token is a declared index."""
        return token.is_letter and token.text in self.notation.ranges

    def sum(self) -> Term:
        """Read terms with signs between them."""
        terms: list[Term] = []
        while not terms or self.peek("+", "-"):
            at = self.offset()
            sign = self.take() if self.peek("+", "-") else None
            term = self.product()
            terms.append(Negative(at, term) if sign and sign.text == "-" else term)
        return terms[0] if len(terms) == 1 else Add(terms[0].at, tuple(terms))

    def product(self) -> Term:
        """Read factors, with or without a dot between them; a sum takes all that follow it."""
        factors = [self.factor()]
        while self.peek("\\cdot") or (self.peek() and not self.peek("+", "-", ")", "]")):
            has_dot = self.peek("\\cdot") and self.take()
            if isinstance(factors[-1], Ln) and not has_dot:
                raise Refused("show by parentheses where the logarithm ends", self.offset())
            at, begins_with = self.offset(), self.peek()
            factor = self.factor()
            if not has_dot and (
                (begins_with and begins_with.kind == "number")
                or (isinstance(factors[-1], Number) and factor.is_of_numbers)
            ):
                raise Refused("looks like one number with what is before it: expected a dot", at)
            factors.append(factor)
        return factors[0] if len(factors) == 1 else Product(factors[0].at, tuple(factors))

    def factor(self) -> Term:
        """Read one factor with its superscript and subscript."""
        token = self.peek()
        if token is None:
            raise Refused("expected a term, found nothing", self.offset())
        if token.is_("\\sum"):
            return self.summation()
        if token.is_("\\ln"):
            at, parenthesis = self.take().at, self.peek("(")
            argument = self.factor()
            if parenthesis and isinstance(argument, Power):
                raise Refused("show by parentheses whether this is a power of the logarithm", at)
            return Ln(at, argument)
        if token.is_("\\nabla"):
            self.take()
            of = self.factor()
            if not isinstance(of, Name):
                raise Refused("expected the name of a function", of.at)
            return Gradient(token.at, of)
        if token.is_("e") and self.peek("^", ahead=1):
            self.at += 2
            power = self.take()
            return Exp(token.at, Expression(power.script, self.notation, power.at).whole())
        if token.quantity:
            named = self.name()
            self.refuse_application(token.quantity)
            return named
        if token.kind == "number":
            if len(token.text) > _MOST_DIGITS:
                raise Refused("the number is too large", token.at)
            term: Term = Number(self.take().at, int(token.text))
        elif token.is_("("):
            self.take()
            term = self.sum()
            self.expect(")")
        elif token.kind == "group":
            raise Refused("braces are not printed: expected parentheses", token.at)
        elif token.is_("\\frac"):
            term = self.fraction(self.take())
        else:
            raise self.unknown()
        return self.powers(term)

    def powers(self, term: Term) -> Term:
        """Read the exponent of a term, if it has one."""
        if self.peek("_"):
            raise self.unknown()
        if not self.peek("^"):
            return term
        sign = self.take()
        above = self.script()
        if len(above) == 1 and above[0].is_("\\mathsf") and above[0].inner == "T":
            return Transpose(term.at, term)
        is_negative = bool(above) and above[0].is_("-")
        digits = above[is_negative:]
        if len(digits) != 1 or digits[0].kind != "number":
            raise Refused("expected an integer power or an index that was declared", sign.at)
        if len(digits[0].text) > 2 or int(digits[0].text) > _LARGEST_POWER:
            raise Refused(f"powers are read up to {_LARGEST_POWER}", sign.at)
        if self.peek("^", "_"):
            raise self.unknown()
        return Power(term.at, term, int("".join(token.text for token in above)))

    def name(self) -> Term:
        """Read a quantity: its indices, the variable in parentheses, and its power."""
        at, base = self.offset(), self.take().quantity
        subscripts: tuple[str, ...] = ()
        example = ""
        while self.peek("_", "^"):
            if self.peek("_"):
                if subscripts:
                    raise self.unknown()
                self.take()
                subscripts = self.subscripts()
            else:
                after = self.peek(ahead=1)
                above = after.script if after else ()
                if len(above) != 1 or not self.is_index(above[0]):
                    break
                if example:
                    raise self.unknown()
                self.at += 2
                example = above[0].text
        if base in self.notation.sizes:
            if subscripts or example:
                raise Refused(f"{base} is a number and has no indices", at)
            return self.powers(Size(at, base))
        if base in self.notation.ranges:
            raise Refused(f"{base} is an index: it has no value to calculate with", at)
        if base in ("d", "e") and not (subscripts or example):
            instead = r"\mathrm{d} in a derivative" if base == "d" else "a power of it"
            raise Refused(f"{base} is no quantity: expected {instead}, or another letter", at)
        applied = ""
        if base in self.notation.functions and self.peek("("):
            self.take()
            applied = self.take().quantity
            if not applied:
                raise Refused(f"{base} is a function: expected its variable", self.offset())
            self.expect(")")
        return self.powers(Name(at, base, subscripts, example, applied))

    def subscripts(self) -> tuple[str, ...]:
        """Read the subscripts of a quantity; each has to be declared."""
        tokens = self.script()
        for token in tokens:
            if not self.is_index(token):
                raise Refused(
                    f"{token.text!r} is no index: say its range, as "
                    rf"'{token.text} \in \{{1, \dots, K\}}'",
                    token.at,
                )
        return tuple(token.text for token in tokens)

    def fraction(self, token: Token) -> Term:
        """Read a fraction, or a derivative if it begins with the signs of one."""
        if len(token.arguments) != 2:
            raise Refused("expected what stands above and below", token.at)
        above, below = token.arguments
        kinds = [differential(part) for part in (above, below)]
        if not any(kinds):
            parts = (Expression(part, self.notation, token.at).whole() for part in (above, below))
            return Quotient(token.at, *parts)
        if kinds[0] != kinds[1]:
            raise Refused("expected the same d above and below", token.at)
        by = Expression(below[1:], self.notation, token.at).whole()
        if not isinstance(by, Name):
            raise Refused("expected the quantity to differentiate by", by.at)
        return Derivative(token.at, Expression(above[1:], self.notation, token.at).one(), by)

    def summation(self) -> Term:
        """Read a sum with its limits and the product that is summed."""
        at = self.take().at
        limits: dict[str, tuple[Token, ...]] = {}
        while self.peek("_", "^"):
            where = self.take().text
            if where in limits:
                raise self.unknown()
            limits[where] = self.script()
        below, above = limits.get("_", ()), limits.get("^", ())
        signs = [token.source for token in below]
        ranges = self.notation.ranges
        end = above[0].source if len(above) == 1 else ""
        if not signs or any(token.is_letter and token.text not in ranges for token in below):
            raise Refused("expected the sum's indices, which have to be declared", at)
        unequal, listed = "", signs[::2]
        are_told_apart = len({*listed} & {*ranges}) == len(listed)
        match signs:
            case [index, "=", "1"] if end and end == ranges.get(index):
                indices = [index]
            case [index, r"\neq" | r"\ne", unequal] if (
                not above
                and index != unequal
                and {index, unequal} <= {*ranges}
                and ranges[index] == ranges[unequal]
            ):
                indices = [index]
            case _ if not above and ",".join(listed) == "".join(signs) and are_told_apart:
                indices = listed
            case _:
                raise Refused(
                    r"expected a sum over a whole range, '_i' or '_{i=1}^K', or '_{i \neq k}'", at
                )
        body = self.product()
        names = [term for term in body.all() if isinstance(term, Name)]
        for index in indices:
            if not any(index in (*name.subscripts, name.example) for name in names):
                raise Refused(f"what is summed does not depend on {index!r}", body.at)
        return Sum(at, tuple(indices), body, unequal)
