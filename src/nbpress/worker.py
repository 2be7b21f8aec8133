"""Runs one notebook through papermill, in a process of its own, and judges whether it is complete.

papermill and nbclient do the work. Added here: the list of modules that the kernel really loaded,
a file that tells the progress, and a verdict that trusts nothing but execution counts and error
outputs (after a kernel has died, papermill marks cells that never ran as completed).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# One BLAS thread: two give other bits, so results would depend on what else is running.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
}

_ADDED = {"injected-parameters", "papermill-error-cell-tag"}  # tags of papermill's own cells


@dataclass(frozen=True)
class Job:
    """A notebook to run; everything that a process elsewhere needs to know."""

    notebook: Path
    parameters: dict[str, Any]
    partial: Path  # the folder to write executed.ipynb and progress to
    build: Path
    cell_timeout: int  # seconds


@dataclass(frozen=True)
class Outcome:
    """What came of a job; `failure` is None if every cell ran without an error."""

    seconds: float
    failure: str | None
    loaded: list[str] = field(default_factory=list)


def run(job: Job) -> Outcome:
    """Execute the notebook to `executed.ipynb` in the job's folder."""
    start = time.monotonic()
    os.environ.update(
        _ENVIRONMENT,
        # Neither the user's IPython profile nor the user's matplotlibrc reaches the report.
        IPYTHONDIR=str(job.build / "ipython"),
        MPLCONFIGDIR=str(job.build / "matplotlib"),
    )
    import papermill

    from nbpress.engine import ENGINE_NAME

    executed = job.partial / "executed.ipynb"
    stopped = loaded = None
    try:
        papermill.execute_notebook(
            str(job.notebook),
            str(executed),
            parameters=job.parameters,
            engine_name=ENGINE_NAME,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(job.notebook.parent),
            execution_timeout=job.cell_timeout,
            progress_file=str(job.partial / "progress"),
            loaded_file=str(job.partial / "loaded"),
        )
        loaded = json.loads((job.partial / "loaded").read_text("utf-8"))
    except Exception as error:
        stopped = error
    failure = verdict(executed, stopped, job.cell_timeout)
    for name in ("progress", "loaded"):
        (job.partial / name).unlink(missing_ok=True)
    return Outcome(time.monotonic() - start, failure, loaded or [])


def verdict(executed: Path, stopped: Exception | None, cell_timeout: int) -> str | None:
    """Return None if every code cell ran without an error, else what stopped the notebook."""
    try:
        cells = json.loads(executed.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return f"it could not be run: {_first_line(stopped)}"
    original = [cell for cell in cells if not _ADDED & set(cell["metadata"].get("tags", ()))]
    to_run = [
        (number, cell)
        for number, cell in enumerate(original, start=1)
        if cell["cell_type"] == "code"
        and "".join(cell["source"]).strip()
        and "skip" not in cell["metadata"].get("tags", ())
    ]
    for number, cell in to_run:
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if errors:
            reason = f"raised {errors[0]['ename']}: {errors[0]['evalue']}"
            return _failure(number, cell, reason, "\n".join(errors[0]["traceback"]))
    begun = [item for item in to_run if item[1]["execution_count"] is not None]
    if stopped is not None:
        # A cell has its count as soon as it begins: the last one was cut off.
        return _failure(*(begun or to_run)[-1 if begun else 0], _reason(stopped, cell_timeout))
    for number, cell in to_run:
        if cell["execution_count"] is None:
            return _failure(number, cell, "did not run")
    return None


def watch_parent() -> None:
    """End this process when the build that started it is gone, so that no kernel is left over."""

    def wait_for_its_end() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait_for_its_end, daemon=True).start()


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
    """Describe a failed cell: its number, what happened, source, output so far, traceback."""
    parts = [f"cell {number} ({cell['id']}) {reason}", "", _indent("".join(cell["source"]))]
    output = "".join(
        "".join(o.get("text", "") if o["output_type"] == "stream" else "") for o in cell["outputs"]
    )
    if output.strip():
        parts += ["", "its output so far:", _indent(output.rstrip())]
    if traceback:
        parts += ["", _indent(_without_colours(traceback))]
    return "\n".join(parts)


def _first_line(error: Exception | None) -> str:
    text = str(error).strip() or type(error).__name__
    return _without_colours(text.splitlines()[0]) if error else "for an unknown reason"


def _indent(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
