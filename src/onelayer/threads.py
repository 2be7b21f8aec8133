"""How many threads BLAS may use for what this package computes: one, unless told otherwise.

Two threads add numbers up in a different order than one, so results would differ in their last
bits; and on matrices of this size the threads mostly wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

_P = ParamSpec("_P")
_R = TypeVar("_R")
_num_threads = ContextVar("num_threads", default=1)
_lock = threading.Lock()
_entered: list[list[Any]] = []  # for each limit in force, in order, what restores the former one


@contextmanager
def use_threads(num_threads: int) -> Iterator[None]:
    """Let BLAS use this many threads below: ``with use_threads(4): trainer.fit(…)``."""
    token = _num_threads.set(num_threads)
    try:
        yield
    finally:
        _num_threads.reset(token)


def limits_threads(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function compute on one BLAS thread, or as many as `use_threads` says."""

    @wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with limited():
            return function(*args, **kwargs)

    return wrapper


@contextmanager
def limited() -> Iterator[None]:
    """Limit BLAS in this process, for what is computed inside and in threads that it waits for.

    threadpoolctl lets only one thread set limits, the first to do so, for as long as it lives.
    So code that computes in another thread sets the limit in the thread that waits, where the event
    loop runs. There, limits may overlap: one that ends before a later one does not lift the later
    one, but hands over the state to restore.
    """
    with _lock:
        entry = [_controller().limit(limits=_num_threads.get(), user_api="blas")]
        _entered.append(entry)
    try:
        yield
    finally:
        with _lock:
            index = next(i for i, each in enumerate(_entered) if each is entry)
            del _entered[index]
            if index == len(_entered):
                entry[0].restore_original_limits()
            else:
                _entered[index][0] = entry[0]


@cache
def _controller() -> ThreadpoolController:
    """Look up the loaded BLAS libraries, once: NumPy's is loaded before this package computes."""
    return ThreadpoolController()
