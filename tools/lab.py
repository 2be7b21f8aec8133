"""Start JupyterLab with a default address that may contain a query: `make lab`.

The server by itself would put its token after a second question mark, where it is not read.
"""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import ParseResult

from jupyter_server import serverapp
from jupyterlab.labapp import LabApp


class ServerApp(serverapp.ServerApp):  # type: ignore[misc]  # options name it
    """The server, with addresses that have a single query."""

    def _get_urlparts(self, *args: Any, **kwargs: Any) -> ParseResult:
        parts = super()._get_urlparts(*args, **kwargs)
        path, _, query = parts.path.partition("?")
        return parts._replace(path=path, query="&".join(filter(None, [query, parts.query])))


if __name__ == "__main__":
    LabApp.serverapp_class = ServerApp
    sys.exit(LabApp.launch_instance())
