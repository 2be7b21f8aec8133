"""A notebook as it was written, read without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject, notebook

from nbpress.errors import PressError
from nbpress.project.code import first_party_modules
from nbpress.project.notebook import Notebook, read_notebook

BROKEN = Path(__file__).parents[1] / "fixtures" / "broken"


def written(folder: Path, *cells: tuple[str, str]) -> Notebook:
    """Write a notebook of these cells, and read it."""
    path = folder / "some.ipynb"
    path.write_text(json.dumps(notebook(list(cells))), "utf-8")
    return read_notebook(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("truncated", "is not a notebook, its JSON is broken in line"),
        ("merge_conflict", "is not a notebook, its JSON is broken in line"),
        ("without_cell_ids", "is not a notebook of format 4.5 or later: its cells have no ids"),
        ("two_cells_of_one_id", "two cells have the id 'sum'"),
        ("missing", "no notebook missing.ipynb"),
        ("not_python", "cell 5: line 1 is not Python: expected ':'"),
        ("computed_default", "the default of scale must be a literal; got math.pi"),
        ("wrong_default", "the default of scale must be float; got 'fast'"),
        ("default_out_of_bounds", "the default of scale must be > 0; got 0.0"),
        ("unknown_type", "cell 3: scale: a type must be made of int, float, bool"),
    ],
)
def test_broken_notebook_is_refused(tiny: TinyProject, name: str, message: str) -> None:
    """The message has its file's name and says what is wrong."""

    def read() -> None:
        broken = read_notebook(BROKEN / f"{name}.ipynb")
        broken.parameters()
        first_party_modules(broken.named_code(), [tiny.root / "src"])

    with pytest.raises(PressError) as error:
        read()
    assert message in str(error.value)
    assert name in str(error.value)


@pytest.mark.parametrize("content", ["[]", "{}", '{"cells": [1]}', "\ud800", "null"])
def test_anything_but_a_notebook_is_refused(tmp_path: Path, content: str) -> None:
    """Any other JSON, or no JSON at all, is refused."""
    path = tmp_path / "some.ipynb"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(PressError, match="is not a notebook"):
        read_notebook(path)


def test_cells_that_do_not_run(tmp_path: Path) -> None:
    """Prose, empty cells, and cells with nbclient's skip tag do not run."""
    content = notebook([("title", "x"), ("empty", " \n"), ("code", "1"), ("skipped", "2")])
    content["cells"][3]["metadata"]["tags"] = ["skip-execution"]
    path = tmp_path / "some.ipynb"
    path.write_text(json.dumps(content), "utf-8")
    assert [cell.id for cell in read_notebook(path).code] == ["code"]
