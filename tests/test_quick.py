"""`--quick` skips what starts a kernel, a build or a browser, by watching what tests do."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import multiprocessing, os, subprocess, sys
import pytest

def test_computes(): assert 1 + 1 == 2
def test_asks_git(): subprocess.run(["git", "--version"], check=True)
def test_starts_python(): subprocess.run([sys.executable, "-c", ""])
def test_starts_a_shell(): os.posix_spawn("/bin/sh", ["sh", "-c", ""], {})
def test_catches_everything():
    try:
        subprocess.run(["make"])
    except Exception:
        pass

@pytest.fixture(scope="module")
def built(): return subprocess.run([sys.executable, "-c", ""])
def test_needs_a_build(built): pass
def test_needs_it_too(built): pass

@pytest.fixture
def browser(): raise AssertionError
def test_opens_a_browser(browser): pass

@pytest.mark.slow
def test_takes_long(): raise AssertionError

def test_forks():
    context = multiprocessing.get_context("fork")
    process = context.Process(target=int)
    process.start()
    process.join()
"""


def outcomes(folder: Path, *options: str) -> dict[str, str]:
    """Run the tests above; return what became of each."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_some.py").write_text(TESTS, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines() if "::test_" in line and "%" in line]
    return {name.partition("::test_")[2]: outcome for name, outcome, *_ in lines}


def test_what_starts_a_program_is_skipped(tmp_path: Path) -> None:
    """Tests that compute or ask git pass; others are skipped, but only with the option."""
    quick = outcomes(tmp_path, "--quick")
    assert {name for name, outcome in quick.items() if outcome == "PASSED"} == {
        "computes", "asks_git",
    }  # fmt: skip
    assert set(quick.values()) == {"PASSED", "SKIPPED"}
    everything = outcomes(tmp_path)
    assert len(everything) == len(quick) == 10
    assert "SKIPPED" not in everything.values()
