"""Turns a drawn digit into an image like those of the data set: strokes → ink → pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from onelayer.models import Array

Stroke = Sequence[tuple[float, float]]  # points (x, y), from the upper left corner


def ink(strokes: Sequence[Stroke], size: int, width: int) -> NDArray[np.uint8]:
    """Return the strokes of a round pen as a picture (size, size): 255 is ink, 0 is paper."""
    picture = Image.new("L", (size, size))
    pen = ImageDraw.Draw(picture)
    radius = width / 2
    for stroke in strokes:
        pen.line([(x, y) for x, y in stroke], fill=255, width=width)
        for x, y in stroke:  # round ends and joints
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(picture)


def as_image(
    ink: NDArray[np.uint8], dataset: str, image_shape: tuple[int, int], max_value: float
) -> Array:
    """Return ink (H, W) as an image of the data set, (1, D), pixels from 0 to `max_value`.

    Images for `digits` are made as UCI's were, all others as MNIST's. Without ink the image is
    empty.
    """
    if not ink.any():
        return np.zeros((1, image_shape[0] * image_shape[1]))
    make = _like_uci if dataset == "digits" else _like_mnist
    return make(ink, image_shape).reshape(1, -1) * max_value


def _like_mnist(ink: NDArray[np.uint8], image_shape: tuple[int, int]) -> Array:
    """Fit the ink into 20/28 of the image, keep its proportions, centre its mass.

    MNIST's digits were scaled into 20 × 20 pixels, antialiased, and translated so that their
    centre of mass is the centre of 28 × 28, pixel (14, 14):
    http://yann.lecun.com/exdb/mnist/
    """
    height, width = image_shape
    small = _fitted(ink, round(20 / 28 * height), round(20 / 28 * width))
    rows, columns = np.indices(small.shape)
    top = round(height / 2 - float((rows * small).sum() / small.sum()))
    left = round(width / 2 - float((columns * small).sum() / small.sum()))
    # Lopsided ink would be cut off at the edge, so it is kept whole, a little off centre.
    top = min(max(top, 0), height - small.shape[0])
    left = min(max(left, 0), width - small.shape[1])
    image = np.zeros(image_shape)
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def _like_uci(ink: NDArray[np.uint8], image_shape: tuple[int, int]) -> Array:
    """Fit the ink into a bitmap of four times the size; count its pixels in blocks of 4 × 4.

    This follows the data set's description (E. Alpaydin, C. Kaynak: Optical Recognition of
    Handwritten Digits, UCI, 1998). Its images show that digits fill the bitmap's height and are
    centred horizontally.
    """
    height, width = 4 * image_shape[0], 4 * image_shape[1]
    small = _fitted(ink, height, width)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    bitmap = np.zeros((height, width))
    bitmap[top : top + small.shape[0], left : left + small.shape[1]] = small >= 0.5
    return bitmap.reshape(image_shape[0], 4, image_shape[1], 4).mean(axis=(1, 3))


def _fitted(ink: NDArray[np.uint8], height: int, width: int) -> Array:
    """Return the inked part of the paper, in [0, 1], scaled to fit into (height, width)."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = min(width / cut.width, height / cut.height)
    size = (max(1, round(scale * cut.width)), max(1, round(scale * cut.height)))
    return np.asarray(cut.resize(size, Image.Resampling.BOX), float) / 255
