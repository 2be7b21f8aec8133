"""Training in a thread of its own, which can be watched and stopped while it runs."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from onelayer.data import Dataset
from onelayer.explore.choice import Choice, Prepared, prepare
from onelayer.history import History
from onelayer.models import Array
from onelayer.threads import limited
from onelayer.validation import Progress

_T = TypeVar("_T")
_PAUSE = 0.125  # seconds between two views, at least
_SHARE = 50  # and this many times what the last one cost: views take at most 2 % of the time


@dataclass
class Curves:
    """The results of a run's validations so far: lists of equal length, with `History`'s values."""

    step: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)  # empty until the end

    def add(self, progress: Progress) -> None:
        """Add one validation of one model."""
        self.train_loss.append(float(progress.train_loss[0]))
        self.validation_loss.append(float(progress.validation_loss[0]))
        self.validation_accuracy.append(float(progress.validation_accuracy[0]))
        self.step.append(progress.step)  # last: a reader in another thread goes by its length


class Run:
    """One training. `view` is called with it now and then while it trains, in the event loop.

    Attributes
    ----------
    choice : Choice
        What it depends on.
    curves : Curves
        Its results so far.
    weights : (D+1, K) array or None
        A copy, from the last view or the end.
    prepared : Prepared or None
        Its data and trainer, once they are there.
    history : History or None
        What `Trainer.fit` returned.
    """

    def __init__(
        self, choice: Choice, images: Dataset, view: Callable[[Run], None] = lambda _: None
    ) -> None:
        self.choice, self.images, self._view = choice, images, view
        self.curves = Curves()
        self.weights: Array | None = None
        self.prepared: Prepared | None = None
        self.history: History | None = None
        self._stops = False
        self._due = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def num_steps(self) -> int:
        """Steps of the whole training, whether it gets there or not; 0 until prepared."""
        if self.prepared is None:
            return 0
        trainer, split = self.prepared.trainer, self.prepared.split
        return trainer.num_epochs * (len(split.X_train) // trainer.batch_size)

    def stop(self) -> None:
        """Make the training stop at its next validation."""
        self._stops = True

    async def train(self) -> None:
        """Train in a thread, so that the event loop stays free for views and clicks.

        Raises
        ------
        DataError, SettingError, DivergenceError
            As `prepare` and `Trainer.fit`.
        """
        self._loop = asyncio.get_running_loop()
        await in_thread(self.fit)

    def fit(self) -> History:
        """Train here and now."""
        self.prepared = prepare(self.choice, self.images)
        history = self.prepared.fit(self._note)
        self.history, self.weights = history, history.weights
        if history.train_accuracy is not None:
            self.curves.train_accuracy = history.train_accuracy.tolist()
        return history

    def _note(self, progress: Progress) -> bool:
        self.curves.add(progress)
        if self._loop is not None and time.monotonic() >= self._due:
            self._due = math.inf  # until this view has been shown
            self.weights = progress.weights[:, 0].copy()
            self._loop.call_soon_threadsafe(self._show)
        return self._stops

    def _show(self) -> None:
        start = time.thread_time()  # processor time: waiting for the training is not counted
        self._view(self)
        cost = time.thread_time() - start
        self._due = time.monotonic() + max(_PAUSE, _SHARE * cost)


async def in_thread(function: Callable[[], _T]) -> _T:
    """Return, or raise, what a function does in a thread that does not delay the process's exit.

    With `asyncio.to_thread`, a kernel that restarts would wait for the training. BLAS is limited
    from here, see `onelayer.threads.limited`.
    """
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()  # from here on, it cannot be cancelled

    def run() -> None:
        try:
            future.set_result(function())
        except Exception as error:
            future.set_exception(error)

    context = contextvars.copy_context()  # which knows how many threads BLAS may use
    with limited():
        threading.Thread(target=context.run, args=(run,), daemon=True).start()
        return await asyncio.wrap_future(future)
