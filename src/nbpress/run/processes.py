"""The press's processes: they start and end quickly, and none outlives the build."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from nbpress.errors import PressError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def skip_slow_imports() -> None:
    """Save a second of imports, in the press and its workers but never in kernels.

    JupyterLab installs rfc3987_syntax, which builds a parser when it is imported. jsonschema,
    which nbformat imports, tries to import it for a format that notebooks do not use.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


@contextlib.contextmanager
def local_pool(processes: int | None = None) -> Iterator[Executor]:
    """Open a pool of processes, by default one per core.

    They and their kernels end when this process ends, however it ends.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    # Nothing is ever sent: each process waits for the pipe to close, which a kill also causes.
    theirs, ours = context.Pipe(duplex=False)
    try:
        pool = ProcessPoolExecutor(processes or cores(), context, _end_with, (theirs,))
    except (OSError, ImportError, NotImplementedError) as error:
        raise PressError(
            "notebooks run in separate processes, which need semaphores in shared memory, but the "
            f"system refuses them ({error}): make /dev/shm writable and run it again"
        ) from error
    try:
        yield pool
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        ours.close()
        theirs.close()


def _end_with(build: Connection) -> None:
    """End this process as soon as the build that started it closes the pipe or dies.

    Its kernel notices and ends as well. Ctrl-C is ignored here: it reaches every process in the
    terminal, but the build alone decides what to do.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait_for_its_end() -> None:
        try:
            build.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=wait_for_its_end, daemon=True).start()


def cores() -> int:
    """Return the number of processes that can compute at once."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return count or 1
