import numpy as np
import pytest
from fixtures.splits import made_up
from threadpoolctl import threadpool_info, threadpool_limits

from onelayer import threads
from onelayer.models import SoftmaxRegression
from onelayer.threads import limited, limits_threads, use_threads
from onelayer.trainers import Trainer


def blas_threads() -> set[int]:
    """Return how many threads the BLAS libraries that this package uses may use now.

    Others, such as SciPy's, may have been loaded by another test since it looked for them.
    """
    ours = {each["filepath"] for each in threads._controller().info()}
    return {
        each["num_threads"]
        for each in threadpool_info()
        if each["user_api"] == "blas" and each["filepath"] in ours
    }


@limits_threads
def threads_in_use() -> set[int]:
    """Return how many they may use within what limits them."""
    return blas_threads()


def test_one_thread_unless_told_otherwise() -> None:
    """One thread computes, whatever the process allows, or as many as use_threads says."""
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(3, user_api="blas"):
        assert threads_in_use() == {1}
        with use_threads(2):
            assert threads_in_use() == {2}
        assert threads_in_use() == {1}
        assert blas_threads() == {3}


def test_limits_that_overlap() -> None:
    """Each holds until it ends, in any order; after all of them, everything is as before."""
    with threadpool_limits(3, user_api="blas"):
        first, second = limited(), limited()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        assert threads_in_use() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {3}


@pytest.mark.parametrize("num_threads", [1, 2])
def test_training_asks_for_one_thread(num_threads, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer's loop runs on one thread, or on those that it is told to use."""
    seen = []

    class Spy(SoftmaxRegression):
        def cross_entropy(self, *arguments, **more):
            seen.extend(blas_threads())
            return super().cross_entropy(*arguments, **more)

    split = made_up()
    with threadpool_limits(3, user_api="blas"), use_threads(num_threads):
        Trainer(Spy(3), 0.1, batch_size=10, num_epochs=1).fit(split, np.random.RandomState(0))
    assert set(seen) == {num_threads}
