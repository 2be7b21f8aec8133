"""environment.yml and the locks agree with pyproject.toml; make passes text on unchanged."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nbpress.cli import nbpress as command_line

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = ("requirements.lock", "requirements-sweep.lock", "requirements-dev.lock")
LOCKS = (*OURS, "tools/requirements.lock")

# Where conda-forge's name for a package differs from PyPI's.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",  # matplotlib itself brings Qt
    "playwright": "playwright-python",
    "pypandoc-binary": "pypandoc",  # without pandoc, which is a package of its own
    "typst": "typst-py",  # typst is the command-line tool
}
CONDA_ONLY = {"python", "pip", "pandoc"}


def bounds(requirements: Iterable[str]) -> dict[str, str]:
    """Return the version bounds by name, `{"numpy": ">=2.2"}`."""
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(each.name): str(each.specifier) for each in parsed}


def asked_for(*extras: str) -> list[str]:
    """Return the project's requirements, with those of the extras."""
    optional = PROJECT["project"]["optional-dependencies"]
    return PROJECT["project"]["dependencies"] + [text for name in extras for text in optional[name]]


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """Return a lock's requirements, each with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line.split("--hash=") for line in text.splitlines() if line.strip()]
    return [(Requirement(first), [each.strip() for each in rest]) for first, *rest in entries]


def versions(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock pins, by name: several where it depends on Python's."""
    pinned: dict[str, set[str]] = {}
    for requirement, _ in locked(name):
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        pinned.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return pinned


# ---- environment.yml, against pyproject.toml ----------------------------------------------------


@pytest.fixture
def environment() -> dict:
    """Return environment.yml's content."""
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_same_packages_and_bounds(environment) -> None:
    """environment.yml lists what pyproject.toml lists, with the same bounds."""
    *conda, last = environment["dependencies"]
    listed = {name: bound for name, bound in bounds(conda).items() if name not in CONDA_ONLY}
    by_pip = bounds(last["pip"])
    expected = bounds(asked_for("science", "lab", "dev"))
    assert listed == {
        CONDA_NAMES.get(name, name): bound for name, bound in expected.items() if name not in by_pip
    }
    assert by_pip.items() <= expected.items()


def test_python(environment) -> None:
    """environment.yml asks for the Python that pyproject.toml asks for, and for pip."""
    listed = bounds(text for text in environment["dependencies"] if isinstance(text, str))
    assert listed["python"] == PROJECT["project"]["requires-python"]
    assert listed.keys() >= CONDA_ONLY


def test_conda_forge_only(environment) -> None:
    """No other channel than conda-forge is asked."""
    assert environment["channels"] == ["conda-forge"]
    assert environment["name"] == PROJECT["project"]["name"]


# ---- The locks, against pyproject.toml and each other -------------------------------------------


@pytest.mark.parametrize(
    ("lock", "extras"),
    [*zip(OURS, ((), ("sweep",), ("sweep", "lab", "dev")), strict=True)],
)
def test_within_bounds(lock, extras) -> None:
    """A lock pins everything that pyproject.toml asks for, and the build backend, within bounds."""
    pinned = versions(lock)
    for text in asked_for("science", *extras) + PROJECT["build-system"]["requires"]:
        requirement = Requirement(text)
        pins = pinned.get(canonicalize_name(requirement.name), set())
        assert pins, f"{lock} lacks {text}"
        assert all(requirement.specifier.contains(version) for version in pins), (text, pins)


@pytest.mark.parametrize(("small", "large"), [*itertools.pairwise(OURS)])
def test_each_lock_is_part_of_the_next(small, large) -> None:
    """Report and sweeps run with the same versions as the tests."""
    dev = versions(large)
    differing = {
        name: (pinned, dev.get(name))
        for name, pinned in versions(small).items()
        if pinned != dev.get(name)
    }
    assert not differing


