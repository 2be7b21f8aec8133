import io
import os
import sys
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import ClassVar

import hypothesis.strategies as st
import numpy as np
import pytest
from fixtures.splits import made_up
from hypothesis import given, settings
from numpy.random import RandomState

from onelayer import trainers
from onelayer.data import load
from onelayer.models import LogisticRegression, SoftmaxRegression, gradient
from onelayer.sampling import Split, sample
from onelayer.trainers import Trainer


def plain_loop(
    trainer: Trainer, split: Split, random_state: RandomState, l2_lambda: float
) -> tuple:
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
            train_loss.append(model.cross_entropy(x @ w, y))
            w = w - trainer.learning_rate * gradient(model, x, w, y, l2_lambda)
            if step % max(1, steps // 5) == 0:
                validated.append(step)
                weights.append(w)
    return train_loss, validated, weights, w


# ---- One model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("l2_lambda", [0.0, 0.1])
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_formulas(num_outputs, l2_lambda, shuffle) -> None:
    """Losses, accuracies and weights are those of the formulas, computed step by step."""
    model = SoftmaxRegression(3) if num_outputs > 1 else LogisticRegression()
    split = made_up(num_outputs=num_outputs)
    trainer = Trainer(model, 0.3, 5, 4, shuffle=shuffle)
    history = trainer.fit(split, RandomState(3), l2_lambda)
    losses, steps, states, final = plain_loop(trainer, split, RandomState(3), l2_lambda)
    np.testing.assert_allclose(history.train_loss, losses)
    np.testing.assert_array_equal(history.validation_step, steps)
    np.testing.assert_allclose(history.weights, final)
    for i, w in enumerate(states):
        for name, X, y in (
            ("validation", split.X_validation, split.targets_validation),
            ("train", split.X_train, split.targets_train),
        ):
            accuracy = getattr(history, f"{name}_accuracy")[i]
            assert accuracy == pytest.approx(model.is_correct(X @ w, y).mean()), name
        loss = model.cross_entropy(split.X_validation @ w, split.targets_validation)
        np.testing.assert_allclose(history.validation_loss[i], loss)


def test_first_loss() -> None:
    """Training starts from zero weights: the first loss is ln K."""
    split = made_up()
    history = Trainer(SoftmaxRegression(3), 0.1, 5, 1).fit(split, RandomState(0))
    assert history.train_loss[0] == pytest.approx(np.log(3))


@given(steps=st.integers(5, 23), extra=st.integers(0, 3))
@settings(deadline=None)
def test_validations(steps, extra) -> None:
    """Validations follow the update of step s whenever s mod ⌊steps per epoch / 5⌋ is 0."""
    split = made_up(num_train=4 * steps + extra)
    history = Trainer(SoftmaxRegression(3), 0.1, 4, 3).fit(split, RandomState(0))
    expected = [s for s in range(3 * steps) if s % (steps // 5) == 0]
    assert history.validation_step.tolist() == expected
    assert len(history.validation_loss) == len(history.train_accuracy) == len(expected)


def test_last_incomplete_batch_is_dropped() -> None:
    """57 images make 11 batches of 5; in fixed order the last two images change nothing."""
    split = made_up(num_train=57)
    trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 2, shuffle=False, train_accuracy=False)
    whole = trainer.fit(split, RandomState(0))
    cut = replace(split, X_train=split.X_train[:55], targets_train=split.targets_train[:55])
    assert whole.steps_per_epoch == 11
    assert (whole.stop_step, whole.stop_epoch, whole.stopped_early) == (22, 1, False)
    np.testing.assert_array_equal(trainer.fit(cut, RandomState(0)).weights, whole.weights)


def test_same_seed_same_history() -> None:
    """The same seed gives the same bits, and fit changes neither trainer nor data."""
    split, trainer = made_up(), Trainer(SoftmaxRegression(3), 0.1, 5, 3)
    once, again = (trainer.fit(split, RandomState(7)) for _ in range(2))
    for name in ("train_loss", "validation_loss", "train_accuracy", "weights"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    other = trainer.fit(split, RandomState(8))
    assert (other.train_loss != once.train_loss).any()


def test_draws() -> None:
    """Shuffling draws one permutation for each epoch; a fixed order draws nothing."""
    split = made_up()
    for shuffle in (True, False):
        used, expected = RandomState(1), RandomState(1)
        Trainer(SoftmaxRegression(3), 0.1, 5, 3, shuffle=shuffle).fit(split, used)
        for _ in range(3 * shuffle):
            expected.permutation(len(split.X_train))
        assert used.randint(2**31) == expected.randint(2**31)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(dtype) -> None:
    """Losses and weights have the dtype of the data."""
    split = made_up(dtype=dtype)
    history = Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(split, RandomState(0))
    for name in ("train_loss", "validation_loss", "weights"):
        assert getattr(history, name).dtype == dtype


def test_small_penalty_in_float32() -> None:
    """A penalty far below float32's resolution of 1 still acts at its full strength."""
    shrunk = {}
    for dtype in ("float32", "float64"):
        split = made_up(dtype=dtype)
        trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 100, train_accuracy=False)
        l2_lambdas = [0.0, 2e-7]  # 1 − ηλ is 1 in float32
        w = [run.weights for run in trainer.fit_each(split, RandomState(0), l2_lambdas)]
        shrunk[dtype] = np.square(w[0], dtype=float).sum() - np.square(w[1], dtype=float).sum()
    assert shrunk["float32"] > 0
    assert shrunk["float32"] == pytest.approx(shrunk["float64"], rel=0.3)


# ---- Several λ on the same batches --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("patience", [None, 3])
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_equals_one_at_a_time(num_outputs, patience, dtype) -> None:
    """Each history equals that of its own fit, up to rounding, even if others stop earlier."""
    split = made_up(num_outputs=num_outputs, dtype=dtype)
    model = SoftmaxRegression(3) if num_outputs > 1 else LogisticRegression()
    trainer, l2_lambdas = Trainer(model, 0.5, 5, 30, patience=patience), [0.0, 0.01, 0.1, 1.0]
    together = trainer.fit_each(split, RandomState(5), l2_lambdas)
    alone = [trainer.fit(split, RandomState(5), l2_lambda) for l2_lambda in l2_lambdas]
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


def test_divergence_after_the_stop() -> None:
    """Once a model has stopped, its later divergence does not matter."""
    split = made_up()
    trainer = Trainer(SoftmaxRegression(3), 0.01, 5, 200, patience=2, train_accuracy=False)
    stopped, slow = trainer.fit_each(split, RandomState(0), [3e5, 0.0])
    assert stopped.stopped_early
    assert np.isfinite(stopped.weights).all()
    assert slow.stop_step > 100  # where (ηλ − 1)¹⁰⁰ = 2999¹⁰⁰ is far beyond float64


def test_none() -> None:
    """No λ at all is refused."""
    with pytest.raises(ValueError, match="at least one λ; got none"):
        Trainer(SoftmaxRegression(3), 0.1, 5, 3).fit_each(made_up(), RandomState(), [])


# ---- What is called after each validation -------------------------------------------------------


@pytest.mark.parametrize("patience", [None, 3])
def test_is_told_what_the_history_says(patience) -> None:
    """It is called after every validation, the last one too, with the history's values."""
    trainer = Trainer(SoftmaxRegression(3), 0.9, 5, 9, patience=patience)
    reports = []

    def tell(progress):
        reports.append(replace(progress, weights=progress.weights.copy()))

    histories = trainer.fit_each(made_up(), RandomState(3), [0.0, 0.1], on_validation=tell)
    for s, history in enumerate(histories):
        shown = reports[: len(history.validation_step)]
        assert [each.step for each in shown] == list(history.validation_step)
        for name in ("validation_loss", "validation_accuracy"):
            values = [getattr(each, name)[s] for each in shown]
            np.testing.assert_array_equal(values, getattr(history, name))
        norms = [np.square(each.weights[:, s]).sum() for each in shown]
        np.testing.assert_allclose(norms, history.squared_norm)
    assert len(reports) == max(len(history.validation_step) for history in histories)
    since = histories[0].validation_step[:2] + 1
    loss = histories[0].train_loss[since[0] : since[1]].mean()
    assert reports[1].train_loss[0] == pytest.approx(loss)


@pytest.mark.parametrize("answer", [None, False])
def test_changes_nothing(answer) -> None:
    """A history is the same, bit for bit, with it and without it."""
    trainer, split = Trainer(SoftmaxRegression(3), 0.1, 5, 4), made_up()
    silent = trainer.fit(split, RandomState(3), 0.1)
    observed = trainer.fit(split, RandomState(3), 0.1, on_validation=lambda _: answer)
    for field in fields(silent):
        np.testing.assert_array_equal(
            getattr(observed, field.name), getattr(silent, field.name), field.name
        )


def test_true_stops() -> None:
    """A stopped run is the beginning of the full run, and does not count as stopped early."""
    trainer, split = Trainer(SoftmaxRegression(3), 0.1, 5, 4), made_up()
    whole = trainer.fit(split, RandomState(3))
    stopped = trainer.fit(
        split, RandomState(3), on_validation=lambda p: p.step >= whole.validation_step[7]
    )
    assert stopped.stop_step == whole.validation_step[7] + 1
    assert not stopped.stopped_early
    for name in ("validation_step", "validation_loss", "train_accuracy", "squared_norm"):
        np.testing.assert_array_equal(getattr(stopped, name), getattr(whole, name)[:8])
    np.testing.assert_array_equal(stopped.train_loss, whole.train_loss[: stopped.stop_step])


# ---- Each mistake has one clear message ---------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": -0.1}, r"learning_rate must be positive and finite; got -0\.1"),
        ({"learning_rate": 0.0}, r"learning_rate must be positive and finite; got 0\.0"),
        ({"learning_rate": np.nan}, "learning_rate must be positive and finite; got nan"),
        ({"learning_rate": np.inf}, "learning_rate must be positive and finite; got inf"),
        ({"batch_size": 2.5}, r"batch_size must be a whole number, at least 1; got 2\.5"),
        ({"batch_size": 0}, "batch_size must be a whole number, at least 1; got 0"),
        ({"num_epochs": 0}, "num_epochs must be a whole number, at least 1; got 0"),
        ({"patience": 0}, "patience must be a whole number, at least 1; got 0"),
        ({"validations_per_epoch": 0}, "validations_per_epoch must be a whole number"),
    ],
)
def test_settings(settings, message) -> None:
    """A setting out of bounds is named, with its value and the bound."""
    with pytest.raises(ValueError, match=message):
        Trainer(**{"model": SoftmaxRegression(3), "learning_rate": 0.1, **settings})


