"""What the cells of `notebooks/explore.ipynb` show: panels or plain pictures."""

from __future__ import annotations

import contextlib
from typing import Any

from onelayer.data import Dataset, load
from onelayer.errors import DivergenceError
from onelayer.explore import commands, plain
from onelayer.explore.choice import Choice, choose
from onelayer.explore.controls import Controls
from onelayer.explore.draw_panel import DrawPanel
from onelayer.explore.mistakes_panel import MistakesPanel
from onelayer.explore.model import Model
from onelayer.explore.plain import Plain
from onelayer.explore.repeat_panel import RepeatPanel
from onelayer.explore.train_panel import TrainPanel
from onelayer.explore.training import Run
from onelayer.trainers import is_watched


def explore(dataset: str = "auto", **given: Any) -> LiveExplorer | PlainExplorer:
    """Return panels if a person is at the kernel, otherwise a finished run.

    Parameters
    ----------
    dataset : str
        As for `onelayer.data.load`.
    **given
        The controls' initial values; see `onelayer.explore.choice.choose`. None: what suits.

    Raises
    ------
    DataError, SettingError
        As `load` and `choose`; for a finished run also as `sample` and `Trainer`, except that
        divergence is a result.
    """
    images = load(dataset)
    kind = LiveExplorer if is_watched() else PlainExplorer
    return kind(images, choose(images, **given))


class LiveExplorer:
    """Panels that share one model; each attribute displays itself as a cell's result."""

    def __init__(self, images: Dataset, choice: Choice) -> None:
        self._controls = Controls(images, choice)
        self._drawing, self._mistakes = DrawPanel(), MistakesPanel()
        self._training = TrainPanel(self._controls, self._view, lambda: self._repeat.update())
        self._repeat = RepeatPanel(
            self._controls, lambda: [run.choice for run in self._training.kept.values()]
        )
        self.training, self.mistakes = self._training.box, self._mistakes.box
        self.drawing, self.repeat = self._drawing.box, self._repeat.box

    def results(self) -> dict[str, Any]:
        """Return nothing: what a person tries is not recorded."""
        return {}

    def _view(self, run: Run) -> None:
        if model := Model.of(run):
            self._drawing.show(model)
            if run.history is not None:
                self._mistakes.show(model)


class PlainExplorer:
    """A finished run; each attribute displays itself as a cell's result."""

    def __init__(self, images: Dataset, choice: Choice) -> None:
        self._run = Run(choice, images)
        with contextlib.suppress(DivergenceError):  # `results` says so
            self._run.fit()
        self.training, self.mistakes = plain.training(self._run), plain.mistakes(self._run)
        self.drawing = Plain(text="In JupyterLab (`make lab`) you can draw here.")
        self.repeat = Plain(text=f"{commands.report_command(choice)}\n\n{commands.grid([choice])}")

    def results(self) -> dict[str, Any]:
        """Return the results of the run, for `nbpress.record`."""
        history = self._run.history
        if history is None or history.train_accuracy is None:
            return {"diverged": True}
        return {
            "diverged": False,
            "validation_loss": float(history.validation_loss[-1]),
            "validation_accuracy": float(history.validation_accuracy[-1]),
            "train_accuracy": float(history.train_accuracy[-1]),
            "squared_norm": float(history.squared_norm[-1]),
        }
