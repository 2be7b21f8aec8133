"""The panel for training: start, stop, curves and weights that grow, runs that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from onelayer.explore import curves
from onelayer.explore.choice import differing
from onelayer.explore.controls import Controls
from onelayer.explore.curves import Line
from onelayer.explore.model import Model
from onelayer.explore.pictures import STYLE, framed, weight_pictures
from onelayer.explore.training import Run

_WORDS = {"l2_lambda": "λ", "num_epochs": "epochs", "dataset": "data set"}
_NOT_YET = "Press Start: curves and weights grow while the model trains."


class TrainPanel:
    """Trains what the controls say.

    `viewed` is called with the run now and then while it trains, and at its end; `kept_changed` is
    called when a run is kept or forgotten.

    Attributes
    ----------
    run : Run or None
        The last run, which may still be training.
    kept : dict of int to Run
        The runs whose curves stay, by the number shown beside them.
    """

    def __init__(
        self, controls: Controls, viewed: Callable[[Run], None], kept_changed: Callable[[], None]
    ) -> None:
        self.controls, self._viewed, self._notify = controls, viewed, kept_changed
        self.run: Run | None = None
        self.kept: dict[int, Run] = {}
        self.task: asyncio.Task[None] | None = None
        self._is_drawn = False  # whether the last run's own curves are shown
        self.start = widgets.Button(description="Start", icon="play", button_style="primary")
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.keep = widgets.Button(description="Keep this curve", icon="thumb-tack", disabled=True)
        self.status = widgets.HTML(_status(_NOT_YET))
        self.charts, self.weights, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.forget = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        self.start.on_click(self._start)
        self.stop.on_click(self._stop)
        self.keep.on_click(self._keep)
        buttons = widgets.HBox([self.start, self.stop, self.keep])
        self.box = widgets.VBox(
            [
                widgets.HTML(STYLE),
                controls.box,
                buttons,
                self.status,
                self.charts,
                self.weights,
                self.table,
                self.forget,
            ]
        )
        self._draw()

    def _start(self, _: Any) -> None:
        self.run = Run(self.controls.choice, self.controls.images, self._view)
        self._is_drawn = True
        self._enable(is_training=True)
        self.status.value = _status("drawing the images …")
        self.task = asyncio.get_running_loop().create_task(self._train(self.run))

    def _stop(self, _: Any) -> None:
        if self.run is not None:
            self.run.stop()

    async def _train(self, run: Run) -> None:
        try:
            await run.train()
        except Exception as error:  # the user chose something that cannot be trained: say so
            self._enable(is_training=False)
            self._draw()
            self.status.value = _status(str(error), "error")
        else:
            self._enable(is_training=False)
            self._view(run)

    def _enable(self, is_training: bool) -> None:
        self.start.disabled, self.stop.disabled = is_training, not is_training
        has_curve = self._is_drawn and self.run is not None and self.run.history is not None
        is_full = len(self.kept) >= curves.MOST_KEPT
        self.keep.disabled = is_training or not has_curve or is_full

    def _view(self, run: Run) -> None:
        """Show how far a run has come."""
        self.status.value = _status(_progress(run))
        self._draw()
        if model := Model.of(run):
            self.weights.value = framed(weight_pictures(model.w, model.image_shape, model.names))
        self._viewed(run)

    def _keep(self, _: Any) -> None:
        if self.run is not None:
            number = next(n for n in range(1, curves.MOST_KEPT + 1) if n not in self.kept)
            self.kept = dict(sorted({**self.kept, number: self.run}.items()))
        self._is_drawn = False
        self._kept_changed()

    def _kept_changed(self) -> None:
        self._enable(is_training=not self.stop.disabled)
        self._draw()
        self.table.value = framed(kept_table(self.kept))
        self.forget.children = [self._forget_button(number) for number in self.kept]
        self._notify()

    def _forget_button(self, number: int) -> Any:
        button = widgets.Button(description=f"Forget {number}", layout=widgets.Layout(width="90px"))

        def forget(_: Any) -> None:
            del self.kept[number]
            self._kept_changed()

        button.on_click(forget)
        return button

    def _draw(self) -> None:
        drawn = self.run if self._is_drawn else None
        self.charts.value = framed(charts(drawn, self.kept))


def charts(run: Run | None, kept: Mapping[int, Run]) -> str:
    """Show loss and accuracy of a run, together with the validation curves of the kept runs."""
    num_steps = max((each.num_steps for each in [*kept.values(), run] if each), default=0)
    figures = []
    for name, quantity, percent in (("loss", "cross entropy (nats per image)", False),
                                    ("accuracy", "accuracy", True)):  # fmt: skip
        lines = [
            Line(each.curves.step, getattr(each.curves, f"validation_{name}"), *curves.kept_look(n))
            for n, each in kept.items()
        ]
        legend = ""
        if run is not None:
            shown = run.curves
            for kind, colour, dash in (("training", curves.TRAINING, ""),
                                       ("validation", curves.VALIDATION, "6 2")):  # fmt: skip
                values = getattr(shown, f"{'train' if kind == 'training' else kind}_{name}")
                if values:
                    lines.append(Line(shown.step[: len(values)], values, colour, dash, 2))
                    last = f"{values[-1]:.2%}" if percent else f"{values[-1]:.4f}"
                    legend += f"{curves.swatch(colour, dash)}{kind} {last}"
        svg = curves.chart(f"{quantity} over gradient steps", lines, num_steps, percent)
        figures.append(f"<figure><figcaption>{quantity}<br>{legend}</figcaption>{svg}</figure>")
    return f'<div class="charts">{"".join(figures)}</div>'


def kept_table(kept: Mapping[int, Run]) -> str:
    """Show the kept runs: only the settings in which they differ, and where they ended."""
    if not kept:
        return ""
    columns = differing([run.choice for run in kept.values()])
    head = [_WORDS.get(name, name.replace("_", " ")) for name in columns]
    head += ["steps", "validation loss", "validation accuracy"]
    rows = []
    for i, (number, run) in enumerate(kept.items()):
        ends = run.curves
        cells = [_word(values[i]) for values in columns.values()]
        cells += [
            f"{_updates(run):,}",
            f"{ends.validation_loss[-1]:.4f}",
            f"{ends.validation_accuracy[-1]:.2%}",
        ]
        texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        swatch = curves.swatch(*curves.kept_look(number))
        rows.append(f'<tr><th scope="row">{number}{swatch}</th>{texts}</tr>')
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["kept", *head])
    return f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " and ".join(map(str, value))
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _updates(run: Run) -> int:
    """Return how many updates a run has made; while it trains, up to its last validation."""
    return run.curves.step[-1] + 1 if run.history is None else run.history.stop_step


def _progress(run: Run) -> str:
    done = _updates(run)
    if run.history is None:
        return f"training: step {done:,} of {run.num_steps:,}"
    how = "finished" if done == run.num_steps else "stopped"
    return f"{how} after {done:,} of {run.num_steps:,} steps"


def _status(text: str, kind: str = "") -> str:
    return framed(f'<div role="status" class="{kind}">{escape(text)}</div>')
