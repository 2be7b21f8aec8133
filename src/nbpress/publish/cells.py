"""The cells of a bound report: where each comes from, and under which task it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbpress.say.records import begun_in

Cell = dict[str, Any]


def origin(cell: Cell) -> str:
    """Return which cell of which notebook this is, as a reader knows it."""
    known = cell["metadata"]["nbpress"]
    return f"{known['notebook']}, cell {known['cell']}"


def by_task(cells: list[Cell]) -> Iterator[tuple[str, Cell]]:
    """Yield each cell with the task under whose heading it stands, "" before the first."""
    task = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for task in begun_in(cell["source"]):
                if task:
                    yield task, cell
        yield task, cell
