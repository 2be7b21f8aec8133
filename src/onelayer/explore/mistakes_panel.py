"""The panel of mistakes: a table, the most confident ones, and what speaks for and against each."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas, hold_canvas
from numpy.typing import NDArray

from onelayer.explore.model import Model
from onelayer.explore.pictures import STYLE, confusion_table, evidence, framed, seen
from onelayer.models import Array

NUM_SHOWN = 16
_COLUMNS = 8
_TILE, _CAPTION = 72, 20  # pixels
_NOT_YET = framed("Train a model; its mistakes then appear here.")


class MistakesPanel:
    """Confusion matrix, most confident mistakes, and what speaks for and against one of them.

    A click on a picture, or the number of a validation image, chooses the image to explain.
    """

    def __init__(self) -> None:
        self.model: Model | None = None
        self.shown: NDArray[np.int64] = np.arange(0)
        self.confusion = widgets.HTML(_NOT_YET)
        self.sheet = Canvas(width=_COLUMNS * _TILE, height=_TILE + _CAPTION)
        self.sheet.layout.width, self.sheet.layout.max_width = f"{_COLUMNS * _TILE}px", "100%"
        self.sheet.layout.display = "none"
        self.number = widgets.BoundedIntText(
            description="validation image", disabled=True, style={"description_width": "110px"}
        )
        self.why = widgets.HTML()
        self.sheet.on_client_ready(self._paint)
        self.sheet.on_mouse_down(self._choose)
        self.number.observe(lambda _: self._explain(), "value")
        parts = [widgets.HTML(STYLE), self.confusion, self.sheet, self.number, self.why]
        self.box = widgets.VBox(parts)

    def show(self, model: Model) -> None:
        """Show the mistakes of a model."""
        self.model = model
        predictions = model.predictions()
        self.shown = predictions.wrong[:NUM_SHOWN]
        count = (
            f"{len(predictions.wrong):,} of {len(model.X):,} validation images are misclassified"
        )
        table = confusion_table(predictions.confusion, model.names)
        self.confusion.value = framed(f"<p>{count}.</p>{table}")
        self.sheet.height = -(-len(self.shown) // _COLUMNS) * (_TILE + _CAPTION)
        self.sheet.layout.display = "" if len(self.shown) else "none"
        self._paint()
        self.number.disabled = False
        self.number.max = len(model.X) - 1
        self.number.value = int(self.shown[0]) if len(self.shown) else 0
        self._explain()

    def _paint(self) -> None:
        if self.model is None:
            return
        predictions, names = self.model.predictions(), self.model.names
        with hold_canvas():
            self.sheet.clear()
            for i, n in enumerate(self.shown):
                x, y = i % _COLUMNS * _TILE, i // _COLUMNS * (_TILE + _CAPTION)
                self.sheet.put_image_data(_tile(self.model.pictures[n]), x, y)
                self.sheet.fill_style = "white"
                self.sheet.font = "13px sans-serif"
                self.sheet.text_align = "center"
                reading = f"{names[predictions.actual[n]]} → {names[predictions.predicted[n]]}"
                self.sheet.fill_text(reading, x + _TILE / 2, y + _TILE + _CAPTION / 2)

    def _choose(self, x: float, y: float) -> None:
        index = int(y // (_TILE + _CAPTION)) * _COLUMNS + int(x // _TILE)
        if 0 <= index < len(self.shown):
            self.number.value = int(self.shown[index])

    def _explain(self) -> None:
        if self.model is None:
            return
        model, n = self.model, self.number.value
        x = model.X[n]
        actual = model.names[int(model.targets[n].argmax())]
        caption = f"image {n}: a {actual}"
        shares = evidence(x, model.w, model.probabilities(x), model.image_shape, model.names)
        self.why.value = framed(seen(x, model.image_shape, caption) + shares)


def _tile(image: Array) -> NDArray[np.uint8]:
    """Return an image (H, W), pixels in [−1, 1], enlarged on black, above room for a caption."""
    scale = max(1, (_TILE - 8) // max(image.shape))
    large = np.kron(image, np.ones((scale, scale)))[: _TILE - 2, : _TILE - 2]
    tile = np.zeros((_TILE + _CAPTION, _TILE, 4), np.uint8)
    tile[:, : _TILE - 2, 3] = 255  # a gap between tiles stays transparent
    top, left = (_TILE - large.shape[0]) // 2, (_TILE - large.shape[1]) // 2
    grey = (127.5 + 127.5 * large).astype(np.uint8)
    tile[top : top + large.shape[0], left : left + large.shape[1], :3] = grey[..., None]
    return tile
