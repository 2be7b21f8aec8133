"""Executes the runs of a sweep in processes on this machine, one run in each at a time."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, Protocol

from nbpress.run import worker
from nbpress.run.attempt import Attempt
from nbpress.run.forked import serving
from nbpress.run.processes import local_pool


class Refused(BrokenExecutor):
    """The worker cannot execute any run, so this one is sent to another."""


class Workers(Protocol):
    """Executes runs; their states are kept by the journal, not by the workers."""

    def free(self) -> int:
        """Return how many more runs can start now."""

    def submit(self, attempt: Attempt) -> Future[worker.Outcome]:
        """Start a run; if its process dies, the future's error is a BrokenExecutor."""

    def poll(self) -> None:
        """Settle the runs whose worker is gone."""

    def host(self, future: Future[worker.Outcome]) -> str:
        """Return the name of the machine that a run was on."""


class LocalWorkers:
    """Processes on this machine; if one dies, the runs in the others are not affected."""

    def __init__(
        self, workers: int, environment: Mapping[str, str], modules: Iterable[str]
    ) -> None:
        self._server = ""
        self._environment, self._modules = environment, list(modules)
        self._slots: list[_Slot] = [_Slot() for _ in range(workers)]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> LocalWorkers:
        self._server = self._stack.enter_context(serving(self._environment, self._modules))
        for slot in self._slots:
            self._stack.enter_context(slot)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def free(self) -> int:
        """Return how many processes have nothing to do."""
        return sum(slot.is_free for slot in self._slots)

    def submit(self, attempt: Attempt) -> Future[worker.Outcome]:
        """Start a run in a process that has nothing to do."""
        slot = next(slot for slot in self._slots if slot.is_free)
        return slot.submit(attempt.job(self._server))

    def poll(self) -> None:
        """Do nothing: the run of a process that ends is settled without it."""

    def host(self, future: Future[worker.Outcome]) -> str:
        """Return this machine's name."""
        return socket.gethostname()


class _Slot:
    """A place for one process, which is replaced if it has died."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._pool: Executor | None = None
        self._future: Future[worker.Outcome] | None = None

    @property
    def is_free(self) -> bool:
        return self._future is None or self._future.done()

    def submit(self, job: worker.Job) -> Future[worker.Outcome]:
        future = worker.submit(self._pool, job) if self._pool else None
        # The process died during the previous run, or while it had nothing to do.
        if future is None or (future.done() and isinstance(future.exception(), BrokenExecutor)):
            self._stack.close()
            self._pool = self._stack.enter_context(local_pool(1))
            future = worker.submit(self._pool, job)
        self._future = future
        return future

    def __enter__(self) -> _Slot:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
