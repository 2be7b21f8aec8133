import re

import numpy as np
import pytest
from numpy.random import RandomState

from onelayer.data import load
from onelayer.errors import SettingError
from onelayer.explore.choice import (
    choose,
    differing,
    prepare,
    targets_by_class,
    weights_by_class,
)
from onelayer.explore.commands import report_command
from onelayer.models import LogisticRegression, SoftmaxRegression
from onelayer.sampling import sample
from onelayer.trainers import Trainer


@pytest.fixture(scope="module")
def digits():
    """Return the data set that comes with the project."""
    return load("digits")


def test_run_of_a_chapter(digits):
    """The defaults are task 3's run, draw by draw."""
    state = RandomState(0)
    split = sample(digits, state)
    suited = digits.settings("softmax")
    trainer = Trainer(SoftmaxRegression(10), suited.learning_rate, suited.batch_size, 50)
    expected = trainer.fit(split, state)
    history = prepare(choose(digits), digits).fit()
    np.testing.assert_array_equal(history.weights, expected.weights)


def test_what_suits_and_what_is_given(digits):
    """A given value counts; None means what suits the model of the choice."""
    assert choose(digits, classes=[2, 3]).learning_rate == 0.2
    assert choose(digits, l2_lambda=0.1).learning_rate == 0.05
    chosen = choose(digits, learning_rate=0.7, batch_size=None)
    assert (chosen.learning_rate, chosen.batch_size) == (0.7, 16)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("classes", [1, 2, 3], "[1, 2, 3]"),
        ("classes", [2.5, 3], "[2.5, 3]"),
        ("classes", [1], "[1]"),
        ("classes", [], "[]"),
        ("classes", "23", "'23'"),
        ("classes", 2, "2"),
        ("classes", [True, 3], "[True, 3]"),
        ("num_epochs", 1.5, "1.5"),
        ("num_epochs", "5", "'5'"),
        ("num_epochs", True, "True"),
        ("batch_size", 2.5, "2.5"),
        ("seed", "a", "'a'"),
        ("seed", None, "None"),
        ("seed", -1, "-1"),
        ("seed", 2**32, "4294967296"),
        ("train_size", 90.5, "90.5"),
        ("validation_size", "9", "'9'"),
        ("learning_rate", "0.1", "'0.1'"),
        ("learning_rate", True, "True"),
        ("l2_lambda", "0.1", "'0.1'"),
        ("shuffle", "no", "'no'"),
    ],
)
def test_setting_of_another_kind_is_refused(digits, name, value, shown):
    """The message names the setting, and nothing trains on half of what was asked for."""
    with pytest.raises(SettingError, match=rf"^{name} must be .*; got {re.escape(shown)}$"):
        choose(digits, **{name: value})


def test_numbers_of_numpy_are_numbers(digits):
    """They are taken, and written in commands like others."""
    chosen = choose(
        digits, classes=np.array([2, 3]), seed=np.int64(2**32 - 1), learning_rate=np.float32(0.5)
    )
    assert chosen == choose(digits, classes=[2, 3], seed=2**32 - 1, learning_rate=0.5)
    assert report_command(chosen).count("4294967295") == 1


def test_differing(digits):
    """Only the settings in which the choices differ are returned, in order."""
    first, second = choose(digits), choose(digits, learning_rate=0.7, seed=3)
    assert differing([first, first]) == {}
    assert differing([first, second, first]) == {
        "learning_rate": [0.1, 0.7, 0.1],
        "seed": [0, 3, 0],
    }


def test_logistic_regression_by_class():
    """With a column for each class, softmax says what logistic regression says."""
    rng = RandomState(0)
    X, w = rng.normal(size=(20, 5)), rng.normal(size=(5, 1))
    first = LogisticRegression().probabilities(X @ w)[:, 0]
    both = SoftmaxRegression(2).probabilities(X @ weights_by_class(w))
    np.testing.assert_allclose(both, np.stack([first, 1 - first], axis=1))
    np.testing.assert_array_equal(
        targets_by_class(np.array([[1.0], [0.0]])), np.array([[1.0, 0.0], [0.0, 1.0]])
    )
