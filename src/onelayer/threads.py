"""How many threads BLAS may use for what this package computes: one, unless told otherwise.

Two threads add up in another order than one, so that results would differ in their last bits, and
on matrices of this size they mostly wait for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

_P = ParamSpec("_P")
_R = TypeVar("_R")
_num_threads = ContextVar("num_threads", default=1)


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
    def limited(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _controller().limit(limits=_num_threads.get(), user_api="blas"):
            return function(*args, **kwargs)

    return limited


@cache
def _controller() -> ThreadpoolController:
    """Look up the loaded BLAS libraries, once: NumPy's is there before this package computes."""
    return ThreadpoolController()
