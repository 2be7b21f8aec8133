"""Code read without running it: what it imports, directly and through others."""

from __future__ import annotations

import os
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.code import compile_sources, first_party_modules, imported_modules


def imported(project: TinyProject, source: str, module: str = "") -> set[str]:
    """Return the first-party files that a cell imports, itself or through `tiny.base`."""
    if module:
        (project.root / "src" / "tiny" / "base.py").write_text(module, "utf-8")
    sources = [project.root / "src"]
    files = first_party_modules({"some.ipynb, cell 1": source}, sources)
    return {path.relative_to(sources[0]).as_posix() for path in files}


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("import tiny", {"__init__"}),
        ("import tiny.base as b", {"__init__", "base"}),
        ("from tiny import base", {"__init__", "base"}),
        ("from tiny.base import STEP", {"__init__", "base"}),
        ("from tiny import sums", {"__init__", "sums", "base"}),
        ("def f():\n    if 0:\n        from tiny import base", {"__init__", "base"}),
        ("await f()\nfrom tiny import base", {"__init__", "base"}),
        ("%matplotlib inline\n!ls\nfrom tiny import base", {"__init__", "base"}),
        ("x = !ls\nx?\nfrom tiny import base", {"__init__", "base"}),
        ("y = (7\n% 2)\nfrom tiny import base", {"__init__", "base"}),
        ("import json, tiny_too, tinyer.base", set()),
        ("from tiny import nothing", {"__init__"}),
    ],
)
def test_imports_are_found_by_reading(tiny: TinyProject, source: str, files: set[str]) -> None:
    """Imports are found anywhere in the code, among magics, and through other modules."""
    assert imported(tiny, source) == {f"tiny/{name}.py" for name in files}


@pytest.mark.parametrize(
    "module",
    [
        "from . import plugin",
        "from .plugin import words",
        "from tiny.plugin import *",
        "import tiny.plugin",
        "from .. import tiny\nfrom ..tiny import plugin",
        "# -*- coding: latin-1 -*-\nimport tiny.plugin",
    ],
)
def test_imports_of_modules_are_followed(tiny: TinyProject, module: str) -> None:
    """Relative imports are followed, too, and circles end."""
    assert imported(tiny, "import tiny.base", module) == {
        "tiny/__init__.py",
        "tiny/base.py",
        "tiny/plugin.py",
    }


def test_namespace_packages_are_followed(tiny: TinyProject) -> None:
    """A folder without `__init__.py` is a package as well."""
    (tiny.root / "src" / "tiny" / "deep" / "er").mkdir(parents=True)
    (tiny.root / "src" / "tiny" / "deep" / "er" / "most.py").write_text("from ... import base")
    assert imported(tiny, "from tiny.deep.er import most") == {
        "tiny/__init__.py",
        "tiny/base.py",
        "tiny/deep/er/most.py",
    }


@pytest.mark.parametrize("content", [b"if True\n", b"x = '\xff'\n", b"x = 1\0\n"])
def test_module_that_is_not_python_is_refused(tiny: TinyProject, content: bytes) -> None:
    """The message names it, before a kernel starts."""
    (tiny.root / "src" / "tiny" / "base.py").write_bytes(content)
    with pytest.raises(PressError, match=r"base\.py.* is not Python"):
        imported(tiny, "import tiny.base")


def test_imported_modules_are_those_of_others_that_are_imported_at_once(tmp_path: Path) -> None:
    """They are imported directly or through the project's own modules, which do not count."""
    (tmp_path / "mine.py").write_text(
        "from numpy import random\nfrom . import beside\ndef late():\n    import scipy\n"
    )
    names = imported_modules({"cell 1": "import mine, matplotlib.pyplot as plt\n"}, [tmp_path])
    assert names == {"matplotlib.pyplot", "numpy", "numpy.random"}


def bytecode_of(source: Path) -> Path:
    """Return where a source's bytecode lies, compiled."""
    compile_sources([source])
    return Path(cache_from_source(str(source)))


def test_bytecode_is_that_of_the_source_as_it_is(tmp_path: Path) -> None:
    """An edit in the same second, of the same length, is compiled; without one, nothing is."""
    source = tmp_path / "mine.py"
    source.write_text("x = 1\n")
    compiled = bytecode_of(source)
    first, time = compiled.read_bytes(), source.stat().st_mtime_ns
    os.utime(compiled, ns=(0, 0))
    assert bytecode_of(source).stat().st_mtime_ns == 0
    source.write_text("x = 2\n")
    os.utime(source, ns=(time, time))
    assert bytecode_of(source).read_bytes()[16:] != first[16:]


def test_bytecode_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """Bytecode cut off by a full disk is compiled again."""
    source = tmp_path / "mine.py"
    source.write_text("x = 'a longer text'\n")
    compiled = bytecode_of(source)
    whole = compiled.read_bytes()
    compiled.write_bytes(whole[:-9])
    assert bytecode_of(source).read_bytes() == whole
