"""What an explored run depends on, and how it is prepared as in the other notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from onelayer.data import Dataset
from onelayer.history import History
from onelayer.models import Array, LogisticRegression, SoftmaxRegression
from onelayer.sampling import Split, sample
from onelayer.trainers import OnValidation, Trainer


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
    """Return a choice; sizes, batch size and learning rate default to what suits the data set."""
    suited = images.settings(suiting(classes, l2_lambda), **given)
    pair = None if classes is None else (int(classes[0]), int(classes[1]))
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
    columns: dict[str, list[Any]] = {}
    for each in choices:
        for name, value in asdict(each).items():
            columns.setdefault(name, []).append(value)
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