@pytest.mark.parametrize("l2_lambda", [-1.0, np.nan])
def test_penalty(l2_lambda) -> None:
    """A λ that is negative or NaN is refused, also beside good ones."""
    with pytest.raises(ValueError, match=f"l2_lambda must not be negative; got {l2_lambda}"):
        Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit_each(
            made_up(), RandomState(0), [0.1, l2_lambda]
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 12}, "at least 5 steps, one for each validation; got 4"),
        ({"batch_size": 58}, "at least 5 steps, one for each validation; got 0"),
        (
            {"model": SoftmaxRegression(4)},
            r"targets_train must have shape \(57, 4\).*\(57, 3\)",
        ),
    ],
)
def test_settings_that_do_not_fit_the_data(settings, message) -> None:
    """The message says what these data are like."""
    trainer = replace(Trainer(SoftmaxRegression(3), 0.1, 5, 2), **settings)
    with pytest.raises(ValueError, match=message):
        trainer.fit(made_up(), RandomState(0))


@pytest.mark.parametrize("num_epochs", [1, 60])
def test_divergence(num_epochs) -> None:
    """The message names the settings, at a validation as at the end."""
    split = made_up(dtype="float32")
    # In one epoch of 11 steps the weights overflow after the last validation, at step 10.
    rate = 1.0 if num_epochs > 1 else 2e3
    trainer = Trainer(SoftmaxRegression(3), rate, 5, num_epochs, validations_per_epoch=1)
    with pytest.raises(FloatingPointError, match=r"diverged: .* λ = 30\.0; take a smaller"):
        trainer.fit(split, RandomState(0), 30.0)


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let stderr be a terminal outside any notebook; no fixture, since pytest resets stderr."""
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return stream


# ---- The progress bar ---------------------------------------------------------------------------


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal there is a bar."""
    terminal = use_terminal(monkeypatch)
    Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(made_up(), RandomState(0))
    assert "step" in terminal.getvalue()


