"""Outputs of notebooks stay out of git: the filter that `make lab` sets up, and what lint sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["42\n"]}
CELL = {
    "cell_type": "code",
    "id": "kept",
    "metadata": {},
    "source": ['print({"output_type": "stream", "execution_count": 1})'],
}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Checkout:
    """A project of one notebook in a git repository, or in none."""

    def __init__(self, root: Path, *, top: Path | None) -> None:
        self.root = root
        for name in (".gitattributes", "tools/notebooks"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        (root / ".venv").symlink_to(sys.prefix)
        (root / "report").mkdir()
        (root / "report" / "report.yaml").touch()
        self.notebook = root / "notebooks" / "1 a.ipynb"
        self.notebook.parent.mkdir()
        self.save(outputs=[], execution_count=None)
        if top:
            self.run("git", "init", "-q", str(top))
            self.run("git", "add", "report", "notebooks")

    def save(self, *, metadata: dict | None = None, **cell: object) -> None:
        """Save the notebook as JupyterLab does."""
        content = {"cells": [CELL | cell], "metadata": metadata or METADATA}
        nb = nbformat.from_dict({**content, "nbformat": 4, "nbformat_minor": 5})
        nbformat.write(nb, self.notebook)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        environment["GIT_CEILING_DIRECTORIES"] = str(self.root.parent.parent)
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def git(self, *arguments: str) -> str:
        """Return what git says."""
        result = self.run("git", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def check(self) -> str:
        """Return why the notebooks are refused; nothing if they are not."""
        result = self.run("tools/notebooks", "check")
        assert bool(result.returncode) == bool(result.stderr)
        return result.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a project that is a repository, in a folder of a difficult name."""
    root = tmp_path / "it's $HOME"
    return Checkout(root, top=root)


def save_executed(checkout: Checkout) -> None:
    """Save the notebook with an output, as one does that was run in JupyterLab."""
    ran = {"name": "python", "version": "3.99", "mimetype": "text/x-python"}
    checkout.save(metadata=METADATA | {"language_info": ran}, outputs=[OUTPUT], execution_count=7)


@pytest.mark.parametrize("above", ["", ".."], ids=["repository", "folder of a repository"])
def test_executed_notebook_is_no_change_for_git(tmp_path: Path, above: str) -> None:
    """The file keeps its outputs, but git sees the former content, ids included."""
    root = tmp_path / "it's $HOME"
    checkout = Checkout(root, top=root / above)
    before = checkout.git("show", ":./notebooks/1 a.ipynb")
    assert checkout.run("tools/notebooks", "filter", ".venv").returncode == 0
    save_executed(checkout)
    assert checkout.git("diff") == ""
    checkout.git("add", "notebooks")
    assert checkout.git("show", ":./notebooks/1 a.ipynb") == before
    assert json.loads(before)["cells"][0]["id"] == "kept"
    assert "42" in checkout.notebook.read_text("utf-8")
    assert checkout.check() == ""


def test_git_works_without_the_environment(checkout: Checkout) -> None:
    """Where .venv has gone, git takes notebooks as they are and complains about nothing."""
    assert checkout.run("tools/notebooks", "filter", ".venv").returncode == 0
    (checkout.root / ".venv").unlink()
    save_executed(checkout)
    shown = checkout.run("git", "diff")
    assert "42" in shown.stdout
    assert shown.stderr == ""
    checkout.git("add", "notebooks")
    assert "notebooks/1 a.ipynb" in checkout.check()


def test_outputs_are_refused_without_the_filter(checkout: Checkout) -> None:
    """They are refused before they are added, and in git; git itself works as ever."""
    assert checkout.check() == ""
    save_executed(checkout)
    assert "these have some:\nnotebooks/1 a.ipynb\nClear them" in checkout.check()
    checkout.git("add", "notebooks")
    checkout.save(outputs=[], execution_count=None)
    assert "notebooks/1 a.ipynb" in checkout.check()
    assert checkout.run("tools/notebooks", "filter", ".venv").returncode == 0
    assert "notebooks/1 a.ipynb" in checkout.check()
    checkout.git("add", "--renormalize", "notebooks")
    assert checkout.check() == ""


def test_no_repository_and_one_of_another_project_are_left_alone(tmp_path: Path) -> None:
    """`make lab` works in a copy, too; lint looks at the files."""
    checkout = Checkout(tmp_path / "other" / "copy", top=None)
    for _ in range(2):
        assert checkout.run("tools/notebooks", "filter", ".venv").returncode == 0
        assert checkout.check() == ""
        save_executed(checkout)
        assert "notebooks/1 a.ipynb" in checkout.check()
        checkout.save(outputs=[], execution_count=None)
        checkout.git("init", "-q", "..")
    assert checkout.run("git", "config", "filter.strip-outputs.clean").returncode == 1
