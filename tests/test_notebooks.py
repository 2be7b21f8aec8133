"""The notebooks as they are committed: clean, small, and alike in structure."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
from numpy.random import RandomState

from nbpress.errors import PressError
from nbpress.project.code import parse
from nbpress.project.notebook import read_notebook
from nbpress.say.prose import read_prose, split_prose

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.name[0].isdigit()]


def cells(path: Path, kind: str) -> list[dict]:
    """Return a notebook's cells of one kind, their sources joined."""
    content = json.loads(path.read_text("utf-8"))
    return [
        {**cell, "source": "".join(cell["source"])}
        for cell in content["cells"]
        if cell["cell_type"] == kind
    ]


def code(path: Path) -> list[dict]:
    """Return a notebook's cells of code; those of prose are not among them."""
    return [cell for cell in cells(path, "code") if split_prose(cell["source"]) is None]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    """Each notebook in turn."""
    return request.param


def test_there_is_one_notebook_per_task():
    """There is a chapter for each of the four tasks, and an appendix."""
    assert [path.name[0] for path in CHAPTERS] == ["1", "2", "3", "4", "5"]


def test_committed_without_outputs():
    """Git has neither outputs nor execution counts, and would not accept any."""
    subprocess.run(["tools/notebooks", "check"], cwd=ROOT, check=True)


def test_cell_ids_are_unique(notebook):
    """Outputs are matched to cells by id, so no id stands twice."""
    ids = [cell["id"] for kind in ("code", "markdown") for cell in cells(notebook, kind)]
    assert len(ids) == len(set(ids))


def test_title_first(notebook):
    """A notebook begins with its title, in Markdown."""
    first = json.loads(notebook.read_text("utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown"
    assert "".join(first["source"]).startswith("# ")


def test_one_parameters_cell_with_types(notebook):
    """A notebook has one cell tagged parameters; each of them has a type and a comment."""
    tagged = [c for c in cells(notebook, "code") if "parameters" in c["metadata"].get("tags", ())]
    assert len(tagged) == 1
    for line in tagged[0]["source"].splitlines():
        assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # .+", line), line


def test_few_cells(notebook):
    """A notebook has at most 25 cells of code and Markdown, not counting its prose."""
    assert len(code(notebook)) + len(cells(notebook, "markdown")) <= 25


def test_short_cells(notebook):
    """No code cell has more than 22 lines, apart from declarations and closing brackets."""
    for cell in code(notebook):
        if "parameters" not in cell["metadata"].get("tags", ()):
            lines = [line for line in cell["source"].splitlines() if line.strip(" )]}")]
            assert len(lines) <= 22, cell["id"]


def test_no_functions_paths_or_savefig(notebook):
    """Code that two notebooks need is in src: no def, class, file path or savefig."""
    for cell in code(notebook):
        for node in ast.walk(parse(cell["source"], cell["id"])):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda), cell["id"]
            if isinstance(node, ast.Attribute | ast.Name):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                assert name not in {"savefig", "open", "Path"}, cell["id"]


def test_imports_are_used(notebook):
    """Code uses each import, or prose quotes it."""
    imported, used = set(), set()
    for cell in cells(notebook, "code"):
        if prose := read_prose(cell["source"]):
            used |= {quote.name for quote in prose.quotes}
            continue
        for node in ast.walk(parse(cell["source"], cell["id"])):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported |= {(n.asname or n.name).partition(".")[0] for n in node.names}
            elif isinstance(node, ast.Name):
                used.add(node.id)
    assert imported <= used


@pytest.mark.parametrize("folder", ["notebooks", "sweeps"])
def test_seeds_are_those_of_numpy(folder):
    """A seed that `RandomState` would refuse is refused before anything runs."""
    seeds = [
        seed
        for path in sorted((ROOT / folder).glob("*.ipynb"))
        if (seed := read_notebook(path).parameters().get("seed"))
    ]
    assert seeds
    for seed in seeds:
        RandomState(seed.check(2**32 - 1))
        with pytest.raises(PressError, match="seed must be ≤ 4294967295; got 4294967296"):
            seed.check(2**32)
