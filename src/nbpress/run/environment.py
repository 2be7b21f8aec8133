"""The environment variables of kernels: independent of what a user has set for other work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nbpress.run.extension import ROOT
from nbpress.run.matplotlib_config import configuration

_ENVIRONMENT = {
    "NBPRESS_RUN": "1",  # cells then do not show what is meant for JupyterLab only
    # One BLAS thread: with two, the last bits of results would depend on what else is running.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",  # Apple's
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": os.devnull,  # not the user's; one beside the notebook is used, and observed
}
_FOREIGN = ("PYTHONSTARTUP", "JUPYTER_PATH")  # set by users for other work: removed


def settings_folders(build: Path) -> list[Path]:
    """Return the folders with settings that kernels read."""
    return list(_settings(build).values())


def _settings(build: Path) -> dict[str, Path]:
    """Return these by variable: they are in `build/`, not the user's."""
    return {"IPYTHONDIR": build / "ipython", "MPLCONFIGDIR": configuration(build)}


def kernel_environment(root: Path, build: Path, sources: Iterable[Path]) -> dict[str, str]:
    """Return this process's environment, adapted for a project's kernels."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    if not kept.get("SOURCE_DATE_EPOCH"):  # if it is empty, IPython fails to start
        kept.pop("SOURCE_DATE_EPOCH", None)
    users = filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))
    return {
        **kept,
        **_ENVIRONMENT,
        # These folders come first: their modules are in the key, others of the same name are not.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*map(str, sources), *users])),
        **{name: str(folder) for name, folder in _settings(build).items()},
        ROOT: str(root),
    }
