"""Verdicts on the formulas of a derivation, and the sentence that says what they are worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The verdict on a formula: why it is refused ("" if it is not) and in which of its lines.

    `results` are what was proved: for each chain of equalities, its first and its last member.
    """

    refusal: str = ""
    line: int = 0
    results: tuple[str, ...] = ()
    equalities: int = 0
    sizes: frozenset[str] = frozenset()  # that indices run to, or that stand as numbers
    is_of_matrices: bool = False


def summary(verdicts: Iterable[Verdict], sizes: Sequence[Mapping[str, int]]) -> str:
    """Return a sentence in Markdown: what was proved at the first sizes, and tested at the second.

    Of the sizes it names those that the derivation uses.
    """
    verdicts = list(verdicts)
    count = sum(verdict.equalities for verdict in verdicts)
    used = frozenset().union(*(verdict.sizes for verdict in verdicts))
    noun, it_is = ("equality", "it is") if count == 1 else ("equalities", "they are")
    proved = f"the {count} {noun} marked ✓, read from the formulas as they are printed, exactly"
    if not used:
        return f"{proved}."
    matrices = any(verdict.is_of_matrices for verdict in verdicts) * (
        " (of matrices the first entry; the others are tested at random rational numbers)"
    )
    first, second = (
        ", ".join(f"${letter} = {size}$" for letter, size in each.items() if letter in used)
        for each in sizes
    )
    return (
        f"{proved} for {first}{matrices}. For {second} {it_is} tested at random rational numbers; "
        "the program checks no other sizes."
    )
