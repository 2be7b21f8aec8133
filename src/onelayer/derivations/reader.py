r"""Reads the derivations' LaTeX, a formula into statements, and refuses what it does not know.

The notation: `\frac`, `\sum` with limits, `\partial` and `\mathrm{d}` in fractions, `\ln`,
`e^{…}`, `\hat`, `\nabla`, `^{\mathsf T}`, integer powers, indices that were declared, and
`C(w)` where a definition says that C is a function. Everything else is refused, with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from onelayer.derivations.expressions import Expression
from onelayer.derivations.terms import Chain, Condition, Notation, Range, Refused, Statement
from onelayer.derivations.tokens import PUNCTUATION, Token, split, tokens

_APART = {"quad", "qquad"}
_WORDS = {"", "with", "and", "for", "forall", "where"}  # without spaces


def read(latex: str, notation: Notation) -> list[Statement]:
    r"""Return the statements of a formula in their order.

    Rows of `aligned` that begin with = continue the statement above; `\qquad` and words such as
    `\text{with}` separate the statements of a row.

    Raises
    ------
    Refused
        If something cannot be read.
    """
    pieces = _pieces(latex)
    if not pieces:
        raise Refused("expected a formula, found none", 0)
    statements: list[Statement] = []
    ranges = dict(notation.ranges)
    for piece in pieces:
        statement = _statement(piece.tokens, latex, replace(notation, ranges=ranges))
        if isinstance(statement, Range):
            ranges |= dict.fromkeys(statement.indices, statement.size)
        elif isinstance(statement, Chain) and piece.word.startswith("for"):
            raise Refused("after 'for', expected a case such as 'i = k'", statement.members[0].at)
        elif isinstance(statement, Condition):
            follows = bool(statements) and isinstance(statements[-1], Condition)
            if len(pieces) > 1 and (piece.begins_row or (piece.word == "and" and not follows)):
                raise Refused("a case follows its equation, after a space or 'for'", statement.at)
        statements.append(statement)
    return statements


@dataclass
class _Piece:
    """The tokens of a statement, the word before it, and whether it begins a row."""

    tokens: list[Token]
    word: str
    begins_row: bool


def _pieces(latex: str) -> list[_Piece]:
    """Return the statements of a formula, separated as a reader would separate them."""
    pieces: list[_Piece] = []
    is_apart = True  # because of punctuation or a word before, or because nothing stands before
    has_left_column = False
    in_row = 0  # how many statements this row has, or the last row that had any
    for row in split(tokens(latex), lambda t: t.is_("\\\\")):
        columns = [index for index, token in enumerate(row) if token.is_("&")]
        if len(columns) > 1:
            raise Refused("a second & sets equations side by side", row[columns[1]].at)
        goes_on = columns == [0] and has_left_column
        has_left_column |= bool(row) and columns != [0]
        row = [token for token in row if not token.is_("&")]
        if goes_on and row and not row[0].is_("="):
            raise Refused("expected '=' where a row continues", row[0].at)
        above, word, begins_row = in_row, "", True
        for separator, piece in _separated(row):
            word = _words(separator) or word if separator else word
            ends = bool(piece) and piece[-1].is_(*PUNCTUATION)
            while piece and piece[-1].is_(*PUNCTUATION):
                piece = piece[:-1]
            if not piece:
                is_apart |= ends
                continue
            if piece[0].is_("=") and pieces:
                if word or (begins_row and above > 1):
                    raise Refused("it is not clear what this equality continues", piece[0].at)
                pieces[-1].tokens += piece
                in_row = max(in_row, 1)
            else:
                is_apart |= bool(word) or (begins_row and columns not in ([], [0]))
                if piece[0].is_("+", "-") and not is_apart:
                    raise Refused("this sign could continue what stands before", piece[0].at)
                in_row = 1 if begins_row else in_row + 1
                pieces.append(_Piece(list(piece), word, begins_row))
            is_apart, word, begins_row = ends, "", False
    return pieces


def functions_of(latex: str) -> set[str]:
    """Return the names that are applied to a variable on the left side of a definition."""
    names = set()
    for row in split(tokens(latex), lambda t: t.is_("\\\\")):
        row = [token for token in row if not token.is_("&")]
        left = split(row, lambda t: t.is_("="))[0]
        if len(left) > 3 and left[-1].is_(")") and left[-3].is_("("):
            names.add(left[0].quantity)
    return names - {""}


def _statement(tokens: list[Token], latex: str, notation: Notation) -> Statement:
    if any(token.is_("\\in") for token in tokens):
        return _range(tokens)
    for sign, equal in (("=", True), ("\\neq", False), ("\\ne", False)):
        if [t.is_(sign) for t in tokens] == [False, True, False]:
            first, _, second = tokens
            if all(each.is_letter and each.text in notation.ranges for each in (first, second)):
                return Condition(first.text, second.text, equal, first.at)
    members = split(tokens, lambda t: t.is_("="))
    if len(members) < 2 or not all(members):
        raise Refused("expected an equation", tokens[0].at)
    terms = tuple(Expression(member, notation).whole() for member in members)
    sources = (latex[member[0].at : member[-1].end] for member in members)
    return Chain(terms, tuple(sources))


def _range(tokens: list[Token]) -> Range:
    r"""Read `i, k \in \{1, \dots, K\}`."""
    at = next(i for i, token in enumerate(tokens) if token.is_("\\in"))
    indices = [token.text for token in tokens[:at] if not token.is_(",")]
    values = [token for token in tokens[at + 1 :] if not token.is_(",")]
    texts = [token.source for token in values]
    letters = all(token.is_letter or token.is_(",") for token in tokens[:at])
    if not (indices and letters and texts[:-2] == [r"\{", "1", r"\dots"] and texts[-1:] == [r"\}"]):
        raise Refused(r"expected a range such as 'i, k \in \{1, \dots, K\}'", tokens[0].at)
    return Range(tuple(indices), texts[-2], tokens[0].at)


def _is_between(token: Token) -> bool:
    return token.is_("\\text") or (token.kind == "macro" and token.text in _APART)


def _words(token: Token) -> str:
    text = token.inner if token.is_("\\text") else ""
    if text not in _WORDS:
        raise Refused(f"words in a formula cannot be read: {text!r}", token.at)
    return text


def _separated(row: list[Token]) -> Iterator[tuple[Token | None, list[Token]]]:
    """Yield the parts of a row, each with the word or space in front of it."""
    separators = [None, *filter(_is_between, row)]
    yield from zip(separators, split(row, _is_between), strict=True)
