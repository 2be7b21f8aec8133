"""The source files: none is too long to read, and each can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 250  # lines
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


@pytest.mark.parametrize("module", sorted(p.stem for p in (ROOT / "benchmarks").glob("*.py")))
def test_benchmarks_can_be_imported(module: str) -> None:
    """They are rarely run, and the names that they use may change meanwhile."""
    code = f"import benchmarks.{module}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    missing = done.stderr.rpartition("No module named ")[2].strip().strip("'")
    assert done.returncode == 0 or missing in NOT_IN_TESTS, done.stderr
