"""Runs one notebook through papermill, in a process of its own, and judges whether it is complete.

papermill and nbclient do the work. Added here: the list of modules that the kernel really loaded,
a file that tells the progress, and a verdict that trusts nothing but execution counts and error
outputs (after a kernel has died, papermill marks cells that never ran as completed).
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.errors import disk_error
from nbpress.project.notebooks import runs
from nbpress.run.processes import skip_slow_imports

_ENVIRONMENT = {
    # One BLAS thread: two give other bits, so results would depend on what else is running.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": os.devnull,  # not the user's; the user's font cache spares a second
}
_FOREIGN = ("PYTHONSTARTUP", "JUPYTER_PATH")  # what a user has set for other work

_ADDED = {"injected-parameters", "papermill-error-cell-tag"}  # tags of papermill's own cells
PROGRESS = "progress"  # the file that tells which cell runs, of how many
_SCRATCH = ("source.ipynb", PROGRESS, "loaded", "kernel.log")


@dataclass(frozen=True)
class Job:
    """A notebook to run; everything that a process elsewhere needs to know."""

    notebook: dict[str, Any]  # its content: the file may be saved again while it runs
    parameters: dict[str, Any]
    partial: Path  # the folder to write executed.ipynb and progress to
    folder: Path  # where the notebook runs, its own
    sources: list[Path]  # where it finds first-party modules
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
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(
        _ENVIRONMENT,
        # The modules whose digests are in the key, not others of the same name.
        PYTHONPATH=os.pathsep.join(dict.fromkeys([*map(str, job.sources), *_python_path()])),
        IPYTHONDIR=str(job.build / "ipython"),  # not the user's profile
    )
    skip_slow_imports()
    import papermill

    from nbpress.run.engine import ENGINE_NAME

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the verdict says what is wrong
    source, progress, loaded_file, log = (job.partial / name for name in _SCRATCH)
    executed = job.partial / "executed.ipynb"
    stopped = loaded = None
    try:
        source.write_text(json.dumps(job.notebook), "utf-8")
        papermill.execute_notebook(
            _literally(source),
            _literally(executed),
            parameters=job.parameters,
            engine_name=ENGINE_NAME,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(job.folder),
            execution_timeout=job.cell_timeout,
            progress_file=str(progress),
            loaded_file=str(loaded_file),
            log_file=str(log),
        )
        loaded = json.loads(loaded_file.read_text("utf-8"))
    except Exception as error:
        stopped = error
    failure = verdict(executed, stopped, job.cell_timeout)
    if isinstance(stopped, RuntimeError) and log.is_file():  # the kernel died or did not start
        said = log.read_text("utf-8", "replace").strip()
        failure = f"{failure}\n\nits kernel said:\n{_indent(said)}" if said else failure
    for name in _SCRATCH:
        (job.partial / name).unlink(missing_ok=True)
    return Outcome(time.monotonic() - start, failure, loaded or [])


def verdict(executed: Path, stopped: Exception | None, cell_timeout: int) -> str | None:
    """Return None if every code cell ran without an error, else what stopped the notebook."""
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
    begun = [item for item in to_run if item[1]["execution_count"] is not None]
    if begun and type(stopped).__name__ == "CellTimeoutError":  # then interrupted: another error
        return _failure(*begun[-1], _reason(stopped, cell_timeout))
    for number, cell in to_run:
        errors = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if errors:
            reason = f"raised {errors[0]['ename']}: {errors[0]['evalue']}"
            return _failure(number, cell, reason, "\n".join(errors[0]["traceback"]))
    if stopped is not None and to_run:
        # A cell has its count as soon as it begins: the last one was cut off.
        return _failure(*(begun or to_run)[-1 if begun else 0], _reason(stopped, cell_timeout))
    if stopped is not None:
        return f"it could not be run: {_first_line(stopped)}"
    for number, cell in to_run:
        if cell["execution_count"] is None:
            return _failure(number, cell, "did not run")
    return None


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


def _python_path() -> list[str]:
    return [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]


def _literally(path: Path) -> str:
    """Return a path that papermill, which fills in parameters, leaves as it is."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _first_line(error: Exception | None) -> str:
    text = str(error).strip() or type(error).__name__
    return _without_colours(text.splitlines()[0]) if error else "for an unknown reason"


def _indent(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
