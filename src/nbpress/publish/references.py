"""Numbers figures, tables and formulas, and resolves the references to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.publish.cells import Cell, by_task, heading_of, origin
from nbpress.say.derivations import read_formulas, set_formulas
from nbpress.say.records import REFERENCE, Derivation, Figure, Table, numbered, record_of
from nbtypeset.schema import MIME_TYPE


@dataclass(frozen=True)
class Number:
    """What a label stands for: "Figure", 3."""

    kind: str
    number: int


def number(cells: list[Cell]) -> dict[str, Number]:
    """Return the numbers of figures, tables and formulas by label, in the order of the report.

    The formulas of derivations, with and without a label, are tagged with theirs.
    """
    counts: Counter[str] = Counter()
    numbers: dict[str, Number] = {}
    origins: dict[str, str] = {}

    def count(kind: str, label: str, cell: Cell) -> int:
        counts[kind] += 1
        if label in origins:
            raise PressError(
                f"{origin(cell)}: the label {label!r} is used already, in {origins[label]}"
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


def resolve_references(
    cells: list[Cell], numbers: dict[str, Number], texts: Sequence[str] = ()
) -> list[str]:
    """Put numbers into links such as `[Figure](#fig-2b)`; refuse those that lead nowhere.

    Those of the author's own words, `[the two curves](#fig-2b)`, keep them. The same is done to
    `texts` of report.yaml, which are returned.
    """
    targets = {label: f"{n.kind} {n.number}" for label, n in numbers.items()}
    targets |= {f"task-{task}": heading_of(task) for task, _ in by_task(cells) if task}

    def resolved(text: str, cell: Cell | None) -> str:
        def link(reference: re.Match[str]) -> str:
            label = reference[2]
            if label not in targets:
                place = origin(cell) if cell else "report.yaml, key_results"
                raise PressError(
                    f"{place}: the reference {reference[0]!r} leads nowhere"
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
            for text in {"caption", "sentence", "summary"} & record.keys():
                record[text] = resolved(record[text], cell)
    return [resolved(text, None) for text in texts]
