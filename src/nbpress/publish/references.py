"""Numbers figures, tables and formulas, and resolves the references to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbpress.errors import PressError
from nbpress.publish.cells import Cell, origin
from nbpress.say.derivations import read_formulas, set_formulas
from nbpress.say.markdown import anchors_in, numbered, set_references, task_names, wrong_with
from nbpress.say.records import Derivation, Figure, Table, record_of
from nbtypeset.schema import MIME_TYPE

_WITH_ANCHORS = {"text/markdown", "text/html"}


@dataclass(frozen=True)
class Number:
    """The kind and number of a labelled object: "Figure", 3."""

    kind: str
    number: int


def number(cells: list[Cell]) -> dict[str, Number]:
    """Assign numbers to figures, tables and formulas in their order; return them by label.

    Every formula of a derivation, labelled or not, is tagged with its number.
    """
    counts: Counter[str] = Counter()
    numbers: dict[str, Number] = {}
    origins: dict[str, str] = {}

    def count(kind: str, label: str, cell: Cell) -> int:
        counts[kind] += 1
        if label in origins:
            raise PressError(
                f"{origin(cell)}: the label {label!r} is already used in {origins[label]}"
            )
        if label:
            origins[label] = origin(cell)
            numbers[label] = Number(kind.title(), counts[kind])
        return counts[kind]

    for cell in cells:
        for output in cell.get("outputs", ()):
            record = record_of(output)
            if isinstance(record, Figure | Table):
                count(record.kind, record.label, cell)
            elif isinstance(record, Derivation):
                text = output["data"]["text/markdown"]
                tags = [str(count("equation", f.label, cell)) for f in read_formulas(text)]
                output["data"]["text/markdown"] = set_formulas(text, iter(tags))
    return numbers


def names_of(cells: list[Cell], numbers: Mapping[str, Number]) -> dict[str, str]:
    """Return what texts call each target: "Figure 3", or a task as its heading does."""
    names = {label: f"{n.kind} {n.number}" for label, n in numbers.items()}
    for cell in cells:
        if cell["cell_type"] == "markdown":
            tasks = task_names(cell["source"])
            names = {f"task-{task}": name for task, name in tasks.items()} | names
    return names


def resolve_references(cells: list[Cell], names: Mapping[str, str]) -> Callable[[str, str], str]:
    """Put numbers into links such as `[Figure](#fig-2b)`; refuse those that lead nowhere.

    Links in the author's own words, `[the two curves](#fig-2b)`, keep these words. The function
    that is returned does the same for another text.
    """
    anchors = {anchor for cell in cells for text in _texts(cell) for anchor in anchors_in(text)}

    def resolved(text: str, where: str) -> str:
        def link(reference: re.Match[str]) -> str:
            if wrong := wrong_with(reference, names, anchors):
                raise PressError(f"{where}: the reference {wrong}")
            return numbered(reference, names)

        return set_references(text, link)

    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = resolved(cell["source"], origin(cell))
        for output in cell.get("outputs", ()):
            data: dict[str, Any] = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = resolved(data["text/markdown"], origin(cell))
            record = data.get(MIME_TYPE, {})
            for text in {"caption", "sentence", "summary"} & record.keys():
                record[text] = resolved(record[text], origin(cell))
    return resolved


def _texts(cell: Cell) -> list[str]:
    """Return the texts of a cell that may have headings: its Markdown, and its outputs."""
    outputs = [output.get("data", {}) for output in cell.get("outputs", ())]
    shown = [data[mime] for data in outputs for mime in _WITH_ANCHORS & data.keys()]
    return [*([cell["source"]] if cell["cell_type"] == "markdown" else []), *map("".join, shown)]
