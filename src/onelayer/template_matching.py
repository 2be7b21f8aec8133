"""Template matching: how each class differs from the average, and how well weights match that."""

from __future__ import annotations

import numpy as np

from onelayer.measures import correlation
from onelayer.models import Array
from onelayer.sampling import Split


def class_means(X: Array, targets: Array) -> Array:
    """Return the mean input of each class, (K, D+1), from inputs (N, D+1) and one-hot targets.

    Raises
    ------
    ValueError
        If a class has no example.
    """
    counts = targets.sum(axis=0)
    if not counts.all():
        raise ValueError(f"every class needs an example; class {int(counts.argmin())} has none")
    return np.asarray(targets.T @ X / counts[:, None])


def contrasts(X: Array, targets: Array) -> Array:
    """Return the mean image of each class minus that of all, without the bias: (K, D)."""
    return class_means(X, targets)[:, :-1] - X[:, :-1].mean(axis=0)


def correlations(w: Array, images: Array) -> Array:
    """Return the correlation of each class's weights in w (D+1, K) with its image in (K, D).

    It is Pearson's, without the bias.
    """
    return np.array([correlation(*pair) for pair in zip(w[:-1].T, images, strict=True)])


def nearest_mean_accuracy(split: Split) -> float:
    """Return the share of validation images that are nearest to the mean of their own class."""
    means = class_means(split.X_train, split.targets_train)
    # ‖x − m‖² = ‖x‖² − 2 x·m + ‖m‖², and ‖x‖² is the same for every class.
    distances = (means**2).sum(axis=1) - 2 * split.X_validation @ means.T
    actual = split.targets_validation.argmax(axis=1)
    return float((distances.argmin(axis=1) == actual).mean())
