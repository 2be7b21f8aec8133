"""A trained model and the images that it predicts, with a column for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onelayer import measures, models
from onelayer.explore.choice import targets_by_class, weights_by_class
from onelayer.explore.training import Run
from onelayer.measures import Predictions
from onelayer.models import Array, SoftmaxRegression


@dataclass(frozen=True, eq=False)
class Model:
    """What a run has learned so far; logistic regression as softmax over its two classes.

    Attributes
    ----------
    dataset : str
        The name of the data set that it learned from.
    w : (D+1, K) array
        Weights.
    names : K strings
        The classes.
    X, targets : (N, D+1) and (N, K) arrays
        The validation images.
    image_shape : (int, int)
        (H, W).
    max_value : float
        The largest value that a pixel of the data set can have.
    """

    dataset: str
    w: Array
    names: Sequence[str]
    X: Array
    targets: Array
    image_shape: tuple[int, int]
    max_value: float

    @classmethod
    def of(cls, run: Run) -> Model | None:
        """Return what a run has learned, or None if it has no weights yet."""
        if run.prepared is None or run.weights is None:
            return None
        split, images = run.prepared.split, run.images
        classes = run.choice.classes or range(images.num_classes)
        return cls(
            dataset=images.name,
            w=weights_by_class(run.weights),
            names=[str(each) for each in classes],
            X=split.X_validation,
            targets=targets_by_class(split.targets_validation),
            image_shape=split.image_shape,
            max_value=images.max_value,
        )

    @property
    def pictures(self) -> Array:
        """The validation images, (N, H, W), with pixels in [−1, 1]."""
        return self.X[:, :-1].reshape(-1, *self.image_shape)

    def predictions(self) -> Predictions:
        """Predict the validation images."""
        return measures.predictions(self._softmax, self.X, self.w, self.targets)

    def probabilities(self, x: Array) -> Array:
        """Return ŷ, (K,), of one input (D+1,)."""
        return self._softmax.probabilities(models.logits(x[None], self.w))[0]

    @property
    def _softmax(self) -> SoftmaxRegression:
        return SoftmaxRegression(len(self.names))
