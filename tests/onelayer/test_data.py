import gzip
import os
from dataclasses import replace

import numpy as np
import pytest

from onelayer.data import load
from onelayer.errors import DataError

# ---- Data sets as arrays ------------------------------------------------------------------------


def test_digits(project) -> None:
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


def test_mnist(project, files) -> None:
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


def test_inconsistent_arrays(dataset) -> None:
    """A data set whose labels or pixels do not fit its images cannot be made."""
    with pytest.raises(DataError, match=r"test_labels must have shape \(50,\); got \(100,\)"):
        replace(dataset, test_labels=dataset.train_labels)
    with pytest.raises(DataError, match=r"train_images must have shape \(N, 9\); got \(100, 6"):
        replace(dataset, image_shape=(3, 3))


# ---- The published files themselves -------------------------------------------------------------


@pytest.mark.skipif(
    not os.environ.get("ONELAYER_DATA"),
    reason="needs the real MNIST: set ONELAYER_DATA to a folder with its four files",
)
def test_the_published_sets() -> None:
    """MNIST has 60,000 and 10,000 images, with the published labels."""
    mnist = load("mnist")
    assert mnist.train_images.shape == (60_000, 784)
    assert mnist.test_images.shape == (10_000, 784)
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(mnist.test_labels)[:3].tolist() == [980, 1135, 1032]
