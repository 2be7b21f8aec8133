from dataclasses import replace

import numpy as np
import pytest

from onelayer import measures, models
from onelayer.errors import SettingError
from onelayer.history import History
from onelayer.models import LogisticRegression
from onelayer.sampling import Split
from onelayer.trainers import Trainer

IMAGES = 1000  # for validation


def history(
    validation_accuracy: list[float],
    train_accuracy: list[float] | None = None,
    interval: int = 2,
    steps_per_epoch: int = 10,
) -> History:
    """Return a run with these accuracies, validated after steps 0, `interval` and so on."""
    num_validations = len(validation_accuracy)
    num_steps = (num_validations - 1) * interval + 1
    return History(
        train_loss=np.ones(num_steps),
        validation_step=np.arange(num_validations) * interval,
        validation_loss=np.ones(num_validations),
        validation_accuracy=np.array(validation_accuracy),
        validation_correct=np.arange(IMAGES) < IMAGES * np.array(validation_accuracy)[:, None],
        squared_norm=np.ones(num_validations),
        train_accuracy=None if train_accuracy is None else np.array(train_accuracy),
        weights=np.zeros((3, 1)),
        stop_step=num_steps,
        stop_epoch=(num_steps - 1) // steps_per_epoch,
        stopped_early=False,
        steps_per_epoch=steps_per_epoch,
    )


# ---- The losses of a run in numbers -------------------------------------------------------------


def test_last_and_lowest() -> None:
    """A summary has the last epoch's mean, and the lowest validation loss with its step."""
    run = replace(
        history([0.9] * 8),
        train_loss=np.arange(15.0),
        validation_loss=np.array([3.0, 2.0, 1.0, 0.5, 0.7, 0.6, 0.9, 0.8]),
    )
    assert measures.loss_summary(run) == measures.LossSummary(
        num_steps=15,
        steps_per_epoch=10,
        final_train_loss=9.5,
        final_validation_loss=0.8,
        lowest_validation_loss=0.5,
        lowest_step=7,
    )


# ---- Falls of the validation accuracy -----------------------------------------------------------


def test_counts_falls_beyond_the_threshold() -> None:
    """A spike is a fall of more than the threshold from one validation to the next."""
    spikes = measures.spikes(history([0.9, 0.8951, 0.91, 0.9049, 0.93, 0.85, 0.86]))
    assert spikes.count == 2  # 0.91 to 0.9049, and 0.93 to 0.85; 0.9 to 0.8951 is too little
    assert spikes.largest_fall == pytest.approx(8)


def test_first_epoch_apart() -> None:
    """The largest fall after the first epoch leaves out the leaps of the first."""
    spikes = measures.spikes(history([0.9, 0.5, 0.9, 0.9, 0.9, 0.9, 0.88, 0.9]))
    assert spikes.largest_fall == pytest.approx(40)
    assert spikes.largest_fall_later == pytest.approx(2)  # after step 12, in epoch 1
    assert (spikes.count, spikes.count_later) == (2, 1)


def test_largest_share() -> None:
    """The share of spikes at the commonest step of an epoch is returned."""
    # Five validations in each epoch: the spikes follow steps 2, 12, 22 and 26.
    accuracies = [0.9] * 15
    for i in (1, 6, 11, 13):
        accuracies[i] = 0.8
    assert measures.spikes(history(accuracies)).largest_share == 0.75


def test_none() -> None:
    """An accuracy that never falls has no spikes, and no fall."""
    spikes = measures.spikes(history([0.1, 0.2, 0.3]))
    assert spikes == measures.Spikes(0, 0, 0.0, 0.0, 0.0)


# ---- A run seen at fewer validations ------------------------------------------------------------


def test_is_the_run_that_validates_less_often(split) -> None:
    """A run validated after every step and thinned equals the run validated so from the start.

    That a validation changes nothing in the training is why one run can serve for both.
    """
    trainer = Trainer(LogisticRegression(), 0.1, batch_size=4, num_epochs=3)
    often, seldom = (
        replace(trainer, validations_per_epoch=n).fit(split, np.random.RandomState(0))
        for n in (10, 5)
    )
    thinned = measures.thinned(often, 2)
    for name, value in vars(seldom).items():
        np.testing.assert_array_equal(getattr(thinned, name), value, err_msg=name)


def test_without_train_accuracy_of_thinned() -> None:
    """A run without training accuracy stays one."""
    thinned = measures.thinned(history([0.1] * 8, interval=1), 3)
    assert thinned.train_accuracy is None
    np.testing.assert_array_equal(thinned.validation_step, [0, 3, 6])


