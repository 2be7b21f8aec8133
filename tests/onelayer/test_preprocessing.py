import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from onelayer.errors import DataError
from onelayer.preprocessing import one_hot, preprocess, weights_as_images

# ---- Pixels to model input ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_formula(dtype) -> None:
    """Each pixel value x becomes exactly x / 127.5 − 1, and the bias 1 comes last."""
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    X = preprocess(pixels, 255, dtype)
    np.testing.assert_array_equal(X[:, :-1], pixels.astype(dtype) / dtype(127.5) - 1)
    np.testing.assert_array_equal(X[:, -1], np.ones(8))
    assert (X.min(), X.max()) == (-1, 1)


def test_digits_range() -> None:
    """The digits' pixels from 0 to 16 cover [−1, 1] too."""
    X = preprocess(np.array([[0, 8, 16]], np.uint8), 16)
    np.testing.assert_array_equal(X, [[-1, 0, 1, 1]])


@pytest.mark.parametrize(
    ("images", "max_value"),
    [([[0.0, np.nan]], 255), ([[np.inf]], 255), ([[-1]], 255), ([[256]], 255), ([[17]], 16)],
)
def test_bad_pixels(images, max_value) -> None:
    """Pixels that are NaN, infinite or outside their range are an error."""
    with pytest.raises(DataError, match=f"between 0 and {max_value}"):
        preprocess(images, max_value)


def test_bad_shape_of_preprocess() -> None:
    """Images must be flat."""
    with pytest.raises(DataError, match=r"shape \(N, D\); got \(2, 3, 4\)"):
        preprocess(np.zeros((2, 3, 4)), 255)


# ---- Labels to targets --------------------------------------------------------------------------


@given(
    labels=hnp.arrays(
        st.sampled_from([np.uint8, np.int64]), st.integers(0, 20), elements=st.integers(0, 9)
    ),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_round_trip(labels, dtype) -> None:
    """Each row has a single 1, in the column of its label."""
    targets = one_hot(labels, 10, dtype)
    assert targets.shape == (len(labels), 10)
    assert targets.dtype == dtype
    np.testing.assert_array_equal(targets.sum(axis=1), np.ones(len(labels)))
    np.testing.assert_array_equal(targets.argmax(axis=1), labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([10], "between 0 and 9; got 10 to 10"),
        ([-1, 3], "between 0 and 9"),
        ([1.0], "integers of shape"),
        ([[1]], r"got int64 of shape \(1, 1\)"),
    ],
)
def test_bad_labels(labels, message) -> None:
    """Labels that are not classes are an error; −1 does not mean the last class."""
    with pytest.raises(DataError, match=message):
        one_hot(labels, 10)


# ---- Weights to pictures ------------------------------------------------------------------------


def test_bias_is_dropped() -> None:
    """Each class's weights become its picture, row by row, without the bias."""
    w = np.arange(14).reshape(7, 2)
    images = weights_as_images(w, (2, 3))
    np.testing.assert_array_equal(images[0], [[0, 2, 4], [6, 8, 10]])
    np.testing.assert_array_equal(images[1], [[1, 3, 5], [7, 9, 11]])


def test_the_same_bias_as_preprocess(dataset) -> None:
    """Multiplied by its picture, plus the last weight, an image gives the logit."""
    X = preprocess(dataset.train_images, 255, "float64")
    w = np.random.RandomState(0).normal(size=(7, 3))
    pictures = weights_as_images(w, (2, 3)).reshape(3, -1)
    np.testing.assert_allclose(X[:, :-1] @ pictures.T + w[-1], X @ w)


def test_bad_shape_of_weights_as_images() -> None:
    """Weights without a bias row are an error."""
    with pytest.raises(DataError, match=r"w must have shape \(7, K\); got \(6, 2\)"):
        weights_as_images(np.zeros((6, 2)), (2, 3))
