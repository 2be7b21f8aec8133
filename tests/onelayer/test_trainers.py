import io
import os
import sys
import tracemalloc
from dataclasses import dataclass, replace
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.random import RandomState

from onelayer import data, models, trainers
from onelayer import history as history_module
from onelayer.data import Split
from onelayer.models import LogisticRegression, SoftmaxRegression
from onelayer.trainers import Trainer, fit_side_by_side


def made_up(
    num_train: int = 57,
    num_validation: int = 23,
    num_inputs: int = 6,
    num_outputs: int = 3,
    dtype: str = "float64",
) -> Split:
    """Return random inputs in [−1, 1] with the bias last, and classes that follow from them."""
    rng = RandomState(0)
    truth = rng.normal(size=(num_inputs, num_outputs))

    def draw(num_images: int) -> tuple[np.ndarray, np.ndarray]:
        X = rng.uniform(-1, 1, (num_images, num_inputs))
        X[:, -1] = 1
        z = X @ truth + rng.normal(size=(num_images, num_outputs))
        y = np.eye(num_outputs)[z.argmax(axis=1)] if num_outputs > 1 else (z > 0) * 1.0
        return X.astype(dtype), y.astype(dtype)

    return Split(*draw(num_train), *draw(num_validation), image_shape=(1, num_inputs - 1))


def plain_loop(trainer: Trainer, split: Split, random_state: RandomState) -> tuple:
    """Train as the formulas say; return losses, and steps, states and final state of w."""
    model, B = trainer.model, trainer.batch_size
    w = np.zeros((split.X_train.shape[1], model.num_outputs))
    steps = len(split.X_train) // B
    train_loss, validated, weights = [], [], []
    for epoch in range(trainer.num_epochs):
        order = np.arange(len(split.X_train))
        if trainer.shuffle:
            order = random_state.permutation(len(split.X_train))
        for i in range(steps):
            step, batch = epoch * steps + i, order[i * B : (i + 1) * B]
            x, y = split.X_train[batch], split.targets_train[batch]
            train_loss.append(models.cross_entropy(model, x @ w, y))
            w = w - trainer.learning_rate * models.gradient(model, x, w, y, trainer.l2_lambda)
            if step % max(1, steps // 5) == 0:
                validated.append(step)
                weights.append(w)
    return train_loss, validated, weights, w


@dataclass(frozen=True)
class Scripted:
    """A model whose validation losses are read from a script; each step adds 1 to the weight."""

    script: tuple[float, ...]
    num_validation: int = 3
    num_outputs: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "left", list(self.script))

    def probabilities(self, logits):
        """Return the logits; nobody asks."""
        return logits

    def cross_entropy_and_residual(self, logits, targets):
        """Return the script's next loss at a validation; at a step, 1 and the residual −1."""
        if len(logits) == self.num_validation:
            return np.array([self.left.pop(0)])
        logits[...] = -1
        return np.array([1.0])

    def is_correct(self, logits, targets):
        """Tell that all is right."""
        return np.ones(logits.shape[:2], bool)


def follow(script: list[float], patience: int | None = 10, num_epochs: int = 40):
    """Train with scripted validation losses: 10 steps in each epoch, validated every 2 steps."""
    split = Split(np.ones((20, 1)), np.ones((20, 1)), np.ones((3, 1)), np.ones((3, 1)), (1, 0))
    trainer = Trainer(Scripted(tuple(script)), 1.0, 2, num_epochs, patience=patience)
    return trainer.fit(split, RandomState(0))


