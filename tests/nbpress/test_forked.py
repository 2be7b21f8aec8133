"""Forked kernels: they behave like fresh ones; where they could not, fresh ones are used."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from fixtures.tiny_project import TinyProject

from nbpress.run import fork_server, worker
from nbpress.run.environment import kernel_environment
from nbpress.run.forked import ForkedKernel, fork, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux")

# Everything in a process that its start decides upon and a notebook could see.
STATE = """
import faulthandler, json, logging, os, resource, signal, sys, threading, warnings
import matplotlib
import numpy as np
print(json.dumps({
    "arguments": [a.partition(".json")[2] or os.path.basename(a) for a in sys.argv
                  if "parent_handle" not in a],
    "path": sys.path,
    "flags": str(sys.flags),
    "main": sorted(vars(sys.modules["__main__"])),
    "environment": {n: v for n, v in os.environ.items()
                    if n not in {"JPY_PARENT_PID", "PYDEVD_USE_FRAME_EVAL"}},  # the debugger's
    "folder": os.getcwd(),
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "signals": {str(s): str(signal.getsignal(s)).partition(" at ")[0]
                for s in signal.valid_signals()},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "limits": [resource.getrlimit(n) for n in range(16)],
    "umask": [os.umask(0o22), os.umask(0o22)],
    "input": [os.read(0, 1).hex(), sys.stdin.encoding],
    "files": sorted(os.path.basename(path) for n in os.listdir("/proc/self/fd") if int(n) > 2
                    and (path := os.path.realpath("/proc/self/fd/" + n))[:6] != "/proc/"),
    "threads": threading.active_count(),
    "recursion": sys.getrecursionlimit(),
    "encodings": [sys.getfilesystemencoding(), sys.__stdout__.encoding, sys.__stderr__.encoding],
    "warnings": sorted(map(str, warnings.filters)),
    "loggers": [logging.root.level, str(logging.root.handlers)],
    "matplotlib": {name: str(value) for name, value in matplotlib.rcParams.items()},
    "hash": hash("a word"),
    "decimals": np.get_printoptions()["precision"],
    "faults": faulthandler.is_enabled(),
}))
"""
IS_FORKED = "import sys; print(any('fork_server' in word for word in sys.orig_argv))"


class Press:
    """Runs notebooks of one cell, with kernels of a server's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("notebooks", "src", "build"):
            (root / name).mkdir()
        self.modules = ["numpy.random", "matplotlib.pyplot"]

    @property
    def environment(self) -> dict[str, str]:
        """The kernels'."""
        return kernel_environment(self.root, self.root / "build", [self.root / "src"])

    def outputs(self, *cells: str) -> list[list[dict[str, Any]]]:
        """Run a notebook for each of these cells, one after the other; return their outputs."""
        with serving({**self.environment, "OF_SERVER": "alone"}, self.modules) as server:
            return [self.run(cell, server) for cell in cells]

    def printed(self, *cells: str) -> list[str]:
        """Do the same; return what each cell prints."""
        return ["".join("".join(o["text"]) for o in cell) for cell in self.outputs(*cells)]

    def run(self, cell: str, server: str) -> list[dict[str, Any]]:
        """Run a notebook of one cell with a kernel of a server's; return its outputs."""
        notebook = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": "cell",
                    "metadata": {},
                    "source": cell,
                    "outputs": [],
                    "execution_count": None,
                }
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        sources = [self.root / "src"]
        folder, build = self.root / "notebooks", self.root / "build"
        job = worker.Job(notebook, {}, build, folder, sources, self.root, build, 60, server)
        former = dict(os.environ), os.getcwd()
        try:
            outcome = worker.run(job)
        finally:
            os.environ.clear()
            os.environ.update(former[0])
            os.chdir(former[1])
        assert outcome.failure is None, outcome.failure
        executed = json.loads((build / "executed.ipynb").read_text("utf-8"))
        return executed["cells"][-1]["outputs"]


