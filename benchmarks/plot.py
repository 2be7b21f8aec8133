"""The benchmark's figure: seconds of each peer, and how the time grows."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.jobs import Job, Result, Table
from benchmarks.machine import HERE
from onelayer.plots import BLUE, GREY, STYLE


def draw(task3: Table, task4: Table, growth: dict[str, Table], results: dict[Job, Result]) -> None:
    """Write results.svg."""
    with mpl.style.context([STYLE, {"svg.fonttype": "path", "font.size": 9}]):
        figure = Figure(figsize=(10, 6.4), layout="constrained")
        above, below = figure.subfigures(2, 1)
        for axes, (title, table) in zip(
            above.subplots(1, 2), {"Task 3": task3, "Task 4, four λ": task4}.items(), strict=True
        ):
            _bars(axes, f"{title}, two threads", table, results)
        for axes, (name, table) in zip(below.subplots(1, len(growth)), growth.items(), strict=True):
            for peer, row in table.items():
                walls = [results[job].wall for job in row.values()]
                axes.loglog(list(row), walls, label=peer, marker="o", markersize=3)
            axes.set(xlabel=name, ylabel="seconds, one thread")
            axes.set_xticks(list(row), [f"{value:,}" for value in row])
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
            axes.legend(frameon=False)
        figure.savefig(HERE / "results.svg", metadata={"Date": None})


def _bars(axes: Axes, title: str, table: Table, results: dict[Job, Result]) -> None:
    names = list(table)[::-1]  # the first on top
    walls = [results[table[name][2]].wall for name in names]
    bars = axes.barh(names, walls, color=[BLUE if name == "ours" else GREY for name in names])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.margins(x=0.16)
    axes.set(title=title, xlabel="seconds")
