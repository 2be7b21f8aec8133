"""Runs the notebooks of a sweep on a running Dask cluster, at most one on each worker.

This code relies on Dask as little as possible. When a worker dies, Dask blames every task assigned
to it, so no worker has more than one. Dask may forget how often a task failed, so the journal
counts. And it waits for ever for a worker that is gone, so the list of workers is polled.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any
from urllib.parse import urlsplit

from nbpress.errors import PressError
from nbpress.log import say
from nbpress.run import worker
from nbpress.run.attempt import Attempt
from nbpress.sweep.remote import Delivery, Parcel, run_there, unpack
from nbpress.sweep.workers import Refused

_CONNECT_SECONDS = 5
_DELIVERY_SECONDS = 60  # for a result to arrive


class ClusterWorkers:
    """The workers of a cluster, including those that join later.

    Parameters
    ----------
    address
        The scheduler's address, `tls://…` or `tcp://…`; certificates are configured in Dask.
    pack
        Makes the parcel to send for a run.
    insecure
        Whether to allow an unencrypted connection, which others could read and change.
    """

    def __init__(
        self, address: str, pack: Callable[[Attempt], Parcel], *, insecure: bool = False
    ) -> None:
        if not (address.startswith("tls://") or insecure or _is_loopback(address)):
            raise PressError(
                f"{address} is neither TLS nor on this machine: anybody in between could run code "
                "on the workers. Use tls://… (see TLS/SSL in Dask's documentation), or --insecure"
            )
        self.address = address
        self._pack = pack
        self._tasks: dict[Future[worker.Outcome], tuple[Any, str, Attempt]] = {}
        self._hosts: dict[Future[worker.Outcome], str] = {}
        self._sick: dict[str, str] = {}  # workers that can run nothing, and why
        self._lock = threading.Lock()
        self._workers: list[str] = []

    def __enter__(self) -> ClusterWorkers:
        from distributed import Client

        try:
            self._client: Any = Client(  # type: ignore[no-untyped-call]
                self.address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TypeError) as error:
            raise PressError(
                f"no scheduler answers at {self.address}: {error}; start one, or check the address"
            ) from error
        count = len(self._look())
        workers = "1 worker" if count == 1 else f"{count} workers"
        say(f"{self.address}: {workers}; dashboard: {self._client.dashboard_link}")
        return self

    def __exit__(self, *error: object) -> None:
        for task, _, _ in list(self._tasks.values()):
            task.cancel(force=True)
        self._client.close(timeout=_CONNECT_SECONDS)

    def free(self) -> int:
        """Return how many workers have nothing to do."""
        return len(self._idle())

    def submit(self, attempt: Attempt) -> Future[worker.Outcome]:
        """Send a run to a worker that has nothing to do."""
        future: Future[worker.Outcome] = Future()
        future.set_running_or_notify_cancel()
        if not (idle := self._idle()):  # it was there a moment ago
            future.set_exception(Refused("its worker is gone"))
            return future
        at = idle[0]
        task = self._client.submit(
            run_there,
            self._pack(attempt),
            workers=[at],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        with self._lock:
            self._tasks[future] = task, at, attempt
        task.add_done_callback(lambda _: self._settle(future))
        return future

    def poll(self) -> None:
        """Settle the runs whose worker is gone.

        Raises
        ------
        PressError
            If there are workers but none of them can run this notebook.
        """
        workers = self._look()
        for future, (_, at, _) in list(self._tasks.items()):
            if at not in workers:
                self._settle(future)
        if workers and self._sick.keys() >= set(workers):
            raise PressError("no worker can run this notebook:\n" + "\n".join(self._sick.values()))

    def host(self, future: Future[worker.Outcome]) -> str:
        """Return the name of the machine that a run was on."""
        return self._hosts.pop(future, "")

    def _settle(self, future: Future[worker.Outcome]) -> None:
        """Settle a run that has ended, or whose worker is gone."""
        with self._lock:
            if future not in self._tasks or future in self._hosts:  # done, or by another thread
                return
            task, at, attempt = self._tasks[future]
            self._hosts[future] = at
        outcome, error = None, None
        try:
            outcome = self._outcome(future, task, at, attempt)
        except BaseException as failure:
            error = failure
        del self._tasks[future]  # only now is it known whether the worker is sick
        if error is not None:
            future.set_exception(error)
        elif outcome is not None:
            future.set_result(outcome)

    def _outcome(
        self, future: Future[worker.Outcome], task: Any, at: str, attempt: Attempt
    ) -> worker.Outcome:
        if task.status != "finished":
            task.cancel(force=True)
            raise BrokenExecutor(f"the worker {at} is gone")
        try:
            delivery: Delivery = task.result(timeout=_DELIVERY_SECONDS)
        except TimeoutError as error:  # the worker died with the result
            task.cancel(force=True)
            raise BrokenExecutor(f"the worker {at} is gone") from error
        self._hosts[future] = delivery.host
        if delivery.refused:
            self._sick[at] = f"{delivery.host}: {delivery.refused}"
            raise Refused(self._sick[at])
        return unpack(attempt.project.root, delivery, attempt.partial)

    def _look(self) -> list[str]:
        """Ask the scheduler for its workers; this is slow if there are many."""
        self._workers = list(self._client.scheduler_info(n_workers=-1)["workers"])
        return self._workers

    def _idle(self) -> list[str]:
        busy = {at for _, at, _ in list(self._tasks.values())}
        return [at for at in self._workers if at not in busy and at not in self._sick]


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
