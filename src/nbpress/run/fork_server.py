"""Starts kernels by forking from a process that has imported what they need: a script of its own.

A kernel that is forked has NumPy and Matplotlib at once, and is otherwise as one that was started
afresh. Nothing of a project is loaded here, nor of the press: what is installed, and no more.

Each connection to its socket is for one kernel, and has a process to keep it. The client sends
what the kernel is to be, with its standard output and error; the answer is the kernel's process
number, later its exit status. A byte from the client is a signal for the kernel and all that it
started; they are killed when the client closes the connection, and when the build ends, which the
end of standard input tells. If a kernel cannot be forked, the connection ends without an answer.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this script's folder, whose modules have names that others have as well

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
# What every kernel imports, but some of it only as it starts.
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
LONGEST = 1 << 20  # bytes of a request

_DEBUGGER = "debugpy"  # nobody stops at a line in a build, and it takes as long as all the rest

# What Python or Matplotlib reads when it starts: where there is one, it is to start.
_READ_AT_START = {"sitecustomize", "usercustomize", "matplotlibrc"}
_BUILD = 0  # standard input, which ends with the build


def load(modules: list[str]) -> None:
    """Import what is installed of these modules; end if that is no good beginning for a kernel.

    What a module says when it is imported belongs to the cell that imports it; threads do not
    outlive a fork.
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
        sys.exit("modules that start threads or say something are for fresh kernels")


def accept(listening: socket.socket) -> socket.socket:
    """Return each client in a process of its own; the server itself ends here, with the build."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a keeper
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
    """Return whether a kernel that looks for modules here would find those that are loaded."""
    names = {name.partition(".")[0] for folder in folders for name in os.listdir(folder)}
    return names.isdisjoint({name.partition(".")[0] for name in sys.modules} | _READ_AT_START)


def keep(client: socket.socket, kernel: int) -> None:
    """Pass signals on to a kernel, and its exit status back."""
    client.send(b"%d" % kernel)
    ended = os.pidfd_open(kernel)
    order = b"first"
    while order and ended not in (ready := _ready(ended, client, _BUILD)):
        order = client.recv(1) if client in ready else b""
        number = order[0] if order else signal.SIGKILL
        try:
            os.killpg(kernel, number)
        except ProcessLookupError:  # it does not lead a group yet
            os.kill(kernel, number)
    status = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    with contextlib.suppress(OSError):
        client.send(b"%d" % status)


def become(request: dict[str, Any], folders: list[str], output: int, error: int) -> None:
    """Make this process what a kernel is that was started with this request."""
    os.setsid()
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (error, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:] = [*folders, *(folder for folder in sys.path if folder not in folders[1:])]
    # ipykernel looks for it in the environment when it is imported, which was long ago.
    sys.argv = [*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    if "numpy.random" in sys.modules:  # Python's own generator has seen to it
        sys.modules["numpy.random"].seed()


def _ready(*files: Any) -> list[Any]:
    """Wait for some of these; return which can be read."""
    return select.select(files, [], [])[0]


def main() -> None:
    """Load, fork, and be a kernel or its keeper."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    load(sys.argv[2:])
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
