"""Measures of weights: how large they are, and how rough as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.models import Array


def roughness(images: NDArray[Any]) -> Array:
    """Return total variation / ‖w‖₁ of each weight picture (K, H, W); shape (K,).

    Total variation is the sum of |differences| between neighbouring pixels, right and below. On
    its own it would fall merely because the weights shrink; the ratio does not depend on scale.
    """
    across = np.abs(np.diff(images, axis=2)).sum(axis=(1, 2))
    down = np.abs(np.diff(images, axis=1)).sum(axis=(1, 2))
    return np.asarray((across + down) / np.abs(images).sum(axis=(1, 2)))


def squared_norm(w: Array) -> float:
    """Return Σ w², bias included, summed in float64."""
    return float(np.square(w, dtype=np.float64).sum())
