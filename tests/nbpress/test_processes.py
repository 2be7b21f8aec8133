"""The processes of a build: how they start, and how they end."""

from __future__ import annotations

import subprocess
import sys

from fixtures.tiny_project import TinyProject

# Python imports it at its start, so what it leaves for the end comes last of all.
NOTE_THE_END = """
import atexit, os, pathlib, sys

def note():
    (pathlib.Path(__file__).parents[1] / f"ended-{os.getpid()}").touch()

if "ipykernel_launcher" in sys.orig_argv:
    atexit.register(note)
"""


def test_every_kernel_comes_to_its_own_end(tiny: TinyProject) -> None:
    """None hangs until it is killed, which ipykernel's do more often than not."""
    (tiny.root / "site" / "sitecustomize.py").write_text(NOTE_THE_END, "utf-8")
    tiny.report()
    tiny.report("--force")
    assert len(list(tiny.root.glob("ended-*"))) == 6


def test_nbformat_does_without_the_slow_import() -> None:
    """It is imported, validates, and the module that takes a second is not there."""
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
