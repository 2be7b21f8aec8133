"""Starts kernels by forking a process that has already imported what they need; runs as a script.

A forked kernel has NumPy and Matplotlib loaded at once, and otherwise behaves like a fresh one.
Only installed packages are loaded here, nothing of the project and nothing of the press.

Each connection to the socket serves one kernel, and a keeper process watches over it. The client
sends the request with the kernel's standard output and error; the answers are the kernel's process
id and later its exit status. A byte from the client is a signal for the kernel and all that it
started. They are killed when the client closes the connection, and when the build ends, which
closes standard input. If a kernel cannot be forked, the connection ends without an answer.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this script's folder: its modules would hide others of the same name

import contextlib
import gc
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
from typing import Any

KERNEL = "ipykernel_launcher"
# Modules that every kernel imports, some of them only when it starts.
_OF_KERNELS = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.magics.extension",
    "IPython.extensions.storemagic",
    "multiprocessing.synchronize",
    "psutil",
    "tornado.platform.asyncio",
)
LONGEST = 1 << 20  # bytes of a request, at most

_DEBUGGER = "debugpy"  # not needed in a build, and its import takes as long as all the others

# Python or Matplotlib reads these when it starts: if one exists, only a fresh kernel will do.
_READ_AT_START = {"sitecustomize", "usercustomize", "matplotlibrc"}
_BUILD = 0  # standard input, which is closed when the build ends


def load(modules: list[str]) -> None:
    """Import those of these modules that are installed; exit if that makes forking unsafe.

    It is unsafe if an import prints something, which belongs to the cell that imports the module,
    or starts a thread, which would not survive a fork.
    """
    said = os.memfd_create("said")
    for standard in (1, 2):
        os.dup2(said, standard)
    installed = (sys.prefix + os.sep, sys.base_prefix + os.sep)
    sys.modules[_DEBUGGER] = None  # type: ignore[assignment]  # ipykernel does without it
    for name in (*_OF_KERNELS, *modules):
        with contextlib.suppress(ImportError):
            spec = importlib.util.find_spec(name)
            if spec and (spec.origin or "").startswith(installed):
                importlib.import_module(name)
    del sys.modules[_DEBUGGER]
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random")  # NumPy imports it when it is first used
    sys.stdout.flush()
    has_spoken = os.fstat(said).st_size > 0
    os.close(said)
    if has_spoken or len(os.listdir("/proc/self/task")) > 1:
        sys.exit("some modules start threads or print something: kernels must start afresh")


def accept(listening: socket.socket) -> socket.socket:
    """Fork a process for each client, and return the client there; exit when the build ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no process waits for the keepers
    while True:
        if _BUILD in _ready(listening, _BUILD):
            sys.exit()
        client = listening.accept()[0]
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return client
        client.close()


def can_be_forked(folders: list[str]) -> bool:
    """Return whether nothing in these folders hides a loaded module or is read at start-up."""
    names = {name.partition(".")[0] for folder in folders for name in os.listdir(folder)}
    return names.isdisjoint({name.partition(".")[0] for name in sys.modules} | _READ_AT_START)


def keep(client: socket.socket, kernel: int) -> None:
    """Pass signals on to a kernel, and pass its exit status back."""
    client.send(b"%d" % kernel)
    ended = os.pidfd_open(kernel)
    order = b"first"
    while order and ended not in (ready := _ready(ended, client, _BUILD)):
        order = client.recv(1) if client in ready else b""
        number = order[0] if order else signal.SIGKILL
        try:
            os.killpg(kernel, number)
        except ProcessLookupError:  # it has no process group of its own yet
            os.kill(kernel, number)
    status = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    with contextlib.suppress(OSError):
        client.send(b"%d" % status)


def become(request: dict[str, Any], folders: list[str], output: int, error: int) -> None:
    """Turn this process into the kernel that the request describes."""
    os.setsid()
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (error, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:] = [*folders, *(folder for folder in sys.path if folder not in folders[1:])]
    # ipykernel reads its parent from the environment when it is imported: too early here.
    sys.argv = [*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    if "numpy.random" in sys.modules:  # Python reseeds its own generator after a fork
        sys.modules["numpy.random"].seed()


def _ready(*files: Any) -> list[Any]:
    """Wait until some of these files can be read; return them."""
    return select.select(files, [], [])[0]


def main() -> None:
    """Load the modules, fork, and become a kernel or its keeper."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    load(sys.argv[2:])
    os.close(os.pidfd_open(os.getpid()))  # what `keep` needs: without it, no kernel is forked
    gc.freeze()
    client = accept(listening)
    text, (output, error), _, _ = socket.recv_fds(client, LONGEST, 2)
    request = json.loads(text)
    search = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    folders = [request["folder"], *filter(None, search)]
    if not can_be_forked(folders):
        os._exit(1)
    kernel = os.fork()
    if kernel:
        keep(client, kernel)
        os._exit(0)
    client.close()
    become(request, folders, output, error)
    runpy.run_module(KERNEL, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