# ---- Accuracy by batch in the epoch -------------------------------------------------------------


def test_mean_over_later_epochs() -> None:
    """Each batch has the mean over all epochs but the first."""
    run = history([0.0] * 3 + [0.7, 0.8, 0.9] + [0.9, 0.8, 0.7], interval=1, steps_per_epoch=3)
    np.testing.assert_allclose(measures.accuracy_by_batch(run), [0.8, 0.8, 0.8])


def test_only_one_epoch() -> None:
    """A single epoch is all that there is."""
    run = history([0.7, 0.8, 0.9], interval=1, steps_per_epoch=3)
    np.testing.assert_allclose(measures.accuracy_by_batch(run), [0.7, 0.8, 0.9])


def test_not_every_step() -> None:
    """A run that was not validated after every step is refused, with the remedy."""
    with pytest.raises(ValueError, match="validations_per_epoch = steps per epoch; got 4 of 7"):
        measures.accuracy_by_batch(history([0.9] * 4, interval=2))


def test_dip() -> None:
    """The lowest batch is found, with its neighbours and the range of the others."""
    dip = measures.dip(np.array([0.98, 0.97, 0.94, 0.975]))
    assert dip == measures.Dip(
        batch=2,
        accuracy=0.94,
        before=0.97,
        after=0.975,
        others_lowest=0.97,
        others_highest=0.98,
    )
    assert dip.stands_out
    assert dip.is_repaired


def test_epochs_follow_one_another() -> None:
    """The last batch has the first one after it, and the first the last before it."""
    assert measures.dip(np.array([0.98, 0.97, 0.94])).after == 0.98
    assert measures.dip(np.array([0.9, 0.97, 0.94])).before == 0.94


def test_none_stands_out() -> None:
    """The lowest batch does not stand out if the others lie as far apart."""
    assert not measures.dip(np.array([0.98, 0.95, 0.93, 0.96])).stands_out


def test_not_repaired() -> None:
    """A fall is not repaired if the next step wins back less than half of it."""
    assert not measures.dip(np.array([0.98, 0.98, 0.9, 0.93, 0.98])).is_repaired
    assert measures.dip(np.array([0.98, 0.98, 0.9, 0.95, 0.98])).is_repaired
    assert not measures.dip(np.full(5, 0.98)).is_repaired  # there was no fall


def test_too_few_of_places() -> None:
    """With fewer than three places there are no others to compare with."""
    with pytest.raises(ValueError, match="at least three steps; got 2"):
        measures.dip(np.array([0.9, 0.8]))


# ---- How the batches of an epoch pull -----------------------------------------------------------


def test_gradients_are_the_models(split) -> None:
    """Each norm is that of the model's gradient on that batch; an incomplete one is dropped."""
    w = np.random.RandomState(1).normal(size=(split.X_train.shape[1], 1))
    pulls = measures.pulls(split, w.astype(split.X_train.dtype), batch_size=6)
    assert len(pulls.gradient_norm) == len(split.X_train) // 6
    for i, norm in enumerate(pulls.gradient_norm):
        batch = slice(6 * i, 6 * i + 6)
        x, y = split.X_train[batch], split.targets_train[batch]
        gradient = models.gradient(LogisticRegression(), x, w.astype(x.dtype), y)
        assert norm == pytest.approx(np.linalg.norm(gradient), rel=1e-5)


def test_lean() -> None:
    """Errors on one side lean, errors on both sides balance."""
    pulls = some_pulls([[0.9, 0.8], [0.9, 0.1]], [[0, 0], [0, 1]])
    np.testing.assert_allclose(pulls.lean, [0.85, 0], atol=1e-12)


def test_strongest_and_ordinary() -> None:
    """The strongest pull is the largest norm, the ordinary one the median."""
    pulls = some_pulls([[0.5]] * 5, [[0]] * 5, norms=[0.3, 0.1, 0.9, 0.2, 0.4])
    assert (pulls.strongest, pulls.ordinary) == (2, 0)


def test_errors() -> None:
    """The worst images are summarised, and everything that the model misses is counted."""
    pulls = some_pulls(
        [[0.5] * 4, [0.9, 0.2, 0.6, 0.4]], [[1, 0, 1, 0], [0, 1, 0, 1]]
    )  # the errors of batch 1 are 0.9, 0.8, 0.6 and 0.6
    np.testing.assert_array_equal(pulls.worst_images(1, 3), [4, 5, 6])
    assert pulls.errors(1, 3) == measures.BatchErrors(
        first=1, second=2, lowest=0.2, highest=0.9, missed_first=2, missed_second=2
    )