class TestFit:
    """One model."""

    @pytest.mark.parametrize("shuffle", [True, False])
    @pytest.mark.parametrize("l2_lambda", [0.0, 0.1])
    @pytest.mark.parametrize("num_outputs", [1, 3])
    def test_formulas(self, num_outputs, l2_lambda, shuffle):
        """Losses, accuracies and weights are those of the formulas, computed step by step."""
        model = SoftmaxRegression(3) if num_outputs > 1 else LogisticRegression()
        split = made_up(num_outputs=num_outputs)
        trainer = Trainer(model, 0.3, 5, 4, l2_lambda=l2_lambda, shuffle=shuffle)
        history = trainer.fit(split, RandomState(3))
        losses, steps, states, final = plain_loop(trainer, split, RandomState(3))
        np.testing.assert_allclose(history.train_loss, losses)
        np.testing.assert_array_equal(history.validation_step, steps)
        np.testing.assert_allclose(history.weights, final)
        for i, w in enumerate(states):
            for name, X, y in (
                ("validation", split.X_validation, split.targets_validation),
                ("train", split.X_train, split.targets_train),
            ):
                found = getattr(history, f"{name}_accuracy")[i]
                assert found == pytest.approx(models.accuracy(model, X @ w, y)), name
            loss = models.cross_entropy(model, split.X_validation @ w, split.targets_validation)
            np.testing.assert_allclose(history.validation_loss[i], loss)

    def test_first_loss(self):
        """Training starts from zero weights: the first loss is ln K."""
        split = made_up()
        history = Trainer(SoftmaxRegression(3), 0.1, 5, 1).fit(split, RandomState(0))
        assert history.train_loss[0] == pytest.approx(np.log(3))

    @given(steps=st.integers(5, 23), extra=st.integers(0, 3))
    @settings(deadline=None)
    def test_validations(self, steps, extra):
        """Validations follow the update of step s whenever s mod ⌊steps per epoch / 5⌋ is 0."""
        split = made_up(num_train=4 * steps + extra)
        history = Trainer(SoftmaxRegression(3), 0.1, 4, 3).fit(split, RandomState(0))
        expected = [s for s in range(3 * steps) if s % (steps // 5) == 0]
        assert history.validation_step.tolist() == expected
        assert len(history.validation_loss) == len(history.train_accuracy) == len(expected)

    def test_last_incomplete_batch_is_dropped(self):
        """57 images make 11 batches of 5; in fixed order the last two images change nothing."""
        split = made_up(num_train=57)
        trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 2, shuffle=False, train_accuracy=False)
        whole = trainer.fit(split, RandomState(0))
        cut = replace(split, X_train=split.X_train[:55], targets_train=split.targets_train[:55])
        assert whole.steps_per_epoch == 11
        assert (whole.stop_step, whole.stop_epoch, whole.stopped_early) == (22, 1, False)
        np.testing.assert_array_equal(trainer.fit(cut, RandomState(0)).weights, whole.weights)

    def test_same_seed_same_history(self):
        """The same seed gives the same bits, and fit changes neither trainer nor data."""
        split, trainer = made_up(), Trainer(SoftmaxRegression(3), 0.1, 5, 3)
        once, again = (trainer.fit(split, RandomState(7)) for _ in range(2))
        for name in ("train_loss", "validation_loss", "train_accuracy", "weights"):
            np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
        other = trainer.fit(split, RandomState(8))
        assert (other.train_loss != once.train_loss).any()

    def test_draws(self):
        """Shuffling draws one permutation for each epoch; a fixed order draws nothing."""
        split = made_up()
        for shuffle in (True, False):
            used, expected = RandomState(1), RandomState(1)
            Trainer(SoftmaxRegression(3), 0.1, 5, 3, shuffle=shuffle).fit(split, used)
            for _ in range(3 * shuffle):
                expected.permutation(len(split.X_train))
            assert used.randint(2**31) == expected.randint(2**31)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_dtype_is_kept(self, dtype):
        """Losses and weights have the dtype of the data."""
        split = made_up(dtype=dtype)
        history = Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(split, RandomState(0))
        for name in ("train_loss", "validation_loss", "weights"):
            assert getattr(history, name).dtype == dtype

    def test_small_penalty_in_float32(self):
        """A penalty far below float32's resolution of 1 still acts at its full strength."""
        shrunk = {}
        for dtype in ("float32", "float64"):
            split = made_up(dtype=dtype)
            free = Trainer(SoftmaxRegression(3), 0.1, 5, 100, train_accuracy=False)
            fleet = [free, replace(free, l2_lambda=2e-7)]  # 1 − ηλ is 1 in float32
            w = [history.weights for history in fit_side_by_side(fleet, split, RandomState(0))]
            shrunk[dtype] = np.square(w[0], dtype=float).sum() - np.square(w[1], dtype=float).sum()
        assert shrunk["float32"] > 0
        assert shrunk["float32"] == pytest.approx(shrunk["float64"], rel=0.3)


ARRAYS = ("X_train", "targets_train", "X_validation", "targets_validation")


class TestTrainAccuracy:
    """The training accuracy, computed for many snapshots in one product."""

    @pytest.mark.parametrize("block_bytes", [1, 500, 5_000])
    def test_blocks_do_not_matter(self, monkeypatch, block_bytes):
        """However small the blocks are, the accuracies are the same."""
        split = made_up()
        fleet = [Trainer(SoftmaxRegression(3), rate, 5, 4) for rate in (0.1, 0.3)]
        expected = fit_side_by_side(fleet, split, RandomState(0))
        monkeypatch.setattr(history_module, "_BLOCK_BYTES", block_bytes)
        found = fit_side_by_side(fleet, split, RandomState(0))
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one.train_accuracy, other.train_accuracy)

    def test_left_out(self):
        """Without it the history says None, and is the same otherwise."""
        split, trainer = made_up(), Trainer(SoftmaxRegression(3), 0.1, 5, 3)
        full = trainer.fit(split, RandomState(0))
        lean = replace(trainer, train_accuracy=False).fit(split, RandomState(0))
        assert lean.train_accuracy is None
        np.testing.assert_array_equal(lean.validation_accuracy, full.validation_accuracy)
        np.testing.assert_array_equal(lean.weights, full.weights)

    def test_memory_is_bounded(self):
        """Beyond the data a run takes at most four blocks, here a fifth of all the logits."""
        split = made_up(num_train=40_000, num_inputs=3, num_outputs=10, dtype="float32")
        trainer = Trainer(SoftmaxRegression(10), 0.1, 2_000, 40)
        num_logits = 40_000 * 200 * 10  # of 200 validations
        bound = 4 * history_module._BLOCK_BYTES
        assert 5 * bound <= num_logits * 4 + 2**24
        assert bound <= 256 * 2**20
        tracemalloc.start()
        try:
            trainer.fit(split, RandomState(0))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak <= bound


