"""Kernels forked from a server that has their modules loaded; see `nbpress.run.fork_server`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from nbpress.run import fork_server
from nbpress.run.temporary import private_folder

_START = [sys.executable, "-m", fork_server.KERNEL]  # how ipykernel's kernels are started
_SECONDS = 60  # for the server to import everything
_FAREWELL_SECONDS = 5


@contextlib.contextmanager
def serving(environment: Mapping[str, str], modules: Iterable[str]) -> Iterator[str]:
    """Start a server that lives for the block, and yield the path of its socket.

    The path is empty where forking is not safe (macOS) or not wanted (`NBPRESS_KERNELS=fresh`).
    """
    if sys.platform != "linux" or environment.get("NBPRESS_KERNELS") == "fresh":
        yield ""
        return
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            path = str(folder / "kernels")
            listening.bind(path)
            listening.listen()
            server = subprocess.Popen(
                [sys.executable, fork_server.__file__, str(listening.fileno()), *modules],
                env={n: value for n, value in environment.items() if n != "PYTHONPATH"},
                cwd=folder,
                stdin=subprocess.PIPE,
                pass_fds=[listening.fileno()],
                start_new_session=True,  # Ctrl-C goes to the build only, which decides
            )
        try:
            yield path
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.communicate(timeout=_FAREWELL_SECONDS)
            server.kill()
            server.wait()


def fork(
    server: str,
    command: list[str],
    environment: Mapping[str, str],
    folder: str | Path,
    output: int,
    error: int,
) -> ForkedKernel | None:
    """Have the server fork the kernel that `command` would start; None if it cannot."""
    if not server or command[: len(_START)] != _START:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(_SECONDS)
    request = {
        "arguments": command[len(_START) - 1 :],
        "environment": dict(environment),
        "folder": str(folder),
    }
    try:
        connection.connect(server)
        socket.send_fds(connection, [json.dumps(request).encode()], [output, error])
        return ForkedKernel(int(connection.recv(20)), connection)
    except (OSError, ValueError):
        connection.close()
        return None


class ForkedKernel:
    """A kernel forked by a server, with the part of `subprocess.Popen` that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        if self.returncode is None:
            self._connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                self._receive()
        return self.returncode

    async def ended(self) -> None:
        """Return as soon as it has ended."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        if self.returncode is None:
            loop.add_reader(self._connection, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(self._connection)

    def wait(self) -> int | None:
        """Wait until it has ended; return the exit status."""
        if self.returncode is None:
            self._connection.setblocking(True)
            self._receive()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to it and to the processes that it started."""
        if self.poll() is None:
            with contextlib.suppress(OSError):
                self._connection.send(bytes([number]))

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _receive(self) -> None:
        try:
            # Without a status, the keeper was killed, and the kernel ends with it.
            self.returncode = int(self._connection.recv(20) or -signal.SIGKILL)
        except ConnectionError:
            self.returncode = -signal.SIGKILL
        self._connection.close()