def test_more_than_there_are() -> None:
    """A batch with fewer images than are asked for gives all it has."""
    assert len(some_pulls([[0.5, 0.4]], [[1, 0]]).worst_images(0, 12)) == 2


def some_pulls(predictions, targets, norms=None) -> measures.Pulls:
    """Return pulls of batches with these predictions and targets."""
    norms = np.ones(len(targets)) if norms is None else np.array(norms)
    return measures.Pulls(norms, np.array(predictions, float), np.array(targets, float))


@pytest.fixture
def split() -> Split:
    """Return 40 training and 20 validation images of 2 × 2 pixels, of two classes."""
    rng = np.random.RandomState(0)
    X = np.concatenate([rng.uniform(-1, 1, (60, 4)), np.ones((60, 1))], axis=1).astype("float32")
    targets = (X[:, :1] + 0.3 * X[:, 1:2] > 0).astype("float32")
    return Split(X[:40], targets[:40], X[40:], targets[40:], (2, 2))


# ---- Pearson's correlation ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [([1, 2, 3], [2, 4, 6], 1), ([1, 2, 3], [3, 2, 1], -1), ([1, 1, 1], [1, 2, 3], 0)],
)
def test_by_hand_of_correlation(x, y, expected) -> None:
    """Correlation is ±1 on a line, and 0 if one of the two does not vary."""
    assert measures.correlation(np.array(x), np.array(y)) == pytest.approx(expected)


# ---- The late part of a run ---------------------------------------------------------------------


def test_mean_and_deviation() -> None:
    """Mean and standard deviation are those of the validations from the first step on."""
    late = measures.late(history([0.1, 0.2, 0.8, 0.9, 1.0], [0.0] * 5), first_step=4)
    assert (late.first_step, late.validation_mean) == (4, pytest.approx(0.9))
    assert late.validation_std == pytest.approx(np.sqrt(0.02 / 3))


def test_trends() -> None:
    """Trends are slopes per 1,000 steps."""
    falling, rising = [0.9 - 0.001 * i for i in range(20)], [0.5 + 0.002 * i for i in range(20)]
    late = measures.late(history(falling, rising), first_step=10)
    assert late.validation_trend == pytest.approx(-0.5)
    assert late.train_trend == pytest.approx(1.0)


def test_trend_error() -> None:
    """The slope's standard error is 0 on a line, and covers a slope that is only chance."""
    line = [0.5 + 0.002 * i for i in range(20)]
    assert measures.late(history(line, line), 0).validation_trend_error == pytest.approx(0)
    noise = list(0.9 + 0.01 * np.random.RandomState(0).normal(size=200))
    late = measures.late(history(noise, noise), 0)
    assert abs(late.validation_trend) < 3 * late.validation_trend_error


def test_trend_error_over_images() -> None:
    """Each image has a trend of its own; their mean is the trend, their spread its error."""
    rng = np.random.RandomState(0)
    correct = rng.rand(30, IMAGES) < np.linspace(0.8, 0.9, 30)[:, None]
    accuracy = correct.mean(axis=1)
    run = replace(history(list(accuracy), list(accuracy)), validation_correct=correct)
    late = measures.late(run, 0)
    slopes = [np.polyfit(run.validation_step / 1000, each, 1)[0] for each in correct.T]
    assert late.validation_trend == pytest.approx(np.mean(slopes))
    expected = np.std(slopes, ddof=1) / np.sqrt(IMAGES)
    assert late.validation_trend_image_error == pytest.approx(expected)


def test_too_few_of_late() -> None:
    """Fewer than three late validations are refused."""
    with pytest.raises(SettingError, match=r"late_step must be at most 2, .*; got 6"):
        measures.late(history([0.1] * 4, [0.1] * 4), first_step=6)


def test_without_train_accuracy_of_late() -> None:
    """A history without training accuracy is refused, with the remedy."""
    with pytest.raises(ValueError, match="train with train_accuracy=True"):
        measures.late(history([0.1] * 4), first_step=0)


# ---- When the validation accuracy has little left to gain ---------------------------------------


