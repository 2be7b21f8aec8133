"""Finds the texts in notebooks, without running them, and describes faults and their places."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from nbpress.project.calls import argument, calls
from nbpress.project.notebook import Cell, Notebook
from nbpress.say.prose import split_prose

# The arguments of nbpress's functions that are texts: position and name, by function.
_TEXTS = {
    "answer": {1: "text"},
    "claim": {2: "text", 4: "otherwise"},
    "figure": {2: "caption", 3: "alt"},
    "table": {3: "caption"},
}


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
    passed = defaultdict(list)
    for cell, call, name in calls(notebook):
        for position, keyword in _TEXTS.get(name, {}).items():
            text = argument(call, position, keyword)
            for line, literal in _literals(text) if text else ():
                passed[cell.id].append(Passage(name, cell, line, literal))
    for cell in notebook.cells:
        magic = split_prose(cell.source) if cell.runs else None
        if cell.kind == "markdown":
            yield Passage("Markdown", cell, 1, cell.source)
        elif magic:
            yield Passage(magic[0], cell, magic[3], magic[2])
        yield from passed[cell.id]


def _literals(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the strings in an expression and their lines, without the formats of an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.FormattedValue):
        yield from _literals(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _literals(child)


def fault_in(notebook: Notebook, cell: Cell, line: int, message: str) -> Fault:
    """Return a fault at a line of a cell."""
    return Fault(notebook.path.name, notebook.cells.index(cell) + 1, line, message)
