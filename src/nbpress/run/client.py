"""A client of a kernel, like jupyter_client's, that starts as soon as the kernel answers."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

_RECONNECT_MILLISECONDS = 10  # ZeroMQ tries again after 100
_SHELL_SECONDS, _IOPUB_SECONDS = 1.0, 0.2  # as jupyter_client


class Client(AsyncKernelClient):
    """A client that does not wait longer than necessary.

    jupyter_client waits until its sockets have been silent for 0.2 s. This client asks again once
    the kernel welcomes it to its output, and is ready when the answer to that is complete.
    """

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MILLISECONDS)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel answers and its output is received.

        Raises
        ------
        RuntimeError
            If it dies first, or does not answer within `timeout` seconds.
        """
        start = time.monotonic()
        while not await self._has_answered(self.kernel_info()):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if timeout is not None and time.monotonic() > start + timeout:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _has_answered(self, question: str) -> bool:
        def belongs(message: dict[str, Any]) -> bool:
            return bool(message["parent_header"].get("msg_id") == question)

        try:
            while not belongs(reply := await self.get_shell_msg(timeout=_SHELL_SECONDS)):
                pass
            while True:
                message = await self.get_iopub_msg(timeout=_IOPUB_SECONDS)
                if message["msg_type"] == "iopub_welcome":  # earlier messages are lost
                    return False
                if belongs(message) and message["content"].get("execution_state") == "idle":
                    break
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True
