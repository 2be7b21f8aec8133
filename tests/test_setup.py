"""Set-up, done for real: `make` in a tiny project whose packages are wheels in a folder."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = sys._base_executable  # which has pip, unlike .venv
UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / "build/uv/bin"))

needs_uv = pytest.mark.skipif(
    not (UV and shutil.which("make")),
    reason="make is not installed, or uv neither for all nor here",
)


def write_wheel(folder: str, name: str, files: dict[str, str]) -> str:
    """Write version 1.0 of a package of these files; return the wheel's name."""
    about = f"{name}-1.0.dist-info"
    record = f"{about}/RECORD"
    files = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    wheel = f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{wheel}", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(record, "".join(f"{path},,\n" for path in [*files, record]))
    return wheel


# Packages whose installation takes a while, so that some are half there when uv is killed.
MANY = [f"many{number:02}" for number in range(15)]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1.0"

[tool.ruff]
line-length = 100
"""

BACKEND = f"""
import os, zipfile
{inspect.getsource(write_wheel)}
def build_editable(folder, settings=None, metadata=None):
    return write_wheel(folder, "tiny", {{"tiny.pth": os.getcwd() + "/src"}})
"""

# What `make report` prints here: the packages of which no file is missing, and Python's version.
NBPRESS = """
import json, sys
from importlib.metadata import distributions

found = {each.name: [file.locate() for file in each.files] for each in distributions()}
whole = sorted(name for name, files in found.items() if all(file.exists() for file in files))
print(json.dumps([whole, sys.version, sys.prefix]))
"""


class TinyProject:
    """A project with this Makefile and set-up, and with packages of its own."""

    def __init__(self, folder: Path):
        self.root = folder / 'Über "mich" & $Co'  # which breaks console scripts
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        shutil.copytree(ROOT / "tools", self.root / "tools")
        for name in ("Makefile", "environment.yml"):
            shutil.copy(ROOT / name, self.root)
        (self.root / "src/nbpress").mkdir(parents=True)
        (self.root / "src/nbpress/__main__.py").write_text(NBPRESS, encoding="utf-8")
        (self.root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (self.root / "backend.py").write_text(BACKEND, encoding="utf-8")
        for name, size in {"one": 1, "two": 1, **dict.fromkeys(MANY, 200)}.items():
            modules = {f"{name}/module_{number}.py": "" for number in range(size)}
            write_wheel(str(self.wheels), name, modules)
        self.lock("requirements.lock", "one")
        self.lock("requirements-dev.lock", "one", "two")
        # Only pip is told where the packages are.
        self.variables = {
            name: text
            for name, text in os.environ.items()
            if not re.match("MAKE|PIP_|UV_|CONDA_|PYTHON", name)
        } | {
            "PATH": f"{Path(UV or '').parent}{os.pathsep}{os.environ['PATH']}",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_INDEX": "1",
            "PYTHON": PYTHON,
            "UV_CACHE_DIR": str(folder / "cache"),
        }

    def lock(self, name: str, *packages: str, sha256: str = "") -> None:
        """Write a lock of these packages, by default with their true hashes."""
        text = ""
        for package in packages:
            wheel = self.wheels / f"{package}-1.0-py3-none-any.whl"
            digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
            text += f"{package}==1.0 --hash=sha256:{digest}\n"
        (self.root / name).write_text(text, encoding="utf-8")

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command in the project, as a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.variables | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def make(self, target: str = "report", **variables: str) -> str:
        """Run make, which must succeed; return what set-up and uv say."""
        process = self.start("make", "--no-print-directory", target, **variables)
        self.report, said = process.communicate()
        assert process.returncode == 0, said
        return said

    def packages(self) -> list[str]:
        """Return the packages that are whole, as `make report` finds them."""
        return json.loads(self.report)[0]


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    """Return a tiny project that is not set up."""
    return TinyProject(tmp_path)


# ---- .venv, made and kept up to date by uv ------------------------------------------------------


@needs_uv
def test_nothing_installs_the_same_twice(project) -> None:
    """Set-up installs the lock's packages and the project, and is silent the next time."""
    assert "Installing the packages of requirements.lock" in project.make()
    assert project.packages() == ["one", "tiny"]
    assert project.make() == ""


