import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from onelayer.models import (
    LogisticRegression,
    SoftmaxRegression,
    gradient,
    l2_penalty,
    logits,
    objective,
)

EXTREME = [0.0, 1e-30, 1.0, 88.0, 89.0, 709.0, 1e4, 1e30]  # float32's exp overflows at 88.8

ordinary = st.floats(-30, 30, width=32)
any_size = st.floats(-1e6, 1e6, width=32)


def some_logits(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    """Return logits (N, K) of up to 8 examples and 2 to 6 classes."""
    return hnp.arrays(
        np.float64, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=elements
    )


def some_targets(like: np.ndarray) -> np.ndarray:
    """Return one-hot targets shaped like `like`: example n has class n mod K."""
    return np.eye(like.shape[1], dtype=like.dtype)[np.arange(len(like)) % like.shape[1]]


# ---- Softmax regression -------------------------------------------------------------------------


@given(z=some_logits(any_size))
def test_is_a_distribution(z) -> None:
    """Probabilities lie between 0 and 1 and sum to 1."""
    y_hat = SoftmaxRegression(z.shape[1]).probabilities(z)
    assert (y_hat >= 0).all()
    np.testing.assert_allclose(y_hat.sum(axis=1), 1)


@given(z=some_logits(ordinary), shift=st.floats(-1000, 1000))
def test_shift_invariant(z, shift) -> None:
    """A shift of all logits of an example changes neither probabilities nor loss."""
    model, y = SoftmaxRegression(z.shape[1]), some_targets(z)
    np.testing.assert_allclose(model.probabilities(z + shift), model.probabilities(z), 1e-9)
    np.testing.assert_allclose(
        model.cross_entropy(z + shift, y), model.cross_entropy(z, y), 1e-9, 1e-9
    )


@given(z=hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.just(2)), elements=ordinary))
def test_two_classes_are_logistic_regression(z) -> None:
    """With two classes, softmax is the logistic function of the logits' difference."""
    difference, y = z[:, :1] - z[:, 1:], some_targets(z)
    softmax, logistic = SoftmaxRegression(2), LogisticRegression()
    np.testing.assert_allclose(softmax.probabilities(z)[:, :1], logistic.probabilities(difference))
    np.testing.assert_allclose(
        softmax.cross_entropy(z, y), logistic.cross_entropy(difference, y[:, :1]), 1e-9, 1e-12
    )


@given(z=some_logits(ordinary))
def test_loss_is_that_of_the_probabilities(z) -> None:
    """The loss from logits is −Σ y ln ŷ, averaged over the examples."""
    model, y = SoftmaxRegression(z.shape[1]), some_targets(z)
    expected = -(y * np.log(model.probabilities(z))).sum(axis=1).mean()
    np.testing.assert_allclose(model.cross_entropy(z, y), expected, 1e-9, 1e-12)


@given(z=some_logits(ordinary))
def test_residual(z) -> None:
    """The logits are overwritten with ŷ − y, whichever way memory runs."""
    model, y = SoftmaxRegression(z.shape[1]), some_targets(z)
    expected = model.probabilities(z) - y
    for order in "CF":
        overwritten = z.copy(order)
        model.cross_entropy(overwritten, y.copy(order), out_residual=overwritten)
        np.testing.assert_allclose(overwritten, expected, 1e-9, 1e-12)


@pytest.mark.parametrize("num_classes", [2, 10])
def test_zero_weights_of_softmax(num_classes) -> None:
    """Zero weights give every class 1/K and a loss of ln K."""
    model = SoftmaxRegression(num_classes)
    z = logits(np.ones((6, 4)), np.zeros((4, num_classes)))
    np.testing.assert_allclose(model.probabilities(z), 1 / num_classes)
    np.testing.assert_allclose(model.cross_entropy(z, some_targets(z)), np.log(num_classes))


