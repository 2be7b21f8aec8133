import tracemalloc
from dataclasses import dataclass, replace

import hypothesis.strategies as st
import numpy as np
import pytest
from fixtures.splits import made_up
from hypothesis import given, settings
from numpy.random import RandomState

from onelayer import validation
from onelayer.models import SoftmaxRegression
from onelayer.sampling import Split
from onelayer.trainers import Trainer


@dataclass(frozen=True)
class Scripted:
    """A model whose validation losses are read from a script; each step adds 1 to the weight."""

    script: tuple[float, ...]
    num_outputs: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "left", list(self.script))

    def cross_entropy(self, logits, targets, out_residual=None):
        """Return the script's next loss at a validation; at a step, 1 and the residual −1."""
        if out_residual is None:
            return np.array([self.left.pop(0)])
        out_residual[...] = -1
        return np.array([1.0])

    def is_correct(self, logits, targets):
        """Return that all is right."""
        return np.ones(logits.shape[:2], bool)


def follow(script: list[float], patience: int | None = 10, num_epochs: int = 40):
    """Train with scripted validation losses: 10 steps in each epoch, validated every 2 steps."""
    split = Split(np.ones((20, 1)), np.ones((20, 1)), np.ones((3, 1)), np.ones((3, 1)), (1, 0))
    trainer = Trainer(Scripted(tuple(script)), 1.0, 2, num_epochs, patience=patience)
    return trainer.fit(split, RandomState(0))


# ---- The training accuracy, computed for many snapshots in one product --------------------------


@pytest.mark.parametrize("block_bytes", [1, 500, 5_000])
def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch, block_bytes) -> None:
    """However small the blocks are, the accuracies are the same."""
    split = made_up()
    trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 4)
    expected = trainer.fit_each(split, RandomState(0), [0.0, 0.3])
    monkeypatch.setattr(validation, "_BLOCK_BYTES", block_bytes)
    histories = trainer.fit_each(split, RandomState(0), [0.0, 0.3])
    for one, other in zip(expected, histories, strict=True):
        np.testing.assert_array_equal(one.train_accuracy, other.train_accuracy)


def test_left_out() -> None:
    """Without the training accuracy, the history has None there, and is otherwise the same."""
    split, trainer = made_up(), Trainer(SoftmaxRegression(3), 0.1, 5, 3)
    full = trainer.fit(split, RandomState(0))
    lean = replace(trainer, train_accuracy=False).fit(split, RandomState(0))
    assert lean.train_accuracy is None
    np.testing.assert_array_equal(lean.validation_accuracy, full.validation_accuracy)
    np.testing.assert_array_equal(lean.weights, full.weights)


def test_memory_is_bounded() -> None:
    """Besides the data, a run takes at most four blocks, here a fifth of all the logits."""
    split = made_up(num_train=40_000, num_inputs=3, num_outputs=10, dtype="float32")
    trainer = Trainer(SoftmaxRegression(10), 0.1, 2_000, 40)
    num_logits = 40_000 * 200 * 10  # of 200 validations
    bound = 4 * validation._BLOCK_BYTES
    assert 5 * bound <= num_logits * 4 + 2**24
    assert bound <= 256 * 2**20
    tracemalloc.start()
    try:
        trainer.fit(split, RandomState(0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= bound


# ---- Early stopping on scripted validation losses: validations follow steps 0, 2, 4 and so on ---


def test_stops_after_ten_without_improvement() -> None:
    """The run ends at the tenth validation in a row that is no better than the best."""
    history = follow([5, 4, 3, *[3.5] * 10, 1])
    assert history.stopped_early
    assert len(history.validation_loss) == 13
    assert history.validation_step[-1] == 24
    assert (history.stop_step, history.stop_epoch) == (25, 2)
    assert len(history.train_loss) == 25


def test_returns_the_best_weights() -> None:
    """The weights returned are those with the lowest validation loss, not the last."""
    # The third validation follows step 4: five updates of +1 have been made.
    assert follow([5, 4, 3, *[3.5] * 10]).weights.tolist() == [[5.0]]


def test_equal_is_no_improvement() -> None:
    """A loss equal to the best is no improvement, and the first of them counts."""
    history = follow([3, *[3] * 10, 1])
    assert (len(history.validation_loss), history.weights.item()) == (11, 1.0)


def test_improvement_starts_the_count_again() -> None:
    """Nine validations without improvement do not stop the run; any improvement restarts."""
    history = follow([5, *[6] * 9, 4.9, *[6] * 9, 4.8, *[6] * 10, 1])
    assert len(history.validation_loss) == 1 + 9 + 1 + 9 + 1 + 10


def test_better_than_the_last_is_not_better_than_the_best() -> None:
    """Losses that fall but stay above the best are no improvement."""
    history = follow([1, *np.linspace(3, 2, 10), 0.5])
    assert len(history.validation_loss) == 11


def test_patience_never_runs_out() -> None:
    """A run that ends by itself says so, and still returns the best weights."""
    history = follow([5, 4, 3, 6, 6], num_epochs=1)
    assert not history.stopped_early
    assert (history.stop_step, history.stop_epoch) == (10, 0)
    assert history.weights.item() == 5.0


def test_without_patience() -> None:
    """Without patience nothing stops the run, and the final weights are returned."""
    history = follow([1, *[2] * 19], patience=None, num_epochs=4)
    assert (history.stop_step, history.weights.item()) == (40, 40.0)


@given(script=st.lists(st.integers(0, 30), min_size=50, max_size=50), patience=st.integers(1, 8))
@settings(deadline=None)
def test_any_script(script, patience) -> None:
    """For any losses, the run ends `patience` validations after the first lowest so far."""
    expected = next((i for i in range(50) if i - np.argmin(script[: i + 1]) >= patience), 49)
    history = follow(script, patience, num_epochs=10)
    assert len(history.validation_loss) == expected + 1
    best = int(np.argmin(script[: expected + 1]))
    assert history.weights.item() == 2 * best + 1
