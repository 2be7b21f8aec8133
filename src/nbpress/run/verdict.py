"""The verdict on a run: complete, or what stopped it.

It relies on execution counts and error outputs: after a kernel has died, papermill marks cells
that never ran as completed. Which cell was cut off is known from papermill's own clock: a kernel
that dies as a cell begins takes the message with the cell's count with it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import indent
from typing import Any

from nbpress.errors import PressError, disk_error
from nbpress.project.notebook import INJECTED_TAG, runs
from nbpress.say.prose import split_prose

_OUT_OF_MEMORY = re.compile(
    r"^.*(?:MemoryError|bad_alloc|Cannot allocate memory|can't start new thread"
    # If a reason follows, it is a different error: a file system that forbids execution.
    r"|failed to map segment from shared object(?!: )).*$",
    re.MULTILINE,
)
INDENT = "    "  # of what is shown below a message
_ADDED = {INJECTED_TAG, "papermill-error-cell-tag"}  # tags of papermill's own cells


def verdict(executed: Path, stopped: Exception | None, cell_timeout: int) -> str | None:
    """Return None if every code cell ran without an error, else what stopped the notebook.

    An error that IPython shows without a traceback (`_render_traceback_`) is its message alone:
    something is wrong with what was given, not with a cell.
    """
    if isinstance(stopped, PressError):
        return str(stopped)
    if isinstance(stopped, OSError) and stopped.errno:
        return str(disk_error(stopped))
    try:
        cells = json.loads(executed.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return f"it could not be run: {_first_line(stopped)}"
    original = [cell for cell in cells if not _ADDED & set(cell["metadata"].get("tags", ()))]
    to_run = [
        (number, cell)
        for number, cell in enumerate(original, start=1)
        if runs(cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", ()))
    ]
    begun = [pair for pair in to_run if pair[1]["metadata"].get("papermill", {}).get("start_time")]
    if begun and type(stopped).__name__ == "CellTimeoutError":  # the interrupt adds another error
        return _failure(*begun[-1], _reason(stopped, cell_timeout))
    for number, cell in to_run:
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if errors:
            error = f"{errors[0]['ename']}: {errors[0]['evalue']}"
            if shortage := out_of_memory(error):
                return _failure(number, cell, shortage)
            if errors[0]["traceback"] == [error]:  # it renders itself as its message alone
                return str(errors[0]["evalue"])
            return _failure(number, cell, f"raised {error}", "\n".join(errors[0]["traceback"]))
    if stopped is not None and begun:
        return _failure(*begun[-1], _reason(stopped, cell_timeout))
    if stopped is not None:
        return f"it could not be run: {_first_line(stopped)}"
    for number, cell in to_run:
        if cell["execution_count"] is None:
            return _failure(number, cell, "did not run")
    return None


def out_of_memory(text: str) -> str | None:
    """Return one sentence if an error's text or traceback says that memory ran out, else None."""
    lines = _OUT_OF_MEMORY.findall(text)
    if not lines:
        return None
    line = lines[-1].strip().removesuffix(":")
    return f"ran out of memory ({line}): free some, or raise its limits, and run it again"


def _reason(stopped: Exception | None, cell_timeout: int) -> str:
    kind = type(stopped).__name__
    if kind == "CellTimeoutError":
        return (
            f"took more than {cell_timeout} s, the limit of a cell "
            "(cell_timeout in report/report.yaml)"
        )
    if kind == "DeadKernelError":
        return "did not finish: its kernel died (killed, or out of memory)"
    return f"did not run: {_first_line(stopped)}"


def _failure(number: int, cell: dict[str, Any], reason: str, traceback: str = "") -> str:
    """Describe a failed cell: its number, what happened, source, output so far, traceback.

    Of a cell of prose it shows the lines around the one that the reason names, and no traceback.
    """
    source, line = "".join(cell["source"]), re.search(r"\bline (\d+)", reason)
    if split_prose(source) and line:
        source, traceback = _around(source, int(line[1])), ""
    parts = [f"cell {number} ({cell['id']}) {reason}", "", indent(source.rstrip(), INDENT)]
    streams = [output for output in cell["outputs"] if output["output_type"] == "stream"]
    output = "".join("".join(stream["text"]) for stream in streams)
    if output.strip():
        parts += ["", "its output so far:", indent(output.rstrip(), INDENT)]
    if traceback:
        parts += ["", indent(_without_colours(traceback), INDENT)]
    return "\n".join(parts)


def _around(source: str, line: int) -> str:
    """Return a few lines of a source with their numbers, two before the given one."""
    lines = list(enumerate(source.splitlines(), start=1))[max(0, line - 3) : line + 5]
    return "\n".join(f"{number:>3}  {text}" for number, text in lines)


def _first_line(error: Exception | None) -> str:
    text = str(error).strip() or type(error).__name__
    return _without_colours(text.splitlines()[0]) if error else "the reason is unknown"


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