class TestEarlyStopping:
    """Early stopping on scripted validation losses: validations follow steps 0, 2, 4 and so on."""

    def test_stops_after_ten_without_improvement(self):
        """The run ends at the tenth validation in a row that is no better than the best."""
        history = follow([5, 4, 3, *[3.5] * 10, 1])
        assert history.stopped_early
        assert len(history.validation_loss) == 13
        assert history.validation_step[-1] == 24
        assert (history.stop_step, history.stop_epoch) == (25, 2)
        assert len(history.train_loss) == 25

    def test_returns_the_best_weights(self):
        """The weights returned are those with the lowest validation loss, not the last."""
        # The third validation follows step 4: five updates of +1 have been made.
        assert follow([5, 4, 3, *[3.5] * 10]).weights.tolist() == [[5.0]]

    def test_equal_is_no_improvement(self):
        """A loss equal to the best is no improvement, and the first of them counts."""
        history = follow([3, *[3] * 10, 1])
        assert (len(history.validation_loss), history.weights.item()) == (11, 1.0)

    def test_improvement_starts_the_count_again(self):
        """Nine validations without improvement do not stop the run; any improvement restarts."""
        history = follow([5, *[6] * 9, 4.9, *[6] * 9, 4.8, *[6] * 10, 1])
        assert len(history.validation_loss) == 1 + 9 + 1 + 9 + 1 + 10

    def test_better_than_the_last_is_not_better_than_the_best(self):
        """Losses that fall, but stay above the best, count as no improvement."""
        history = follow([1, *np.linspace(3, 2, 10), 0.5])
        assert len(history.validation_loss) == 11

    def test_patience_never_runs_out(self):
        """A run that ends by itself says so, and still returns the best weights."""
        history = follow([5, 4, 3, 6, 6], num_epochs=1)
        assert not history.stopped_early
        assert (history.stop_step, history.stop_epoch) == (10, 0)
        assert history.weights.item() == 5.0

    def test_without_patience(self):
        """Without patience nothing stops the run, and the final weights are returned."""
        history = follow([1, *[2] * 19], patience=None, num_epochs=4)
        assert (history.stop_step, history.weights.item()) == (40, 40.0)

    @given(
        script=st.lists(st.integers(0, 30), min_size=50, max_size=50), patience=st.integers(1, 8)
    )
    @settings(deadline=None)
    def test_any_script(self, script, patience):
        """For any losses, the run ends `patience` validations after the first lowest so far."""
        expected = next((i for i in range(50) if i - np.argmin(script[: i + 1]) >= patience), 49)
        history = follow(script, patience, num_epochs=10)
        assert len(history.validation_loss) == expected + 1
        best = int(np.argmin(script[: expected + 1]))
        assert history.weights.item() == 2 * best + 1


