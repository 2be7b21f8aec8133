"""What the press's processes do first, to start without delay and to end without one."""

from __future__ import annotations

import atexit
import sys
from typing import Any

_FAREWELL_SECONDS = 5  # at most, for a kernel to say good-bye


def skip_slow_imports() -> None:
    """Spare this process a second: for the press and its workers, never for kernels.

    JupyterLab brings rfc3987_syntax, which builds a parser when it is imported. jsonschema,
    which nbformat imports, tries it for a format that no notebook has, and does without.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def load_ipython_extension(shell: Any) -> None:
    """Let a kernel finish its answer to a shutdown request before it closes its streams.

    ipykernel 7.4 closes them while its control thread may still be writing to them. Then each
    waits for the other, until jupyter_client kills the kernel 2.5 s later.
    """
    atexit.register(shell.kernel.control_thread.join, _FAREWELL_SECONDS)
