"""Training that is watched, against `Trainer.fit`."""

import asyncio
import threading
from dataclasses import fields, replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from onelayer.data import load
from onelayer.explore.choice import choose, prepare
from onelayer.explore.training import Run, in_thread
from onelayer.threads import limits_threads, use_threads


@pytest.fixture(scope="module")
def digits():
    """Return the data set that comes with the project."""
    return load("digits")


@pytest.mark.parametrize("given", [{}, {"classes": (2, 3)}, {"l2_lambda": 0.1, "shuffle": False}])
def test_watched_training_is_fit(digits, given):
    """A history is, bit for bit, that of a silent fit with the same settings and seed."""
    choice = choose(digits, num_epochs=5, seed=3, **given)
    run = Run(choice, digits, view=lambda run: run.weights.sum())
    asyncio.run(run.train())
    silent = prepare(choice, digits).fit()
    for field in fields(silent):
        np.testing.assert_array_equal(
            getattr(run.history, field.name), getattr(silent, field.name), field.name
        )


def test_curves_are_the_history(digits):
    """The values seen during training are those of the history in the end."""
    run = Run(choose(digits, num_epochs=5), digits)
    history = run.fit()
    assert run.curves.step == list(history.validation_step)
    for name in ("validation_loss", "validation_accuracy", "train_accuracy"):
        np.testing.assert_array_equal(getattr(run.curves, name), getattr(history, name), name)
    np.testing.assert_array_equal(run.weights, history.weights)
    assert run.num_steps == history.stop_step


def test_views_are_in_the_event_loop_and_of_copies(digits):
    """A view is called in the event loop, with weights that training does not change."""
    seen = []

    def view(run):
        seen.append((threading.current_thread(), run.weights, run.weights.copy()))

    async def train():
        await Run(choose(digits, num_epochs=5), digits, view).train()

    asyncio.run(train())
    assert seen
    for thread, weights, at_the_time in seen:
        assert thread is threading.main_thread()
        np.testing.assert_array_equal(weights, at_the_time)


def test_stop(digits):
    """A training that would take hours ends at its next validation, and keeps what it has."""
    run = Run(choose(digits, num_epochs=10_000_000), digits, view=lambda run: run.stop())
    asyncio.run(run.train())
    assert 0 < run.history.stop_step < run.num_steps
    assert run.history.stop_step == run.curves.step[-1] + 1


def test_event_loop_goes_on(digits):
    """While it trains, the event loop runs other tasks, such as a click on Stop."""
    run = Run(choose(digits, num_epochs=10_000_000), digits)

    async def stop_later():
        while len(run.curves.step) < 3:
            await asyncio.sleep(0)
        run.stop()

    async def both():
        await asyncio.gather(run.train(), stop_later())

    asyncio.run(both())
    assert len(run.curves.step) >= 3


def test_errors_reach_who_waits(digits):
    """Divergence and settings that do not fit raise errors in the event loop."""
    for choice, kind in (
        (choose(digits, learning_rate=1e300), FloatingPointError),
        (choose(digits, batch_size=10_000), ValueError),
    ):
        with pytest.raises(kind):
            asyncio.run(Run(choice, digits).train())


def test_thread_holds_up_nobody(digits):
    """A kernel that restarts does not wait for the training: its thread is a daemon."""
    is_daemon = asyncio.run(in_thread(lambda: threading.current_thread().daemon))
    assert is_daemon


@pytest.mark.parametrize("num_threads", [1, 2])
def test_thread_computes_on_as_many_blas_threads_as_its_caller(num_threads):
    """It does so even if the main thread has set limits, after which no other thread can."""

    def blas_threads():
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    with threadpool_limits(3, user_api="blas"), use_threads(num_threads):
        limits_threads(blas_threads)()
        assert asyncio.run(in_thread(blas_threads)) == {num_threads}
        assert asyncio.run(in_thread(limits_threads(blas_threads))) == {num_threads}
        assert blas_threads() == {3}


def test_sizes_too_large(digits):
    """Asking for more images than there are is an error that says so."""
    choice = replace(choose(digits), train_size=5000)
    with pytest.raises(ValueError, match="train_size must lie between"):
        asyncio.run(Run(choice, digits).train())
