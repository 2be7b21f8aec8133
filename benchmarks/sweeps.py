"""Sweeps, compared with what people write around papermill; and costs that grow with the runs."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.build import ROOT, command, copy_project
from nbpress.sweep.journal import DONE, RUNNING, Journal, point_of
from nbpress.sweep.results import write_table

ROUNDS = 3
RUNS = 60
LOOP_RUNS = 6  # runs of papermill's command line, which takes longest
NOTEBOOK = "stopping"
LONG = 12  # seconds of one CPU-bound run, about
SIZES = (100, 1_000, 10_000)

# A process takes one seed after the other, and imports only once.
PAPERMILL = """
import papermill
def run(seed):
    papermill.execute_notebook("NAME.ipynb", f"out-{seed}.ipynb", kernel_name="python3",
        parameters={"dataset": "digits", "seed": seed}, progress_bar=False)
"""
NBCLIENT = """
import nbclient, nbformat
def run(seed):
    notebook = nbformat.read("NAME.ipynb", 4)
    cell = nbformat.v4.new_code_cell(f"dataset, seed = 'digits', {seed}")
    at = [i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ())]
    notebook.cells.insert(at[0] + 1, cell)
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    nbformat.write(notebook, f"out-{seed}.ipynb")
"""
POOL = """
if __name__ == "__main__":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(run, range(COUNT)))
"""
# The same amount of work in every run, with NumPy on one thread.
BUSY = f"""
import numpy as np
a = np.random.RandomState(seed).rand(300, 300)
for _ in range({LONG * 700}):
    a = a @ a
    a /= a.sum()
"""


def run() -> str:
    """Measure, and return the section as Markdown."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        shutil.copytree(ROOT / "sweeps", project / "sweeps", ignore=shutil.ignore_patterns("*/"))
        _write_busy(project)
        for _ in range(ROUNDS):
            for workers in (1, 2):
                times.setdefault(f"sweep, {workers}", []).append(_sweep(project, workers) / RUNS)
            times.setdefault("loop", []).append(_loop(project) / LOOP_RUNS)
            for name, code in (("papermill", PAPERMILL), ("nbclient", NBCLIENT)):
                times.setdefault(name, []).append(_pool(project, code) / RUNS)
            for workers in (1, 2):
                seconds = _sweep(project, workers, "busy", 4)
                times.setdefault(f"busy, {workers}", []).append(seconds)
            for kernels in ("fresh", "forked"):
                times.setdefault(f"build, {kernels}", []).append(_build(project, kernels))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return _text(medians, {size: _bookkeeping(size) for size in SIZES})


def _sweep(project: Path, workers: int, notebook: str = NOTEBOOK, runs: int = RUNS) -> float:
    for folder in ("sweeps/bench", "build/sweeps"):
        shutil.rmtree(project / folder, ignore_errors=True)
    arguments = [f"sweeps/{notebook}", f"seed=0..{runs - 1}", "--name", "bench"]
    return command(
        project, "nbpress", "sweep", *arguments, "--dataset", "digits", "--workers", str(workers)
    )


def _loop(project: Path) -> float:
    """Run papermill's command line once for each seed, as a shell's loop does."""
    return sum(
        command(
            project,
            *("papermill", f"{NOTEBOOK}.ipynb", "out.ipynb", "-p", "dataset", "digits"),
            *("-p", "seed", str(seed)),
            folder="sweeps",
        )
        for seed in range(LOOP_RUNS)
    )


def _pool(project: Path, code: str) -> float:
    """Run all seeds in a pool of two processes."""
    script = project / "sweeps" / "pool.py"
    text = code.replace("NAME", NOTEBOOK) + POOL.replace("COUNT", str(RUNS))
    script.write_text(text, "utf-8")
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - start


def _build(project: Path, kernels: str) -> float:
    """Build the report from an empty cache, with fresh or with forked kernels."""
    shutil.rmtree(project / "build", ignore_errors=True)
    dataset = "mnist" if os.environ.get("ONELAYER_DATA") else "digits"
    os.environ["NBPRESS_KERNELS"] = kernels
    try:
        return command(project, "nbpress", "report", "--dataset", dataset)
    finally:
        del os.environ["NBPRESS_KERNELS"]


def _write_busy(project: Path) -> None:
    """Write a notebook that computes for some seconds."""
    notebook = json.loads((ROOT / "sweeps" / f"{NOTEBOOK}.ipynb").read_text("utf-8"))
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"] = [
        {**cell, "id": "p", "metadata": {"tags": ["parameters"]}, "source": "seed: int = 0"},
        {**cell, "id": "b", "source": BUSY},
    ]
    (project / "sweeps" / "busy.ipynb").write_text(json.dumps(notebook), "utf-8")


def _bookkeeping(size: int) -> tuple[float, float]:
    """Return the milliseconds that journal and table cost for each run, with simulated runs."""
    values = {f"1.value_{number}": number / 7 for number in range(10)}
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal") as journal:
        start = time.perf_counter()
        journal.lay_out((point_of({"seed": seed}), "0" * 32) for seed in range(size))
        for entry in journal.entries():
            running = journal.update(entry, state=RUNNING, attempts=1, started=time.time())
            journal.update(running, state=DONE, values=values, seconds=0.3, host="here")
        written = time.perf_counter()
        write_table(Path(folder), journal.entries(), {})
        end = time.perf_counter()
    return 1000 * (written - start) / size, 1000 * (end - written) / size


def _text(medians: dict[str, float], bookkeeping: dict[int, tuple[float, float]]) -> str:
    ours = medians["sweep, 2"]
    rows = [
        ("nbpress sweep, two processes", ours),
        ("nbpress sweep, one process", medians["sweep, 1"]),
        ("(a) papermill's command line in a loop", medians["loop"]),
        ("(b) papermill in a pool of two processes", medians["papermill"]),
        ("(c) nbclient in a pool of two processes", medians["nbclient"]),
    ]
    lines = [
        "## Sweeps",
        "",
        f"{RUNS} short runs ({NOTEBOOK}.ipynb on the digits), {ROUNDS} rounds in turn, "
        f"medians; (a) with {LOOP_RUNS} runs. Only the sweep keeps a journal, keys and a table.",
        "",
        "| | s for each run | runs per minute | × sweep, two processes |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {name} | {s:.3f} | {60 / s:.0f} | {s / ours:.1f} |" for name, s in rows]
    one, two = medians["busy, 1"], medians["busy, 2"]
    fresh, forked = medians["build, fresh"], medians["build, forked"]
    lines += [
        "",
        f"Four runs that compute for about {LONG} s each: {one:.1f} s in one process, "
        f"{two:.1f} s in two, {one / two:.2f} times as fast.",
        "",
        f"The report from an empty cache: {fresh:.1f} s with fresh kernels, {forked:.1f} s with "
        "forked ones.",
        "",
        "Journal and table, simulated runs with ten values each:",
        "",
        "| runs | journal: ms for each | table: ms for each |",
        "|---:|---:|---:|",
    ]
    lines += [f"| {n:,} | {a:.2f} | {b:.3f} |" for n, (a, b) in bookkeeping.items()]
    return "\n".join(lines) + "\n"
