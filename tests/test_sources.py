"""The source files: none is too long, names say what things are, and each can be imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 250  # lines
VAGUE = {"found", "place", "words", "told", "item"}
NOT_IN_TESTS = {"torch"}  # the benchmarks install it for themselves


def too_long(folder: Path) -> dict[str, int]:
    """Return the sources in a folder that have too many lines, with how many."""
    lines = {
        path.relative_to(folder).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in folder.rglob("*.py")
    }
    return {name: count for name, count in lines.items() if count > LONGEST}


@pytest.mark.parametrize("folder", ["src", "tools", "benchmarks"])
def test_no_source_is_longer_than_can_be_read_at_once(folder: str) -> None:
    """A longer file has two subjects, and should become two files."""
    assert too_long(ROOT / folder) == {}


def test_a_source_that_is_too_long_is_found(tmp_path: Path) -> None:
    """The message has its name and its length."""
    (tmp_path / "short.py").write_text("x = 1\n" * LONGEST)
    (tmp_path / "long.py").write_text("x = 1\n" * (LONGEST + 1))
    assert too_long(tmp_path) == {"long.py": LONGEST + 1}


def bound_names(code: str) -> Iterator[tuple[int, str]]:
    """Yield the names that code binds, with their lines, but no arguments of pytest's hooks."""
    tree = ast.parse(code)
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    hooks = [each.args for each in functions if each.name.startswith("pytest_")]
    of_hooks = {argument for each in hooks for argument in ast.walk(each)}
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.alias(asname=str(name))
                | ast.alias(name=name, asname=None)
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield node.lineno, name
            case ast.arg(arg=name) if node not in of_hooks:
                yield node.lineno, name
            case ast.MatchMapping(rest=str(name)):
                yield node.lineno, name


def vague_names(folder: Path) -> list[str]:
    """Return where the sources in a folder bind a name that fits anything."""
    return [
        f"{path.relative_to(folder).as_posix()}:{line}: {name}"
        for path in sorted(folder.rglob("*.py"))
        for line, name in sorted(bound_names(path.read_text("utf-8")))
        if name in VAGUE
    ]


@pytest.mark.parametrize("folder", ["src", "tools", "benchmarks", "tests"])
def test_names_say_what_things_are(folder: str) -> None:
    """A name that fits anything makes readers look up what it is, in every function anew."""
    assert vague_names(ROOT / folder) == []


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "found: int",
        "self.found = 1",
        "first, *found = [1, 2]",
        "if found := 1: pass",
        "for found in (): pass",
        "[found for found in ()]",
        "def found(): pass",
        "async def found(): pass",
        "class found: pass",
        "def some(*found): pass",
        "lambda found: 1",
        "import found",
        "import some as found",
        "try: pass\nexcept OSError as found: pass",
        "match []:\n case [1, *found]: pass",
        "match []:\n case list() as found: pass",
        "match {}:\n case {**found}: pass",
    ],
)
def test_vague_name_is_reported(code: str, tmp_path: Path) -> None:
    """However it is bound, the message has its file and line; using another's is allowed."""
    (tmp_path / "some.py").write_text(f"array.item(found)\n{code}\n")
    (name,) = vague_names(tmp_path)
    assert name in ("some.py:2: found", "some.py:3: found")


def test_arguments_of_hooks_are_named_by_pytest(tmp_path: Path) -> None:
    """It passes them by name, so `item` can have no other name there."""
    (tmp_path / "conftest.py").write_text("def pytest_runtest_setup(item): item.add_marker(1)\n")
    assert vague_names(tmp_path) == []


@pytest.mark.parametrize("module", sorted(p.stem for p in (ROOT / "benchmarks").glob("*.py")))
def test_benchmarks_can_be_imported(module: str) -> None:
    """They are rarely run, and the names that they use may change meanwhile."""
    code = f"import benchmarks.{module}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    missing = done.stderr.rpartition("No module named ")[2].strip().strip("'")
    assert done.returncode == 0 or missing in NOT_IN_TESTS, done.stderr
