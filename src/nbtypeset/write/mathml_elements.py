"""Answers questions about elements of MathML as pandoc writes it."""

from __future__ import annotations

import unicodedata
from xml.etree.ElementTree import Element

_PRIMES = {"′": 1, "″": 2, "‴": 3, "⁗": 4}


def text_of(element: Element) -> str:
    """Return the text of a token."""
    return unicodedata.normalize("NFC", (element.text or "").strip())


def size_of(element: Element) -> float:
    r"""Return the size of a delimiter after ``\big``, in ems; 0 for any other."""
    return float(element.get("minsize", "0%").removesuffix("%")) / 100


def name_in(elements: list[Element]) -> str:
    """Return the name of an operator such as ``log``, if the elements are nothing else."""
    if not elements or elements[0].tag != "mi" or elements[0].get("mathvariant") != "normal":
        return ""
    name = text_of(elements[0])
    applied = [text_of(each) for each in elements[1:]] == ["\u2061"]
    return name if applied or (len(elements) == 1 and len(name) > 1) else ""


def fenced(row: Element) -> bool:
    """Return whether a row has delimiters that grow with what is between them."""
    return any(
        each.tag == "mo" and each.get("stretchy") == "true" and not size_of(each) for each in row
    )


def rules_of(table: Element) -> tuple[list[int], list[int]] | None:
    """Return where a table has rules: how many rows are above each, how many columns before it."""
    across: set[int] = set()
    down: set[int] = set()
    for y, row in enumerate(table):
        for x, cell in enumerate(row):
            sides = cell.get("class", "").split()
            across |= {y + end for end, side in enumerate(("above", "below"))
                       if f"ruled-{side}" in sides}  # fmt: skip
            down |= {x + end for end, side in enumerate(("before", "after"))
                     if f"ruled-{side}" in sides}  # fmt: skip
    return (sorted(across), sorted(down)) if across or down else None


def primes_in(script: Element | None) -> int:
    """Return how many primes a script consists of; 0 if there is anything else."""
    if script is None:
        return 0
    counts = [_PRIMES.get(text_of(each), 0) for each in (script if len(script) else [script])]
    return sum(counts) if all(counts) else 0


def alignments(table: Element) -> list[str]:
    """Return how each column of a table is aligned."""
    longest = max(table, key=len, default=table)
    return [cell.get("columnalign", "center") for cell in longest]


def is_single(base: Element) -> bool:
    """Return whether a script after this element belongs to all of it, and to nothing else."""
    if base.tag == "mrow":
        return fenced(base) or bool(name_in(list(base)))
    if base.tag in ("munder", "mover"):
        return base[1].get("accent") == "true"
    return base.tag not in ("msub", "msup", "msubsup", "munderover", "mphantom", "menclose")
