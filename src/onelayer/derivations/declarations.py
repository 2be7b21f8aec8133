"""What a derivation has declared: its indices with their ranges, and its definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from onelayer.derivations.terms import Chain, Condition, Name, Range, Refused, Sum, Term

Indices = Mapping[str, int]  # the values that indices have


@dataclass(frozen=True)
class Definition:
    """A quantity's name and body, and whether it was written with an example's index."""

    name: Name
    body: Term
    is_of_example: bool


@dataclass
class Declarations:
    """What has been declared and defined so far, at given sizes."""

    sizes: Mapping[str, int]
    written_with_example: frozenset[str]  # names that somewhere have an example's index
    example: str = ""  # the index written as a superscript, "n"
    ranges: dict[str, str] = field(default_factory=dict)
    definitions: dict[tuple[str, bool], Definition] = field(default_factory=dict)
    shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the ranges of subscripts
    used: set[str] = field(default_factory=set)  # names without a definition

    def declare(self, range_: Range) -> None:
        """Declare the range of some indices."""
        if range_.size not in self.sizes:
            known = ", ".join(self.sizes)
            raise Refused(f"{range_.size!r} is not a size; known: {known}", range_.at)
        for index in range_.indices:
            if index in self.ranges or index in self.sizes:
                raise Refused(f"{index!r} is declared twice", range_.at)
            if index in self.shapes:
                raise Refused(f"{index!r} stands for a quantity above", range_.at)
            self.ranges[index] = range_.size

    def define(self, chains: Iterable[Chain]) -> list[tuple[Name, Term]]:
        """Add definitions that stand together, and return them; each may use the others."""
        earlier = [*self.definitions.values()]
        keys = [self._register(chain) for chain in chains]
        grows = True
        while grows:  # what is built from an example's quantities belongs to the example, too
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
                raise Refused(f"the index {min(loose)!r} is on the right side only", body.at)
        return new

    def _register(self, chain: Chain) -> tuple[str, bool]:
        if len(chain.members) != 2:
            raise Refused("expected one definition, 'name = …'", chain.members[0].at)
        name, body = chain.members
        if not isinstance(name, Name):
            raise Refused("expected a name on the left of a definition", name.at)
        if len({*name.subscripts, name.example}) != len(name.subscripts) + 1:
            raise Refused("an index occurs twice in what is defined", name.at)
        key = name.base, bool(name.example)
        if key in self.definitions:
            raise Refused(f"{name.base} is defined twice", name.at)
        if name.base in self.used:
            raise Refused(f"{name.base} is used before it is defined", name.at)
        self.check_shape(name)
        self.definitions[key] = Definition(name, body, bool(name.example))
        return key

    def _check_elided(self, new: Definition, earlier: Iterable[Definition]) -> None:
        """Refuse a definition if its name, without an example's index, meant something else so far.

        Without its index, C is that of one example until it is defined as the mean over all.
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

    def size_of(self, index: str) -> int:
        """Return how many values an index has."""
        return self.sizes[self.ranges[index]]

    def free(self, terms: Iterable[Term]) -> set[str]:
        """Return the indices that terms depend on, including an example's index that is left out.

        An index is left out everywhere in a statement or nowhere, and never inside a sum over it.
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

        Numbers never stand for an index, and sums run over whole ranges. So all values of an index
        are alike: what holds for i = 1, k = 2 holds for all i ≠ k.
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

    def is_of_example(self, name: Name) -> bool:
        """Return whether a quantity belongs to one example, whether or not its index is written."""
        definition = self.definition(name)
        if definition is not None:
            return definition.is_of_example
        return name.base in self.written_with_example

    def definition(self, name: Name) -> Definition | None:
        """Return a quantity's definition; without an index, an example's definition may apply."""
        plain, of_example = ((name.base, has) for has in (False, True))
        if not name.example:
            return self.definitions.get(plain) or self.definitions.get(of_example)
        own = self.definitions.get(of_example)
        if own is None and (other := self.definitions.get(plain)) and other.is_of_example:
            return other
        return own

    def check_shape(self, name: Name) -> None:
        """Refuse a quantity whose indices differ from those at its first use."""
        shape = tuple(self.ranges[index] for index in name.subscripts)
        if self.shapes.setdefault(name.base, shape) != shape:
            raise Refused(f"{name.base} has other indices here than where it stands first", name.at)
