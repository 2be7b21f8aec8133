"""The notebooks as they are committed: clean, small, and alike in structure."""

import ast
import json
import re
import string
import subprocess
from pathlib import Path

import pytest

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


def calls(path: Path, name: str) -> list[ast.Call]:
    """Return a notebook's calls of `nbpress.<name>`."""
    return [
        node
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(cell["source"]))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"nbpress.{name}"
    ]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    """Each notebook in turn."""
    return request.param


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    """Each chapter of the report in turn."""
    return request.param


def test_there_is_one_notebook_per_task():
    """There is a chapter for each of the four tasks, and an appendix."""
    assert [path.name[0] for path in CHAPTERS] == ["1", "2", "3", "4", "5"]


def test_committed_without_outputs():
    """Git holds neither outputs nor execution counts, and would take none."""
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


def test_one_parameters_cell_with_types(chapter):
    """A chapter has one cell tagged parameters; each of them has a type and a comment."""
    tagged = [c for c in cells(chapter, "code") if "parameters" in c["metadata"].get("tags", ())]
    assert len(tagged) == 1
    for line in tagged[0]["source"].splitlines():
        assert re.fullmatch(r"\w+: [\w\[\]]+ = .+  # .+", line), line


def test_short_cells(chapter):
    """No code cell is longer than 15 lines of code, declarations and closing brackets aside."""
    for cell in cells(chapter, "code"):
        if "parameters" not in cell["metadata"].get("tags", ()):
            lines = [line for line in cell["source"].splitlines() if line.strip(" )]}")]
            assert len(lines) <= 22, cell["id"]


def test_no_functions_paths_or_savefig(chapter):
    """What two notebooks need lives in src: no def, no class, no file path, no savefig."""
    for cell in cells(chapter, "code"):
        tree = ast.walk(ast.parse(cell["source"]))
        for node in tree:
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda), cell["id"]
            if isinstance(node, ast.Attribute | ast.Name):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                assert name not in {"savefig", "open", "Path"}, cell["id"]


def test_no_typed_numbers_in_answers(chapter):
    """Outside formulas, references and quoted fields, no digit stands in the text of an answer."""
    for call in calls(chapter, "answer"):
        for text in ast.walk(call.args[1]):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                prose = "".join(part for part, *_ in string.Formatter().parse(text.value))
                prose = re.sub(r"\$[^$]*\$|\[[^\]]*\]\([^)]*\)|λ = 0|of 2022", "", prose)
                assert not re.search(r"\d", prose), prose


def test_figures_have_caption_and_alt(chapter):
    """Each figure is given label, caption and text alternative where it is shown."""
    for call in calls(chapter, "figure"):
        assert len(call.args) + len(call.keywords) == 4, ast.unparse(call)[:60]