def test_plateau() -> None:
    """A run has settled once its running mean is close to the best one."""
    run = history([0.0] * 10 + [0.9, 0.92] * 10)
    # Two validations of the plateau make the first window there: the eleventh and twelfth.
    assert measures.settled_step(run, within=0.001, window=2) == 23


def test_at_the_end() -> None:
    """A run that improves to its end settles there."""
    run = history([0.01 * i for i in range(20)])
    assert measures.settled_step(run, within=0.001, window=2) == run.stop_step


# ---- Total variation over the 1-norm ------------------------------------------------------------


def test_by_hand_of_roughness() -> None:
    """Roughness is the sum of neighbours' differences over the sum of absolute weights."""
    image = np.array([[1.0, -1.0, 0.0], [2.0, 0.0, 0.0]])
    # across: 2 + 1 and 2 + 0; down: 1, 1 and 0
    np.testing.assert_allclose(measures.roughness(image[None]), [7 / 4])


def test_scale() -> None:
    """Shrinking all weights does not change it, and noise is rougher than a slope."""
    rng = np.random.RandomState(0)
    pictures = np.stack([rng.normal(size=(8, 8)), np.add.outer(np.arange(8.0), np.arange(8.0))])
    noise, slope = measures.roughness(pictures)
    assert noise > slope
    np.testing.assert_allclose(measures.roughness(0.01 * pictures), [noise, slope])


# ---- Norms, orders and errors -------------------------------------------------------------------


def test_standard_error() -> None:
    """The standard error is that of a coin: half right of 100 images, five points."""
    assert measures.standard_error(0.5, 100) == 0.05


def test_squared_norm() -> None:
    """Σ w² counts every weight once, the bias included, in float64."""
    w = np.full((785, 10), 0.1, "float32")
    assert measures.squared_norm(w) == pytest.approx(7850 * float(np.float32(0.1)) ** 2, 1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0, 2.0, 1.0], True), ([3.0, 3.0, 1.0], False), ([1.0, 2.0], False), ([1.0], True)],
)
def test_is_falling(values, expected) -> None:
    """Values fall if each is smaller than the one before."""
    assert measures.is_falling(values) is expected


# ---- What a model takes images for --------------------------------------------------------------


def test_by_hand_of_predictions() -> None:
    """Rows of the confusion are the true classes; the most confident mistakes come first."""
    model = models.SoftmaxRegression(3)
    X = np.array([[3.0, 0, 0], [0, 2.0, 0], [0, 5.0, 0], [0, 0, 1.0], [0.1, 0, 0]])
    targets = np.eye(3)[[0, 0, 2, 2, 1]]
    predictions = measures.predictions(model, X, np.eye(3), targets)
    assert predictions.predicted.tolist() == [0, 1, 1, 2, 0]
    assert predictions.confusion.tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 1]]
    assert predictions.wrong.tolist() == [2, 1, 4]
    assert predictions.most_frequent_mistake == (0, 1, 1)
    assert predictions.most_frequent_mistakes == "0 as 1, 1 as 0 and 2 as 1"
    assert predictions.recall.tolist() == [0.5, 0, 0.5]
    assert predictions.confidence[2] == pytest.approx(np.exp(5) / (np.exp(5) + 2))


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [([[9, 1], [0, 8]], "0 as 1"), ([[9, 2], [2, 8]], "0 as 1 and 1 as 0")],
)
def test_equally_frequent_mistakes_are_all_named(confusion, expected) -> None:
    """Of equally frequent mistakes, a later one is not left out."""
    none = np.zeros(0)
    predictions = measures.Predictions(np.array(confusion), none, none, none, none)
    assert predictions.most_frequent_mistakes == expected


def test_model_that_is_always_right_has_no_mistakes_to_show() -> None:
    """The remedy is told."""
    none = np.zeros(0)
    predictions = measures.Predictions(np.diag([9, 5]), none, none, none, none)
    for name in ("most_frequent_mistake", "most_frequent_mistakes"):
        with pytest.raises(SettingError, match=r"right on all 14 .*\(validation_size\)"):
            getattr(predictions, name)


def test_half_of_the_pull() -> None:
    """One wrong image of four has half of the pull; if all are alike, two have."""
    model, targets = models.SoftmaxRegression(2), np.eye(2)[[0, 0, 0, 1]]
    certain = np.array([[9.0, 0]] * 4)
    assert measures.share_of_half_the_residuals(model, certain, np.eye(2), targets) == 1 / 4
    assert measures.share_of_half_the_residuals(model, 0 * certain, np.eye(2), targets) == 2 / 4
