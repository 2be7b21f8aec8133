"""The one IPython extension that the press loads into its kernels."""

import atexit
import logging
import os
import sys
from typing import Any

from nbpress.run.observer import Observer
from nbpress.say.pictures import identify_pictures

ROOT = "NBPRESS_ROOT"  # the variable that names the project's root to a kernel

_FAREWELL_SECONDS = 5  # at most, until a kernel has ended


def load_ipython_extension(shell: Any) -> None:
    """Observe what the notebook reads, give pictures the identity of their figure, end cleanly.

    On a shutdown request, ipykernel 7.4 closes its streams while its control thread may still be
    writing the answer to them. The two then wait for each other until jupyter_client kills the
    kernel 2.5 s later, so the end of the process waits for that thread.
    """
    identify_pictures(shell)
    atexit.register(shell.kernel.control_thread.join, _FAREWELL_SECONDS)
    shell.observer = Observer(os.environ.pop(ROOT))
    sys.addaudithook(shell.observer)
    if "matplotlib" in sys.modules:  # in a forked kernel, where nothing will import it
        shell.observer("import", ("matplotlib",))
    # Matplotlib logs this in each new build folder, and every later build would repeat the note.
    logging.getLogger("matplotlib.font_manager").addFilter(
        lambda record: "building the font cache" not in record.getMessage()
    )
