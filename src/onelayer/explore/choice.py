"""What an explored run depends on, and how it is prepared as in the other notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from onelayer.data import Dataset
from onelayer.errors import SettingError
from onelayer.history import History
from onelayer.models import Array, LogisticRegression, SoftmaxRegression
from onelayer.sampling import Split, sample
from onelayer.trainers import OnValidation, Trainer


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_size(value: object) -> bool:
    return value is None or _is_whole(value)


def _are_classes(value: object) -> bool:
    is_pair = isinstance(value, tuple) and len(value) == 2 and all(map(_is_whole, value))
    return value is None or is_pair


# For each setting, how an error describes it, and a test; `sample` and `Trainer` judge the rest.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "classes": ("two whole numbers, such as [2, 3], or None for all of them", _are_classes),
    "learning_rate": ("a number", _is_number),
    "batch_size": ("a whole number", _is_whole),
    "l2_lambda": ("a number", _is_number),
    "num_epochs": ("a whole number", _is_whole),
    "shuffle": ("True or False", lambda value: isinstance(value, bool)),
    "seed": (
        f"a whole number from 0 to {2**32 - 1}",
        lambda value: _is_whole(value) and 0 <= value < 2**32,
    ),
    "train_size": ("a whole number or None", _is_size),
    "validation_size": ("a whole number or None", _is_size),
}


@dataclass(frozen=True)
class Choice:
    """Everything that a run depends on; the names are those of the notebooks' parameters.

    Attributes
    ----------
    dataset : str
        A name in the registry.
    classes : (int, int) or None
        Two classes for logistic regression; None: all of them, for softmax regression.
    learning_rate : float
        η > 0, per step.
    batch_size : int
        Images per step.
    l2_lambda : float
        λ ≥ 0.
    num_epochs : int
        Passes over the training set.
    shuffle : bool
        Draw a fresh permutation before each epoch.
    sampling : {"stochastic", "first/last"}
        See `onelayer.sampling.sample`.
    seed : int
        Of every draw.
    train_size, validation_size : int or None
        Images drawn; None: all there are.

    Raises
    ------
    SettingError
        If a setting is of another kind, such as a number of epochs that is not whole.
    """

    dataset: str
    classes: tuple[int, int] | None
    learning_rate: float
    batch_size: int
    l2_lambda: float
    num_epochs: int
    shuffle: bool
    sampling: str
    seed: int
    train_size: int | None
    validation_size: int | None

    def __post_init__(self) -> None:
        for name, (expected, fits) in _KINDS.items():
            value = getattr(self, name)
            if not fits(value):
                given = list(value) if isinstance(value, tuple) else value
                raise SettingError(f"{name} must be {expected}; got {given!r:.80}")


class Prepared(NamedTuple):
    """A choice made ready to run: data, a trainer, and the random state after the first draws."""

    trainer: Trainer
    split: Split
    random_state: np.random.RandomState
    l2_lambda: float

    def fit(self, on_validation: OnValidation | None = None) -> History:
        """Train; this works only once, because it uses up the random state."""
        return self.trainer.fit(
            self.split, self.random_state, self.l2_lambda, on_validation=on_validation
        )


def choose(
    images: Dataset,
    *,
    classes: Sequence[int] | None = None,
    l2_lambda: float = 0.0,
    num_epochs: int = 50,
    shuffle: bool = True,
    sampling: str = "stochastic",
    seed: int = 0,
    **given: Any,
) -> Choice:
    """Return a choice; sizes, batch size and learning rate default to what suits the data set.

    Raises
    ------
    SettingError
        As `Choice`.
    """
    is_text = isinstance(classes, str)
    pair: Any = tuple(classes) if isinstance(classes, Iterable) and not is_text else classes
    suited = images.settings(suiting(pair, l2_lambda), **given)
    return Choice(
        dataset=images.name,
        classes=pair,
        learning_rate=suited.learning_rate,
        batch_size=suited.batch_size,
        l2_lambda=l2_lambda,
        num_epochs=num_epochs,
        shuffle=shuffle,
        sampling=sampling,
        seed=seed,
        train_size=suited.train_size,
        validation_size=suited.validation_size,
    )


def suiting(classes: Sequence[int] | None, l2_lambda: float) -> str:
    """Return the name of the choice's model in the registry."""
    return "logistic" if classes else "regularised" if l2_lambda else "softmax"


def prepare(choice: Choice, images: Dataset) -> Prepared:
    """Draw the images and make the trainer, as the chapters of the report do.

    Raises
    ------
    DataError, ValueError
        As `sample` and `Trainer`.
    """
    model = LogisticRegression() if choice.classes else SoftmaxRegression(images.num_classes)
    random_state = np.random.RandomState(choice.seed)
    split = sample(
        images,
        random_state,
        train_size=choice.train_size,
        validation_size=choice.validation_size,
        sampling=choice.sampling,
        classes=choice.classes,
    )
    trainer = Trainer(
        model,
        choice.learning_rate,
        choice.batch_size,
        choice.num_epochs,
        shuffle=choice.shuffle,
        progress=False,
    )
    return Prepared(trainer, split, random_state, choice.l2_lambda)


def differing(choices: Sequence[Choice]) -> dict[str, list[Any]]:
    """Return the settings that are not the same in all choices, with the value in each choice."""
    columns = {each.name: [getattr(c, each.name) for c in choices] for each in fields(Choice)}
    return {
        name: values
        for name, values in columns.items()
        if any(value != values[0] for value in values)
    }


def weights_by_class(w: Array) -> Array:
    """Return weights with a column for each class, (D+1, K), from (D+1, K) or logistic (D+1, 1).

    Logistic regression is softmax regression with the two columns w/2 and −w/2:
    exp(z/2) / (exp(z/2) + exp(−z/2)) = σ(z).
    """
    return w if w.shape[1] > 1 else np.hstack([w / 2, -w / 2])


def targets_by_class(targets: Array) -> Array:
    """Return one-hot targets, (N, K), from one-hot targets or logistic regression's (N, 1)."""
    return targets if targets.shape[1] > 1 else np.hstack([targets, 1 - targets])
