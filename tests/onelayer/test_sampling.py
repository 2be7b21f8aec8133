import os
from dataclasses import replace

import numpy as np
import pytest

from onelayer.data import load
from onelayer.errors import DataError
from onelayer.sampling import Split, sample


def numbers(X: np.ndarray) -> np.ndarray:
    """Return the images' numbers from their first, pre-processed pixels."""
    return np.rint((X[:, 0] + 1) * 127.5).astype(int)


# ---- The choice of images -----------------------------------------------------------------------


def test_order_of_draws(dataset) -> None:
    """Stochastic sampling draws training, then validation indices, and nothing else."""
    random_state, reference = np.random.RandomState(3), np.random.RandomState(3)
    split = sample(dataset, random_state, train_size=40, validation_size=20)
    train = reference.choice(100, 40, replace=False)
    validation = reference.choice(50, 20, replace=False)
    np.testing.assert_array_equal(numbers(split.X_train), train)
    np.testing.assert_array_equal(numbers(split.X_validation), validation)
    assert random_state.randint(2**31) == reference.randint(2**31)


def test_first_last(dataset) -> None:
    """First/last takes the first training and the last test images, and draws nothing."""
    random_state = np.random.RandomState(3)
    split = sample(dataset, random_state, train_size=40, validation_size=20, sampling="first/last")
    np.testing.assert_array_equal(numbers(split.X_train), np.arange(40))
    np.testing.assert_array_equal(numbers(split.X_validation), np.arange(30, 50))
    assert random_state.randint(2**31) == np.random.RandomState(3).randint(2**31)


def test_two_classes(dataset) -> None:
    """Classes are picked after the choice, keep its order, and the first one is target 1."""
    whole = sample(dataset, np.random.RandomState(3), train_size=40, validation_size=20)
    split = sample(
        dataset, np.random.RandomState(3), train_size=40, validation_size=20, classes=(3, 2)
    )
    chosen = numbers(whole.X_train)
    expected = chosen[np.isin(chosen % 10, (2, 3))]
    np.testing.assert_array_equal(numbers(split.X_train), expected)
    np.testing.assert_array_equal(split.targets_train[:, 0], expected % 10 == 3)
    assert split.targets_validation.shape == (len(split.X_validation), 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [None, (2, 3)])
def test_layout(dataset, dtype, classes) -> None:
    """All four arrays have the dtype that was asked for and are C-contiguous."""
    split = sample(
        dataset,
        np.random.RandomState(0),
        train_size=100,
        validation_size=50,
        classes=classes,
        dtype=dtype,
    )
    assert split.image_shape == (2, 3)
    assert split.X_train.shape[1] == 7
    for array in (
        split.X_train,
        split.targets_train,
        split.X_validation,
        split.targets_validation,
    ):
        assert array.dtype == dtype
        assert array.flags.c_contiguous


def test_targets_are_one_hot(dataset) -> None:
    """Without classes each image's target is the one-hot row of its own label."""
    split = sample(dataset, np.random.RandomState(0), train_size=30, validation_size=5)
    np.testing.assert_array_equal(split.targets_train.argmax(axis=1), numbers(split.X_train) % 10)


