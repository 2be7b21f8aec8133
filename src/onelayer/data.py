"""The data sets as published: images and labels, read from their files into arrays."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import DataError
from onelayer.idx import read_idx
from onelayer.locate import locate

_DIGITS_TRAIN = 1437  # of 1,797 digits: 80 %


@dataclass(frozen=True)
class Dataset:
    """Images and labels as published: a pool to train on and a pool to validate on.

    Attributes
    ----------
    name : str
        ``"mnist"`` or ``"digits"``.
    train_images, test_images : uint8 array of shape (N, H·W)
        Pixels from 0 to `max_value`, row by row.
    train_labels, test_labels : uint8 array of shape (N,)
        Classes from 0 to `num_classes` − 1.
    image_shape : (int, int)
        (H, W): (28, 28) for MNIST, (8, 8) for the digits.
    max_value : int
        255 for MNIST, 16 for the digits.
    train_size, validation_size, batch_size : int
        What suits this data set unless you ask for something else; for MNIST the assignment's.
    """

    name: str
    train_images: NDArray[Any]
    train_labels: NDArray[Any]
    test_images: NDArray[Any]
    test_labels: NDArray[Any]
    image_shape: tuple[int, int]
    max_value: int
    train_size: int
    validation_size: int
    batch_size: int
    num_classes: int = 10

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


def load(dataset: str = "auto") -> Dataset:
    """Read "mnist", "digits" or, with "auto", whichever of them `locate.resolve` decides for.

    Raises
    ------
    DataError
        As `locate.resolve`, and for files that do not hold what they should.

    Notes
    -----
    MNIST: LeCun, Cortes and Burges. Digits: E. Alpaydin and C. Kaynak, UCI, the 1,797 images that
    ship with scikit-learn; the first 1,437 are the training pool, the last 360 the test pool.
    """
    resolved, folder = locate(dataset)
    if resolved.dataset == "digits":
        table = np.loadtxt(folder / "digits.csv.gz", delimiter=",", dtype=np.uint8)
        images, labels = table[:, :-1], table[:, -1]
        return Dataset(
            "digits",
            images[:_DIGITS_TRAIN],
            labels[:_DIGITS_TRAIN],
            images[_DIGITS_TRAIN:],
            labels[_DIGITS_TRAIN:],
            (8, 8),
            max_value=16,
            train_size=_DIGITS_TRAIN,
            validation_size=len(table) - _DIGITS_TRAIN,
            batch_size=16,
        )
    train_images, test_images = (
        read_idx(folder / f"{pool}-images-idx3-ubyte.gz") for pool in ("train", "t10k")
    )
    train_labels, test_labels = (
        read_idx(folder / f"{pool}-labels-idx1-ubyte.gz") for pool in ("train", "t10k")
    )
    return Dataset(
        "mnist",
        train_images.reshape(len(train_images), -1),
        train_labels,
        test_images.reshape(len(test_images), -1),
        test_labels,
        train_images.shape[1:],
        max_value=255,
        train_size=18_000,
        validation_size=2_000,
        batch_size=128,
    )
