"""What the documents tell a reader to do, done."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbpress

ROOT = Path(__file__).resolve().parents[1]


def nbpress_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "nbpress", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def cells_of(text: str) -> list[dict[str, object]]:
    """Turn the guide's listing of cells into those of a notebook."""
    cells: list[dict[str, object]] = []
    for kind, more, source in re.findall(
        r"^# (Markdown|Code)(.*)\n((?:(?!^# (?:Markdown|Code)).*\n?)*)", text, re.MULTILINE
    ):
        tags = {"tags": ["parameters"]} if "`parameters`" in more else {}
        cell = {"id": f"c{len(cells)}", "metadata": tags, "source": source.strip()}
        code = {"cell_type": "code", "execution_count": None, "outputs": []}
        cells.append({**cell, **(code if kind == "Code" else {"cell_type": "markdown"})})
    return cells


def test_guide_to_a_report_of_your_own(tmp_path):
    """The report that the guide shows is published as it stands there, and its commands do so."""
    guide = (ROOT / "docs" / "own-report.md").read_text("utf-8")
    report_yaml, notebook = (
        re.search(rf"```{language}\n(.*?)```", guide, re.DOTALL)[1]
        for language in ("yaml", "python")
    )
    for folder in ("report", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "report" / "report.yaml").write_text(report_yaml, "utf-8")
    (tmp_path / "notebooks" / "weather.csv").write_text("temperature\n15\n30\n", "utf-8")
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells_of(notebook)}
    (tmp_path / "notebooks" / "1_analysis.ipynb").write_text(json.dumps(content), "utf-8")
    commands = re.findall(r"-m nbpress (.*?)(?:\s+#.*)?$", guide, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        result = nbpress_in(tmp_path, *command.split())
        assert result.returncode == 0, result.stderr
    values = json.loads((tmp_path / "report" / "values.json").read_text("utf-8"))
    assert {name: entry["value"] for name, entry in values.items()} == {
        "1a.warm": 1,
        "1a.num": 2,
        "1a.threshold": 20.0,
    }
    (tmp_path / "notebooks" / "weather.csv").write_text("temperature\n15\n30\n31\n", "utf-8")
    result = nbpress_in(tmp_path, "report")
    assert "1_analysis: runs again, notebooks/weather.csv changed" in result.stderr


def test_guide_lists_every_call():
    """Each function that a notebook may call stands in the guide, and no other does."""
    guide = (ROOT / "docs" / "own-report.md").read_text("utf-8")
    table = re.findall(r"^\| `nbpress\.(\w+)\(", guide, re.MULTILINE)
    assert sorted([*table, "prose"]) == sorted(nbpress.__all__)


def test_guide_to_derivations(tmp_path):
    """The derivation that the guide shows is proved, and its result is the one it asks for."""
    guide = (ROOT / "docs" / "own-report.md").read_text("utf-8")
    section = guide[guide.index("## Derivations that are proved") :]
    cells, proofs = re.search(r"```\n(.*?)```.*?```yaml\n(.*?)```", section, re.DOTALL).groups()
    for folder in ("report", "notebooks"):
        (tmp_path / folder).mkdir()
    report = f"title: T\nauthors: [A]\nchapters:\n  - notebook: 2.ipynb\n{proofs}"
    (tmp_path / "report" / "report.yaml").write_text(report, "utf-8")
    notebook = "# Markdown\n## Task 2a\n\n# Code\n%load_ext nbpress\n\n" + cells
    for text, code in ((notebook, 0), (notebook.replace("(1 - y) \\,", "(1 + y) \\,"), 1)):
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells_of(text)}
        (tmp_path / "notebooks" / "2.ipynb").write_text(json.dumps(content), "utf-8")
        result = nbpress_in(tmp_path, "html")
        assert result.returncode == code, result.stderr
    assert "is refuted" in result.stderr
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert page.count("; proved by machine") == 1
