"""The data sets as arrays: read, sampled, and pre-processed into what the models take.

`onelayer.locate` finds and verifies the files, `onelayer.idx` reads MNIST's; their public names
are offered here too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from onelayer.errors import DataError
from onelayer.idx import read_idx
from onelayer.locate import Resolved, locate, resolve

__all__ = [
    "DataError",
    "Dataset",
    "Resolved",
    "Split",
    "load",
    "one_hot",
    "preprocess",
    "read_idx",
    "resolve",
    "sample",
    "weights_as_images",
]

Floats: TypeAlias = NDArray[np.floating[Any]]

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
        What suits this data set where nobody says otherwise; for MNIST the assignment's.
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


@dataclass(frozen=True)
class Split:
    """What a model trains on and is validated on; all arrays are C-contiguous.

    Attributes
    ----------
    X_train, X_validation : float array of shape (N, D+1)
        Pixels in [−1, 1] with the bias 1 last; D = H·W.
    targets_train, targets_validation : float array of shape (N, K)
        One-hot rows, or for two classes one column: 1 for the first class, 0 for the second.
    image_shape : (int, int)
        (H, W).
    """

    X_train: Floats
    targets_train: Floats
    X_validation: Floats
    targets_validation: Floats
    image_shape: tuple[int, int]


def load(dataset: str = "auto") -> Dataset:
    """Resolve `dataset` (see `resolve`), verify its files and read them.

    Raises
    ------
    DataError
        Whatever `resolve` raises, or files that do not hold what they should.

    Notes
    -----
    MNIST: LeCun, Cortes and Burges. Digits: E. Alpaydin and C. Kaynak, UCI, the 1,797 images that
    ship with scikit-learn; the first 1,437 are the training pool, the last 360 the test pool.
    """
    resolved, folder = locate(dataset)
    if resolved.dataset == "digits":
        table = np.loadtxt(folder / "digits.csv.gz", delimiter=",", dtype=np.uint8)
        train, test = table[:_DIGITS_TRAIN], table[_DIGITS_TRAIN:]
        return Dataset(
            "digits",
            train[:, :-1],
            train[:, -1],
            test[:, :-1],
            test[:, -1],
            (8, 8),
            max_value=16,
            train_size=len(train),
            validation_size=len(test),
            batch_size=16,
        )
    train_images, test_images = (
        read_idx(folder / f"{pool}-images-idx3-ubyte.gz") for pool in ("train", "t10k")
    )
    train_labels, test_labels = (
        read_idx(folder / f"{pool}-labels-idx1-ubyte.gz") for pool in ("train", "t10k")
    )
    _, height, width = train_images.shape
    return Dataset(
        "mnist",
        train_images.reshape(-1, height * width),
        train_labels,
        test_images.reshape(-1, height * width),
        test_labels,
        (height, width),
        max_value=255,
        train_size=18_000,
        validation_size=2_000,
        batch_size=128,
    )


def sample(
    dataset: Dataset,
    random_state: np.random.RandomState,
    *,
    train_size: int = 0,
    validation_size: int = 0,
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
        Drawn from twice by stochastic sampling: training indices first, validation indices next.
        Its stream is frozen (NEP 19), so that a seed means the same images for ever.
    train_size, validation_size : int
        Numbers of images, before `classes` are picked; 0 means what suits the data set.
    sampling : {"stochastic", "first/last"}
        Without replacement; or the first training and the last test images, drawing nothing.
    classes : (int, int), optional
        Keep these two classes; the targets have shape (N, 1) and are 1 for the first of them.
        Without it they are one-hot, of shape (N, `dataset.num_classes`).
    dtype : {"float32", "float64"}
        Of images and targets.

    Raises
    ------
    DataError
        A size outside the pool, an unknown `sampling` or `dtype`, `classes` that are not two
        different ones of the data set, a class of which no image was chosen, or bad pixels.
    """
    _float_dtype(dtype)
    train_size = train_size or dataset.train_size
    validation_size = validation_size or dataset.validation_size
    for size_name, size, pool in (
        ("train_size", train_size, dataset.train_labels),
        ("validation_size", validation_size, dataset.test_labels),
    ):
        if not 1 <= size <= len(pool):
            raise DataError(
                f"{size_name} must lie between 1 and {len(pool)}, all that {dataset.name} has; "
                f"got {size}"
            )
    if sampling == "stochastic":
        train = random_state.choice(len(dataset.train_labels), train_size, replace=False)
        validation = random_state.choice(len(dataset.test_labels), validation_size, replace=False)
    elif sampling == "first/last":
        train = np.arange(train_size)
        validation = np.arange(len(dataset.test_labels))[-validation_size:]
    else:
        raise DataError(f"sampling must be 'stochastic' or 'first/last'; got {sampling!r}")
    if classes is not None:
        train = _of_classes(dataset, "training", dataset.train_labels, train, classes)
        validation = _of_classes(dataset, "validation", dataset.test_labels, validation, classes)

    def targets(labels: NDArray[Any]) -> Floats:
        if classes is None:
            return one_hot(labels, dataset.num_classes, dtype)
        return (labels == classes[0]).astype(dtype)[:, np.newaxis]

    return Split(
        X_train=preprocess(dataset.train_images[train], dataset.max_value, dtype),
        targets_train=targets(dataset.train_labels[train]),
        X_validation=preprocess(dataset.test_images[validation], dataset.max_value, dtype),
        targets_validation=targets(dataset.test_labels[validation]),
        image_shape=dataset.image_shape,
    )