class TestSideBySide:
    """Several models on the same batches."""

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("patience", [None, 3])
    @pytest.mark.parametrize("num_outputs", [1, 3])
    def test_equals_one_at_a_time(self, num_outputs, patience, dtype):
        """Each history is, up to rounding, that of its own fit: also if others stop earlier."""
        split = made_up(num_outputs=num_outputs, dtype=dtype)
        model = SoftmaxRegression(3) if num_outputs > 1 else LogisticRegression()
        base = Trainer(model, 1.0, 5, 30, patience=patience)
        fleet = [
            replace(base, learning_rate=rate, l2_lambda=l2_lambda)
            for rate, l2_lambda in [(3.0, 0.0), (0.02, 0.0), (1.0, 0.1), (0.5, 1.0)]
        ]
        together = fit_side_by_side(fleet, split, RandomState(5))
        alone = [trainer.fit(split, RandomState(5)) for trainer in fleet]
        rounding = {"rtol": 1e-3, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9}
        for one, other in zip(together, alone, strict=True):
            assert (one.stop_step, one.stop_epoch) == (other.stop_step, other.stop_epoch)
            assert one.stopped_early == other.stopped_early
            np.testing.assert_array_equal(one.validation_step, other.validation_step)
            for name in ("train_loss", "validation_loss", "weights"):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), **rounding)
            for name in ("train_accuracy", "validation_accuracy"):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=0.05)
        if patience:
            assert len({history.stop_step for history in together}) > 1

    def test_divergence_after_the_stop(self):
        """A model that has stopped is not trained for others to see: it may diverge then."""
        split = made_up()
        base = Trainer(SoftmaxRegression(3), 0.01, 5, 200, patience=2, train_accuracy=False)
        wild = replace(base, learning_rate=100.0, l2_lambda=30.0)
        stopped, slow = fit_side_by_side([wild, base], split, RandomState(0))
        assert stopped.stopped_early
        assert np.isfinite(stopped.weights).all()
        assert slow.stop_step > 100  # where (ηλ − 1)¹⁰⁰ = 2999¹⁰⁰ is far beyond float64

    def test_other_differences_are_refused(self):
        """Models that differ in more than learning rate and penalty cannot share batches."""
        base = Trainer(SoftmaxRegression(3), 0.1, 5, 3)
        with pytest.raises(ValueError, match="must differ in learning_rate and l2_lambda alone"):
            fit_side_by_side([base, replace(base, batch_size=6)], made_up(), RandomState())

    def test_none(self):
        """No model at all is refused."""
        with pytest.raises(ValueError, match="at least one trainer"):
            fit_side_by_side([], made_up(), RandomState())


def with_value(split: Split, name: str, value: float) -> Split:
    """Return the split with one element of the array `name` replaced."""
    array = getattr(split, name).copy()
    array[1, 1] = value
    return replace(split, **{name: array})


