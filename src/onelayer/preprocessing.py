"""Turns pixels and labels into the models' inputs, and weights back into pictures.

Only `preprocess` and `weights_as_images` know where the bias is: last.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from onelayer.errors import DataError
from onelayer.models import Array


def preprocess(images: ArrayLike, max_value: float, dtype: DTypeLike = "float32") -> Array:
    """Scale pixels from [0, max_value] to [−1, 1] and append the bias 1.

    x ↦ x / (max_value / 2) − 1; for MNIST x / 127.5 − 1.

    Parameters
    ----------
    images : array of shape (N, D)
        Pixels, of any real dtype.
    max_value : float
        The largest value that a pixel can have.
    dtype : {"float32", "float64"}
        The precision in which the formula is computed.

    Returns
    -------
    float array of shape (N, D+1), C-contiguous, with the bias in the last column.

    Raises
    ------
    DataError
        If pixels are NaN or outside [0, max_value], or the shape or `dtype` is another.
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
    dtype = float_dtype(dtype)
    X = np.empty((len(images), images.shape[1] + 1), dtype)
    pixels = X[:, :-1]
    np.divide(images, max_value / 2, out=pixels, dtype=dtype, casting="same_kind")
    pixels -= 1
    X[:, -1] = 1
    return X


def one_hot(labels: ArrayLike, num_classes: int, dtype: DTypeLike = "float32") -> Array:
    """Return an array of shape (N, num_classes) with a 1 in each row's column `labels[n]`.

    Raises
    ------
    DataError
        If labels are not whole numbers from 0 to num_classes − 1, or not of shape (N,).
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
    targets = np.zeros((len(labels), num_classes), float_dtype(dtype))
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
        If `w` does not have H·W + 1 rows.
    """
    num_rows = math.prod(image_shape) + 1
    if w.ndim != 2 or len(w) != num_rows:
        raise DataError(f"w must have shape ({num_rows}, K); got {w.shape}")
    return w[:-1].T.reshape(-1, *image_shape)


def float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return `dtype`, or raise a DataError if it is neither float32 nor float64."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = repr(dtype)
    if name not in ("float32", "float64"):
        raise DataError(f"dtype must be float32 or float64; got {name}")
    return np.dtype(name)
