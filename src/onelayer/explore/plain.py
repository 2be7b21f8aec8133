"""A finished run as plain pictures, for when nobody can press a button: batch runs, exports."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from IPython.display import Image, display
from matplotlib.figure import Figure

from onelayer import plots
from onelayer.explore.model import Model
from onelayer.explore.training import Run
from onelayer.preprocessing import weights_as_images

_NUM_MISTAKES = 8


@dataclass(frozen=True)
class Plain:
    """Figures, each with a text alternative, and lines of text."""

    figures: Sequence[tuple[str, Figure]] = ()
    text: str = ""

    def _ipython_display_(self) -> None:
        for alt, figure in self.figures:
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=144)
            display(Image(file.getvalue(), retina=True, alt=alt))  # type: ignore[no-untyped-call]
        if self.text:
            display({"text/plain": self.text}, raw=True)  # type: ignore[no-untyped-call]


def training(run: Run) -> Plain:
    """Show the curves and weights of a finished run."""
    model, history = Model.of(run), run.history
    if model is None or history is None:
        return Plain()
    weights = weights_as_images(model.w, model.image_shape)
    return Plain(
        [
            ("loss over gradient steps", plots.loss_curves(history)),
            ("accuracy over gradient steps", plots.accuracy_curves(history)),
            ("weights of each class", plots.weight_images({"": weights}, model.names)),
        ]
    )


def mistakes(run: Run) -> Plain:
    """Show what a finished run gets wrong."""
    model = Model.of(run)
    if model is None:
        return Plain()
    predictions = model.predictions()
    figures = [("confusion matrix", plots.confusion(predictions.confusion, model.names))]
    worst = predictions.wrong[:_NUM_MISTAKES]
    if len(worst):
        readings = [
            f"{model.names[predictions.actual[n]]} → {model.names[predictions.predicted[n]]}"
            for n in worst
        ]
        shown = plots.captioned_images({"": (model.pictures[worst], readings)})
        figures.append(("most confident mistakes", shown))
    return Plain(figures)