def _of_classes(
    dataset: Dataset,
    purpose: str,
    labels: NDArray[Any],
    indices: NDArray[np.intp],
    classes: Sequence[int],
) -> NDArray[np.intp]:
    """Return those `indices` whose label is one of `classes`, in the same order."""
    known = range(dataset.num_classes)
    if len(classes) != 2 or classes[0] == classes[1] or any(c not in known for c in classes):
        raise DataError(
            f"classes must be two different ones of 0 to {known[-1]}; got {tuple(classes)}"
        )
    chosen = labels[indices]
    for wanted in classes:
        if wanted not in chosen:
            raise DataError(
                f"no image of class {wanted} is among the {len(indices)} {purpose} images: "
                "choose more of them, or another seed"
            )
    return indices[np.isin(chosen, classes)]


def preprocess(images: ArrayLike, max_value: float, dtype: DTypeLike = "float32") -> Floats:
    """Scale pixels from [0, max_value] to [−1, 1] and append the bias 1.

    x ↦ x / (max_value / 2) − 1; for MNIST x / 127.5 − 1.

    Parameters
    ----------
    images : array of shape (N, D)
        Pixels, of any real dtype.
    max_value : float
        The largest value that a pixel can have.
    dtype : {"float32", "float64"}
        In which the formula is computed.

    Returns
    -------
    float array of shape (N, D+1), C-contiguous, with the bias in the last column.

    Raises
    ------
    DataError
        Pixels that are NaN or outside [0, max_value], or another shape or dtype.
    """
    images = np.asarray(images)
    if images.ndim != 2:
        raise DataError(f"images must have shape (N, D); got {images.shape}")
    cannot_be_wrong = images.dtype == np.uint8 and max_value >= 255
    if images.size and not cannot_be_wrong:
        lowest, highest = images.min(), images.max()  # NaN, if any pixel is NaN
        if not (lowest >= 0 and highest <= max_value):
            raise DataError(
                f"pixels must lie between 0 and {max_value} and not be NaN; "
                f"got {lowest} to {highest}"
            )
    dtype = _float_dtype(dtype)
    X = np.empty((len(images), images.shape[1] + 1), dtype)
    pixels = X[:, :-1]
    np.divide(images, max_value / 2, out=pixels, dtype=dtype, casting="same_kind")
    pixels -= 1
    X[:, -1] = 1
    return X


def one_hot(labels: ArrayLike, num_classes: int, dtype: DTypeLike = "float32") -> Floats:
    """Return an array of shape (N, num_classes) with a 1 in each row's column `labels[n]`.

    Raises
    ------
    DataError
        Labels that are not whole numbers from 0 to num_classes − 1, or not of shape (N,).
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "ui"):
        raise DataError(
            f"labels must be integers of shape (N,); got {labels.dtype} of shape {labels.shape}"
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < num_classes):
        raise DataError(
            f"labels must lie between 0 and {num_classes - 1}; got {labels.min()} to {labels.max()}"
        )
    targets = np.zeros((len(labels), num_classes), _float_dtype(dtype))
    targets[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return targets


def weights_as_images(w: NDArray[Any], image_shape: tuple[int, int]) -> NDArray[Any]:
    """Return the weights of each class as a picture, without the bias.

    Parameters
    ----------
    w : float array of shape (D+1, K)
        The last row belongs to the bias: `preprocess` appends it there.
    image_shape : (int, int)
        (H, W) with H·W = D.

    Returns
    -------
    array of shape (K, H, W), a view where possible.

    Raises
    ------
    DataError
        `w` has another number of rows than H·W + 1.
    """
    num_rows = math.prod(image_shape) + 1
    if w.ndim != 2 or len(w) != num_rows:
        raise DataError(f"w must have shape ({num_rows}, K); got {w.shape}")
    return w[:-1].T.reshape(-1, *image_shape)


def _float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = repr(dtype)
    if name not in ("float32", "float64"):
        raise DataError(f"dtype must be float32 or float64; got {name}")
    return np.dtype(name)
