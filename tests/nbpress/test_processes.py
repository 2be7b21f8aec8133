"""The processes of a build: how they start, and how they end."""

from __future__ import annotations

import subprocess
import sys
from concurrent import futures

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.run.processes import local_pool

# Python imports it at its start, so what it leaves for the end comes last of all.
NOTE_THE_END = """
import atexit, os, pathlib, sys

def note():
    (pathlib.Path(__file__).parents[1] / f"ended-{os.getpid()}").touch()

if "ipykernel_launcher" in sys.orig_argv:
    atexit.register(note)
"""


def test_every_kernel_comes_to_its_own_end(tiny: TinyProject) -> None:
    """No kernel hangs until it is killed, as ipykernel's often do."""
    (tiny.root / "site" / "sitecustomize.py").write_text(NOTE_THE_END, "utf-8")
    tiny.report()
    tiny.report("--force")
    assert len(list(tiny.root.glob("ended-*"))) == 6


def test_long_path_of_the_temporary_folder_stops_no_kernel(tiny: TinyProject) -> None:
    """A socket's path can have about a hundred bytes; if that is too short, /tmp is used."""
    folder = tiny.root / ("long" * 20)
    folder.mkdir()
    assert len(tiny.report(TMPDIR=str(folder)).executed) == 3
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system"), ImportError("sem_open")])
def test_system_without_semaphores_is_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Python itself only says that something is read-only."""

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(futures, "ProcessPoolExecutor", refuse)
    with pytest.raises(PressError, match=r"the system refuses them .* make /dev/shm writable"):
        local_pool().__enter__()


def test_kernel_without_memory_is_one_sentence(tiny: TinyProject) -> None:
    """Whatever it wrote before it died, no cell is blamed."""
    (tiny.root / "site" / "comm.py").write_text("raise MemoryError\n", "utf-8")
    result = tiny.run("report")
    assert result.status == 1
    assert ".ipynb: its kernel ran out of memory (MemoryError): free some, or" in result.err
    assert "Traceback" not in result.err


def test_nbformat_does_without_the_slow_import() -> None:
    """It can be imported and validates, without the module that takes a second."""
    code = (
        "import sys\n"
        "from nbpress.run.processes import skip_slow_imports\n"
        "skip_slow_imports()\n"
        "import nbformat.v4\n"
        "nbformat.validate(nbformat.v4.new_notebook())\n"
        "assert 'jsonschema' in sys.modules\n"
        "assert not [n for n in sys.modules if n.startswith(('rfc3987_syntax.', 'lark'))]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
