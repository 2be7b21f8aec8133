import numpy as np
import pytest

from onelayer import template_matching
from onelayer.sampling import Split

X = np.array([[1.0, 0, 0, 1], [3, 0, 0, 1], [0, 4, 0, 1], [0, 0, 2, 1]])  # the bias is last
TARGETS = np.eye(3)[[0, 0, 1, 2]]


def test_means_and_contrasts() -> None:
    """A contrast is the mean of a class minus the mean of all, without the bias."""
    means = template_matching.class_means(X, TARGETS)
    np.testing.assert_allclose(means, [[2, 0, 0, 1], [0, 4, 0, 1], [0, 0, 2, 1]])
    expected = means[:, :-1] - [1, 1, 0.5]
    np.testing.assert_allclose(template_matching.contrasts(X, TARGETS), expected)


def test_class_without_examples() -> None:
    """Such a class has no mean and is refused, with its number."""
    with pytest.raises(ValueError, match="class 1 has none"):
        template_matching.class_means(X, np.eye(3)[[0, 0, 2, 2]])


def test_correlations() -> None:
    """They equal NumPy's for each class, whatever the scale, offset or bias."""
    rng = np.random.RandomState(0)
    w, images = rng.normal(size=(6, 3)), rng.normal(size=(3, 5))
    expected = [np.corrcoef(w[:-1, k], images[k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(template_matching.correlations(w, images), expected)
    scaled = np.vstack([-2 * w[:-1] + 7, [[9, 9, 9]]])
    np.testing.assert_allclose(
        template_matching.correlations(scaled, images), [-e for e in expected]
    )


def test_nearest_mean() -> None:
    """An image is predicted as the class whose mean is nearest, whatever its size."""
    images = np.array([[1.0, 1.5, 0, 1], [0, 3, 0, 1], [1.2, 0, 1, 1]])
    right = Split(X, TARGETS, images, np.eye(3)[[0, 1, 2]], (3,))
    distances = ((images[:, None] - template_matching.class_means(X, TARGETS)) ** 2).sum(axis=2)
    expected = (distances.argmin(axis=1) == [0, 1, 2]).mean()
    assert template_matching.nearest_mean_accuracy(right) == pytest.approx(expected)
    assert 0 < expected < 1
