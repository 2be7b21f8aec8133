"""What it costs to watch a training live: in a kernel, with the panel of `notebooks/explore.ipynb`.

A silent fit, one whose callback does nothing, and one that is watched take turns in one kernel,
each in a thread as the panel has it, after drawing its images. The client reads what the kernel
sends and draws nothing: a browser is a process of its own.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Awaitable, Callable

from jupyter_client.manager import run_kernel

from benchmarks.machine import HERE
from onelayer.data import load
from onelayer.explore.choice import Choice, choose, prepare
from onelayer.explore.controls import Controls
from onelayer.explore.train_panel import TrainPanel
from onelayer.explore.training import in_thread

ROUNDS = 15
Costs = dict[str, list[tuple[float, float]]]  # seconds of wall-clock and of processor time


def run() -> str:
    """Measure, and return the table as Markdown."""
    choice, costs = _in_kernel()
    medians = {
        name: [statistics.median(each[i] for each in rounds) for i in (0, 1)]
        for name, rounds in costs.items()
    }
    images = medians.pop("images alone")
    silent = medians["silent"]
    rows = []
    for name, seconds in medians.items():
        more = [100 * (a - b) / (b - c) for a, b, c in zip(seconds, silent, images, strict=True)]
        fit = [a - b for a, b in zip(seconds, images, strict=True)]
        extra = ["", ""] if name == "silent" else [f"{each:+.1f} %" for each in more]
        rows.append(f"| {name} | {fit[0]:.3f} | {extra[0]} | {fit[1]:.3f} | {extra[1]} |")
    return "\n".join(
        [
            "## Exploring",
            "",
            f"Data set `{choice.dataset}`, the settings that explore.ipynb begins with "
            f"({choice.num_epochs} epochs); medians of {ROUNDS} rounds in turn, in one kernel, "
            "less the time to draw the images. *Watched* includes the views after the end. "
            "Asked for: less than 5 % more than silent.",
            "",
            "| `fit` | s | | CPU s | |",
            "|---|---:|---:|---:|---:|",
            *rows,
        ]
    )


async def measure(rounds: int = ROUNDS) -> tuple[Choice, Costs]:
    """Measure in the kernel that runs this, after one round to warm up."""
    images = load()
    choice = choose(images)
    panel = TrainPanel(Controls(images, choice), lambda _: None, lambda: None)

    async def watched() -> None:
        panel.start.click()
        if panel.task is not None:
            await panel.task

    jobs: dict[str, Callable[[], Awaitable[object]]] = {
        "images alone": lambda: in_thread(lambda: prepare(choice, images)),
        "silent": lambda: in_thread(lambda: prepare(choice, images).fit()),
        "callback that does nothing": lambda: in_thread(
            lambda: prepare(choice, images).fit(lambda _: None)
        ),
        "watched": watched,
    }
    costs: Costs = {name: [] for name in jobs}
    for _ in range(rounds + 1):
        for name, job in jobs.items():
            wall, cpu = time.perf_counter(), time.process_time()
            await job()
            costs[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return choice, {name: each[1:] for name, each in costs.items()}


def _in_kernel() -> tuple[Choice, Costs]:
    printed = []

    def keep(message: dict) -> None:
        content = message["content"]
        if message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed.append(content["text"])

    code = (
        "import dataclasses, json\nfrom benchmarks.exploring import measure\n"
        "choice, costs = await measure()\nprint(json.dumps([dataclasses.asdict(choice), costs]))"
    )
    with run_kernel(cwd=HERE.parent, kernel_name="python3") as client:
        client.execute_interactive(code, output_hook=keep, timeout=3600)
    choice, costs = json.loads("".join(printed))
    return Choice(**choice), costs
