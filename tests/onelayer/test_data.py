import gzip
import os
from dataclasses import replace

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from onelayer.data import (
    DataError,
    Dataset,
    load,
    one_hot,
    preprocess,
    sample,
    weights_as_images,
)


@pytest.fixture
def dataset() -> Dataset:
    """Return 100 training and 50 test images of 2 × 3 pixels; pixel 0 is the image's number."""
    pools = {}
    for pool, num_images in (("train", 100), ("test", 50)):
        images = np.zeros((num_images, 6), np.uint8)
        images[:, 0] = np.arange(num_images)
        pools[f"{pool}_images"] = images
        pools[f"{pool}_labels"] = (np.arange(num_images) % 10).astype(np.uint8)
    return Dataset(
        name="made-up",
        image_shape=(2, 3),
        max_value=255,
        train_size=3,
        validation_size=2,
        batch_size=1,
        **pools,
    )


def numbers(X: np.ndarray) -> np.ndarray:
    """Return the images' numbers from their first, pre-processed pixels."""
    return np.rint((X[:, 0] + 1) * 127.5).astype(int)


class TestLoad:
    """Data sets as arrays."""

    def test_digits(self, project):
        """The digits are scikit-learn's own, split after the first 1,437 images."""
        load_digits = pytest.importorskip("sklearn.datasets").load_digits
        digits, reference = load("digits"), load_digits()
        assert (digits.name, digits.image_shape, digits.max_value) == ("digits", (8, 8), 16)
        assert digits.train_images.shape == (1437, 64)
        assert digits.test_images.shape == (360, 64)
        assert digits.train_images.dtype == digits.train_labels.dtype == np.uint8
        images = np.concatenate([digits.train_images, digits.test_images])
        labels = np.concatenate([digits.train_labels, digits.test_labels])
        np.testing.assert_array_equal(images, reference.data)
        np.testing.assert_array_equal(labels, reference.target)

    def test_mnist(self, project, files):
        """The four files become pools of flat images that remember their shape."""
        folder = project / "data" / "mnist"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        mnist = load("mnist")
        assert (mnist.name, mnist.image_shape, mnist.max_value) == ("mnist", (4, 3), 255)
        assert mnist.train_images.shape == (60, 12)
        assert mnist.test_labels.shape == (30,)
        raw = gzip.decompress(files["t10k-images-idx3-ubyte.gz"])[16:]
        assert mnist.test_images.tobytes() == raw

    def test_inconsistent_arrays(self, dataset):
        """A data set whose labels or pixels do not fit its images cannot be made."""
        with pytest.raises(DataError, match=r"test_labels must have shape \(50,\); got \(100,\)"):
            replace(dataset, test_labels=dataset.train_labels)
        with pytest.raises(DataError, match=r"train_images must have shape \(N, 9\); got \(100, 6"):
            replace(dataset, image_shape=(3, 3))


@pytest.mark.skipif(
    not os.environ.get("ONELAYER_DATA"),
    reason="needs the real MNIST: set ONELAYER_DATA to a folder with its four files",
)
class TestRealMnist:
    """The published files themselves."""

    def test_the_report_of_2022(self):
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

    def test_the_published_sets(self):
        """MNIST has 60,000 and 10,000 images, and each class is where it was published."""
        mnist = load("mnist")
        assert mnist.train_images.shape == (60_000, 784)
        assert mnist.test_images.shape == (10_000, 784)
        assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert np.bincount(mnist.test_labels)[:3].tolist() == [980, 1135, 1032]


