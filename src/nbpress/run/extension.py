"""What the press loads into its kernels, and nothing else."""

import atexit
import os
import sys
from typing import Any

from nbpress.run.observer import Observer

ROOT = "NBPRESS_ROOT"  # the variable that names the project's root to a kernel

_FAREWELL_SECONDS = 5  # at most, for a kernel to end


def load_ipython_extension(shell: Any) -> None:
    """Observe what the notebook reads, and let its kernel end in peace.

    ipykernel 7.4 closes its streams while its control thread may still be writing to them. Then
    each waits for the other, until jupyter_client kills the kernel 2.5 s later: it is to finish
    its answer to a shutdown request first.
    """
    atexit.register(shell.kernel.control_thread.join, _FAREWELL_SECONDS)
    shell.observer = Observer(os.environ.pop(ROOT))
    sys.addaudithook(shell.observer)
