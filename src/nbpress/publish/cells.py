"""The cells of a bound report: where each comes from, and which task it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbpress.say.markdown import begun_in

Cell = dict[str, Any]


def origin(cell: Cell) -> str:
    """Return a cell's notebook and number, as messages name it."""
    known = cell["metadata"]["nbpress"]
    return f"{known['notebook']}, cell {known['cell']}"


def headings(cells: list[Cell]) -> Iterator[tuple[str, Cell]]:
    """Yield the tasks in the order of their headings, each with the heading's cell."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            yield from ((task, cell) for task in begun_in(cell["source"]) if task)


def by_task(cells: list[Cell]) -> Iterator[tuple[str, Cell]]:
    """Yield each cell with the task whose heading it is under, "" before the first heading."""
    task = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for task in begun_in(cell["source"]):
                if task:
                    yield task, cell
        yield task, cell
