"""Finds numbers that are typed into texts instead of quoted, and can go stale unnoticed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from nbpress.project.code import comments
from nbpress.project.notebook import Cell, Notebook
from nbpress.project.passages import Fault, fault_in, passages_of
from nbpress.project.years import DATE, YEAR
from nbpress.say.markdown import CODE, FORMULA, NAMED, VERBATIM, blanked
from nbpress.say.prose import split_prose
from nbpress.say.records import LABEL
from nbpress.say.text import TYPED
from nbtypeset.anchors import TASK, TASK_WORDS

# Names that have digits: of tasks and targets, in references, tags and addresses; and headings.
_NAMES = re.compile(
    rf"\[\s*(?:{NAMED})?\s*\]\(#[^)]*\)|\[\s*(?P<task>{TASK})\s*\]\(#task-(?P=task)\)|\]\([^)]*\)"
    rf"|<[A-Za-z/][^<>]*>|(?:https?://|www\.|doi:)\S+|(?<!\w)@\w\S*|^#+\s.*?$|\b(?:{LABEL}|task-{TASK})\b"
    rf"|\b(?:{'|'.join(TASK_WORDS)})\s+{TASK}(?:\.\d+)*\b",
    re.MULTILINE,
)
_NO_NUMBERS = (CODE, _NAMES, DATE, YEAR)
# Not after a letter, a digit, an index's "_" or "^"; "_97_" is emphasised.
_BEGIN = r"(?<![^\W_])(?<![^\W_]_)(?<![.,^])"
_DIGITS = re.compile(rf"{_BEGIN}(?:\.?\d(?:[\d.,]*\d)?|[¼-¾⅐-⅞])")
# In formulas, but neither in exponents and indices nor a base, as in 10^{-3} and x_{12}.
_IN_FORMULA = re.compile(
    r"(?<![\w.,^])(?<![_^]\{)(?<![_^]\{[-+])(?:\d*\.\d+|\d{2,})(?!\d|\.\d|\s*\^)"
)
_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|"
    r"eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|dozens?|hundreds?|thousands?|"
    r"millions?)\b",
    re.IGNORECASE,
)


def typed_in(text: str) -> str | None:
    """Return the first number or number word typed in a text that `typed: …` does not allow."""
    meant = _listed(TYPED.findall(text))
    numbers = _numbers_in(text, with_words=True)
    return next((each[0] for each in numbers if each[0].lower() not in meant), None)


def typed_numbers(notebook: Notebook) -> Iterator[Fault]:
    """Yield the numbers typed into texts that no `typed: …` of the cell allows.

    Digits count in every text, in formulas only decimals and numbers of two digits or more; number
    words, from two upwards, count only where values can be quoted.
    """
    passages = defaultdict(list)
    for passage in passages_of(notebook):
        passages[passage.cell.id].append(passage)
    for cell in notebook.cells:
        unused = meant = set(_meant(cell))
        for passage in passages[cell.id]:
            for number in _numbers_in(passage.text, with_words=passage.kind != "Markdown"):
                unused = unused - {number[0].lower()}
                if number[0].lower() not in meant:
                    line = passage.line_of(number)
                    yield fault_in(notebook, cell, line, f"{number[0]!r} is typed and may go stale")
        for each in sorted(unused):
            yield fault_in(notebook, cell, 1, f"'typed: {each}', but no {each!r} is typed here")


def _meant(cell: Cell) -> list[str]:
    """Return the typed numbers that a cell allows."""
    lists = TYPED.findall(cell.source)
    if cell.runs and not split_prose(cell.source):
        for comment in comments(cell.source).values():
            lists += re.findall(r"\btyped: (.*?)(?:-->|$)", comment)
    return _listed(lists)


def _listed(lists: Iterable[str]) -> list[str]:
    return [number.strip().lower() for each in lists for number in each.split(", ")]


def _numbers_in(text: str, *, with_words: bool) -> list[re.Match[str]]:
    """Return the numbers in a text, and `with_words` its number words, in their order."""
    prose, shown = text, blanked(text, VERBATIM)
    for pattern in _NO_NUMBERS:
        prose = blanked(prose, pattern)
    matches = [*_DIGITS.finditer(prose), *(_WORDS.finditer(prose) if with_words else ())]
    for formula in FORMULA.finditer(shown):
        matches += _IN_FORMULA.finditer(shown, *formula.span())
    return sorted(matches, key=re.Match.start)
