"""Reads what the notebooks write in words, without running them, and says what is wrong with it.

Faults would stop the report sooner or later: placeholders that are none, missing alternatives of
pictures, references that lead nowhere. Numbers that were typed, not quoted, go stale unseen.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from nbpress.errors import PressError, did_you_mean
from nbpress.project.code import comments, parse
from nbpress.project.names import unknown_names
from nbpress.project.notebook import Cell, Notebook
from nbpress.say.derivations import read_formulas
from nbpress.say.prose import split_prose
from nbpress.say.records import REFERENCE, TASK, TASK_HEADING
from nbpress.say.text import TYPED, TextError, blanked

# Where nbpress's functions take text: by their names, the arguments' positions and names.
_TEXTS = {
    "answer": {1: "text"},
    "claim": {2: "text", 4: "otherwise"},
    "figure": {2: "caption", 3: "alt"},
    "table": {3: "caption"},
}
_LABELS = {"figure": 1, "table": 2}

_NO_WORDS = (
    r"^(?:```|~~~).*?^(?:```|~~~)|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\$[^$]*\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}"  # formulas
    r"|<!--.*?-->|\{\{ .*? \}\}"
)
CODE = re.compile(_NO_WORDS, re.DOTALL | re.MULTILINE)
_NO_PROSE = re.compile(
    rf"{_NO_WORDS}"
    r"|\[[^\]]*\]\(#[^)]*\)|\]\([^)]*\)|https?://\S+"  # references and addresses
    r"|^#+\s.*?$"  # headings
    rf"|\b(?:Task|Appendix)\s+{TASK}\b"
    r"|\b(?:19|20)\d\d(?:-\d\d-\d\d)?\b",  # dates
    re.DOTALL | re.MULTILINE,
)
_DIGITS = re.compile(r"(?<![\w.,^])\d(?:[\d.,]*\d)?")
_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|"
    r"eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|dozens?|hundreds?|thousands?|"
    r"millions?)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"\{\{[A-Za-z_]\w*(?::[^{}\s]*)?\}\}")
_PICTURE = re.compile(r"!\[\s*\]\(")
_LOADS = re.compile(r"^\s*%(?:load|reload)_ext\s+nbpress\b", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Fault:
    """Something wrong with a text, and where."""

    notebook: str
    cell: int
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.notebook}, cell {self.cell}, line {self.line}: {self.message}"


@dataclass(frozen=True)
class Passage:
    """A text as it was written, and the line of its cell that it begins in."""

    kind: str  # "Markdown" of a cell of Markdown; else what is said there
    cell: Cell
    line: int
    text: str

    def line_of(self, part: re.Match[str]) -> int:
        """Return the line of its cell that a part of the text begins in."""
        return self.line + self.text.count("\n", 0, part.start())


def faults(notebooks: Iterable[Notebook]) -> list[Fault]:
    """Return what would stop a report of these notebooks, without executing anything."""
    notebooks = list(notebooks)
    return [
        *_labels_and_references(notebooks),
        *(fault for notebook in notebooks for fault in _malformed(notebook)),
        *(fault_in(notebook, *each) for notebook in notebooks for each in unknown_names(notebook)),
    ]


def typed_in(text: str) -> str | None:
    """Return the first number or number word typed into a text, unless it says that it is meant."""
    meant = _listed(TYPED.findall(text))
    found = _numbers_in(text, words=True)
    return next((each[0] for each in found if each[0].lower() not in meant), None)


def typed_numbers(notebook: Notebook) -> Iterator[Fault]:
    """Yield the numbers typed into texts that no `typed: …` of the cell says are meant.

    Digits count in every text, number words from two upwards where values can be quoted.
    """
    passages = defaultdict(list)
    for passage in passages_of(notebook):
        passages[passage.cell.id].append(passage)
    for cell in notebook.cells:
        unused = meant = set(_meant(cell))
        for passage in passages[cell.id]:
            for number in _numbers_in(passage.text, words=passage.kind != "Markdown"):
                unused = unused - {number[0].lower()}
                if number[0].lower() not in meant:
                    line = passage.line_of(number)
                    yield fault_in(
                        notebook, cell, line, f"{number[0]!r} is typed, and may go stale"
                    )
        for each in sorted(unused):
            yield fault_in(notebook, cell, 1, f"'typed: {each}', but no {each!r} is typed here")


def _malformed(notebook: Notebook) -> Iterator[Fault]:
    """Yield cells of prose that cannot be read, and pictures without an alternative."""
    loads = False
    for cell in notebook.cells:
        loads = loads or (cell.kind == "code" and bool(_LOADS.search(cell.source)))
        try:
            prose = cell.prose
        except TextError as error:
            yield fault_in(notebook, cell, error.line, error.message)
            continue
        if prose and not loads:
            yield fault_in(notebook, cell, 1, f"%%{prose.kind} needs '%load_ext nbpress' above")
    for passage in passages_of(notebook):
        for missing in _PICTURE.finditer(passage.text):
            line = passage.line_of(missing)
            yield fault_in(
                notebook, passage.cell, line, "a picture has no text alternative: ![…](…)"
            )
        for bare in _BARE.finditer(blanked(passage.text, _NO_PROSE)):
            if passage.kind != "Markdown":
                message = f"{bare[0]} is no placeholder: blanks belong inside its braces"
                yield fault_in(notebook, passage.cell, passage.line_of(bare), message)


def _labels_and_references(notebooks: list[Notebook]) -> Iterator[Fault]:
    """Yield labels that are used twice, and references that lead nowhere."""
    targets: dict[str, str] = {}
    complete = True
    passages = [(notebook, passage) for notebook in notebooks for passage in passages_of(notebook)]
    for notebook in notebooks:
        for cell in notebook.cells:
            for label, line in _labels(cell):
                if label is None:
                    complete = False
                elif label in targets:
                    yield fault_in(
                        notebook, cell, line, f"{label!r} is used already, in {targets[label]}"
                    )
                else:
                    targets[label] = notebook.name_of(cell)
    for _, passage in passages:
        if passage.kind == "Markdown":
            headings = TASK_HEADING.finditer(passage.text)
            targets |= {f"task-{heading[1]}": "" for heading in headings}
    for notebook, passage in passages:
        for reference in REFERENCE.finditer(passage.text):
            target = reference[2]
            if target not in targets and (complete or target.startswith("task-")):
                line = passage.line_of(reference)
                hint = did_you_mean(target, targets)
                yield fault_in(
                    notebook, passage.cell, line, f"{reference[0]!r} leads nowhere{hint}"
                )


def _labels(cell: Cell) -> Iterator[tuple[str | None, int]]:
    """Yield the labels that a cell gives; None for one that is computed."""
    magic = split_prose(cell.source) if cell.runs else None
    if magic and magic[0] == "figure":
        yield magic[1].partition(" ")[0], 1
    if magic and magic[0] == "derivation":
        with contextlib.suppress(TextError):
            formulas = read_formulas(magic[2], magic[3])
            yield from ((formula.label, formula.line) for formula in formulas if formula.label)
    for call, name in _calls(cell):
        if name in _LABELS:
            label = _argument(call, _LABELS[name], "label")
            constant = isinstance(label, ast.Constant) and isinstance(label.value, str)
            yield (label.value if constant else None), call.lineno  # type: ignore[union-attr]


def passages_of(notebook: Notebook) -> Iterator[Passage]:
    """Yield what a notebook writes in words: Markdown, prose, and the texts that code is given."""
    for cell in notebook.cells:
        magic = split_prose(cell.source) if cell.runs else None
        if cell.kind == "markdown":
            yield Passage("Markdown", cell, 1, cell.source)
        elif magic:
            yield Passage(magic[0], cell, magic[3], magic[2])
        for call, name in _calls(cell):
            for position, keyword in _TEXTS.get(name, {}).items():
                text = _argument(call, position, keyword)
                for node in ast.walk(text) if text else ():
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield Passage(name, cell, node.lineno, node.value)


def _calls(cell: Cell) -> Iterator[tuple[ast.Call, str]]:
    """Yield a cell's calls of nbpress's functions with their names."""
    if not cell.runs or split_prose(cell.source):
        return
    yield from _calls_in(cell.source)


@lru_cache(1000)
def _calls_in(source: str) -> list[tuple[ast.Call, str]]:
    try:
        tree = parse(source, "")
    except PressError:  # who reads its imports says so
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call.func) for call in calls]
    return [
        (call, name.removeprefix("nbpress."))
        for call, name in zip(calls, names, strict=True)
        if name.startswith("nbpress.")
    ]


def _argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    named = (each.value for each in call.keywords if each.arg == keyword)
    return call.args[position] if len(call.args) > position else next(named, None)


def _meant(cell: Cell) -> list[str]:
    """Return the typed numbers that a cell says are meant."""
    lists = TYPED.findall(cell.source)
    if cell.runs and not split_prose(cell.source):
        for comment in comments(cell.source).values():
            lists += re.findall(r"\btyped: (.*)", comment)
    return _listed(lists)


def _listed(lists: Iterable[str]) -> list[str]:
    return [number.strip().lower() for each in lists for number in each.split(", ")]


def _numbers_in(text: str, *, words: bool) -> list[re.Match[str]]:
    """Return the digits in a text's prose, and the number words if they count, in their order."""
    prose = blanked(text, _NO_PROSE)
    found = [*_DIGITS.finditer(prose), *(_WORDS.finditer(prose) if words else ())]
    return sorted(found, key=re.Match.start)


def fault_in(notebook: Notebook, cell: Cell, line: int, message: str) -> Fault:
    """Return a fault of a cell."""
    return Fault(notebook.path.name, notebook.cells.index(cell) + 1, line, message)
