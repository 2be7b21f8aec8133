"""The controls for choosing what to train; `Controls.choice` is what they currently say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from onelayer import registry
from onelayer.data import Dataset, load
from onelayer.errors import DataError
from onelayer.explore.choice import Choice, choose

_LEARNING_RATES = [float(f"{m}e{e}") for e in range(-4, 1) for m in (1, 2, 5)] + [10.0]
_LAMBDAS = [0.0, *(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 5)), 1.0, 2.0]
_BATCH_SIZES = [2**e for e in range(11)]
_NUM_EPOCHS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
_ALL = ()  # classes; a widget takes None for no choice
_STYLE = {"description_width": "95px"}


class Controls:
    """One control for each setting, in `box`.

    If the user chooses another data set or other classes, learning rate, batch size and numbers of
    images change to what suits them.
    """

    def __init__(self, images: Dataset, choice: Choice) -> None:
        self.images = images
        self._sizes = (choice.train_size, choice.validation_size)
        self.dataset = _dropdown("data set", registry.names(), choice.dataset)
        self.classes = _dropdown("classes", [("all", _ALL)], _ALL)
        self.learning_rate = _ladder("learning rate", _LEARNING_RATES, choice.learning_rate)
        self.batch_size = _ladder("batch size", _BATCH_SIZES, choice.batch_size)
        self.l2_lambda = _ladder("λ", _LAMBDAS, choice.l2_lambda)
        self.num_epochs = _ladder("epochs", _NUM_EPOCHS, choice.num_epochs)
        sampling = [("at random", "stochastic"), ("first and last", "first/last")]
        self.sampling = _dropdown("sampling", sampling, choice.sampling)
        self.seed = widgets.BoundedIntText(
            choice.seed, 0, 2**32 - 1, description="seed", style=_STYLE
        )
        self.shuffle = widgets.Checkbox(
            choice.shuffle, description="shuffle before each epoch", indent=False
        )
        self.message = widgets.HTML()
        self._offer_classes(choice.classes or _ALL)
        self.dataset.observe(self._load, "value")
        self.classes.observe(lambda _: self._suit(), "value")
        columns = (
            (self.dataset, self.classes, self.sampling, self.seed),
            (self.learning_rate, self.batch_size, self.l2_lambda, self.num_epochs),
        )
        self._settings = (*columns[0], *columns[1], self.shuffle)
        self.box = widgets.VBox(
            [
                widgets.HBox(
                    [widgets.VBox(column) for column in columns],
                    layout=widgets.Layout(flex_flow="row wrap"),
                ),
                self.shuffle,
                self.message,
            ]
        )

    @property
    def choice(self) -> Choice:
        """The choice that the controls show."""
        train_size, validation_size = self._sizes
        return Choice(
            dataset=self.images.name,
            classes=self.classes.value or None,
            learning_rate=self.learning_rate.value,
            batch_size=self.batch_size.value,
            l2_lambda=self.l2_lambda.value,
            num_epochs=self.num_epochs.value,
            shuffle=self.shuffle.value,
            sampling=self.sampling.value,
            seed=self.seed.value,
            train_size=train_size,
            validation_size=validation_size,
        )

    def observe(self, changed: Callable[[], None]) -> None:
        """Call a function after each change of a setting."""
        for control in self._settings:
            control.observe(lambda _: changed(), "value")

    def _load(self, change: dict[str, Any]) -> None:
        """Switch to another data set, or keep this one and say why."""
        if change["new"] == self.images.name:
            return
        try:
            self.images = load(change["new"])
        except DataError as error:
            self.message.value = f"<pre>{escape(str(error))}</pre>"
            self.dataset.value = self.images.name
            return
        self.message.value = ""
        self._offer_classes(_ALL)
        self._suit()

    def _offer_classes(self, chosen: tuple[int, ...]) -> None:
        pairs = list(itertools.combinations(range(self.images.num_classes), 2))
        if chosen and chosen not in pairs:
            pairs.append((chosen[0], chosen[1]))
        named = [
            ("all", _ALL),
            *((f"{first} and {second}", (first, second)) for first, second in pairs),
        ]
        self.classes.options = named
        self.classes.value = chosen

    def _suit(self) -> None:
        suited = choose(self.images, classes=self.classes.value or None)
        self._sizes = (suited.train_size, suited.validation_size)
        _set(self.learning_rate, suited.learning_rate)
        _set(self.batch_size, suited.batch_size)


def _dropdown(name: str, options: Sequence[Any], value: Any) -> Any:
    return widgets.Dropdown(options=options, value=value, description=name, style=_STYLE)


def _ladder(name: str, rungs: Sequence[float], value: float) -> Any:
    """Return a slider over round numbers, and over `value`."""
    slider = widgets.SelectionSlider(
        options=_rungs(rungs), description=name, style=_STYLE, continuous_update=False
    )
    _set(slider, value)
    return slider


def _set(slider: Any, value: float) -> None:
    values = [each for _, each in slider.options]
    if value not in values:
        slider.options = _rungs(sorted([*values, value]))
    slider.value = value


def _rungs(values: Sequence[float]) -> list[tuple[str, float]]:
    return [(f"{value:g}", value) for value in values]
