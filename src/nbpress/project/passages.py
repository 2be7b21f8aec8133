"""Finds the texts in notebooks, without running them, and describes faults and their places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from nbpress.errors import PressError
from nbpress.project.code import parse
from nbpress.project.notebook import Cell, Notebook
from nbpress.say.prose import split_prose
from nbpress.say.records import TASK_NAME

# The arguments of nbpress's functions that are texts: position and name, by function.
_TEXTS = {
    "answer": {1: "text"},
    "claim": {2: "text", 4: "otherwise"},
    "figure": {2: "caption", 3: "alt"},
    "table": {3: "caption"},
}

_VERBATIM = r"^(?:```|~~~).*?^(?:```|~~~)|`[^`\n]*`|<!--.*?-->|\{\{ .*? \}\}"
_FORMULA = r"\$\$.*?\$\$|\$[^$]*\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}"
_NO_WORDS = f"{_VERBATIM}|{_FORMULA}"
VERBATIM = re.compile(_VERBATIM, re.DOTALL | re.MULTILINE)  # code, comments and placeholders
FORMULA = re.compile(_FORMULA, re.DOTALL)
CODE = re.compile(_NO_WORDS, re.DOTALL | re.MULTILINE)
NO_PROSE = re.compile(
    rf"{_NO_WORDS}"
    r"|\[[^\]]*\]\(#[^)]*\)|\]\([^)]*\)|https?://\S+"  # references and addresses
    r"|^#+\s.*?$"  # headings
    rf"|\b{TASK_NAME}"
    r"|\b(?:19|20)\d\d(?:-\d\d-\d\d)?\b",  # dates
    re.DOTALL | re.MULTILINE,
)


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
    """A text as written, and the line of its cell where it begins."""

    kind: str  # "Markdown" in a Markdown cell; else the magic or function: "answer", "figure", …
    cell: Cell
    line: int
    text: str

    def line_of(self, part: re.Match[str]) -> int:
        """Return the line of the cell where a part of the text begins."""
        return self.line + self.text.count("\n", 0, part.start())


def passages_of(notebook: Notebook) -> Iterator[Passage]:
    """Yield a notebook's texts: Markdown, cells of prose, and texts passed to nbpress."""
    for cell in notebook.cells:
        magic = split_prose(cell.source) if cell.runs else None
        if cell.kind == "markdown":
            yield Passage("Markdown", cell, 1, cell.source)
        elif magic:
            yield Passage(magic[0], cell, magic[3], magic[2])
        for call, name in calls(cell):
            for position, keyword in _TEXTS.get(name, {}).items():
                text = argument(call, position, keyword)
                for node in ast.walk(text) if text else ():
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield Passage(name, cell, node.lineno, node.value)


def fault_in(notebook: Notebook, cell: Cell, line: int, message: str) -> Fault:
    """Return a fault at a line of a cell."""
    return Fault(notebook.path.name, notebook.cells.index(cell) + 1, line, message)


def calls(cell: Cell) -> Iterator[tuple[ast.Call, str]]:
    """Yield a cell's calls of nbpress's functions, and the functions' names."""
    if not cell.runs or split_prose(cell.source):
        return
    yield from _calls_in(cell.source)


@lru_cache(1000)
def _calls_in(source: str) -> list[tuple[ast.Call, str]]:
    try:
        tree = parse(source, "")
    except PressError:  # reported when its imports are read
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call.func) for call in calls]
    return [
        (call, name.removeprefix("nbpress."))
        for call, name in zip(calls, names, strict=True)
        if name.startswith("nbpress.")
    ]


def argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """Return an argument of a call, given by position or by keyword."""
    named = (each.value for each in call.keywords if each.arg == keyword)
    return call.args[position] if len(call.args) > position else next(named, None)
