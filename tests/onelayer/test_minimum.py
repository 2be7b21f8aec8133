import numpy as np
import pytest

from onelayer import models
from onelayer.minimum import minimum

MODEL = models.SoftmaxRegression(3)


@pytest.fixture
def data():
    """Return inputs and one-hot targets that no line separates."""
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.normal(size=(60, 4)), np.ones(60)])
    return X, np.eye(3)[rng.randint(3, size=60)]


@pytest.mark.parametrize("l2_lambda", [2.0, 0.1])
@pytest.mark.parametrize("step_size", [0.1, 1000.0])
def test_no_slope_is_left(data, l2_lambda, step_size) -> None:
    """The same minimum is reached from anywhere, even with a step that is far too long."""
    X, targets = data
    start = np.random.RandomState(1).normal(size=(5, 3))
    result = minimum(MODEL, X, targets, l2_lambda, start, step_size, tolerance=1e-8, max_steps=5000)
    slope = models.gradient(MODEL, X, result.weights, targets, l2_lambda)
    assert result.largest_slope == pytest.approx(np.abs(slope).max(), abs=1e-12)
    assert result.largest_slope <= 1e-8
    # There the weights are a sum of training images: equation "minimum" of task 4a.
    residual = targets - MODEL.probabilities(models.logits(X, result.weights))
    np.testing.assert_allclose(result.weights, X.T @ residual / (60 * l2_lambda), atol=1e-6)


def test_objective_is_lowest_there(data) -> None:
    """Every step away from it leads up."""
    X, targets = data
    result = minimum(MODEL, X, targets, 0.5, np.zeros((5, 3)), 0.1, tolerance=1e-9, max_steps=1000)
    lowest = models.objective(MODEL, X, result.weights, targets, 0.5)
    for seed in range(5):
        away = result.weights + 1e-3 * np.random.RandomState(seed).normal(size=(5, 3))
        assert models.objective(MODEL, X, away, targets, 0.5) > lowest


def test_steps_are_limited(data) -> None:
    """A descent that stops short of the minimum says how far from it it is."""
    X, targets = data
    result = minimum(MODEL, X, targets, 0.01, np.ones((5, 3)), 1e-4, max_steps=3)
    assert result.largest_slope > 1e-4
    assert result.steps == 3


def test_float32_stays(data) -> None:
    """Weights have the dtype of the inputs, whatever the initial weights have."""
    X, targets = (array.astype(np.float32) for array in data)
    result = minimum(MODEL, X, targets, 2.0, np.zeros((5, 3)), 0.1)
    assert result.weights.dtype == np.float32
    assert result.largest_slope <= 1e-4


@pytest.mark.parametrize(("l2_lambda", "step_size"), [(0.0, 0.1), (1.0, 0.0), (-1.0, 0.1)])
def test_without_a_minimum(data, l2_lambda, step_size) -> None:
    """λ and the step have to be positive."""
    with pytest.raises(ValueError, match="must be positive"):
        minimum(MODEL, *data, l2_lambda, np.zeros((5, 3)), step_size)
