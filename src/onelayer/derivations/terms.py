"""What a formula of a derivation says, as data: terms, and statements about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields


class Refused(ValueError):
    """A formula cannot be read, or it is wrong; `at` is the place in its LaTeX."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Term:
    """A part of a formula; `at` is where it begins."""

    at: int

    def parts(self) -> Iterator[Term]:
        """Yield the terms that it is made of."""
        for field in fields(self):
            value = getattr(self, field.name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Term):
                    yield each

    def all(self) -> Iterator[Term]:
        """Yield this term and all below it."""
        yield self
        for part in self.parts():
            yield from part.all()

    @property
    def is_of_numbers(self) -> bool:
        """Whether it is a fraction of two integers."""
        return isinstance(self, Quotient) and all(isinstance(p, Number) for p in self.parts())


@dataclass(frozen=True)
class Number(Term):
    """An integer."""

    value: int


@dataclass(frozen=True)
class Size(Term):
    """The number of classes, examples or inputs: K, N, D."""

    letter: str


@dataclass(frozen=True)
class Name(Term):
    r"""A quantity with its indices, `\hat{y}_k^n`; `applied` is the w of `C(w)`."""

    base: str
    subscripts: tuple[str, ...] = ()
    example: str = ""  # the superscript index
    applied: str = ""  # the variable in parentheses


@dataclass(frozen=True)
class Sum(Term):
    """A sum over indices, each over its whole range."""

    indices: tuple[str, ...]
    body: Term
    unequal: str = ""  # an index whose value is left out


@dataclass(frozen=True)
class Derivative(Term):
    """∂ of something by a quantity."""

    of: Term
    by: Name


@dataclass(frozen=True)
class Add(Term):
    """A sum of terms."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Negative(Term):
    """−a."""

    term: Term


@dataclass(frozen=True)
class Product(Term):
    """A product."""

    factors: tuple[Term, ...]


@dataclass(frozen=True)
class Quotient(Term):
    """a / b."""

    numerator: Term
    denominator: Term


@dataclass(frozen=True)
class Power(Term):
    """a to the power of an integer."""

    base: Term
    exponent: int


@dataclass(frozen=True)
class Exp(Term):
    """e to the power of something."""

    exponent: Term


@dataclass(frozen=True)
class Ln(Term):
    """The natural logarithm."""

    argument: Term


@dataclass(frozen=True)
class Transpose(Term):
    """A transposed matrix."""

    matrix: Term


@dataclass(frozen=True)
class Gradient(Term):
    """∇ of a function: the matrix of its derivatives by the weights."""

    of: Name


@dataclass(frozen=True)
class Chain:
    """a = b = c: its members, and the LaTeX of each."""

    members: tuple[Term, ...]
    sources: tuple[str, ...]

    @property
    def is_of_matrices(self) -> bool:
        """Whether its names mean whole matrices."""
        return any(isinstance(term, Gradient) for m in self.members for term in m.all())

    @property
    def sizes(self) -> frozenset[str]:
        """The letters of the sizes that stand in it as numbers."""
        terms = (term for member in self.members for term in member.all())
        return frozenset(term.letter for term in terms if isinstance(term, Size))


@dataclass(frozen=True)
class Condition:
    """i = k, or i ≠ k: the case that a formula is about; `at` is where it begins."""

    first: str
    second: str
    equal: bool
    at: int


@dataclass(frozen=True)
class Range:
    """i, k ∈ {1, …, K}: which values indices have; `at` is where it begins."""

    indices: tuple[str, ...]
    size: str
    at: int


@dataclass(frozen=True)
class Notation:
    """What letters mean: the sizes, the ranges of the indices, and which names are functions."""

    sizes: Collection[str]
    ranges: Mapping[str, str]
    functions: Collection[str]


Statement = Chain | Condition | Range
