"""The press's processes: they start and end without delay, and none outlives the build."""

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
    """Spare this process a second: for the press and its workers, never for kernels.

    JupyterLab brings rfc3987_syntax, which builds a parser when it is imported. jsonschema,
    which nbformat imports, tries it for a format that no notebook has, and does without.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


@contextlib.contextmanager
def local_pool(processes: int | None = None) -> Iterator[Executor]:
    """Open a pool of processes that end, kernels and all, when this one does, however it ends.

    By default there is one for each core.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    # Nothing is ever sent: each process waits for the pipe's end, which a kill brings about too.
    theirs, ours = context.Pipe(duplex=False)
    try:
        pool = ProcessPoolExecutor(processes or cores(), context, _end_with, (theirs,))
    except (OSError, ImportError, NotImplementedError) as error:
        raise PressError(
            "notebooks run in processes of their own, which need semaphores in shared memory, and "
            f"the system refuses them ({error}): make /dev/shm writable and run it again"
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
    """End this process as soon as the build that started it closes its end, or is gone.

    Its kernel sees that and ends as well. Ctrl-C reaches every process in the terminal; what
    becomes of it is for the build to decide.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait_for_its_end() -> None:
        try:
            build.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=wait_for_its_end, daemon=True).start()


def cores() -> int:
    """Return how many processes can compute at once."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return count or 1
