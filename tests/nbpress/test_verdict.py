"""The verdict on an executed notebook: what counts are execution counts and error outputs."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from nbpress.run.verdict import out_of_memory, verdict


class DeadKernelError(RuntimeError):
    """What nbclient raises when a kernel dies."""


class CellTimeoutError(TimeoutError):
    """What nbclient raises when a cell takes too long."""


def code(
    source: str = "1",
    count: int | None = 1,
    *outputs: Any,
    tag: str = "",
    begun: bool | None = None,
) -> dict[str, Any]:
    """Return an executed cell; unless told otherwise, it has begun if it has a count."""
    begun = count is not None if begun is None else begun
    clock = {"start_time": "2022-01-01T00:00:00" if begun else None}
    return {
        "cell_type": "code",
        "id": f"cell-{source}",
        "metadata": {"tags": [tag] if tag else [], "papermill": clock},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def printed(text: str) -> dict[str, Any]:
    """Return what a cell printed."""
    return {"output_type": "stream", "name": "stdout", "text": [text]}


ERROR = {
    "output_type": "error",
    "ename": "KeyError",
    "evalue": "'seven'",
    "traceback": ["\x1b[31mKeyError\x1b[0m", "'seven'"],
}
PROSE = {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": "Prose."}


def judged(folder: Path, *cells: Any, stopped: Exception | None = None) -> str | None:
    """Return the verdict on a notebook of these cells."""
    executed = folder / "executed.ipynb"
    executed.write_text(json.dumps({"cells": list(cells)}), "utf-8")
    return verdict(executed, stopped, cell_timeout=5)


def test_notebook_is_complete_if_every_cell_ran(tmp_path: Path) -> None:
    """Prose, empty cells and cells to be skipped need not run."""
    skipped = code("2", None, tag="skip-execution")
    assert judged(tmp_path, PROSE, code(), code("", None), skipped) is None
    assert judged(tmp_path, PROSE) is None


def test_error_output_stops_it(tmp_path: Path) -> None:
    """The message has number, id, source, output and traceback; papermill's cells do not count."""
    injected = code("x = 1", 1, tag="injected-parameters")
    marker = {**PROSE, "metadata": {"tags": ["papermill-error-cell-tag"]}}
    message = judged(tmp_path, marker, PROSE, injected, code("f()", 2, printed("so far\n"), ERROR))
    assert message == (
        "cell 2 (cell-f()) raised KeyError: 'seven'\n\n"
        "    f()\n\n"
        "its output so far:\n"
        "    so far\n\n"
        "    KeyError\n"
        "    'seven'"
    )


def test_cell_that_did_not_run_stops_it(tmp_path: Path) -> None:
    """It does so even without an error: papermill marks such cells as completed."""
    message = judged(tmp_path, code(), code("2", None), code("3", None))
    assert message is not None
    assert message.startswith("cell 2 (cell-2) did not run")


@pytest.mark.parametrize("count", [2, None])
def test_cell_cut_off_by_a_dead_kernel(tmp_path: Path, count: int | None) -> None:
    """It is the last cell that has begun, even if its count died with the kernel."""
    cells = code(), code("2", count, printed("half"), begun=True), code("3", None)
    message = judged(tmp_path, *cells, stopped=DeadKernelError("Kernel died"))
    assert message is not None
    assert message.startswith("cell 2 (cell-2) did not finish: its kernel died")
    assert "    half" in message


def test_cell_cut_off_by_its_time_limit(tmp_path: Path) -> None:
    """The message gives the limit and says where it is set."""
    message = judged(tmp_path, code(), stopped=CellTimeoutError("…"))
    assert message is not None
    assert "took more than 5 s, the limit of a cell (cell_timeout in report/report.yaml)" in message


def test_any_other_end_stops_it(tmp_path: Path) -> None:
    """It does so before the first cell, too, and even if all cells seem to have run."""
    stopped = RuntimeError("\x1b[31mno kernel\x1b[0m\nof this name")
    message = judged(tmp_path, code(), stopped=stopped)
    assert message is not None
    assert message.startswith("cell 1 (cell-1) did not run: no kernel\n")
    assert judged(tmp_path, code("1", None), stopped=stopped) == "it could not be run: no kernel"
    assert judged(tmp_path, PROSE, stopped=stopped) == "it could not be run: no kernel"


@pytest.mark.parametrize("content", ['{"cells": [', "{}", ""])
def test_half_written_notebook_stops_it(tmp_path: Path, content: str) -> None:
    """So does a missing one."""
    executed = tmp_path / "executed.ipynb"
    assert verdict(executed, None, 5) == "it could not be run: the reason is unknown"
    executed.write_text(content, "utf-8")
    assert verdict(executed, ValueError("why"), 5) == "it could not be run: why"


def test_full_disk_is_named(tmp_path: Path) -> None:
    """It is named whatever the executed notebook then looks like."""
    full = OSError(errno.ENOSPC, "No space left on device")
    message = judged(tmp_path, code(), stopped=full)
    assert message == "cannot read or write: the disk is full: make room and run it again"


def test_error_without_traceback_is_its_message_alone(tmp_path: Path) -> None:
    """Such an error (`_render_traceback_`) is about what was given, not about a cell."""
    error = {**ERROR, "ename": "SettingError", "evalue": "a must be > 0; got -1"}
    alone = {**error, "traceback": ["SettingError: a must be > 0; got -1"]}
    assert judged(tmp_path, code("f()", 1, alone)) == "a must be > 0; got -1"
    judgement = judged(tmp_path, code("f()", 1, error))
    assert judgement is not None
    assert judgement.startswith("cell 1 (cell-f()) raised SettingError: a must be > 0; got -1\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ({"ename": "MemoryError", "evalue": ""}, "MemoryError"),
        (
            {"ename": "_ArrayMemoryError", "evalue": "Unable to allocate 74.5 GiB for an array"},
            "_ArrayMemoryError: Unable to allocate 74.5 GiB for an array",
        ),
        (
            {"ename": "ImportError", "evalue": "read this\nliba.so: failed to map segment from "
             "shared object"},
            "liba.so: failed to map segment from shared object",
        ),
    ],
)  # fmt: skip
def test_lack_of_memory_is_one_sentence(tmp_path: Path, error: Any, line: str) -> None:
    """There is no traceback, because it would lead nowhere."""
    message = judged(tmp_path, code("f()", 1, {**ERROR, **error}))
    assert message == (
        f"cell 1 (cell-f()) ran out of memory ({line}): free some, or raise its limits, "
        "and run it again\n\n    f()"
    )


def test_library_on_a_file_system_without_execution_is_no_lack_of_memory() -> None:
    """The loader uses the same words, but for another reason."""
    text = "liba.so: failed to map segment from shared object: Operation not permitted"
    assert out_of_memory(text) is None


def test_failed_cell_of_prose_shows_the_lines_around_the_fault(tmp_path: Path) -> None:
    """A derivation is long, and its traceback says nothing that the reason does not say."""
    source = "%%derivation 1a prover\n" + "\n".join(f"l{n}" for n in range(2, 30))
    error = {**ERROR, "ename": "TextError", "evalue": "line 9: the two sides differ"}
    said = judged(tmp_path, code(source, 1, error))
    assert said is not None
    assert said.partition(" raised ")[2] == (
        "TextError: line 9: the two sides differ\n\n"
        + "\n".join(f"     {n:>2}  l{n}" for n in range(7, 15))
    )
