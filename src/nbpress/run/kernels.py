"""papermill's engine, extended: it reports progress, and what the kernel observed."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from traitlets import Unicode
from traitlets.config import Config

from nbpress.project.notebook import INJECTED_TAG
from nbpress.run import provisioner
from nbpress.run.temporary import private_folder

ENGINE_NAME = "nbpress"

_KERNEL_OPTIONS = [
    "--HistoryManager.enabled=False",
    "--IPKernelApp.extra_extensions=nbpress.run.extension",
]
_SAVE_SECONDS = 0.5
_OBSERVED = "__import__('json').dumps(__import__('IPython').get_ipython().observer.report())"


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    observation_file = Unicode()
    server = Unicode()

    def create_kernel_manager(self) -> Any:
        """Have a fork server start the kernel."""
        manager = super().create_kernel_manager()
        manager.kernel_spec.metadata.setdefault(
            "kernel_provisioner",
            {"provisioner_name": provisioner.NAME, "config": {"server": self.server}},
        )
        return manager

    def papermill_execute_cells(self) -> None:
        """Execute all cells, then ask the kernel what its observer has seen."""
        super().papermill_execute_cells()
        request = self.kc.execute(
            "", silent=True, store_history=False, user_expressions={"observed": _OBSERVED}
        )
        answer = self.wait_for_reply(request)["content"]["user_expressions"]["observed"]
        Path(self.observation_file).write_text(
            ast.literal_eval(answer["data"]["text/plain"]), "utf-8"
        )


class Engine(NBClientEngine):  # type: ignore[misc]
    """nbclient with the press's own kernels; papermill finds it under the name "nbpress"."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        progress_file: str = "",
        observation_file: str = "",
        log_file: str = os.devnull,
        server: str = "",
        **_: Any,
    ) -> Any:
        """Execute the notebook that papermill manages."""
        with (
            private_folder() as runtime,
            # What a kernel writes outside its cells, such as why it cannot start.
            open(log_file, "ab") as log,
        ):
            # Sockets in a private folder, not ports that every user of this machine can reach.
            connection = {
                "transport": "ipc",
                "connection_file": f"{runtime}/kernel.json",
                "client_class": "nbpress.run.client.Client",
            }
            _save_seldom(nb_man)
            written = [c for c in nb_man.nb.cells if INJECTED_TAG not in c.metadata.get("tags", ())]

            def report_progress(cell: Any, cell_index: int) -> None:
                if cell in written:
                    progress = f"{written.index(cell) + 1} {len(written)}"
                    Path(progress_file).write_text(progress, "ascii")

            return _Client(
                nb_man,
                kernel_name=kernel_name,
                startup_timeout=start_timeout,
                timeout=execution_timeout,
                observation_file=observation_file,
                server=server,
                on_cell_start=report_progress,
                extra_arguments=_KERNEL_OPTIONS,
                config=Config(KernelManager=connection),
            ).execute(stdout=log, stderr=log)


def _save_seldom(manager: Any) -> None:
    """Save the notebook at most twice a second, where papermill saves twice a cell.

    After the last cell it is always saved.
    """
    save = manager.save

    def save_if_due(**notebook: Any) -> None:
        since = (manager.now() - manager.last_save_time).total_seconds()
        if notebook or manager.end_time or since > _SAVE_SECONDS:
            save(**notebook)

    manager.save = save_if_due


papermill_engines.register(ENGINE_NAME, Engine)