def test_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal there is none if the trainer is asked for none."""
    terminal = use_terminal(monkeypatch)
    trainer = Trainer(SoftmaxRegression(3), 0.1, 5, 2, progress=False)
    trainer.fit(made_up(), RandomState(0))
    assert terminal.getvalue() == ""


def test_batch(capfd: pytest.CaptureFixture[str]) -> None:
    """If stderr is a file or a pipe, nothing is written."""
    Trainer(SoftmaxRegression(3), 0.1, 5, 2).fit(made_up(), RandomState(0))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("has_person", [True, False])
def test_notebook(monkeypatch: pytest.MonkeyPatch, has_person) -> None:
    """In a kernel there is a bar only if its front end may be asked for input."""
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=has_person))
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert trainers.is_watched() is has_person


# ---- The figures of 2022, on MNIST --------------------------------------------------------------


SIZES: ClassVar = {"train_size": 18_000, "validation_size": 2_000}


@pytest.mark.skipif(
    "ONELAYER_DATA" not in os.environ, reason="ONELAYER_DATA names no folder with MNIST"
)
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_early_stopping(dtype) -> None:
    """Task 2d stops after 546 steps, in epoch 19, in either precision."""
    state = RandomState(0)
    split = sample(load("mnist"), state, classes=(2, 3), dtype=dtype, **SIZES)
    trainer = Trainer(
        LogisticRegression(), 0.05, num_epochs=500, shuffle=False, patience=10,
        train_accuracy=False,
    )  # fmt: skip
    history = trainer.fit(split, state)
    assert (len(split.X_train), len(split.X_validation)) == (3596, 403)
    assert (history.stop_step, history.stop_epoch, history.stopped_early) == (546, 19, True)


@pytest.mark.skipif(
    "ONELAYER_DATA" not in os.environ, reason="ONELAYER_DATA names no folder with MNIST"
)
@pytest.mark.slow
def test_norms() -> None:
    """Task 4e's Σ w² agree with those of 2022 within 1 %."""
    expected = {0.0: 22.67, 0.002: 20.42, 0.02: 10.84, 0.2: 2.744, 2.0: 0.365}
    state = RandomState(0)
    split = sample(load("mnist"), state, **SIZES)
    trainer = Trainer(SoftmaxRegression(), 0.01, train_accuracy=False)
    histories = trainer.fit_each(split, state, list(expected))
    norms = [np.square(history.weights, dtype=float).sum() for history in histories]
    np.testing.assert_allclose(norms, list(expected.values()), rtol=0.01)