class TestBadInput:
    """Each mistake has one clear message."""

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"learning_rate": -0.1}, r"learning_rate must be positive; got -0\.1"),
            ({"learning_rate": 0.0}, r"learning_rate must be positive; got 0\.0"),
            ({"learning_rate": np.nan}, "learning_rate must be positive; got nan"),
            ({"l2_lambda": -1.0}, r"l2_lambda must not be negative; got -1\.0"),
            ({"l2_lambda": np.nan}, "l2_lambda must not be negative; got nan"),
            ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
            ({"num_epochs": 0}, "num_epochs must be at least 1; got 0"),
            ({"patience": 0}, "patience must be at least 1; got 0"),
            ({"validations_per_epoch": 0}, "validations_per_epoch must be at least 1; got 0"),
            ({"batch_size": 12}, "at least 5 steps, one for each validation; got 4"),
            ({"batch_size": 58}, "at least 5 steps, one for each validation; got 0"),
            (
                {"model": SoftmaxRegression(4)},
                r"targets_train must have shape \(57, 4\).*\(57, 3\)",
            ),
        ],
    )
    def test_settings(self, settings, message):
        """A setting out of bounds is named, with what it is and what it must be."""
        trainer = replace(Trainer(SoftmaxRegression(3), 0.1, 5, 2), **settings)
        with pytest.raises(ValueError, match=message):
            trainer.fit(made_up(), RandomState(0))

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, name, value):
        """NaN or infinity in the data is found before training, and the array is named."""
        with pytest.raises(ValueError, match=f"{name} must be finite; it holds NaN or infinity"):
            Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(
                with_value(made_up(), name, value), RandomState(0)
            )

    def test_infinities_of_both_signs(self):
        """Infinities that would cancel are found as well, without a warning."""
        split = made_up()
        split.X_train[0, 0], split.X_train[0, 1] = np.inf, -np.inf
        with pytest.raises(ValueError, match="X_train must be finite"):
            Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(split, RandomState(0))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"X_train": np.zeros(5)}, r"X_train must have shape \(N, D\+1\).*got \(5,\)"),
            ({"X_train": np.zeros((57, 6), int)}, r"dtype float32 or float64; got .* int64"),
            ({"X_train": np.zeros((57, 6), "float16")}, "float32 or float64; got .* float16"),
            ({"targets_train": np.zeros(57)}, r"targets_train must have shape \(57, 3\).*\(57,\)"),
            ({"targets_train": np.zeros((57, 3), "float32")}, "dtype float64; got .* float32"),
            ({"X_validation": np.zeros((23, 5))}, r"X_validation must .* \(23, 6\).*\(23, 5\)"),
            ({"targets_validation": np.zeros((9, 3))}, r"targets_validation must .*\(9, 3\)"),
        ],
    )
    def test_shapes_and_dtypes(self, changes, message):
        """Arrays that do not fit are named, with the shape and dtype that would."""
        with pytest.raises(ValueError, match=message):
            Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(
                replace(made_up(), **changes), RandomState(0)
            )

    @pytest.mark.parametrize("num_epochs", [1, 60])
    def test_divergence(self, num_epochs):
        """A run that diverges says with which settings, at a validation or at the end."""
        split = made_up(dtype="float32")
        # In one epoch of 11 steps the weights overflow after the last validation, at step 10.
        rate = 1.0 if num_epochs > 1 else 2e3
        trainer = Trainer(SoftmaxRegression(3), rate, 5, num_epochs, 30.0, validations_per_epoch=1)
        with pytest.raises(FloatingPointError, match=r"diverged: .* λ = 30\.0; take a smaller"):
            trainer.fit(split, RandomState(0))


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let stderr be a terminal outside any notebook; no fixture, since pytest resets stderr."""
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return stream


class TestProgress:
    """The progress bar."""

    def test_terminal(self, monkeypatch):
        """In a terminal there is a bar."""
        terminal = use_terminal(monkeypatch)
        Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(made_up(), RandomState(0))
        assert "step" in terminal.getvalue()

    def test_not_wanted(self, monkeypatch):
        """In a terminal there is none if the trainer is told so."""
        terminal = use_terminal(monkeypatch)
        trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 2, progress=False)
        trainer.fit(made_up(), RandomState(0))
        assert terminal.getvalue() == ""

    def test_batch(self, capfd):
        """Where stderr goes to a file or a pipe, nothing is written."""
        Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(made_up(), RandomState(0))
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("has_person", [True, False])
    def test_notebook(self, monkeypatch, has_person):
        """In a kernel there is a bar only if its front end may be asked for input."""
        shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=has_person))
        monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        assert trainers._is_watched() is has_person


@pytest.mark.skipif(
    "ONELAYER_DATA" not in os.environ, reason="ONELAYER_DATA names no folder with MNIST"
)
class TestMnist:
    """The figures of 2022, on MNIST."""

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_early_stopping(self, dtype):
        """Task 2d stops after 546 steps, in epoch 19, in either precision."""
        state = RandomState(0)
        split = data.sample(data.load("mnist"), state, classes=(2, 3), dtype=dtype)
        trainer = Trainer(
            LogisticRegression(), 0.05, num_epochs=500, shuffle=False, patience=10,
            train_accuracy=False,
        )  # fmt: skip
        history = trainer.fit(split, state)
        assert (len(split.X_train), len(split.X_validation)) == (3596, 403)
        assert (history.stop_step, history.stop_epoch, history.stopped_early) == (546, 19, True)

    def test_norms(self):
        """Task 4e's Σ w² agree with those of 2022 within 1 %."""
        expected = {0.0: 22.67, 0.002: 20.42, 0.02: 10.84, 0.2: 2.744, 2.0: 0.365}
        state = RandomState(0)
        split = data.sample(data.load("mnist"), state)
        base = Trainer(SoftmaxRegression(), 0.01, train_accuracy=False)
        histories = fit_side_by_side([replace(base, l2_lambda=v) for v in expected], split, state)
        norms = [np.square(history.weights, dtype=float).sum() for history in histories]
        np.testing.assert_allclose(norms, list(expected.values()), rtol=0.01)