@pytest.fixture
def press(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Press:
    """Return one for an empty project, whose own folder alone is on the path."""
    monkeypatch.setenv("PYTHONPATH", str(Path(worker.__file__).parents[2]))
    monkeypatch.delenv("NBPRESS_KERNELS", raising=False)
    return Press(tmp_path)


def forked(press: Press, server: str, **more: Any) -> ForkedKernel:
    """Fork a kernel that nobody talks to."""
    file = press.root / "build" / "connection.json"
    command = [sys.executable, "-m", fork_server.KERNEL, "-f", str(file), "--transport=ipc"]
    command += [f"--ip={press.root / 'build' / 'socket'}"]
    with open(os.devnull, "w") as nowhere:
        descriptor = nowhere.fileno()
        folder = press.root / "notebooks"
        options = {"environment": press.environment, "folder": folder, **more}
        kernel = fork(
            server, command, options["environment"], options["folder"], descriptor, descriptor
        )
    assert kernel is not None
    until(file.exists)
    return kernel


def until(condition: Any) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(process: int) -> bool:
    """Return whether a process has ended, if only between two looks at it."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# ---- As fresh ones ----------------------------------------------------------------------------


def test_state_is_that_of_a_fresh_kernel(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """Path, environment, signals, limits and Matplotlib's settings are those of a new kernel."""
    state, is_forked = press.printed(STATE, IS_FORKED)
    monkeypatch.setenv("NBPRESS_KERNELS", "fresh")
    fresh, is_fresh = press.printed(STATE, IS_FORKED)
    expected = json.loads(fresh)
    del expected["environment"]["NBPRESS_KERNELS"]
    actual = json.loads(state)
    for name in expected:
        assert actual[name] == expected[name], name
    assert (is_forked.strip(), is_fresh.strip()) == ("True", "False")


def test_each_has_random_numbers_of_its_own(press: Press) -> None:
    """The global generators of NumPy and Python, if not seeded, differ between kernels."""
    draw = "import random, numpy; print(numpy.random.random(), random.random())"
    first, second = (line.split() for line in press.printed(draw, draw))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_pyplot_shows_its_figures(press: Press) -> None:
    """It does so although it was imported where no notebook could show them."""
    code = f"{IS_FORKED}\nfrom matplotlib import pyplot as plt\nplt.plot([1, 2]);"
    said, picture = press.outputs(code)[0]
    assert said["text"] == ["True\n"]
    assert picture["data"]["image/png"]


def test_no_debugger_but_for_those_who_import_it(press: Press) -> None:
    """A kernel does not load what no build uses."""
    loaded = "import sys; print('debugpy' in sys.modules)"
    assert press.printed(f"{loaded}\nimport debugpy\n{loaded}") == ["False\nTrue\n"]


def test_imports_of_the_chapters_are_loaded(tiny: TinyProject) -> None:
    """Their modules and those that these import are loaded, but none of the project's."""
    tiny.edit("src/tiny/sums.py", "from . import base", "import sympy\nfrom . import base")
    look = "import sys\nassert {'sympy' in sys.modules, 'tiny' not in sys.modules} == {True}\n"
    imports = "%load_ext nbpress\nimport nbpress\nfrom tiny import sums"
    tiny.edit_cell("1_sums.ipynb", "imports", look + imports)
    tiny.report()


# ---- Where they would differ, they are fresh --------------------------------------------------


@pytest.mark.parametrize(
    "file",
    ["src/yaml.py", "src/numpy/__init__.py", "notebooks/random.py", "notebooks/matplotlibrc"],
)
def test_module_of_the_same_name(press: Press, file: str) -> None:
    """A kernel that would find another module of this name has to look for it."""
    path = press.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    press.modules = ["numpy", "yaml"]
    code = "import sys; print([word for word in sys.orig_argv if 'fork_server' in word])"
    assert "[]" in press.printed(code)[0]


def change_server(monkeypatch: pytest.MonkeyPatch, folder: Path, first: str) -> None:
    """Have the server run a line first, and take what is in `folder` for installed."""
    monkeypatch.setattr(fork_server, "__file__", str(folder / "fork_server.py"))
    server = Path(worker.__file__).with_name("fork_server.py").read_text("utf-8")
    (folder / "fork_server.py").write_text(
        server.replace("installed = (", f"installed = ({str(folder)!r}, ").replace(
            "    main()\n", f"    {first}\n    main()\n"
        ),
        "utf-8",
    )


@pytest.mark.parametrize(
    "code",
    [
        "print('a word')",
        "import warnings; warnings.warn('a warning')",
        "import threading, time; threading.Thread(target=time.sleep, args=[60]).start()",
        "raise SystemExit('no')",
        "raise ValueError('broken')",
        "import os; os._exit(3)",
    ],
)
def test_module_that_does_more_than_define(
    press: Press, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output belongs to the cell that imports it, and a thread would be lost."""
    change_server(monkeypatch, tmp_path, f"sys.path.append({str(tmp_path / 'libraries')!r})")
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "quiet.py").write_text("")
    (libraries / "odd.py").write_text(code)
    for modules, expected in ((["quiet"], "True"), (["quiet", "odd"], "False")):
        press.modules = modules
        assert press.printed(IS_FORKED)[0].strip() == expected


@pytest.mark.parametrize(
    "lacking",
    [
        "del os.pidfd_open",
        "os.pidfd_open = lambda _: os.open('/proc/none', 0)  # raises an OSError",
    ],
)
def test_system_without_descriptors_of_processes(
    press: Press, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Linux or Python is too old for them, kernels start afresh."""
    change_server(monkeypatch, tmp_path, lacking)
    assert press.printed(IS_FORKED)[0].strip() == "False"


# ---- How they end -----------------------------------------------------------------------------


def test_exit_status_and_signals(press: Press) -> None:
    """They are those of a separate process."""
    with serving(press.environment, []) as server:
        kernel = forked(press, server)
        assert kernel.poll() is None
        kernel.send_signal(signal.SIGKILL)
        assert kernel.wait() == -signal.SIGKILL
        assert kernel.poll() == kernel.wait() == -signal.SIGKILL
        kernel.kill()  # it has ended: nothing happens


def test_its_end_is_told_at_once(press: Press) -> None:
    """Whoever waits for its end does not have to poll."""

    async def end(kernel: ForkedKernel) -> list[bool]:
        waiting = asyncio.create_task(kernel.ended())
        await asyncio.sleep(0.1)
        early = waiting.done()
        kernel.kill()
        await asyncio.wait_for(waiting, 10)
        assert kernel.poll() == -signal.SIGKILL
        await asyncio.wait_for(kernel.ended(), 10)
        return [early, waiting.done()]

    with serving(press.environment, []) as server:
        assert asyncio.run(end(forked(press, server))) == [False, True]


def test_kernel_that_will_not_end_is_ended(press: Press) -> None:
    """After a while, a signal ends it."""
    stay = "import atexit, os, time; atexit.register(time.sleep, 60); print(os.getpid())"
    assert gone(int(press.printed(stay)[0]))


def test_end_of_the_client_ends_the_kernel(press: Press) -> None:
    """A worker that is killed leaves no kernel behind."""
    with serving(press.environment, []) as server:
        kernel = forked(press, server)
        kernel._connection.close()
        until(lambda: gone(kernel.pid))


def test_end_of_the_build_ends_all(press: Press) -> None:
    """Kernels, their keepers and the server end."""
    with serving(press.environment, []) as server:
        kernel = forked(press, server)
        keeper = psutil.Process(kernel.pid).ppid()
        assert not gone(keeper)
    until(lambda: gone(kernel.pid) and gone(keeper))
    assert not Path(server).exists()


def test_killed_keeper_ends_its_kernel(press: Press) -> None:
    """The kernel itself watches its parent."""
    with serving(press.environment, []) as server:
        kernel = forked(press, server)
        os.kill(psutil.Process(kernel.pid).ppid(), signal.SIGKILL)
        assert kernel.wait() == -signal.SIGKILL
        until(lambda: gone(kernel.pid))


def test_without_a_server_there_are_fresh_kernels(press: Press) -> None:
    """A server that was killed, or never started, stops no build."""
    with serving(press.environment, []) as server, contextlib.ExitStack() as stack:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(listening)
        os.rename(server, f"{server}.moved")
        listening.bind(server)  # accepts nobody
        assert fork(server, [sys.executable, "-m", fork_server.KERNEL], {}, "/", 1, 2) is None
        assert press.run(IS_FORKED, server)[0]["text"] == ["False\n"]
