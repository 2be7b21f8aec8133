"""The data sets as published: images and labels, read from their files into arrays."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import DataError
from onelayer.idx import read_idx
from onelayer.locate import resolve
from onelayer.registry import MODELS, POOLS, Description, Settings


@dataclass(frozen=True)
class Dataset:
    """Images and labels as published: a pool to train on and a pool to validate on.

    Attributes
    ----------
    name : str
        ``"mnist"``, ``"digits"``, or one of your own.
    train_images, test_images : uint8 array of shape (N, H·W)
        Pixels from 0 to `max_value`, row by row.
    train_labels, test_labels : uint8 array of shape (N,)
        Classes from 0 to `num_classes` − 1.
    image_shape : (int, int)
        (H, W): (28, 28) for MNIST, (8, 8) for the digits.
    max_value : float
        255 for MNIST, 16 for the digits.
    num_classes : int
        K, 10 for both.
    suits : dict of str to Settings
        What suits each model on these data.

    Raises
    ------
    DataError
        If the arrays do not fit together, or a label is beyond the classes.
    """

    name: str
    train_images: NDArray[Any]
    train_labels: NDArray[Any]
    test_images: NDArray[Any]
    test_labels: NDArray[Any]
    image_shape: tuple[int, int]
    max_value: float
    num_classes: int
    suits: dict[str, Settings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        num_pixels = math.prod(self.image_shape)
        for pool, images, labels in (
            ("train", self.train_images, self.train_labels),
            ("test", self.test_images, self.test_labels),
        ):
            if images.ndim != 2 or images.shape[1] != num_pixels:
                raise DataError(
                    f"{pool}_images must have shape (N, {num_pixels}); got {images.shape}"
                )
            if labels.shape != images.shape[:1]:
                raise DataError(
                    f"{pool}_labels must have shape {images.shape[:1]}; got {labels.shape}"
                )
            if len(labels) and labels.max() >= self.num_classes:
                raise DataError(
                    f"{pool}_labels must lie between 0 and {self.num_classes - 1}, the classes of "
                    f"{self.name}; got {labels.max()}"
                )

    def settings(self, model: str, **given: Any) -> Settings:
        """Return what suits a model on these data, apart from what is given (not None).

        Parameters
        ----------
        model : {"logistic", "softmax", "regularised"}
            The model of task 2, of task 3, or of task 4, with its penalty.
        **given
            Values for attributes of `Settings`, such as ``learning_rate=0.1``.
        """
        if model not in MODELS:
            raise DataError(f"model must be one of {', '.join(MODELS)}; got {model!r}")
        chosen = {name: value for name, value in given.items() if value is not None}
        return replace(self.suits.get(model, Settings()), **chosen)


def load(dataset: str = "auto") -> Dataset:
    """Read a data set of the registry or, for "auto", the one that `locate.resolve` chooses.

    Raises
    ------
    DataError
        As `locate.resolve`, and if a file does not contain what it should.

    Notes
    -----
    MNIST: LeCun, Cortes and Burges. Digits: E. Alpaydin and C. Kaynak, UCI, the 1,797 images that
    ship with scikit-learn; the first 1,437 are the training pool, the last 360 the test pool.
    """
    resolved = resolve(dataset)
    description, folder = resolved.description, resolved.folder
    read = _read_table if description.table else _read_idx_files
    pools, image_shape = read(folder, description)
    for pool, stated in (("train", description.num_train), ("test", description.num_test)):
        if stated and len(pools[f"{pool}_labels"]) != stated:
            raise DataError(
                f"num_{pool} must be the number of {pool} images; {description.name}.yaml says "
                f"{stated:,}, its files hold {len(pools[f'{pool}_labels']):,}"
            )
    labels = np.concatenate([pools["train_labels"], pools["test_labels"]])
    return Dataset(
        name=resolved.dataset,
        image_shape=image_shape,
        max_value=description.max_value,
        num_classes=description.num_classes or int(labels.max()) + 1,
        suits=description.suits,
        **pools,
    )


def _read_table(
    folder: Path, description: Description
) -> tuple[dict[str, NDArray[Any]], tuple[int, int]]:
    """Read a table in which each line is an image, with its label last."""
    path, num_train = folder / str(description.table), description.num_train
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8, ndmin=2)
    except (OSError, EOFError, ValueError, OverflowError) as error:
        raise DataError(f"{path} must hold whole numbers from 0 to 255: {error}") from error
    train, test = table[:num_train], table[num_train:]
    if not len(test):
        raise DataError(f"{path} must have more than {num_train} lines; it has {len(table)}")
    height, width = description.image_shape or (0, 0)
    arrays = (train[:, :-1], train[:, -1], test[:, :-1], test[:, -1])
    return dict(zip(POOLS, arrays, strict=True)), (height, width)


def _read_idx_files(
    folder: Path, description: Description
) -> tuple[dict[str, NDArray[Any]], tuple[int, int]]:
    """Read four IDX files; refuse those that do not belong together."""
    arrays = {}
    for pool, name in description.pools.items():
        array = arrays[pool] = read_idx(folder / str(name))
        dimensions = 3 if "images" in pool else 1
        if array.ndim != dimensions:
            raise DataError(
                f"{name} must have {dimensions} dimensions ({pool}); it has {array.ndim}. "
                "Are images and labels swapped?"
            )
    train, test = arrays["train_images"], arrays["test_images"]
    expected = tuple(description.image_shape or train.shape[1:])
    for pool, images in (("train", train), ("test", test)):
        height, width = images.shape[1:]
        if (height, width) != expected:
            raise DataError(
                f"{pool}_images must be of {expected[0]} × {expected[1]} pixels; got "
                f"{height} × {width}"
            )
        num_labels = len(arrays[f"{pool}_labels"])
        if len(images) != num_labels:
            raise DataError(
                f"{pool}_images and {pool}_labels must be of the same length; got {len(images):,} "
                f"and {num_labels:,}. Are the files of training and test swapped?"
            )
        arrays[f"{pool}_images"] = images.reshape(len(images), -1)
    return arrays, (expected[0], expected[1])