class TestSample:
    """The choice of images."""

    def test_order_of_draws(self, dataset):
        """Stochastic sampling draws training, then validation indices, and nothing else."""
        random_state, reference = np.random.RandomState(3), np.random.RandomState(3)
        split = sample(dataset, random_state, train_size=40, validation_size=20)
        train = reference.choice(100, 40, replace=False)
        validation = reference.choice(50, 20, replace=False)
        np.testing.assert_array_equal(numbers(split.X_train), train)
        np.testing.assert_array_equal(numbers(split.X_validation), validation)
        assert random_state.randint(2**31) == reference.randint(2**31)

    def test_first_last(self, dataset):
        """First/last takes the first training and the last test images, and draws nothing."""
        random_state = np.random.RandomState(3)
        split = sample(
            dataset, random_state, train_size=40, validation_size=20, sampling="first/last"
        )
        np.testing.assert_array_equal(numbers(split.X_train), np.arange(40))
        np.testing.assert_array_equal(numbers(split.X_validation), np.arange(30, 50))
        assert random_state.randint(2**31) == np.random.RandomState(3).randint(2**31)

    def test_two_classes(self, dataset):
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
    def test_layout(self, dataset, dtype, classes):
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

    def test_targets_are_one_hot(self, dataset):
        """Without classes each image's target is the one-hot row of its own label."""
        split = sample(dataset, np.random.RandomState(0), train_size=30, validation_size=5)
        np.testing.assert_array_equal(
            split.targets_train.argmax(axis=1), numbers(split.X_train) % 10
        )

    def test_list_of_classes(self, dataset):
        """Classes may be a list, which is what parameters from a file are."""
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
            ({"classes": (2, 3), "train_size": 3}, "no image of class 3 is among the 3 training"),
            ({"dtype": "float16"}, "dtype must be float32 or float64; got float16"),
            ({"dtype": "floaty"}, "dtype must be float32 or float64; got 'floaty'"),
        ],
    )
    def test_bad_arguments(self, dataset, change, message):
        """Every argument that cannot be met is an error that says what can."""
        arguments = {"train_size": 40, "validation_size": 20, "sampling": "first/last"} | change
        with pytest.raises(DataError, match=message):
            sample(dataset, np.random.RandomState(0), **arguments)

    def test_nan(self, dataset):
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


class TestPreprocess:
    """Pixels to model input."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_formula(self, dtype):
        """Each pixel value x becomes exactly x / 127.5 − 1, and the bias 1 comes last."""
        pixels = np.arange(256, dtype=np.uint8).reshape(8, 32)
        X = preprocess(pixels, 255, dtype)
        np.testing.assert_array_equal(X[:, :-1], pixels.astype(dtype) / dtype(127.5) - 1)
        np.testing.assert_array_equal(X[:, -1], np.ones(8))
        assert (X.min(), X.max()) == (-1, 1)

    def test_digits_range(self):
        """The digits' pixels from 0 to 16 cover [−1, 1] too."""
        X = preprocess(np.array([[0, 8, 16]], np.uint8), 16)
        np.testing.assert_array_equal(X, [[-1, 0, 1, 1]])

    @pytest.mark.parametrize(
        ("images", "max_value"),
        [([[0.0, np.nan]], 255), ([[np.inf]], 255), ([[-1]], 255), ([[256]], 255), ([[17]], 16)],
    )
    def test_bad_pixels(self, images, max_value):
        """Pixels that are NaN, infinite or outside their range are an error."""
        with pytest.raises(DataError, match=f"between 0 and {max_value}"):
            preprocess(images, max_value)

    def test_bad_shape(self):
        """Images must be flat."""
        with pytest.raises(DataError, match=r"shape \(N, D\); got \(2, 3, 4\)"):
            preprocess(np.zeros((2, 3, 4)), 255)


class TestOneHot:
    """Labels to targets."""

    @given(
        labels=hnp.arrays(
            st.sampled_from([np.uint8, np.int64]), st.integers(0, 20), elements=st.integers(0, 9)
        ),
        dtype=st.sampled_from(["float32", "float64"]),
    )
    def test_round_trip(self, labels, dtype):
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
    def test_bad_labels(self, labels, message):
        """Labels that are no classes are an error; −1 does not mean the last class."""
        with pytest.raises(DataError, match=message):
            one_hot(labels, 10)


class TestWeightsAsImages:
    """Weights to pictures."""

    def test_bias_is_dropped(self):
        """Each class's weights become its picture, row by row, without the bias."""
        w = np.arange(14).reshape(7, 2)
        images = weights_as_images(w, (2, 3))
        np.testing.assert_array_equal(images[0], [[0, 2, 4], [6, 8, 10]])
        np.testing.assert_array_equal(images[1], [[1, 3, 5], [7, 9, 11]])

    def test_the_same_bias_as_preprocess(self, dataset):
        """Multiplied by its picture, plus the last weight, an image gives the logit."""
        X = preprocess(dataset.train_images, 255, "float64")
        w = np.random.RandomState(0).normal(size=(7, 3))
        pictures = weights_as_images(w, (2, 3)).reshape(3, -1)
        np.testing.assert_allclose(X[:, :-1] @ pictures.T + w[-1], X @ w)

    def test_bad_shape(self):
        """Weights without a bias row are an error."""
        with pytest.raises(DataError, match=r"w must have shape \(7, K\); got \(6, 2\)"):
            weights_as_images(np.zeros((6, 2)), (2, 3))
