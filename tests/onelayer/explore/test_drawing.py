"""Drawn digits, against the images of the data sets."""

import numpy as np
import pytest

from onelayer.explore.drawing import as_image, ink

MNIST = {"dataset": "mnist", "image_shape": (28, 28), "max_value": 255}
DIGITS = {"dataset": "digits", "image_shape": (8, 8), "max_value": 16}
SEVEN = [[(60.0, 40.0), (200.0, 40.0), (110.0, 240.0)]]


def drawn(strokes, like):
    """Return a drawn image, (H, W)."""
    return as_image(ink(strokes, 280, 22), **like).reshape(like["image_shape"])


def moved(strokes, scale, x, y):
    """Return strokes scaled and moved."""
    return [[(scale * px + x, scale * py + y) for px, py in stroke] for stroke in strokes]


def box(image):
    """Return height and width of what is not empty."""
    return tuple(int(np.ptp(np.flatnonzero((image > 0).any(axis=axis)))) + 1 for axis in (1, 0))


def test_pen_is_round_and_as_wide_as_asked_for():
    """A point is a disc of the pen's width; a line has round ends."""
    disc = ink([[(50, 50)]], 100, 20) > 0
    assert box(disc) == (21, 21)
    assert disc.sum() == pytest.approx(np.pi * 10.5**2, rel=0.05)
    line = ink([[(30, 50), (70, 50)]], 100, 20) > 0
    assert box(line) == (21, 61)


def test_mnist_size_and_centre():
    """The larger side has 20 pixels; the mass is centred on pixel (14, 14), as MNIST's is."""
    image = drawn(SEVEN, MNIST)
    assert max(box(image)) == 20
    rows, columns = np.indices(image.shape)
    for coordinates in (rows, columns):
        assert (coordinates * image).sum() / image.sum() == pytest.approx(14, abs=0.51)
    assert image.max() == pytest.approx(255)
    assert ((image > 0) & (image < 255)).any()  # antialiased


@pytest.mark.parametrize("like", [MNIST, DIGITS])
def test_place_and_size_of_the_drawing_do_not_matter(like):
    """The same digit, small and in a corner, gives nearly the same image."""
    large, small = (
        as_image(ink(strokes, 280, width), **like)
        for strokes, width in ((SEVEN, 22), (moved(SEVEN, 0.5, 3, 140), 11))
    )
    assert np.corrcoef(large.ravel(), small.ravel())[0, 1] > 0.97


def test_proportions_are_kept():
    """A one stays thin, in either data set."""
    one = [[(140.0, 30.0), (140.0, 250.0)]]
    assert box(drawn(one, MNIST)) == (20, 2)
    height, width = box(drawn(one, DIGITS))
    assert height == 8
    assert width <= 2


def test_uci_digits_are_counts():
    """They fill the height; each pixel is the number of bitmap pixels in a block of 4 × 4."""
    for strokes, most in ((SEVEN, 13), ([[(140.0, 140.0)]], 16)):
        image = drawn(strokes, DIGITS)
        np.testing.assert_array_equal(image, np.round(image))
        assert image.max() == most
    assert box(drawn(SEVEN, DIGITS))[0] == 8


def test_lopsided_ink_stays_whole():
    """A heavy corner would push the rest over the edge: nothing is cut off."""
    strokes = [[(x, y) for x in range(10, 120, 8) for y in range(10, 120, 8)], [(270, 270)]]
    image = drawn(strokes, MNIST)
    assert max(box(image)) == 20


@pytest.mark.parametrize("like", [MNIST, DIGITS])
def test_empty_paper(like):
    """Without ink the image is empty."""
    assert not drawn([], like).any()