def test_prediction_of_softmax() -> None:
    """A prediction is right only if the target's logit is the largest; a tie is wrong."""
    z = np.array([[1.0, 3.0, 2.0], [1.0, 3.0, 2.0], [2.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    y = np.eye(3)[[1, 2, 0, 0]]
    assert SoftmaxRegression(3).is_correct(z, y).tolist() == [True, False, False, False]
    assert SoftmaxRegression(3).is_correct(z, y).mean() == 0.25


@given(z=hnp.arrays(np.float64, (5, 4), elements=ordinary, unique=True))
def test_prediction_is_the_largest_logit(z) -> None:
    """Without ties, a prediction is right if the largest logit is the target's."""
    y = some_targets(z)
    expected = z.argmax(axis=1) == y.argmax(axis=1)
    assert (SoftmaxRegression(4).is_correct(z, y) == expected).all()


# ---- Logistic regression ------------------------------------------------------------------------


@given(z=hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.just(1)), elements=ordinary))
def test_formulas(z) -> None:
    """ŷ is 1 / (1 + exp(−z)), C the mean of −(y ln ŷ + (1 − y) ln(1 − ŷ))."""
    model, y = LogisticRegression(), (np.arange(len(z)) % 2.0)[:, None]
    y_hat = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(model.probabilities(z), y_hat)
    expected = -np.where(y == 1, np.log(y_hat), np.log(1 / (1 + np.exp(z)))).mean()
    np.testing.assert_allclose(model.cross_entropy(z, y), expected, 1e-9, 1e-12)
    overwritten = z.copy()
    model.cross_entropy(overwritten, y, out_residual=overwritten)
    np.testing.assert_allclose(overwritten, y_hat - y, 1e-9, 1e-12)


def test_zero_weights_of_logistic() -> None:
    """Zero weights give ŷ = ½ and a loss of ln 2."""
    z, y = np.zeros((4, 1)), np.array([[0.0], [1.0], [1.0], [0.0]])
    np.testing.assert_array_equal(LogisticRegression().probabilities(z), 0.5)
    np.testing.assert_allclose(LogisticRegression().cross_entropy(z, y), np.log(2))


def test_prediction_of_logistic() -> None:
    """A prediction is 1 if ŷ ≥ 0.5."""
    z, y = np.array([[-0.1], [0.0], [0.1], [0.1]]), np.array([[0.0], [1.0], [1.0], [0.0]])
    assert LogisticRegression().is_correct(z, y).tolist() == [True, True, True, False]


# ---- What holds for both models -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", EXTREME)
@pytest.mark.parametrize(
    ("model", "target"),
    [
        (LogisticRegression(), [0.0]),
        (LogisticRegression(), [1.0]),
        (SoftmaxRegression(3), [1.0, 0.0, 0.0]),
        (SoftmaxRegression(3), [0.0, 1.0, 0.0]),
    ],
)
def test_extreme_logits_stay_finite(model, target, size, dtype) -> None:
    """Saturated outputs have finite losses, no larger than the logit, and no NaN."""
    z, y = np.zeros((2, len(target)), dtype), np.array([target, target], dtype)
    z[:, 0] = size, -size
    assert np.isfinite(model.probabilities(z)).all()
    loss = model.cross_entropy(z, y, out_residual=z)
    assert np.isfinite(loss)
    assert loss <= 1.1 + size  # ln 3, and as far as the logits are apart
    assert (np.abs(z) <= 1).all()


@pytest.mark.parametrize("model", [LogisticRegression(), SoftmaxRegression(4)])
def test_only_out_residual_is_overwritten(model) -> None:
    """The loss is the same with and without an array for ŷ − y; the logits stay as they are."""
    z, y = np.linspace(-3, 3, 4 * model.num_outputs).reshape(4, -1), np.eye(4)
    y = y[:, : model.num_outputs]
    original, residual = z.copy(), np.empty_like(z)
    assert model.cross_entropy(z, y) == model.cross_entropy(z, y, out_residual=residual)
    np.testing.assert_array_equal(z, original)
    np.testing.assert_allclose(residual, model.probabilities(z) - y)


@pytest.mark.parametrize("model", [LogisticRegression(), SoftmaxRegression(4)])
def test_side_by_side(model) -> None:
    """Logits (N, S, K) give the losses and predictions of each of the S models, in order."""
    rng = np.random.RandomState(0)
    z = rng.normal(size=(7, 3, model.num_outputs))
    y = rng.randint(0, 2, (7, 1)) * 1.0 if model.num_outputs == 1 else some_targets(z[:, 0])
    losses, is_correct = model.cross_entropy(z, y), model.is_correct(z, y)
    assert (losses.shape, is_correct.shape) == ((3,), (7, 3))
    for s in range(3):
        np.testing.assert_allclose(losses[s], model.cross_entropy(z[:, s], y))
        np.testing.assert_array_equal(is_correct[:, s], model.is_correct(z[:, s], y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", [LogisticRegression(), SoftmaxRegression(3)])
def test_dtype_is_kept(model, dtype) -> None:
    """Loss, probabilities and gradient have the dtype of the data."""
    X, w = np.ones((5, 2), dtype), np.zeros((2, model.num_outputs), dtype)
    y = np.ones((5, model.num_outputs), dtype)
    z = logits(X, w)
    assert model.probabilities(z).dtype == dtype
    assert model.cross_entropy(z, y).dtype == dtype
    assert gradient(model, X, w, y, 0.1).dtype == dtype


def test_targets_that_do_not_fit() -> None:
    """Targets whose shape is not that of the logits are refused, with both shapes."""
    for model in (LogisticRegression(), SoftmaxRegression(1)):
        with pytest.raises(ValueError, match=r"targets must have shape \(4, 1\); got \(4,\)"):
            model.cross_entropy(np.zeros((4, 1)), np.zeros(4))


# ---- Logits, penalty, objective, gradient -------------------------------------------------------


def test_objective() -> None:
    """J is C plus λ times half the sum of the squared weights, bias included."""
    rng = np.random.RandomState(1)
    X, w, y = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), np.eye(4)[[0, 1, 2, 3, 0, 1]]
    model = SoftmaxRegression(4)
    C = float(model.cross_entropy(logits(X, w), y))
    assert l2_penalty(w) == pytest.approx((w**2).sum() / 2)
    assert objective(model, X, w, y, 0.3) == pytest.approx(C + 0.3 * (w**2).sum() / 2)


def test_gradient() -> None:
    """The gradient is xᵀ(ŷ − y)/N + λw."""
    rng = np.random.RandomState(2)
    X, w, y = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), np.eye(4)[[0, 1, 2, 3, 0, 1]]
    residual = SoftmaxRegression(4).probabilities(X @ w) - y
    np.testing.assert_allclose(
        gradient(SoftmaxRegression(4), X, w, y, 0.3), X.T @ residual / 6 + 0.3 * w
    )


@pytest.mark.parametrize(
    ("X", "w", "message"),
    [
        (np.zeros((5, 3)), np.zeros((4, 2)), r"got \(5, 3\) and \(4, 2\)"),
        (np.zeros(3), np.zeros((3, 2)), r"shapes \(N, D\+1\) and \(D\+1, K\); got \(3,\)"),
        (np.zeros((5, 3)), np.zeros((3, 2), "float32"), "same dtype; got float64 and float32"),
    ],
)
def test_inputs_that_do_not_fit(X, w, message) -> None:
    """Inputs and weights that do not fit are refused, with their shapes or dtypes."""
    with pytest.raises(ValueError, match=message):
        logits(X, w)
