"""Training, compared with its peers: task 3's run, task 4's sweep, and how their time grows.

Each measurement has a process of its own, whose environment fixes the number of BLAS threads.
They take turns in each round, so that a busy minute of the machine affects all of them.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from tqdm import tqdm

from benchmarks import plot
from benchmarks.jobs import Job, Result, Table
from benchmarks.machine import HERE
from benchmarks.peers import PEERS
from onelayer.data import load
from onelayer.locate import resolve

TORCH = "torch==2.13.0"
TORCH_FOLDER = HERE.parent / "build" / "bench-torch"
ROUNDS = 5
LAMBDAS = (2.0, 0.2, 0.02, 0.002)


def run() -> str:
    """Measure, draw results.svg, and return the tables as Markdown."""
    dataset = resolve("auto").dataset
    why_no_torch = _install_torch()
    peers = [peer for peer in PEERS if peer != "PyTorch" or not why_no_torch]
    task3 = _both_threads({peer: Job(peer, dataset) for peer in peers})
    task4 = _sweep(dataset, peers)
    growth = _growth(dataset)
    tables = (task3, task4, *growth.values())
    results = _measure([job for table in tables for row in table.values() for job in row.values()])
    plot.draw(task3, task4, growth, results)
    return "\n".join(
        [
            "## Training",
            "",
            f"Data set `{dataset}`; medians of {ROUNDS} runs that took turns, each in a process "
            "of its own; wall-clock seconds of the training alone, after one epoch to warm up.",
            "",
            "- *ours*: `onelayer.trainers`, float32; several λ side by side.",
            "- *limit*: the trainer's matrix products and gathers with nothing around them.",
            "- *textbook*: a plain NumPy loop that evaluates both sets at each validation.",
            f"- *PyTorch*: {why_no_torch or TORCH + '; nn.Linear, cross entropy and SGD, batches'}"
            f"{'' if why_no_torch else ' indexed instead of loaded, which favours it.'}",
            "- *scikit-learn*: `SGDClassifier`, as many passes, but one class against the rest, "
            "an update for each image, one validation for each pass, and always one thread.",
            "",
            "![Seconds of each peer, and how the time grows](results.svg)",
            "",
            "### Asked and measured, with two threads",
            "",
            *_acceptance(task3, task4, results),
            "",
            "### Task 3: softmax regression, 50 epochs, five validations in each",
            "",
            *_comparison(task3, results),
            "",
            f"### Task 4: λ = {', '.join(f'{value:g}' for value in LAMBDAS)}, "
            "validation accuracy alone",
            "",
            "Peers train one λ after the other, the textbook's loop too without the training "
            "accuracy that it always has in task 3; loss and accuracy are those of the smallest λ.",
            "",
            *_comparison(task4, results),
            "",
            "### How the time grows: 10 epochs, one thread",
            "",
            *(line for name, table in growth.items() for line in _growing(name, table, results)),
        ]
    )


def _both_threads(jobs: dict[str, Job]) -> Table:
    return {name: {n: replace(job, threads=n) for n in (1, 2)} for name, job in jobs.items()}


def _sweep(dataset: str, peers: Iterable[str]) -> Table:
    """Return task 4's jobs, without the peers that task 3 already shows to be slower."""
    job = Job("", dataset, LAMBDAS, train_accuracy=False)
    shown = ("ours", "limit", "textbook, float64", "PyTorch")
    return _both_threads({peer: replace(job, peer=peer) for peer in peers if peer in shown})


