"""Reads what executed notebooks say to the press: figures, tables, answers, claims and proofs."""

from __future__ import annotations

from typing import Any

from nbpress.errors import PressError
from nbpress.run.cache import Run
from nbtypeset.schema import MIME_TYPE


def values(run: Run) -> dict[str, dict[str, Any]]:
    """Return the values that a run recorded: `{"2d.stop_step": {"value": …, "notebook": …}}`.

    Raises
    ------
    PressError
        If two answers record the same value.
    """
    found: dict[str, dict[str, Any]] = {}
    for cell in run.executed["cells"]:
        for record in records(cell):
            for name, value in record.get("values", {}).items():
                key = f"{record['task']}.{name}"
                if key in found:
                    raise PressError(
                        f"{run.notebook}: {key} is recorded twice, in the cells "
                        f"{found[key]['cell']} and {cell['id']}"
                    )
                found[key] = {"value": value, "notebook": run.notebook, "cell": cell["id"]}
    return found


def records(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a cell's outputs say to the press."""
    return [
        output["data"][MIME_TYPE]
        for output in cell.get("outputs", ())
        if MIME_TYPE in output.get("data", {})
    ]
