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
_STYLE, _BOX = {"description_width": "95px"}, {"width": "200px"}


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
        self.learning_rate = _float("learning rate", choice.learning_rate)
        self.batch_size = _integer("batch size", choice.batch_size)
        self.l2_lambda = _float("λ", choice.l2_lambda)
        self.num_epochs = _integer("epochs", choice.num_epochs)
        sampling = [("at random", "stochastic"), ("first and last", "first/last")]
        self.sampling = _dropdown("sampling", sampling, choice.sampling)
        self.seed = _integer("seed", choice.seed, least=0, most=2**32 - 1)
        self.shuffle = widgets.Checkbox(
            choice.shuffle, description="shuffle before each epoch", indent=False
        )
        self.message = widgets.HTML()
        self._offer_classes(choice.classes or _ALL)
        self.dataset.observe(self._load, "value")
        self.classes.observe(lambda _: self._suit(), "value")
        left = (self.dataset, self.classes, self.sampling, self.seed)
        right = (self.learning_rate, self.batch_size, self.l2_lambda, self.num_epochs)
        ladders = (_LEARNING_RATES, _BATCH_SIZES, _LAMBDAS, _NUM_EPOCHS)
        self._settings = (*left, *right, self.shuffle)
        columns = (left, tuple(map(_with_slider, right, ladders)))
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
        self.learning_rate.value = suited.learning_rate
        self.batch_size.value = suited.batch_size


def _dropdown(name: str, options: Sequence[Any], value: Any) -> Any:
    return widgets.Dropdown(options=options, value=value, description=name, style=_STYLE)


def _integer(name: str, value: int, least: int = 1, most: int = 10**9) -> Any:
    return widgets.BoundedIntText(
        value=value, min=least, max=most, description=name, style=_STYLE, layout=_BOX
    )


def _float(name: str, value: float) -> Any:
    return widgets.FloatText(value=value, description=name, style=_STYLE, layout=_BOX)


def _with_slider(box: Any, rungs: Sequence[float]) -> Any:
    """Return a box for a number, beside a slider over round numbers that moves with it."""
    slider = widgets.SelectionSlider(
        options=rungs, readout=False, continuous_update=False, layout={"width": "150px"}
    )

    def nearest() -> float:
        return min(rungs, key=lambda rung: abs(rung - box.value))

    def follow(_: object = None) -> None:
        slider.value = nearest()

    def lead(change: dict[str, Any]) -> None:
        if change["new"] != nearest():  # moved by hand
            box.value = change["new"]

    follow()
    box.observe(follow, "value")
    slider.observe(lead, "value")
    return widgets.HBox([box, slider])
