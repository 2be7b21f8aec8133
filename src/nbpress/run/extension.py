"""What the press loads into its kernels, and nothing else."""

import atexit
import logging
import os
import sys
from typing import Any

from nbpress.run.observer import Observer
from nbpress.say.pictures import identify_pictures

ROOT = "NBPRESS_ROOT"  # the variable that names the project's root to a kernel

_FAREWELL_SECONDS = 5  # at most, for a kernel to end


def load_ipython_extension(shell: Any) -> None:
    """Observe what the notebook reads, have pictures say which figure they show, end in peace.

    ipykernel 7.4 closes its streams at a shutdown request while its control thread may still be
    writing the answer to them. Then each waits for the other, until jupyter_client kills the
    kernel 2.5 s later.
    """
    identify_pictures(shell)
    atexit.register(shell.kernel.control_thread.join, _FAREWELL_SECONDS)
    shell.observer = Observer(os.environ.pop(ROOT))
    sys.addaudithook(shell.observer)
    if "matplotlib" in sys.modules:  # in a forked kernel, where nothing will import it
        shell.observer("import", ("matplotlib",))
    # It does so in each new build folder; the note would be repeated by every later build.
    logging.getLogger("matplotlib.font_manager").addFilter(
        lambda record: "building the font cache" not in record.getMessage()
    )
