"""Numbers figures and tables, and resolves the references to them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.publish.cells import Cell, by_task, heading_of, origin
from nbpress.say.records import REFERENCE, Figure, Table, numbered, records
from nbtypeset.schema import MIME_TYPE


@dataclass(frozen=True)
class Number:
    """What a label stands for: "Figure", 3."""

    kind: str
    number: int


def number(cells: list[Cell]) -> dict[str, Number]:
    """Return the numbers of figures and tables by label, in the order of the report."""
    counts: Counter[str] = Counter()
    numbers: dict[str, Number] = {}
    origins: dict[str, str] = {}
    for cell in cells:
        for record in records(cell):
            if not isinstance(record, Figure | Table):
                continue
            if record.label in origins:
                raise PressError(
                    f"{origin(cell)}: the label {record.label!r} is used already, "
                    f"in {origins[record.label]}"
                )
            origins[record.label] = origin(cell)
            kind = record.kind
            counts[kind] += 1
            numbers[record.label] = Number(kind.title(), counts[kind])
    return numbers


def resolve_references(cells: list[Cell], numbers: dict[str, Number]) -> None:
    """Put numbers into links such as `[Figure](#fig-2b)`; refuse those that lead nowhere.

    Those of the author's own words, `[the two curves](#fig-2b)`, keep them.
    """
    targets = {label: f"{n.kind} {n.number}" for label, n in numbers.items()}
    targets |= {f"task-{task}": heading_of(task) for task, _ in by_task(cells) if task}

    def resolved(text: str, cell: Cell) -> str:
        def link(reference: re.Match[str]) -> str:
            label = reference[2]
            if label not in targets:
                raise PressError(
                    f"{origin(cell)}: the reference {reference[0]!r} leads nowhere"
                    + did_you_mean(label, targets)
                )
            return numbered(reference, targets[label])

        return REFERENCE.sub(link, text)

    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = resolved(cell["source"], cell)
        for output in cell.get("outputs", ()):
            data: dict[str, Any] = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = resolved(data["text/markdown"], cell)
            record = data.get(MIME_TYPE, {})
            for text in {"caption", "sentence"} & record.keys():
                record[text] = resolved(record[text], cell)
