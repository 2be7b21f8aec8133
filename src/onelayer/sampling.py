"""Which images a model trains on and is validated on: drawn, and pre-processed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from onelayer.data import Dataset
from onelayer.errors import DataError
from onelayer.models import Array
from onelayer.preprocessing import float_dtype, one_hot, preprocess


@dataclass(frozen=True)
class Split:
    """What a model trains on and is validated on; C-contiguous, for speed.

    Attributes
    ----------
    X_train, X_validation : float32 or float64 array of shape (N, D+1)
        Pixels in [−1, 1] with the bias 1 last; D = H·W.
    targets_train, targets_validation : array of the same dtype, of shape (N, K)
        One-hot rows or, for two classes, one column: 1 for the first class, 0 for the second.
    image_shape : (int, int)
        (H, W).

    Raises
    ------
    DataError
        If shapes or dtypes do not fit, or values are not finite.
    """

    X_train: Array
    targets_train: Array
    X_validation: Array
    targets_validation: Array
    image_shape: tuple[int, int]

    def __post_init__(self) -> None:
        dtype, num_inputs = self.X_train.dtype, math.prod(self.image_shape) + 1
        if dtype not in (np.float32, np.float64):
            raise DataError(f"X_train must have dtype float32 or float64; got {dtype}")
        num_outputs = self.targets_train.shape[1] if self.targets_train.ndim > 1 else 1
        for name, shape in {
            "X_train": (len(self.X_train), num_inputs),
            "targets_train": (len(self.X_train), num_outputs),
            "X_validation": (len(self.X_validation), num_inputs),
            "targets_validation": (len(self.X_validation), num_outputs),
        }.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise DataError(
                    f"{name} must have shape {shape} and dtype {dtype}; "
                    f"got {array.shape} and {array.dtype}"
                )
            # The sum is finite only if every element is, and needs no array of its own.
            with np.errstate(invalid="ignore"):  # ∞ − ∞
                total = array.sum(dtype=np.float64)
            if not np.isfinite(total):
                raise DataError(f"{name} must be finite; it holds NaN or infinity")


def sample(
    dataset: Dataset,
    random_state: np.random.RandomState,
    *,
    train_size: int | None = None,
    validation_size: int | None = None,
    sampling: str = "stochastic",
    classes: Sequence[int] | None = None,
    dtype: DTypeLike = "float32",
) -> Split:
    """Choose training and validation images, and pre-process them.

    Parameters
    ----------
    dataset : Dataset
        Training images come from its training pool, validation images from its test pool.
    random_state : numpy.random.RandomState
        Stochastic sampling draws from it twice: training indices first, then validation indices.
        Its stream is frozen (NEP 19), so that a seed means the same images forever.
    train_size, validation_size : int, optional
        Numbers of images, before `classes` are picked; None: all of the pool.
    sampling : {"stochastic", "first/last"}
        Random, without replacement; or the first training and the last test images, with no draws.
    classes : (int, int), optional
        Keep these two classes; the targets have shape (N, 1) and are 1 for the first of them.
        Without it they are one-hot, of shape (N, `dataset.num_classes`).
    dtype : {"float32", "float64"}
        The dtype of images and targets.

    Raises
    ------
    DataError
        If a size is not possible, `sampling` or `dtype` is unknown, `classes` are not two different
        classes of the data set, no image of a class was chosen, or pixels are bad.
    """
    if sampling not in ("stochastic", "first/last"):
        raise DataError(f"sampling must be 'stochastic' or 'first/last'; got {sampling!r}")
    known = range(dataset.num_classes)
    if classes is not None and not (len(set(classes) & set(known)) == len(classes) == 2):
        raise DataError(
            f"classes must be two different ones of 0 to {known[-1]}; got {tuple(classes)}"
        )
    train = (dataset.train_images, dataset.train_labels)
    test = (dataset.test_images, dataset.test_labels)
    pairs = []
    for (images, labels), name, size in (
        (train, "train_size", train_size),
        (test, "validation_size", validation_size),
    ):
        num_images = len(labels)
        size = num_images if size is None else size
        if not 1 <= size <= num_images:
            raise DataError(
                f"{name} must lie between 1 and {num_images}, all that {dataset.name} has; "
                f"got {size}"
            )
        if sampling == "stochastic":
            chosen = random_state.choice(num_images, size, replace=False)
        else:
            chosen = np.arange(size) if images is train[0] else np.arange(num_images)[-size:]
        if classes is None:
            targets = one_hot(labels[chosen], dataset.num_classes, dtype)
        else:
            chosen = chosen[np.isin(labels[chosen], classes)]
            for label in classes:
                if label not in labels[chosen]:
                    raise DataError(
                        f"no image of class {label} is among those of {name} = {size}: "
                        "choose more of them, or another seed"
                    )
            targets = (labels[chosen] == classes[0]).astype(float_dtype(dtype))[:, np.newaxis]
        pairs.append((preprocess(images[chosen], dataset.max_value, dtype), targets))
    return Split(*pairs[0], *pairs[1], dataset.image_shape)