@needs_uv
def test_what_matters_of_pyproject(project) -> None:
    """An edit of ruff's settings installs nothing; a new entry point does."""
    project.make()
    file = project.root / "pyproject.toml"
    file.write_text(PYPROJECT.replace("100", "99"), encoding="utf-8")
    assert project.make() == ""
    file.write_text(PYPROJECT + '[project.scripts]\ntiny = "nbpress:main"\n', encoding="utf-8")
    assert "Installing" in project.make()


@needs_uv
def test_larger_set_serves_smaller(project) -> None:
    """The tests' packages are added to the report's, and then stay."""
    project.make()
    project.make(".dev-ready")
    assert project.make() == ""
    assert project.packages() == ["one", "tiny", "two"]


@needs_uv
def test_changed_locks(project) -> None:
    """Packages added to a lock are installed, removed ones are removed; the tests' stay."""
    project.make(".dev-ready")
    project.lock("requirements.lock", "many00")
    project.lock("requirements-dev.lock", "many00", "two")
    project.make()
    assert project.packages() == ["many00", "tiny", "two"]


@needs_uv
def test_wrong_hash(project) -> None:
    """A package with another hash is refused; with the right one everything works again."""
    project.make()
    project.lock("requirements.lock", "one", "many00", sha256="0" * 64)
    process = project.start("make", "report")
    said = process.communicate()[1]
    assert process.returncode
    assert "Hash mismatch" in said
    project.lock("requirements.lock", "one", "many00")
    project.make()
    assert project.packages() == ["many00", "one", "tiny"]


@needs_uv
def test_moved_folder(project, tmp_path: Path) -> None:
    """In a moved folder, .venv is made again."""
    project.make()
    project.root = project.root.rename(tmp_path / "moved")
    assert "from another folder" in project.make()
    assert project.packages() == ["one", "tiny"]
    assert json.loads(project.report)[2] == str(tmp_path / "moved/.venv")