def test_list_of_classes(dataset) -> None:
    """Classes may be a list, as parameters from a file are."""
    split = sample(
        dataset, np.random.RandomState(0), train_size=100, validation_size=50, classes=[2, 3]
    )
    assert len(split.X_train) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_size": 101}, "train_size must lie between 1 and 100.*got 101"),
        ({"train_size": -1}, "train_size must lie between"),
        ({"validation_size": 51}, "validation_size must lie between 1 and 50"),
        ({"sampling": "random"}, "sampling must be 'stochastic' or 'first/last'; got 'random'"),
        ({"classes": (2, 10)}, r"classes must be two different ones of 0 to 9; got \(2, 10\)"),
        ({"classes": (-1, 2)}, "classes must be"),
        ({"classes": (2, 2)}, "classes must be"),
        ({"classes": (2, 3, 4)}, "classes must be"),
        (
            {"classes": (2, 3), "train_size": 3},
            "no image of class 3 is among those of train_size = 3",
        ),
        ({"dtype": "float16"}, "dtype must be float32 or float64; got float16"),
        ({"dtype": "floaty"}, "dtype must be float32 or float64; got 'floaty'"),
    ],
)
def test_bad_arguments(dataset, change, message) -> None:
    """Every impossible argument is an error that says what is possible."""
    arguments = {"train_size": 40, "validation_size": 20, "sampling": "first/last"} | change
    with pytest.raises(DataError, match=message):
        sample(dataset, np.random.RandomState(0), **arguments)


def test_nan(dataset) -> None:
    """A chosen image with a missing pixel is an error rather than a model full of NaN."""
    images = dataset.train_images.astype(float)
    images[5, 2] = np.nan
    with pytest.raises(DataError, match="NaN"):
        sample(
            replace(dataset, train_images=images),
            np.random.RandomState(0),
            train_size=100,
            validation_size=20,
        )


# ---- What a split refuses to hold ---------------------------------------------------------------


ARRAYS = ("X_train", "targets_train", "X_validation", "targets_validation")


@pytest.fixture
def split() -> Split:
    """Return 57 training and 23 validation images of five pixels, of three classes."""
    rng, one_hot = np.random.RandomState(0), np.eye(3)[np.arange(57) % 3]
    X = rng.uniform(-1, 1, (57, 6))
    return Split(X, one_hot, X[:23], one_hot[:23], image_shape=(1, 5))


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("values", [[np.nan], [np.inf], [np.inf, -np.inf]])
def test_not_finite(split, name, values) -> None:
    """NaN and infinity are refused, also two that would cancel, and the array is named."""
    array = getattr(split, name).copy()
    array[1, : len(values)] = values
    with pytest.raises(DataError, match=f"{name} must be finite; it holds NaN or infinity"):
        replace(split, **{name: array})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X_train": np.zeros(5)}, r"X_train must have shape \(5, 6\).*got \(5,\)"),
        ({"X_train": np.zeros((57, 6), int)}, r"dtype float32 or float64; got int64"),
        ({"X_train": np.zeros((57, 6), "float16")}, "float32 or float64; got float16"),
        ({"targets_train": np.zeros(57)}, r"targets_train must have shape \(57, 1\).*\(57,\)"),
        ({"targets_train": np.zeros((57, 3), "float32")}, "dtype float64; got .* float32"),
        ({"X_validation": np.zeros((23, 5))}, r"X_validation must .* \(23, 6\).*\(23, 5\)"),
        ({"targets_validation": np.zeros((9, 3))}, r"targets_validation must .*\(9, 3\)"),
        ({"image_shape": (2, 3)}, r"X_train must have shape \(57, 7\).*got \(57, 6\)"),
    ],
)
def test_shapes_and_dtypes(split, changes, message) -> None:
    """Arrays that do not fit are named, with the shape and dtype that would."""
    with pytest.raises(DataError, match=message):
        replace(split, **changes)


# ---- The published files themselves -------------------------------------------------------------


@pytest.mark.skipif(
    not os.environ.get("ONELAYER_DATA"),
    reason="needs the real MNIST: set ONELAYER_DATA to a folder with its four files",
)
def test_the_report_of_2022() -> None:
    """Seed 0 picks the 3,596 training and 403 validation images of the 2022 report."""
    split = sample(
        load("mnist"),
        np.random.RandomState(0),
        train_size=18_000,
        validation_size=2_000,
        classes=(2, 3),
    )
    assert split.X_train.shape == (3_596, 785)
    assert split.X_validation.shape == (403, 785)
    assert split.targets_train.shape == (3_596, 1)
    assert set(np.unique(split.targets_train)) == {0, 1}
