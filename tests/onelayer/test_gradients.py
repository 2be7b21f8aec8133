import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onelayer import gradients, models
from onelayer.sampling import Split
from onelayer.trainers import Trainer

EPSILON = 1e-3
MODELS = [models.LogisticRegression(), models.SoftmaxRegression(num_outputs=5)]


def batch(model, seed=0, num_examples=20, num_inputs=12, dtype=np.float64):
    """Draw inputs in [−1, 1] with the bias 1 last, weights, and one-hot (or 0/1) targets."""
    random = np.random.RandomState(seed)
    X = random.uniform(-1, 1, (num_examples, num_inputs))
    X[:, -1] = 1
    w = random.normal(0, 0.5, (num_inputs, model.num_outputs))
    classes = random.randint(0, max(2, model.num_outputs), num_examples)
    targets = classes[:, None] if model.num_outputs == 1 else np.eye(model.num_outputs)[classes]
    return X.astype(dtype), w.astype(dtype), targets.astype(dtype)


def split_of(model, seed=0, num_examples=20, num_inputs=12, dtype=np.float32):
    """Return a split whose training images are those of `batch`."""
    X, _, targets = batch(model, seed, num_examples, num_inputs, dtype)
    return Split(X, targets, X, targets, image_shape=(1, num_inputs - 1))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("l2_lambda", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_agree_with_central_difference(model, l2_lambda, dtype) -> None:
    """Two steps of the trainer follow the gradient of each model, with and without L2, to ε²."""
    deviation = gradients.check_steps(
        Trainer(model, 0.05, batch_size=20), split_of(model, dtype=dtype), 3, l2_lambda, EPSILON
    )
    assert 0 < deviation <= EPSILON**2


@settings(deadline=None, max_examples=30)
@given(
    model=st.sampled_from(MODELS),
    seed=st.integers(0, 2**32 - 1),
    num_examples=st.integers(2, 40),
    num_inputs=st.integers(2, 30),
    learning_rate=st.floats(1e-4, 0.2),
    l2_lambda=st.floats(0, 2),
)
def test_steps_agree_for_any_batch(
    model, seed, num_examples, num_inputs, learning_rate, l2_lambda
) -> None:
    """The agreement to ε² does not depend on the batch, the weights, a stable η or λ."""
    trainer = Trainer(model, learning_rate, num_examples)
    split = split_of(model, seed, num_examples, num_inputs)
    assert gradients.check_steps(trainer, split, seed, l2_lambda, EPSILON) <= EPSILON**2


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("block_numbers", [1, 1500, 2**17])
def test_central_difference_is_that_of_the_objective(
    model, block_numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moving logits, in blocks of any size, equals evaluating J twice for each weight."""
    monkeypatch.setattr(gradients, "_BLOCK_NUMBERS", block_numbers)
    X, w, targets = batch(model)
    one_by_one = np.empty_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = EPSILON
        above, below = (
            models.objective(model, X, moved, targets, 0.1) for moved in (w + step, w - step)
        )
        one_by_one[index] = (above - below) / (2 * EPSILON)
    all_at_once = gradients.central_difference(model, X, w, targets, 0.1, EPSILON)
    np.testing.assert_allclose(all_at_once, one_by_one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_error_of_central_difference_is_quadratic(model) -> None:
    """A step ten times as large makes the error of the difference a hundred times as large."""
    trainer, split = Trainer(model, 0.05, batch_size=20), split_of(model)
    errors = [gradients.check_steps(trainer, split, 3, 0.1, epsilon) for epsilon in (1e-3, 1e-2)]
    assert errors[1] / errors[0] == pytest.approx(100, rel=0.01)


def test_central_difference_computes_in_float64() -> None:
    """Float32 inputs give, bit for bit, the difference of the same numbers in float64."""
    model = models.SoftmaxRegression(num_outputs=5)
    narrow = batch(model, dtype=np.float32)
    wide = [array.astype(np.float64) for array in narrow]
    result = gradients.central_difference(model, *narrow, 0.1)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, gradients.central_difference(model, *wide, 0.1))


def test_central_difference_leaves_its_inputs_alone() -> None:
    """Inputs, weights and targets are the same after the check as before."""
    model = models.SoftmaxRegression(num_outputs=5)
    arrays = batch(model)
    copies = [array.copy() for array in arrays]
    gradients.central_difference(model, *arrays, 0.1)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("slope", [gradients.central_difference, models.gradient])
def test_two_class_softmax_equals_logistic(slope) -> None:
    """Softmax with weights (w, 0) has logistic regression's slope in w, and minus it in 0."""
    logistic, softmax = models.LogisticRegression(), models.SoftmaxRegression(num_outputs=2)
    X, w, targets = batch(logistic)
    one_logit = slope(logistic, X, w, targets)
    two_logits = slope(
        softmax, X, np.hstack([w, np.zeros_like(w)]), np.hstack([targets, 1 - targets])
    )
    np.testing.assert_allclose(two_logits, np.hstack([one_logit, -one_logit]), atol=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, -1e-3, float("nan")])
def test_step_must_be_positive(epsilon) -> None:
    """A step that is not positive is refused, with its value."""
    with pytest.raises(ValueError, match=rf"epsilon must be positive; got {epsilon}"):
        gradients.central_difference(MODELS[0], *batch(MODELS[0]), epsilon=epsilon)


def test_targets_must_fit() -> None:
    """Targets of the wrong shape are refused, with both shapes."""
    X, w, targets = batch(MODELS[1])
    with pytest.raises(ValueError, match=r"targets must have shape \(20, 5\); got \(20, 4\)"):
        gradients.central_difference(MODELS[1], X, w, targets[:, :4])


def test_check_steps_uses_the_first_images() -> None:
    """The check takes the first two batches of real images, whatever comes after them."""
    model = MODELS[1]
    split = split_of(model)
    X, targets = split.X_train.copy(), split.targets_train.copy()
    X[16:], targets[16:] = 1, targets[0]
    others = Split(X, targets, X, targets, split.image_shape)
    trainer = Trainer(model, 0.05, batch_size=8)
    assert gradients.check_steps(trainer, split, 3) == gradients.check_steps(trainer, others, 3)