def _growth(dataset: str) -> dict[str, Table]:
    """Return a table of jobs for each quantity: a row for each peer, a column for each value."""
    job = Job("ours", dataset, num_epochs=10)
    pool = len(load(dataset).train_labels)
    series = {
        "images": {n: replace(job, train_size=n) for n in (pool // 8, pool // 4, pool // 2, pool)},
        "classes": {n: replace(job, num_classes=n) for n in (2, 5, 10, 20, 50)},
        "λ side by side": {
            n: replace(job, l2_lambdas=(0.01,) * n, train_accuracy=False) for n in (1, 2, 4, 8, 16)
        },
    }
    return {
        name: {
            peer: {value: replace(job, peer=peer) for value, job in jobs.items()}
            for peer in ("ours", "limit", "textbook, float64")
        }
        for name, jobs in series.items()
    }


def _measure(jobs: Sequence[Job]) -> dict[Job, Result]:
    jobs = list(dict.fromkeys(jobs))
    samples: dict[Job, list[Result]] = {job: [] for job in jobs}
    with tqdm(total=ROUNDS * len(jobs), unit="run", desc="training") as bar:
        for _ in range(ROUNDS):
            for job in jobs:
                samples[job].append(_run_once(job))
                bar.update()
    return {
        job: replace(
            runs[0],
            wall=statistics.median(run.wall for run in runs),
            cpu=statistics.median(run.cpu for run in runs),
            extra_bytes=_median_if_known([run.extra_bytes for run in runs]),
        )
        for job, runs in samples.items()
    }


def _median_if_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _run_once(job: Job) -> Result:
    threads = dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(job.threads)
    )
    path = [os.environ.get("PYTHONPATH"), str(TORCH_FOLDER) if job.peer == "PyTorch" else None]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", json.dumps(asdict(job))],
        cwd=HERE.parent,
        env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{job} failed:\n{done.stderr[-3000:]}")
    return Result(**json.loads(done.stdout))


def _install_torch() -> str:
    """Install PyTorch beside, never into, the project's environment; say why if that fails.

    It is not part of any lock, because the index's wheels for Linux bring gigabytes of CUDA along.
    """
    if TORCH_FOLDER.exists():
        return ""
    aside = TORCH_FOLDER.with_name(f"{TORCH_FOLDER.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    uv = [HERE.parent / "tools/setup", "uv", "pip", "install", "--python", sys.executable]
    command = [*uv, "--target", aside, TORCH]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(aside, ignore_errors=True)
        sys.stderr.write(f"{TORCH} cannot be installed, so it is left out:\n{done.stderr}\n")
        return f"left out, since uv could not install {TORCH}."
    aside.rename(TORCH_FOLDER)
    return ""


def _acceptance(task3: Table, task4: Table, results: dict[Job, Result]) -> list[str]:
    def wall(table: Table, peer: str) -> float:  # NaN for a peer that is left out
        return results[table[peer][2]].wall if peer in table else float("nan")

    textbook = wall(task3, "textbook, float64")
    ours, sweep = wall(task3, "ours"), wall(task4, "ours")
    lines = ["| what | asked | measured | |", "|---|---:|---:|---|"]
    for what, ratio, sign, bound in (
        ("task 3: textbook in float64 / ours", textbook / ours, "≥", 4),
        ("task 3: PyTorch / ours", wall(task3, "PyTorch") / ours, "≥", 2),
        ("task 3: ours / limit", ours / wall(task3, "limit"), "≤", 1.7),
        ("task 4: ours / limit", sweep / wall(task4, "limit"), "≤", 2),
        ("task 4: four textbook runs of task 3 in float64 / ours", 4 * textbook / sweep, "≥", 6),
    ):
        is_met = ratio >= bound if sign == "≥" else ratio <= bound
        verdict = "met" if is_met else "missed" if math.isfinite(ratio) else "not measured"
        lines.append(f"| {what} | {sign} {bound} | {ratio:.2f} | {verdict} |")
    return lines


def _comparison(table: Table, results: dict[Job, Result]) -> list[str]:
    lines = [
        "| | 1 thread: s | × ours | 2 threads: s | × ours | CPU s | extra MiB "
        "| validation loss | accuracy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in table.items():
        one, two = results[row[1]], results[row[2]]
        ours_one, ours_two = (results[table["ours"][n]].wall for n in (1, 2))
        extra = "" if two.extra_bytes is None else f"{two.extra_bytes / 2**20:.0f}"
        loss, accuracy = two.validation_loss[-1], two.validation_accuracy[-1]
        lines.append(
            f"| {name} | {one.wall:.2f} | {one.wall / ours_one:.2f} "
            f"| {two.wall:.2f} | {two.wall / ours_two:.2f} | {two.cpu:.2f} | {extra} "
            f"| {'' if loss != loss else f'{loss:.5f}'} "  # the limit learns nothing
            f"| {'' if accuracy != accuracy else f'{accuracy:.4f}'} |"
        )
    return lines


def _growing(name: str, table: Table, results: dict[Job, Result]) -> list[str]:
    lines = [
        f"| {name} | {' s | '.join(table)} s | ours / limit |",
        f"|---:|{'---:|' * (len(table) + 1)}",
    ]
    for value in table["ours"]:
        walls = {peer: results[row[value]].wall for peer, row in table.items()}
        numbers = " | ".join(f"{wall:.3f}" for wall in walls.values())
        lines.append(f"| {value:,} | {numbers} | {walls['ours'] / walls['limit']:.2f} |")
    return [*lines, ""]
