"""The cost of watching a training live, in a kernel, with the panel of `notebooks/explore.ipynb`.

A silent fit, one whose callback does nothing, and one that is watched take turns in one kernel,
each in a thread as in the panel, after drawing its images. The client reads what the kernel sends
but draws nothing: a browser would do that in a separate process.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from jupyter_client.manager import run_kernel

from benchmarks.machine import HERE
from onelayer.data import load
from onelayer.explore.choice import Choice, choose, prepare
from onelayer.explore.controls import Controls
from onelayer.explore.train_panel import TrainPanel
from onelayer.explore.training import in_thread

ROUNDS = 9
_CLOCKS = (time.perf_counter, time.process_time, time.thread_time)
Costs = dict[str, list[list[float]]]  # for each round, the seconds by these clocks


def run() -> str:
    """Measure, and return the table as Markdown."""
    choice, costs = _in_kernel()
    images = costs.pop("images alone")
    silent = [_less(each, i) for each, i in zip(costs["silent"], images, strict=True)]
    fits = _medians(silent)
    rows = []
    for name, rounds in costs.items():
        fit = [_less(each, i) for each, i in zip(rounds, images, strict=True)]
        # Neighbours are compared, so that a busy minute of the machine affects both.
        more = _medians(
            [
                [100 * (a / b - 1) for a, b in zip(one[:2], other, strict=False)]
                for one, other in zip(fit, silent, strict=True)
            ]
        )
        seconds = _medians(fit)
        cells = [f"{seconds[0]:.3f}", f"{more[0]:+.1f} %", f"{seconds[1]:.3f}", f"{more[1]:+.1f} %"]
        loop = 100 * seconds[2] / fits[1]
        rows.append(f"| {name} | {' | '.join(cells)} | {loop:.1f} % |")
    return "\n".join(
        [
            "## Exploring",
            "",
            f"Data set `{choice.dataset}`, the settings that explore.ipynb begins with "
            f"({choice.num_epochs} epochs); medians of {ROUNDS} rounds in turn, in one kernel, "
            "less the time to draw the images. *Watched* includes the views after the end; *views* "
            "is the processor time of the event loop's thread, in which they are made, as a share "
            "of a silent fit's. Asked for: less than 5 %.",
            "",
            "| `fit` | s | more than silent | CPU s | more | views |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


def _less(some: Sequence[float], others: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(some, others, strict=True)]


def _medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


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
            before = [clock() for clock in _CLOCKS]
            await job()
            after = [clock() for clock in _CLOCKS]
            costs[name].append(_less(after, before))
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
