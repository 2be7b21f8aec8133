"""Prepares the outputs of a run for the report."""

from __future__ import annotations

import copy
import re
from collections import Counter
from typing import Any

from nbpress.publish.cells import Cell
from nbpress.say.records import Figure, record_of
from nbtypeset.schema import MIME_TYPE

_MOST_LINES = 5  # that a note quotes
_ADDRESSES = re.compile(r"[\[\](),\s]*(?:<[^<>]* at 0x[0-9a-f]+>[\[\](),\s]*)+")


def is_address(output: dict[str, Any]) -> bool:
    """Return whether an output shows nothing but objects with their memory addresses.

    Plotting calls return such objects: they tell a reader nothing, and differ in each run.
    """
    data = output.get("data", {})
    text = "".join(data.get("text/plain", ""))
    is_object = output["output_type"] in ("execute_result", "display_data")
    is_text = is_object and data.keys() == {"text/plain"}
    return is_text and bool(_ADDRESSES.fullmatch(text))


def without_addresses(text: str) -> str:
    """Return a text in which all memory addresses of objects are the same."""
    return re.sub(r" at 0x[0-9a-fA-F]+", " at 0x…", text)


def in_short(printed: str) -> str:
    """Return what a cell wrote to stderr: equal lines once, and the first few of them.

    Of a line that was written over, such as a progress bar, the last state counts.
    """
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in printed.split("\n")]
    counts = Counter(filter(None, lines))
    shown = [f"{line} ({n} times)" if n > 1 else line for line, n in counts.items()]
    more = [f"… and {len(shown) - _MOST_LINES} more lines"] if len(shown) > _MOST_LINES else []
    return "\n".join(shown[:_MOST_LINES] + more)


def keep_labelled(cells: list[Cell]) -> None:
    """Drop other pictures of a labelled figure, such as pyplot's at the end of a cell."""

    def shows(output: dict[str, Any]) -> Any:
        return output.get("metadata", {}).get(MIME_TYPE)

    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    labelled = [shows(o) for o in outputs if shows(o) and isinstance(record_of(o), Figure)]
    for cell in cells:
        if "outputs" in cell:
            cell["outputs"] = [
                o for o in cell["outputs"] if shows(o) not in labelled or record_of(o)
            ]


def joined(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output whose texts are strings, not lists of lines."""
    output = copy.deepcopy(output)
    if isinstance(output.get("text"), list):
        output["text"] = "".join(output["text"])
    for mime, value in output.get("data", {}).items():
        if isinstance(value, list) and not mime.endswith("json"):
            output["data"][mime] = "".join(value)
    return output
