"""What is built from the sources works without them: the wheel, by itself, elsewhere."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("onelayer", "nbpress", "nbtypeset")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
STEM = f"onelayer_report-{PROJECT['version']}"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside any make and any project; it must succeed."""
    kept = {n: t for n, t in os.environ.items() if "MAKE" not in n and n != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    return folder / f"{STEM}.tar.gz"


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """Build the wheel from the source distribution, as `python -m build` does."""
    with tarfile.open(sdist) as archive:
        archive.extractall(sdist.parent, filter="data")
    sources = sdist.parent / STEM
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", sdist.parent, cwd=sources)
    return sdist.parent / f"{STEM}-py3-none-any.whl"


def in_git() -> set[str]:
    """Return the files of the packages that git knows, from `src`."""
    listed = run("git", "ls-files", "-z", "--", "src", cwd=ROOT).stdout.split("\0")
    return {name.removeprefix("src/") for name in listed if name}


def test_wheel_holds_the_packages_and_no_more(wheel: Path) -> None:
    """It has each file of the packages in git, templates included; no test and no cache."""
    names = {n for n in zipfile.ZipFile(wheel).namelist() if f"{STEM}.dist-info" not in n}
    assert names == in_git()
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert "nbpress/new/project/dot-gitignore" in names
    assert "onelayer/style/LibertinusSerif-Regular.ttf" in names


def test_source_distribution_holds_what_the_wheel_is_made_from(sdist: Path) -> None:
    """It has the packages and their descriptions, but no tests, data, reports or caches."""
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix(f"{STEM}/") for name in archive.getnames()}
    about = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"}
    assert names == {f"src/{name}" for name in in_git()} | about


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new environment; return its folder of programs.

    What the wheel needs is this environment's, which takes no network; SymPy and scikit-learn,
    which only an extra needs, cannot be imported.
    """
    environment = tmp_path_factory.mktemp("fresh")
    base, python = sys._base_executable, environment / "bin" / "python"  # base's has pip
    run(base, "-m", "venv", "--without-pip", environment, cwd=environment)
    install = ("install", "-qq", "--no-index", "--no-deps", wheel)
    run(base, "-m", "pip", "--python", python, *install, cwd=environment)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", code, cwd=environment).stdout.strip())
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    for name in ("sympy", "sklearn"):
        (site / f"{name}.py").write_text(f"raise ImportError({name!r})\n", "utf-8")
    return environment / "bin"


def test_new_report_from_an_installed_wheel(wheel: Path, installed: Path, tmp_path: Path) -> None:
    """`nbpress new x && cd x && make report` ends in a PDF; the wheel is copied to wheels/."""
    said = run(installed / "nbpress", "new", "x", cwd=tmp_path).stdout
    enter, *commands = re.findall("^    (.*?)(?: +#.*)?$", said, re.MULTILINE)
    assert enter == "cd x"
    assert commands[0] == "make report"
    shown = "import nbpress; print(nbpress.__file__)"
    project = tmp_path / "x"
    assert run(installed / "python", "-c", shown, cwd=project).stdout.startswith(
        str(installed.parent)
    )
    assert (project / ".python").read_text("utf-8") == f"{installed / 'python'}\n"
    wanted = (project / "requirements.txt").read_text("utf-8")
    assert f"\n./wheels/{wheel.name}[lab]\n" in wanted
    assert (project / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()
    for command in commands:
        result = run(*command.split(), cwd=project)
        if command == "make report":
            assert "report/report.pdf: 2 of 2 notebooks executed" in result.stderr
    assert (project / "report" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "0 of 2 notebooks executed" in run("make", "html", cwd=project).stderr


def test_wheel_that_changed_since_is_not_copied(
    wheel: Path, installed: Path, tmp_path: Path
) -> None:
    """Only the very file that was installed comes along."""
    content = wheel.read_bytes()
    try:
        wheel.write_bytes(content + b"more")
        run(installed / "nbpress", "new", "x", cwd=tmp_path)
    finally:
        wheel.write_bytes(content)
    assert not (tmp_path / "x" / "wheels").exists()


def test_version_is_in_one_place(installed: Path) -> None:
    """The command gives the version in pyproject.toml."""
    said = run(installed / "nbpress", "--version", cwd=installed).stdout
    assert said == f"nbpress, version {PROJECT['version']}\n"
    sources = ROOT / "src"
    assert not [n for n in in_git() if PROJECT["version"].encode() in (sources / n).read_bytes()]
