r"""Reads the derivations' LaTeX: a formula into statements, and no more than it knows.

The notation: `\frac`, `\sum` with limits, `\partial` and `\mathrm{d}` in fractions, `\ln`,
`e^{…}`, `\hat`, `\nabla`, `^{\mathsf T}`, integer powers, indices that were declared, and
`C(w)` where a definition says that C is a function. All else is refused, with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexCommentNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexWalker,
    LatexWalkerError,
)
from pylatexenc.macrospec import EnvironmentSpec, LatexContextDb, MacroSpec

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
    Statement,
    Sum,
    Term,
    Transpose,
)

_ARGUMENTS = {"frac": "{{", "hat": "{", "mathrm": "{", "mathsf": "{", "text": "{"}
_GREEK = {"lambda", "eta", "theta"}
_SPACE = {",", ";", "!", ":", " ", "left", "right"}
_APART = {"quad", "qquad"}
_WORDS = {"", "with", "and", "for", "for all", "where"}
_PUNCTUATION = ",.;"
_CHARACTERS = re.compile(r"[0-9]+|\S")


@dataclass(frozen=True)
class Token:
    """A sign, a macro with its arguments, or a group in braces."""

    kind: str  # "sign", "number", "macro", "group"
    text: str
    at: int
    end: int
    arguments: tuple[tuple[Token, ...], ...] = ()

    def is_(self, *texts: str) -> bool:
        """Return whether it is one of these signs or, with a backslash, macros."""
        return (f"\\{self.text}" if self.kind == "macro" else self.text) in texts


@dataclass(frozen=True)
class Notation:
    """What letters mean: the sizes, the ranges of the indices, and which names are functions."""

    sizes: Collection[str]
    ranges: Mapping[str, str]
    functions: Collection[str]


def read(latex: str, notation: Notation) -> list[Statement]:
    r"""Return the statements of a formula in their order.

    Rows of `aligned` that begin with = go on with the statement above; `\qquad` and words such
    as `\text{with}` separate statements of one row.

    Raises
    ------
    Refused
        If something cannot be read.
    """
    statements: list[list[Token]] = []
    for row in _split(_tokens(latex), lambda t: t.is_("\\\\")):
        row = [token for token in row if not token.is_("&")]
        for piece in _split(row, _is_between):
            while piece and piece[-1].is_(*_PUNCTUATION):
                piece = piece[:-1]
            if piece and piece[0].is_("=") and statements:
                statements[-1] += piece
            elif piece:
                statements.append(list(piece))
    if not statements:
        raise Refused("expected a formula, found none", 0)
    found = []
    ranges = dict(notation.ranges)
    for piece in statements:
        found.append(_statement(piece, latex, replace(notation, ranges=ranges)))
        if isinstance(found[-1], Range):
            ranges |= dict.fromkeys(found[-1].indices, found[-1].size)
    return found


def functions_of(latex: str) -> set[str]:
    """Return the names that a formula of definitions applies to a variable on its left side."""
    found = set()
    for row in _split(_tokens(latex), lambda t: t.is_("\\\\")):
        row = [token for token in row if not token.is_("&")]
        left = _split(row, lambda t: t.is_("="))[0]
        if len(left) > 3 and left[-1].is_(")") and left[-3].is_("("):
            found.add(_base(left[0]))
    return found - {""}


def _statement(tokens: list[Token], latex: str, notation: Notation) -> Statement:
    if any(token.is_("\\in") for token in tokens):
        return _range(tokens)
    for sign, equal in (("=", True), ("\\neq", False), ("\\ne", False)):
        if [t.is_(sign) for t in tokens] == [False, True, False]:
            first, _, second = tokens
            if first.text in notation.ranges and second.text in notation.ranges:
                return Condition(first.text, second.text, equal, first.at)
    members = _split(tokens, lambda t: t.is_("="))
    if len(members) < 2 or not all(members):
        raise Refused("expected an equation", tokens[0].at)
    terms = tuple(_Reader(member, notation).whole() for member in members)
    sources = (latex[member[0].at : member[-1].end] for member in members)
    return Chain(terms, tuple(sources))


def _range(tokens: list[Token]) -> Range:
    r"""Read `i, k \in \{1, \dots, K\}`."""
    at = next(i for i, token in enumerate(tokens) if token.is_("\\in"))
    indices = [token.text for token in tokens[:at] if not token.is_(",")]
    values = [token for token in tokens[at + 1 :] if not token.is_(",")]
    texts = [token.text for token in values]
    letters = all(len(index) == 1 and index.isalpha() for index in indices)
    if not (indices and letters and texts[:-2] == ["{", "1", "dots"] and texts[-1:] == ["}"]):
        raise Refused(r"expected a range, as 'i, k \in \{1, \dots, K\}'", tokens[0].at)
    return Range(tuple(indices), texts[-2], tokens[0].at)


class _Reader:
    """A recursive descent over the tokens of one side of an equation."""

    def __init__(self, tokens: Sequence[Token], notation: Notation, start: int = 0) -> None:
        self.tokens = [t for t in tokens if not (t.kind == "macro" and t.text in _SPACE)]
        self.notation = notation
        self.at = 0
        self.start = tokens[0].at if tokens else start

    def whole(self) -> Term:
        """Read everything."""
        term = self.sum()
        if self.peek():
            raise self.unknown()
        return term

    def sum(self) -> Term:
        """Read terms with signs between them."""
        terms: list[Term] = []
        while not terms or self.peek("+", "-"):
            at = self.place()
            sign = self.take() if self.peek("+", "-") else None
            term = self.product()
            terms.append(Negative(at, term) if sign and sign.text == "-" else term)
        return terms[0] if len(terms) == 1 else Add(terms[0].at, tuple(terms))

    def product(self) -> Term:
        """Read factors, with a dot between them or nothing; a sum takes all that follow it."""
        factors = [self.factor()]
        while self.peek("\\cdot") or (self.peek() and not self.peek("+", "-", ")", "]")):
            has_dot = self.peek("\\cdot") and self.take()
            if isinstance(factors[-1], Ln) and not has_dot:
                raise Refused("say by parentheses where the logarithm ends", self.place())
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else Product(factors[0].at, tuple(factors))

    def factor(self) -> Term:
        """Read one factor with what stands above and below it."""
        token = self.peek()
        if token is None:
            raise Refused("expected a term, found nothing", self.place())
        if token.is_("\\sum"):
            return self.summation()
        if token.is_("\\ln"):
            return Ln(self.take().at, self.factor())
        if token.is_("\\nabla"):
            of = (self.take(), self.factor())[1]
            if not isinstance(of, Name):
                raise Refused("expected the name of a function", of.at)
            return Gradient(token.at, of)
        if token.is_("e") and self.peek("^", ahead=1):
            self.at += 2
            return Exp(token.at, self.inside(self.take()))
        if _base(token):
            return self.name()
        if token.kind == "number":
            term: Term = Number(self.take().at, int(token.text))
        elif token.is_("("):
            self.take()
            term = self.sum()
            self.expect(")")
        elif token.kind == "group":
            term = self.inside(self.take())
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
        place = self.take()
        above = self.script()
        if above and above[0].is_("\\mathsf") and _text(above[0]) == "T":
            return Transpose(term.at, term)
        exponent = _Reader(above, self.notation, place.at).whole()
        sign, number = (-1, exponent.term) if isinstance(exponent, Negative) else (1, exponent)
        if not isinstance(number, Number):
            raise Refused("expected an integer power or an index that was declared", place.at)
        if self.peek("^", "_"):
            raise self.unknown()
        return Power(term.at, term, sign * number.value)

    def name(self) -> Term:
        """Read a quantity: its indices, its variable in parentheses, its power."""
        first = self.take()
        base, at = _base(first), first.at
        subscripts: tuple[str, ...] = ()
        example = ""
        while self.peek("_", "^"):
            if self.peek("_"):
                if subscripts:
                    raise self.unknown()
                self.take()
                subscripts = self.subscripts()
            else:
                above = _script_of(self.peek(ahead=1))
                if len(above) != 1 or above[0].text not in self.notation.ranges:
                    break
                if example:
                    raise self.unknown()
                self.at += 2
                example = above[0].text
        if base in self.notation.sizes:
            if subscripts or example:
                raise Refused(f"{base} is a number and has no indices", at)
            return self.powers(Size(at, base))
        applied = ""
        if base in self.notation.functions and self.peek("("):
            self.take()
            applied = _base(self.take())
            if not applied:
                raise Refused(f"{base} is a function: expected its variable", self.place())
            self.expect(")")
        return self.powers(Name(at, base, subscripts, example, applied))

    def subscripts(self) -> tuple[str, ...]:
        """Read indices below a quantity; each has to be declared."""
        tokens = self.script()
        for token in tokens:
            if token.text not in self.notation.ranges:
                raise Refused(
                    f"{token.text!r} is no index: say its range, as "
                    rf"'{token.text} \in \{{1, \dots, K\}}'",
                    token.at,
                )
        return tuple(token.text for token in tokens)

    def fraction(self, token: Token) -> Term:
        """Read a fraction, or a derivative where it has the signs of one."""
        above, below = token.arguments
        kinds = [_differential(part) for part in (above, below)]
        if not any(kinds):
            parts = (_Reader(part, self.notation, token.at).whole() for part in (above, below))
            return Quotient(token.at, *parts)
        if kinds[0] != kinds[1]:
            raise Refused("expected the same d above and below", token.at)
        by = _Reader(below[1:], self.notation, token.at).whole()
        if not isinstance(by, Name):
            raise Refused("expected the quantity to differentiate by", by.at)
        return Derivative(token.at, _Reader(above[1:], self.notation, token.at).whole(), by)

    def summation(self) -> Term:
        """Read a sum with its limits, and the product that it is of."""
        at = self.take().at
        limits: dict[str, tuple[Token, ...]] = {}
        while self.peek("_", "^"):
            where = self.take().text
            if where in limits:
                raise self.unknown()
            limits[where] = self.script()
        below, above = limits.get("_", ()), limits.get("^", ())
        signs = [token.text for token in below]
        ranges = self.notation.ranges
        end = above[0].text if above else ""
        if not signs or any(
            sign.isalpha() and sign not in {*ranges, "neq", "ne"} for sign in signs
        ):
            raise Refused("expected the sum's indices, which have to be declared", at)
        unequal = ""
        match signs:
            case [index, "=", "1"] if end == ranges[index]:
                indices = [index]
            case [index, "neq" | "ne", unequal] if not above and index != unequal:
                indices = [index]
            case _ if not above and set(signs[1::2]) <= {","} and len(signs) % 2:
                indices = signs[::2]
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

    def inside(self, token: Token) -> Term:
        """Read what stands in braces, or is a single sign."""
        tokens = token.arguments[0] if token.kind == "group" else (token,)
        return _Reader(tokens, self.notation, token.at).whole()

    def script(self) -> tuple[Token, ...]:
        """Take what stands above or below."""
        return _script_of(self.take())

    def peek(self, *texts: str, ahead: int = 0) -> Token | None:
        """Return the next token, if it is one of these."""
        if self.at + ahead >= len(self.tokens):
            return None
        token = self.tokens[self.at + ahead]
        return token if not texts or token.is_(*texts) else None

    def take(self) -> Token:
        """Return the next token, and go on."""
        token = self.peek()
        if token is None:
            raise Refused("expected more, found the end", self.place())
        self.at += 1
        return token

    def expect(self, sign: str) -> None:
        """Go on if this is the next sign."""
        if not self.peek(sign):
            raise Refused(f"expected {sign!r}", self.place())
        self.take()

    def place(self) -> int:
        """Return where the next token is, or the last one."""
        if self.at < len(self.tokens):
            return self.tokens[self.at].at
        return self.tokens[-1].at if self.tokens else self.start

    def unknown(self) -> Refused:
        """Return the error of a token that means nothing here."""
        token = self.peek()
        text = "the end" if token is None else _source(token)
        return Refused(f"cannot read {text!r} here", self.place())


def _differential(tokens: Sequence[Token]) -> str:
    if tokens and tokens[0].is_("\\partial"):
        return "partial"
    return "d" if tokens and tokens[0].is_("\\mathrm") and _text(tokens[0]) == "d" else ""


def _base(token: Token) -> str:
    r"""Return the quantity that a token names: "y", "\hat{y}", "\lambda"; "" if none."""
    if token.kind == "sign" and token.text.isalpha():
        return token.text
    if token.is_("\\hat") and len(_text(token)) == 1:
        return rf"\hat{{{_text(token)}}}"
    return f"\\{token.text}" if token.kind == "macro" and token.text in _GREEK else ""


def _text(token: Token) -> str:
    return "".join(t.text for argument in token.arguments for t in argument)


def _source(token: Token) -> str:
    return f"\\{token.text}" if token.kind == "macro" else token.text


def _script_of(token: Token | None) -> tuple[Token, ...]:
    if token is None:
        return ()
    return token.arguments[0] if token.kind == "group" else (token,)


def _is_between(token: Token) -> bool:
    if token.is_("\\text"):
        words = " ".join(_text(token).split())
        if words not in _WORDS:
            raise Refused(f"words in a formula cannot be read: {words!r}", token.at)
        return True
    return token.kind == "macro" and token.text in _APART


def _split(tokens: Sequence[Token], at: Callable[[Token], bool]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if at(token):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


@lru_cache(256)
def _tokens(latex: str) -> tuple[Token, ...]:
    context = LatexContextDb()
    macros = [MacroSpec(name, arguments) for name, arguments in _ARGUMENTS.items()]
    context.add_context_category(
        "derivations", macros=macros, environments=[EnvironmentSpec("aligned")]
    )
    context.set_unknown_macro_spec(MacroSpec(""))
    walker = LatexWalker(latex, latex_context=context, tolerant_parsing=False)
    try:
        nodes, _, _ = walker.get_latex_nodes()
        return tuple(_flat(nodes))
    except LatexWalkerError as error:
        place = getattr(error, "pos", None) or 0
        raise Refused(getattr(error, "msg", str(error)), place) from error


def _flat(nodes: Sequence[Any]) -> Iterator[Token]:
    """Turn pylatexenc's nodes into tokens: characters one by one, digits together."""
    for node in nodes:
        end = node.pos + node.len
        if isinstance(node, LatexCharsNode):
            for part in _CHARACTERS.finditer(node.chars):
                kind = "number" if part[0].isdecimal() else "sign"
                start = node.pos + part.start()
                yield Token(kind, part[0], start, start + len(part[0]))
        elif isinstance(node, LatexMacroNode):
            given = node.nodeargd.argnlist if node.nodeargd else []
            arguments = tuple(tuple(_argument(argument)) for argument in given)
            yield Token("macro", node.macroname, node.pos, end, arguments)
        elif isinstance(node, LatexGroupNode):
            yield Token("group", "", node.pos, end, (tuple(_flat(node.nodelist)),))
        elif isinstance(node, LatexEnvironmentNode) and node.environmentname == "aligned":
            yield from _flat(node.nodelist)
        elif not isinstance(node, LatexCommentNode):
            raise Refused(f"cannot read {node.latex_verbatim()[:20]!r}", node.pos)


def _argument(node: Any) -> Iterator[Token]:
    return _flat(node.nodelist if isinstance(node, LatexGroupNode) else [node])