@pytest.mark.parametrize("lock", LOCKS)
def test_hashes(lock) -> None:
    """Every package in a lock has full SHA-256 hashes."""
    for requirement, hashes in locked(lock):
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_no_hosts(lock) -> None:
    """A lock names no host and no folder, so it works with any package index."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    options = set(re.findall(r"^\s*(--?[a-z-]+)", text, re.MULTILINE))
    assert options == {"--hash"}
    assert "://" not in text


# ---- The Makefile, without installing anything --------------------------------------------------


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def run(*arguments: str, fails: bool = False, cwd: Path = ROOT, **variables: str) -> str:
    """Return what make prints when it is not called by another make."""
    inherited = {name: text for name, text in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=cwd,
        env=inherited | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_help() -> None:
    """`make` alone lists every target that a user may call."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (help .*)$", text, re.MULTILINE)[1].split())
    listed = set(re.findall(r"^  ([a-z-]+) ", run(), re.MULTILINE))
    assert listed == targets - {"lock"}


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("given_on_command_line", [True, False])
def test_variables_are_handed_on_literally(tmp_path: Path, given_on_command_line) -> None:
    """Neither make nor a shell evaluates a variable's value, wherever it was set."""
    trap = tmp_path / "trap"
    hostile = f"a=1 $(shell touch '{trap}') `touch '{trap}'` \"; touch '{trap}'; # $$x $(y"
    extra = tmp_path / "show.mk"
    code = "import json, os; print(json.dumps(os.environ['NBPRESS_PARAMS']))"
    extra.write_text(f'reads-show := PARAMS\nshow:\n\t@"$$SHOW" -c "{code}"\n', encoding="utf-8")
    makefiles = ("-f", str(extra), "-f", "Makefile", "show")
    if given_on_command_line:
        shown = run(*makefiles, f"PARAMS={hostile}", SHOW=sys.executable)
    else:
        shown = run(*makefiles, NBPRESS_PARAMS=hostile, SHOW=sys.executable)
    assert json.loads(shown) == hostile
    assert not trap.exists()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_environment_of_others_is_not_ours(tmp_path: Path) -> None:
    """CODE, ENGINE and others, set for other work, do not affect nbpress or its variables."""
    extra = tmp_path / "show.mk"
    extra.write_text("reads-show := FORCE\nshow:\n\t@env\n", encoding="utf-8")
    makefiles = ("-f", str(extra), "-f", "Makefile", "show")
    shown = run(*makefiles, "FORCE=1", CODE="main.py", ENGINE="podman").splitlines()
    assert [line for line in shown if line.startswith("NBPRESS_")] == ["NBPRESS_FORCE=1"]


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("name", ["LEARNING_RATE", "learning_rate", "DATASETS", "environment"])
def test_variable_that_nothing_reads_is_refused(name) -> None:
    """It would be silently ignored; the message lists those that are read."""
    message = run("report", f"{name}=0.1", fails=True)
    assert f"Nothing reads {name}. The variables are DATASET ENGINE" in message
    assert 'a parameter of the notebooks is given as PARAMS="learning_rate=0.1"' in message


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(
    ("goals", "given", "message"),
    [
        (["sweep", "SWEEP=penalty"], "PARAMS=seed=1", "it reads DATASET SWEEP."),
        (["report"], "RECORD=1", "it reads CODE DATASET ENGINE FORCE PARAMS."),
        (["html", "tex"], "ENGINE=latex", "it reads CODE DATASET FORCE PARAMS."),
        (["lint"], "DATASET=digits", "it reads no variable."),
        (["clean", "test"], "FORCE=1", "it reads no variable."),
    ],
)
def test_variable_that_the_target_does_not_read_is_refused(goals, given, message) -> None:
    """It would be silently ignored; with several targets it is enough if one of them reads it."""
    said = run(*goals, given, fails=True)
    targets = " ".join(goal for goal in goals if "=" not in goal)
    assert f"`make {targets}` does not read {given.partition('=')[0]}; {message}" in said
    assert "nbpress report" in run("--dry-run", "report", "check", "RECORD=1")


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_targets_read_what_their_commands_read(tmp_path: Path) -> None:
    """The Makefile's lists are those of the commands' options."""
    commands = {**command_line.commands, "sweep": command_line.commands["sweep"].commands["run"]}
    extra = tmp_path / "show.mk"
    for target in ("report", "html", "tex", "watch", "preview", "check", "sweep"):
        extra.write_text(f"show:\n\t@echo $(reads-{target})\n", encoding="utf-8")
        listed = set(run("-f", "Makefile", "-f", str(extra), "show").split())
        names = {str(option.envvar) for option in commands[target].params if option.envvar}
        ours = {n.removeprefix("NBPRESS_") for n in names if n.startswith("NBPRESS_")}
        assert listed == ours, target


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_variables_of_make_and_of_programs_pass() -> None:
    """Make's own options and variables pass, and so do those that programs read."""
    known = ("V=1", "SHELL=/bin/sh", "MAKEFLAGS=-s", "UPGRADE=1", "PYTHON=python3", "RECORD=1",
             "PIP_NO_INDEX=1", "SOURCE_DATE_EPOCH=0", "https_proxy=x", "-j2", "-k")  # fmt: skip
    assert "make TARGET" in run("help", *known)
    assert "make TARGET" in run("help", LEARNING_RATE="0.1")  # others' environment


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_clean_without_an_environment(tmp_path: Path) -> None:
    """It deletes build/, and says that the published files stay."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "environment.yml", tmp_path)
    for name in ("src", "tests", "tools", "benchmarks", "notebooks", "report", "build"):
        (tmp_path / name).mkdir()
    (tmp_path / "report" / "published.json").touch()
    assert "the published report is kept: make setup clean" in run("clean", cwd=tmp_path)
    assert not (tmp_path / "build").exists()
    assert (tmp_path / "report" / "published.json").exists()
