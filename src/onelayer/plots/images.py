"""Images side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine

from onelayer.models import Array
from onelayer.plots.look import STYLE

_MOST_ON_NARROW = 5  # images beside one another on a narrow screen


def captioned_images(rows: Mapping[str, tuple[Array, Sequence[str]]]) -> Figure:
    """Show rows of images (N, H, W) with pixels in [−1, 1], each image below its own text."""
    num_columns = max(len(images) for images, _ in rows.values())
    with matplotlib.style.context(STYLE):
        width, _ = mpl.rcParams["figure.figsize"]
        figure = Figure(figsize=(width, (width / num_columns + 0.22) * len(rows)))
        row_axes = figure.subplots(len(rows), squeeze=False)[:, 0]
        for (name, (images, texts)), axes in zip(rows.items(), row_axes, strict=True):
            _side_by_side(axes, name, images, texts, num_columns)
    return figure


def weight_images(rows: Mapping[str, Array], names: Sequence[str] | None = None) -> Figure:
    """Show weights as pictures: one row for each name, of images (K, H, W).

    `names` are the names of the classes; without them, classes are numbered from 0.

    Each row has its own grey scale beside it, symmetric about zero: grey is 0, white positive,
    black negative. Rows differ a lot in scale, and it is their patterns that are compared.

    The figure's attribute `narrow` is the same for narrow screens, with each row in two lines.
    """
    num_classes = len(next(iter(rows.values())))
    names = names or list(map(str, range(num_classes)))
    with matplotlib.style.context(STYLE):
        width, _ = mpl.rcParams["figure.figsize"]
        figure = _weight_images(rows, names, num_classes, width)
        if num_classes > _MOST_ON_NARROW:
            narrow = _weight_images(rows, names, -(-num_classes // 2), 0.6 * width)
            figure.narrow = narrow  # type: ignore[attr-defined]
    return figure


def _weight_images(
    rows: Mapping[str, Array], names: Sequence[str], num_columns: int, width: float
) -> Figure:
    """Show each row in lines of at most `num_columns` images, which share a scale."""
    starts = range(0, len(next(iter(rows.values()))), num_columns)
    is_split = len(starts) > 1
    height = (width / (num_columns + 2) + 0.2 * is_split) * len(rows) * len(starts) + 0.6
    layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.02)
    figure = Figure(figsize=(width, height), layout=layout)
    lines = figure.subplots(len(rows) * len(starts), squeeze=False).reshape(len(rows), -1)
    for (name, images), row_axes in zip(rows.items(), lines, strict=True):
        bound = float(np.abs(images).max()) or 1.0
        for start, axes in zip(starts, row_axes, strict=True):
            line = slice(start, start + num_columns)
            texts = names[line] if is_split or axes is lines[0, 0] else []
            title = "" if start else name
            picture = _side_by_side(axes, title, images[line], texts, num_columns, bound)
        bar = figure.colorbar(picture, ax=list(row_axes), aspect=8 * len(starts), pad=0.01)
        bar.set_ticks([-bound, 0, bound], labels=[f"−{bound:.2g}", "0", f"{bound:.2g}"])
        bar.ax.tick_params(labelsize=8, length=2)
        bar.outline.set_linewidth(0.4)
    return figure


def _side_by_side(
    axes: Axes,
    name: str,
    images: Array,
    texts: Sequence[str],
    num_columns: int,
    bound: float = 1.0,
) -> AxesImage:
    """Show images (N, H, W) with pixels in [−bound, bound] as one picture, below their texts.

    One picture is drawn much faster than separate axes for each image.
    """
    gap = max(1, images.shape[2] // 14)  # white, like everything that is NaN
    padded = np.pad(images, ((0, num_columns - len(images)), (0, 0), (0, gap)))
    padded[len(images) :], padded[:, :, -gap:] = np.nan, np.nan
    row = np.concatenate(list(padded), axis=1)[:, :-gap]
    middles = (images.shape[2] - 1) / 2 + np.arange(len(texts)) * padded.shape[2]
    axes.set_xticks(middles, texts, fontsize=8.5)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.set(yticks=[], ylabel=name)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return axes.imshow(row, cmap="gray", vmin=-bound, vmax=bound, interpolation="nearest")
