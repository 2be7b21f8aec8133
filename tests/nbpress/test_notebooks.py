"""A notebook as it was written: parameters and imports, read without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import TinyProject, notebook

from nbpress.errors import PressError
from nbpress.project.notebook import Notebook, Parameter, read_notebook

BROKEN = Path(__file__).parents[1] / "fixtures" / "broken"


def written(place: Path, *cells: tuple[str, str]) -> Notebook:
    """Write a notebook of these cells, and read it."""
    path = place / "some.ipynb"
    path.write_text(json.dumps(notebook(list(cells))), "utf-8")
    return read_notebook(path)


def parameter(place: Path, declaration: str) -> Parameter:
    """Return the one parameter that is declared."""
    (found,) = written(place, ("parameters", declaration)).parameters().values()
    return found


def imported(project: TinyProject, source: str, module: str = "") -> set[str]:
    """Return the first-party files that a cell imports, itself or through `tiny.base`."""
    if module:
        (project.root / "src" / "tiny" / "base.py").write_text(module, "utf-8")
    sources = [project.root / "src"]
    files = written(project.root, ("code", source)).first_party_modules(sources)
    return {path.relative_to(sources[0]).as_posix() for path in files}


@pytest.mark.parametrize(
    ("declaration", "type_", "default", "bounds", "comment"),
    [
        ("x: float = 0.05  # > 0, per step", "float", 0.05, ((">", 0),), "per step"),
        ("x: float = 0.5  # ≥ 0, ≤ 1, share", "float", 0.5, (("≥", 0), ("≤", 1)), "share"),
        (
            "x: float = 1  # >= -1e-3; < 2.5 metres",
            "float",
            1,
            (("≥", -1e-3), ("<", 2.5)),
            "metres",
        ),
        ("x: int = -3  # of ≥ 2 kinds", "int", -3, (), "of ≥ 2 kinds"),
        ("x: list[float] = []  # ≥ 0", "list[float]", [], (("≥", 0),), ""),
        ("x: float | None = None  # > 0", "float | None", None, ((">", 0),), ""),
        ("x = 3  # images", "int", 3, (), "images"),
        ("x = True", "bool", True, (), ""),
        ("x = 'a#b'", "str", "a#b", (), ""),
        ("x = None", "", None, (), ""),
    ],
)
def test_parameter_is_declared_by_annotation_default_and_comment(
    tmp_path: Path, declaration: str, type_: str, default: Any, bounds: Any, comment: str
) -> None:
    """Type, default, bounds and unit; without an annotation the default tells the type."""
    assert parameter(tmp_path, declaration) == Parameter("x", type_, default, bounds, comment)


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ("x: float = 0.5", 2, 2.0),
        ("x: float = 0.5", "1e-3", 1e-3),
        ("x: int = 1", "2", 2),
        ("x: bool = True", "false", False),
        ("x: bool = True", "False", False),
        ("x: str = ''", "12", "12"),
        ("x: list[int] = []", "[2, 3]", [2, 3]),
        ("x: list[float] = []", "(0, 1.5)", [0.0, 1.5]),
        ("x: dict = {}", "{'a': 1}", {"a": 1}),
        ("x: float | None = None", "None", None),
        ("x: float | None = None", "0.5", 0.5),
        ("x = 0.5", "2", 2.0),
        ("x = None", "2", 2),
        ("x = None", "two", "two"),
    ],
)
def test_value_becomes_the_declared_type(
    tmp_path: Path, declaration: str, given: Any, value: Any
) -> None:
    """From the command line as from YAML; an int may stand for a float."""
    found = parameter(tmp_path, declaration).check(given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ("x: int = 1", "1.0", "x must be int; got 1.0"),
        ("x: int = 1", True, "x must be int; got True"),
        ("x: int = 1", "one", "x must be int; got 'one'"),
        ("x: float = 1", "True", "x must be float; got True"),
        ("x: float = 1", None, "x must be float; got None"),
        ("x: bool = True", 1, "x must be bool; got 1"),
        ("x: str = ''", 1, "x must be str; got 1"),
        ("x: list[int] = []", "2", "x must be list[int]; got 2"),
        ("x: list[int] = []", [1, 2.5], "x must be list[int]; got [1, 2.5]"),
        ("x: list[float] = []  # ≥ 0", [1, -1], "x must be ≥ 0; got -1.0"),
        ("x: float = 1  # > 0", "0", "x must be > 0; got 0.0"),
        ("x: float = 1  # > 0", float("nan"), "x must be > 0; got nan"),
        ("x = 1  # < 5", 5, "x must be < 5; got 5"),
        ("x = 1", 0.5, "x must be int; got 0.5"),
    ],
)
def test_wrong_value_is_refused_by_name(
    tmp_path: Path, declaration: str, given: Any, message: str
) -> None:
    """A bool is no int, a text no number, and bounds hold for each item of a list."""
    with pytest.raises(PressError) as error:
        parameter(tmp_path, declaration).check(given)
    assert str(error.value) == message


def test_only_literal_assignments_are_parameters(tmp_path: Path) -> None:
    """Other lines of the cell, and other cells, declare nothing."""
    found = written(
        tmp_path,
        ("parameters", "x: int = 1\nprint(x)\nx.y = 2\nz: int\n%matplotlib inline"),
        ("code", "w: int = 1"),
    )
    assert list(found.parameters()) == ["x"]
    assert list(written(tmp_path, ("code", "w: int = 1")).parameters()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("truncated", "is not a notebook of format 4.5"),
        ("merge_conflict", "is not a notebook of format 4.5"),
        ("without_cell_ids", "is not a notebook of format 4.5: KeyError('id')"),
        ("two_cells_of_one_id", "two cells have the id 'sum'"),
        ("missing", "no notebook missing.ipynb"),
        ("not_python", "cell 5: line 1 is not Python: expected ':'"),
        ("computed_default", "the default of scale must be a literal; got math.pi"),
        ("wrong_default", "the default of scale must be float; got 'fast'"),
        ("default_out_of_bounds", "the default of scale must be > 0; got 0.0"),
        ("unknown_type", "the default of scale: a type must be made of int, float, bool"),
    ],
)
def test_broken_notebook_is_refused(tiny: TinyProject, name: str, message: str) -> None:
    """By its file's name, with what is wrong."""

    def read() -> None:
        found = read_notebook(BROKEN / f"{name}.ipynb")
        found.parameters()
        found.first_party_modules([tiny.root / "src"])

    with pytest.raises(PressError) as error:
        read()
    assert message in str(error.value)
    assert name in str(error.value)


@pytest.mark.parametrize("content", ["[]", "{}", '{"cells": [1]}', "\ud800", "null"])
def test_anything_but_a_notebook_is_refused(tmp_path: Path, content: str) -> None:
    """Whatever JSON it is, or none at all."""
    path = tmp_path / "some.ipynb"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(PressError, match="is not a notebook"):
        read_notebook(path)


def test_cells_that_do_not_run(tmp_path: Path) -> None:
    """Prose, empty cells, and those tagged as nbclient skips them."""
    content = notebook([("title", "x"), ("empty", " \n"), ("code", "1"), ("skipped", "2")])
    content["cells"][3]["metadata"]["tags"] = ["skip-execution"]
    path = tmp_path / "some.ipynb"
    path.write_text(json.dumps(content), "utf-8")
    assert [cell.id for cell in read_notebook(path).code] == ["code"]


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
    """Wherever they stand in the code, with magics around, and through other modules."""
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
    """Relative ones too, and circles end."""
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
    """By its name, before a kernel starts."""
    (tiny.root / "src" / "tiny" / "base.py").write_bytes(content)
    with pytest.raises(PressError, match=r"base\.py.* is not Python"):
        imported(tiny, "import tiny.base")
