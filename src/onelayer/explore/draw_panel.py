"""The panel for drawing a digit and seeing what a model takes it for."""

from __future__ import annotations

import itertools
from typing import Any

import ipywidgets as widgets
from ipycanvas import Canvas, hold_canvas

from onelayer.explore.drawing import as_image, ink
from onelayer.explore.model import Model
from onelayer.explore.pictures import STYLE, evidence, framed, seen
from onelayer.preprocessing import preprocess

_SIZE, _PEN = 280, 22  # pixels of the canvas, and of the pen's width
_EMPTY = "Draw a digit into the black square, with mouse or finger."
_NOT_YET = "Train a model first; then it says what it takes the digit for."


class DrawPanel:
    """A canvas with a pen; the current model reads every stroke at once."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self.strokes: list[list[tuple[float, float]]] = []
        self._is_down = False
        size = widgets.Layout(width=f"{_SIZE}px", height=f"{_SIZE}px")
        self.canvas = Canvas(width=_SIZE, height=_SIZE, layout=size)
        self.clear = widgets.Button(description="Clear", icon="eraser")
        self.reading = widgets.HTML(framed(_EMPTY))
        self.clear.on_click(self._clear)
        self.canvas.on_client_ready(self._paint)
        self.canvas.on_mouse_down(self._down)
        self.canvas.on_mouse_move(self._move)
        self.canvas.on_mouse_up(lambda *_: self._up())
        self.canvas.on_mouse_out(lambda *_: self._up())
        self.canvas.on_touch_start(lambda touches: self._down(*touches[0]))
        self.canvas.on_touch_move(lambda touches: self._move(*touches[0]))
        self.canvas.on_touch_end(lambda _: self._up())
        left = widgets.VBox([self.canvas, self.clear])
        self.reading.layout = widgets.Layout(flex="1 1 420px", margin="0 0 0 12px")
        row = widgets.HBox([left, self.reading], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([widgets.HTML(STYLE), row])
        self._paint()

    def show(self, model: Model) -> None:
        """Use this model to read the drawing."""
        self.model = model
        self._read()

    def _down(self, x: float, y: float) -> None:
        self._is_down = True
        self.strokes.append([(x, y)])
        self._move(x, y)

    def _move(self, x: float, y: float) -> None:
        if self._is_down:
            stroke = self.strokes[-1]
            stroke.append((x, y))
            self.canvas.stroke_line(*stroke[-2], x, y)
            self._read()

    def _up(self) -> None:
        self._is_down = False

    def _clear(self, _: Any) -> None:
        self.strokes = []
        self._paint()
        self._read()

    def _paint(self) -> None:
        """Repaint everything: a browser that has just connected has an empty canvas."""
        with hold_canvas():
            self.canvas.fill_style = "black"
            self.canvas.fill_rect(0, 0, _SIZE, _SIZE)
            self.canvas.stroke_style = "white"
            self.canvas.line_width = _PEN
            self.canvas.line_cap = "round"
            for stroke in self.strokes:
                for start, end in itertools.pairwise(stroke):
                    self.canvas.stroke_line(*start, *end)

    def _read(self) -> None:
        if not self.strokes or self.model is None:
            self.reading.value = framed(_NOT_YET if self.strokes else _EMPTY)
            return
        model = self.model
        drawn = ink(self.strokes, _SIZE, _PEN)
        image = as_image(drawn, model.dataset, model.image_shape, model.max_value)
        x = preprocess(image, model.max_value)[0]
        shares = evidence(x, model.w, model.probabilities(x), model.image_shape, model.names)
        self.reading.value = framed(seen(x, model.image_shape, "what the model sees") + shares)
