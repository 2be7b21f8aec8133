"""Gives jupyter_client forked kernels, or fresh ones where forking is not possible."""

from __future__ import annotations

import asyncio
import contextlib
import os
from subprocess import Popen
from typing import Any, cast

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Unicode

from nbpress.run.forked import ForkedKernel, fork

NAME = "nbpress"  # of its entry point

_SHUTDOWN_SECONDS = 2


class ForkProvisioner(LocalProvisioner):
    """jupyter_client's own provisioner, except that the process may come from a fork server."""

    server = Unicode(help="the socket of a fork server; without one, every kernel is fresh").tag(
        config=True
    )
    forked: ForkedKernel | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch a kernel with a command."""
        output, error = kwargs.get("stdout"), kwargs.get("stderr")
        self.forked = fork(
            self.server,
            cmd,
            kwargs.get("env") or os.environ,
            kwargs.get("cwd") or os.getcwd(),
            output.fileno() if output else 1,
            error.fileno() if error else 2,
        )
        if self.forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = cast("Popen[bytes]", self.forked)
        self.pid = self.forked.pid
        self.pgid = None  # a signal reaches its group through its keeper
        self.cwd = kwargs.get("cwd")
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Wait a while for the kernel to end; jupyter_client itself polls only every 0.1 s."""
        await super().shutdown_requested(restart)
        if self.forked is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.forked.ended(), _SHUTDOWN_SECONDS)
