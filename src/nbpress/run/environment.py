"""The environment of the kernels: the same for all, whatever a user has set for other work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nbpress.run.extension import ROOT
from nbpress.run.matplotlib_config import configuration

_ENVIRONMENT = {
    "NBPRESS_RUN": "1",  # a cell then shows what is for JupyterLab alone to nobody
    # One BLAS thread: two give other bits, so results would depend on what else is running.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",  # Apple's
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": os.devnull,  # not the user's; one beside the notebook counts, and is observed
}
_FOREIGN = ("PYTHONSTARTUP", "JUPYTER_PATH")  # what a user has set for other work


def kernel_environment(root: Path, build: Path, sources: Iterable[Path]) -> dict[str, str]:
    """Return this process's environment, with what a project's kernels are to have."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    if not kept.get("SOURCE_DATE_EPOCH"):  # an empty one stops IPython as it starts
        kept.pop("SOURCE_DATE_EPOCH", None)
    users = filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))
    return {
        **kept,
        **_ENVIRONMENT,
        # The modules whose digests are in the key, not others of the same name.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*map(str, sources), *users])),
        "IPYTHONDIR": str(build / "ipython"),  # not the user's profile
        "MPLCONFIGDIR": str(configuration(build)),
        ROOT: str(root),
    }