@needs_uv
def test_another_python(project) -> None:
    """With another Python, .venv is made again, and then kept without naming it."""
    probe = "import sys; print(sys.version) if sys.version_info >= (3, 11) else sys.exit(1)"
    for name in ("/usr/bin/python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        python = shutil.which(name)
        runs = python and all(
            subprocess.run([python, *arguments], capture_output=True, check=False).returncode == 0
            for arguments in (["-c", probe], ["-m", "pip", "--version"])
        )
        if runs:
            version = subprocess.check_output([python, "-c", probe], text=True).strip()
            if version != sys.version:
                break
    else:
        pytest.skip("there is no second Python, 3.11 or newer, with pip")
    project.make()
    assert "another" in project.make(PYTHON=python)
    assert json.loads(project.report)[:2] == [["one", "tiny"], version]
    assert project.make(PYTHON="") == ""


@needs_uv
def test_vanished_python(project, tmp_path: Path) -> None:
    """If the Python of .venv is gone, .venv is made again with another."""
    python = tmp_path / "brief/bin/python3"
    python.parent.mkdir(parents=True)
    shutil.copy(PYTHON, python)
    (tmp_path / "brief/lib").symlink_to(f"{sys.base_prefix}/lib")
    if subprocess.run([python, "-m", "pip", "-V"], capture_output=True, check=False).returncode:
        pytest.skip("a copy of this Python does not run")
    project.make(PYTHON=str(python))
    shutil.rmtree(tmp_path / "brief")
    path = f"{Path(PYTHON).parent}{os.pathsep}{project.variables['PATH']}"
    assert "from another" in project.make(PYTHON="", PATH=path)
    assert project.packages() == ["one", "tiny"]


@needs_uv
def test_dangling_python(project) -> None:
    """If the link to Python in .venv leads nowhere, .venv is made again with the same Python."""
    project.make()
    for name in (project.root / ".venv" / "bin").glob("python*"):
        name.unlink()
    project.make()
    assert project.packages() == ["one", "tiny"]


@needs_uv
def test_two_at_once(project) -> None:
    """Two simultaneous set-ups both end well."""
    project.lock("requirements.lock", "one", *MANY)
    both = [project.start("make", "report") for _ in range(2)]
    for process in both:
        project.report, said = process.communicate()
        assert process.returncode == 0, said
        assert project.packages() == [*MANY, "one", "tiny"]


@needs_uv
@pytest.mark.faults
@pytest.mark.parametrize("kill", [os.kill, os.killpg])
@pytest.mark.parametrize("files", [0, 50, 500, 1500, 3000])
def test_killed(project, kill: Callable, files: int) -> None:
    """After a SIGKILL at any moment, with or without uv, `make report` has complete packages."""
    project.lock("requirements.lock", "one", *MANY)
    process = project.start("tools/setup", "install", ".venv", "requirements.lock")
    folder = project.root / ".venv"
    while sum(len(names) for *_, names in os.walk(folder)) < files and process.poll() is None:
        time.sleep(0.001)
    kill(process.pid, signal.SIGKILL)
    process.wait()
    project.make()
    assert project.packages() == [*MANY, "one", "tiny"]


@needs_uv
def test_unfinished(project) -> None:
    """A .venv without its stamp is not trusted: missing files are restored."""
    project.make()
    (project.root / ".venv/.ready").unlink()
    (module,) = project.root.glob(".venv/lib/*/site-packages/one/module_0.py")
    module.unlink()
    assert "unfinished" in project.make()
    assert project.packages() == ["one", "tiny"]


# ---- Conda's environment, and machines without a Python that is new enough ----------------------


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_conda(project, tmp_path: Path) -> None:
    """An active environment made from environment.yml gets the project; .venv is not made."""
    conda = tmp_path / "conda"
    venv = [PYTHON, "-m", "venv", "--without-pip", "--system-site-packages", str(conda)]
    subprocess.run(venv, check=True)
    active = {"CONDA_PREFIX": str(conda), "CONDA_DEFAULT_ENV": "onelayer-report"}
    assert "conda" in project.make(**active)
    assert "tiny" in project.packages()
    assert json.loads(project.report)[2] == str(conda)
    assert project.make(**active) == ""
    assert not (project.root / ".venv").exists()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_old_python(project, tmp_path: Path) -> None:
    """Without a Python that is new enough, set-up says what it found and what to do."""
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\necho 'is Python 3.9' >&2; exit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for python, expected in [(str(old), f"{old} is Python 3.9"), ("/gone", "none of /gone")]:
        process = project.start("make", "report", PYTHON=python)
        said = process.communicate()[1]
        assert process.returncode
        assert expected in said
        assert "make PYTHON=" in said


# ---- tools/uv.py hands the user's pip configuration to uv ---------------------------------------


@pytest.fixture
def uv():
    """Return the module, which is part of no package."""
    spec = importlib.util.spec_from_file_location("tools_uv", ROOT / "tools/uv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_configuration(uv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If pip's files and variables disagree, the one that pip obeys wins; lists stay lists."""
    file = tmp_path / "pip.conf"
    file.write_text(
        "[install]\nindex-url = https://install.invalid/simple\n"
        "[global]\nindex-url = https://global.invalid/simple\n"
        "extra-index-url =\n    https://one.invalid/a%20b\n    https://two.invalid\n"
        "find-links = /nowhere\ntrusted-host = one.invalid two.invalid\n",
        encoding="utf-8",
    )
    for name in list(os.environ):
        if re.match("PIP_|UV_|SSL_", name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    monkeypatch.setenv("UV_INSECURE_HOST", "mine.invalid")
    variables = uv.uv_variables(uv.pip_options(PYTHON))
    assert variables["UV_INDEX_URL"] == "https://install.invalid/simple"
    assert variables["UV_EXTRA_INDEX_URL"] == "https://one.invalid/a%20b https://two.invalid"
    assert variables["UV_FIND_LINKS"] == "/wheels,/more"
    assert variables["UV_INSECURE_HOST"] == "mine.invalid"
    assert variables["UV_PYTHON_DOWNLOADS"] == "never"


def test_check_begins_without_bytecode(tmp_path: Path) -> None:
    """Forged bytecode, of set-up and of nbpress itself too, is gone before anything is imported."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    caches = [tmp_path / folder / "a" / "__pycache__" for folder in ("src", "tools", "lib")]
    for cache in caches:
        cache.mkdir(parents=True)
        (cache / "check.cpython-311.pyc").write_bytes(b"forged")
    alone = {name: text for name, text in os.environ.items() if "MAKE" not in name}
    dry = subprocess.run(
        ["make", "--dry-run", "check"],
        cwd=tmp_path, env=alone, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second, *_ = dry.stdout.splitlines()
    assert first.startswith("find . -name .venv -prune -o -name __pycache__")
    assert second.startswith("tools/setup ")
    subprocess.run(["make", "--silent", ".no-bytecode"], cwd=tmp_path, env=alone, check=True)
    assert not any(cache.exists() for cache in caches)
