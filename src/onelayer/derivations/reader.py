r"""Reads the derivations' LaTeX: a formula into statements, and no more than it knows.

The notation: `\frac`, `\sum` with limits, `\partial` and `\mathrm{d}` in fractions, `\ln`,
`e^{…}`, `\hat`, `\nabla`, `^{\mathsf T}`, integer powers, indices that were declared, and
`C(w)` where a definition says that C is a function. All else is refused, with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
_SPACE = {",", ";", ":", " ", "left", "right"}
_APART = {"quad", "qquad"}
_WORDS = {"", "with", "and", "for", "forall", "where"}  # without blanks
_LARGEST = 9, 20  # the digits of a number, and the exponent of a power: more takes too long
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

    @property
    def is_letter(self) -> bool:
        """Whether it is a plain letter; others, as a Cyrillic one, look just like these."""
        return self.kind == "sign" and self.text.isascii() and self.text.isalpha()


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
    pieces = _pieces(latex)
    if not pieces:
        raise Refused("expected a formula, found none", 0)
    found: list[Statement] = []
    ranges = dict(notation.ranges)
    for piece in pieces:
        statement = _statement(piece.tokens, latex, replace(notation, ranges=ranges))
        if isinstance(statement, Range):
            ranges |= dict.fromkeys(statement.indices, statement.size)
        elif isinstance(statement, Chain) and piece.word.startswith("for"):
            raise Refused("after 'for' only a case can stand, as 'i = k'", statement.members[0].at)
        elif isinstance(statement, Condition):
            follows = bool(found) and isinstance(found[-1], Condition)
            if len(pieces) > 1 and (piece.begins_row or (piece.word == "and" and not follows)):
                raise Refused(
                    "a case stands behind its equation, apart or after 'for'", statement.at
                )
        found.append(statement)
    return found


@dataclass
class _Piece:
    """The tokens of a statement, the word before it, and whether it begins a row."""

    tokens: list[Token]
    word: str
    begins_row: bool


def _pieces(latex: str) -> list[_Piece]:
    """Return the statements of a formula, as a reader sees them told apart."""
    pieces: list[_Piece] = []
    is_apart = True  # by the end of a sentence, a word, or because nothing stands before
    has_left_column = False
    in_row = 0  # how many statements the row has, or the last one that had any
    for row in _split(_tokens(latex), lambda t: t.is_("\\\\")):
        columns = [place for place, token in enumerate(row) if token.is_("&")]
        if len(columns) > 1:
            raise Refused("a second & sets equations side by side", row[columns[1]].at)
        goes_on = columns == [0] and has_left_column
        has_left_column |= bool(row) and columns != [0]
        row = [token for token in row if not token.is_("&")]
        if goes_on and row and not row[0].is_("="):
            raise Refused("expected '=' where a row goes on", row[0].at)
        above, word, begins_row = in_row, "", True
        for separator, piece in _split_with(row, _is_between):
            word = _words(separator) or word if separator else word
            ends = bool(piece) and piece[-1].is_(*_PUNCTUATION)
            while piece and piece[-1].is_(*_PUNCTUATION):
                piece = piece[:-1]
            if not piece:
                is_apart |= ends
                continue
            if piece[0].is_("=") and pieces:
                if word or (begins_row and above > 1):
                    raise Refused("what this equality goes on from is not clear", piece[0].at)
                pieces[-1].tokens += piece
                in_row = max(in_row, 1)
            else:
                is_apart |= bool(word) or (begins_row and columns not in ([], [0]))
                if piece[0].is_("+", "-") and not is_apart:
                    raise Refused("this sign could go on from what stands before", piece[0].at)
                in_row = 1 if begins_row else in_row + 1
                pieces.append(_Piece(list(piece), word, begins_row))
            is_apart, word, begins_row = ends, "", False
    return pieces


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
            if all(each.is_letter and each.text in notation.ranges for each in (first, second)):
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
    texts = [_source(token) for token in values]
    letters = all(token.is_letter or token.is_(",") for token in tokens[:at])
    if not (indices and letters and texts[:-2] == [r"\{", "1", r"\dots"] and texts[-1:] == [r"\}"]):
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

    def one(self) -> Term:
        """Read everything, which has to be one factor."""
        term = self.factor()
        if self.peek():
            raise Refused("say by parentheses what is differentiated", self.place())
        return term

    def is_index(self, token: Token) -> bool:
        """Return whether a token is an index that was declared."""
        return token.is_letter and token.text in self.notation.ranges

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
            at, begins_with = self.place(), self.peek()
            factor = self.factor()
            if not has_dot and (
                (begins_with and begins_with.kind == "number")
                or (isinstance(factors[-1], Number) and _is_of_numbers(factor))
            ):
                raise Refused("looks like one number with what is before it: expected a dot", at)
            factors.append(factor)
        return factors[0] if len(factors) == 1 else Product(factors[0].at, tuple(factors))

    def factor(self) -> Term:
        """Read one factor with what stands above and below it."""
        token = self.peek()
        if token is None:
            raise Refused("expected a term, found nothing", self.place())
        if token.is_("\\sum"):
            return self.summation()
        if token.is_("\\ln"):
            at = self.take().at
            parenthesis = self.peek("(")
            argument = self.factor()
            if parenthesis and isinstance(argument, Power):
                raise Refused("say by parentheses whether this is a power of the logarithm", at)
            return Ln(at, argument)
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
            if len(token.text) > _LARGEST[0]:
                raise Refused("so large a number is not read", token.at)
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
        place = self.take()
        above = self.script()
        if len(above) == 1 and above[0].is_("\\mathsf") and _text(above[0]) == "T":
            return Transpose(term.at, term)
        is_negative = bool(above) and above[0].is_("-")
        digits = above[is_negative:]
        if len(digits) != 1 or digits[0].kind != "number":
            raise Refused("expected an integer power or an index that was declared", place.at)
        if len(digits[0].text) > 2 or int(digits[0].text) > _LARGEST[1]:
            raise Refused(f"powers are read up to {_LARGEST[1]}", place.at)
        if self.peek("^", "_"):
            raise self.unknown()
        value = int(digits[0].text)
        return Power(term.at, term, -value if is_negative else value)

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
            applied = _base(self.take())
            if not applied:
                raise Refused(f"{base} is a function: expected its variable", self.place())
            self.expect(")")
        return self.powers(Name(at, base, subscripts, example, applied))

    def subscripts(self) -> tuple[str, ...]:
        """Read indices below a quantity; each has to be declared."""
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
        """Read a fraction, or a derivative where it has the signs of one."""
        if len(token.arguments) != 2:
            raise Refused("expected what stands above and below", token.at)
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
        return Derivative(token.at, _Reader(above[1:], self.notation, token.at).one(), by)

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
        signs = [_source(token) for token in below]
        ranges = self.notation.ranges
        end = _source(above[0]) if len(above) == 1 else ""
        if not signs or any(token.is_letter and token.text not in ranges for token in below):
            raise Refused("expected the sum's indices, which have to be declared", at)
        unequal = ""
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
            case _ if (
                not above
                and set(signs[1::2]) <= {","}
                and len(signs) % 2
                and len({*signs[::2]}) == len(signs[::2])
                and {*signs[::2]} <= {*ranges}
            ):
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
        return _Reader(_script_of(token), self.notation, token.at).whole()

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
    if token.is_letter:
        return token.text
    inside = [each for argument in token.arguments for each in argument]
    if token.is_("\\hat") and len(inside) == 1 and inside[0].is_letter:
        return rf"\hat{{{_text(token)}}}"
    return f"\\{token.text}" if token.kind == "macro" and token.text in _GREEK else ""


def _text(token: Token) -> str:
    return "".join(_source(t) for argument in token.arguments for t in argument)


def _is_of_numbers(term: Term) -> bool:
    return isinstance(term, Quotient) and all(isinstance(part, Number) for part in term.parts())


def _source(token: Token) -> str:
    return {"macro": f"\\{token.text}", "group": "{}"}.get(token.kind, token.text)


def _script_of(token: Token | None) -> tuple[Token, ...]:
    if token is None:
        return ()
    if token.kind == "number" and len(token.text) > 1:
        raise Refused("without braces only the first digit stands there", token.at)
    return token.arguments[0] if token.kind == "group" else (token,)


def _is_between(token: Token) -> bool:
    return token.is_("\\text") or (token.kind == "macro" and token.text in _APART)


def _words(token: Token) -> str:
    words = _text(token) if token.is_("\\text") else ""
    if words not in _WORDS:
        raise Refused(f"words in a formula cannot be read: {words!r}", token.at)
    return words


def _split(tokens: Sequence[Token], at: Callable[[Token], bool]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if at(token):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _split_with(
    tokens: Sequence[Token], at: Callable[[Token], bool]
) -> Iterator[tuple[Token | None, list[Token]]]:
    """Yield parts, each after what separates it from the one before."""
    separators = [None, *filter(at, tokens)]
    yield from zip(separators, _split(tokens, at), strict=True)


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
        blocks = [node for node in nodes if isinstance(node, LatexEnvironmentNode)]
        tokens = tuple(_flat(node for node in nodes if node not in blocks))
    except LatexWalkerError as error:
        place = getattr(error, "pos", None) or 0
        raise Refused(getattr(error, "msg", str(error)), place) from error
    if not blocks:
        if rows := [token for token in tokens if token.is_("\\\\", "&")]:
            raise Refused("rows are told apart in 'aligned' alone", rows[0].at)
        return tokens
    block = blocks[0]
    if block.environmentname != "aligned":
        raise Refused(f"cannot read {block.latex_verbatim()[:20]!r}", block.pos)
    beside = [t for t in tokens if t.at < block.pos or not t.is_(*_PUNCTUATION)]
    if beside or len(blocks) > 1:
        at = beside[0].at if beside else blocks[1].pos
        raise Refused("expected nothing beside 'aligned'", at)
    return (*_flat(block.nodelist), *tokens)


def _flat(nodes: Iterable[Any]) -> Iterator[Token]:
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
        elif not isinstance(node, LatexCommentNode):
            raise Refused(f"cannot read {node.latex_verbatim()[:20]!r}", node.pos)


def _argument(node: Any) -> Iterator[Token]:
    return _flat(node.nodelist if isinstance(node, LatexGroupNode) else [node])
