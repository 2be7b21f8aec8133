"""Figures of a sweep: each recorded value against each parameter, and over pairs of parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from nbpress.sweep.panels import STYLE, draw_effect, draw_heat_map, scale_values
from nbpress.sweep.tables import drawn, is_number, label, listed, prepared, varied

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

_WIDTH = 5.9  # inches, as wide as the printed text


class Picture(NamedTuple):
    """The arguments of `nbpress.figure`, in order."""

    figure: Figure
    label: str
    caption: str
    alt: str


def effects(table: DataFrame) -> Iterator[Picture]:
    """Draw each value against each varied parameter: one figure per value, one panel per parameter.

    A line is the mean over the runs; its band is ± one standard deviation over the repetitions,
    after taking the mean over the parameters that the panel does not show. Different lines show
    the first other parameter with few values.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    numbers, names = prepared(table), varied(table)
    for value in drawn(table) if names else ():
        with mpl.rc_context(STYLE):
            columns = min(len(names), 3)
            size = _WIDTH, 2.7 * -(-len(names) // columns)
            figure = Figure(figsize=size, layout="constrained")
            grid = figure.subplots(-(-len(names) // columns), columns, sharey=True, squeeze=False)
            panels = list(grid.flat)
            for axes, name in zip(panels, names, strict=False):
                draw_effect(axes, numbers.dropna(subset=value), value, name, names)
            scale_values(panels[0], numbers[value], value)
            for axes in panels[len(names) :]:
                axes.remove()
        title, over = label(value), listed(names)
        lowest, highest = (f"{each:.3g}" for each in numbers[value].agg(["min", "max"]))
        spread = "; bands and bars: ± one standard deviation over the repetitions"
        yield Picture(
            figure,
            f"fig-2-{_slug(value)}",
            f"{title.capitalize()} against {over}: means over what a panel does not show"
            f"{spread if table.attrs['repeat'] else ''}.",
            f"Lines of {title} against {over}; the values range from {lowest} to {highest}.",
        )


def heat_maps(table: DataFrame) -> Iterator[Picture]:
    """Draw each value over two parameters, if exactly two vary and both are numbers."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    numbers, names, values = prepared(table), varied(table), drawn(table)
    if len(names) != 2 or not values or not all(is_number(numbers[name]) for name in names):
        return
    shape = numbers[names].nunique()
    if len(numbers[names].drop_duplicates()) <= shape.max():  # they vary together
        return
    with mpl.rc_context({**STYLE, "axes.spines.top": True, "axes.spines.right": True}):
        columns = 2 if len(values) > 1 and shape.iloc[1] <= 7 else 1
        rows = -(-len(values) // columns)
        height = min(3.2, 1.0 + 0.3 * shape.iloc[0])
        figure = Figure(figsize=(_WIDTH, height * rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, value in zip(panels, values, strict=False):
            cells = numbers.pivot_table(value, names[0], names[1], "mean", dropna=False)
            draw_heat_map(axes, cells, value)
        for axes in panels[len(values) :]:
            axes.remove()
    over, shown = listed(names), listed(values)
    caption = f"Means of the runs for each combination of {over}; a white cell has no value."
    yield Picture(figure, "fig-3-means", caption, f"Heat maps over {over} of {shown}.")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.rpartition(".")[2].lower()).strip("-")
