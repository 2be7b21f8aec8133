"""What the press loads into its kernels, and nothing else."""

import atexit
from typing import Any

_FAREWELL_SECONDS = 5  # at most, for a kernel to end


def load_ipython_extension(shell: Any) -> None:
    """Let a kernel finish its answer to a shutdown request before it closes its streams.

    ipykernel 7.4 closes them while its control thread may still be writing to them. Then each
    waits for the other, until jupyter_client kills the kernel 2.5 s later.
    """
    atexit.register(shell.kernel.control_thread.join, _FAREWELL_SECONDS)
