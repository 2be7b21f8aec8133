"""What a kernel's observer notes of the files that a notebook reads, lists and writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import TinyProject
from markupsafe import _speedups

from nbpress.run.cache import Cache, Run
from nbpress.run.observed import Observation, after_run

# A folder with what a notebook may read; the code runs in its notebooks/.
FILES = {
    "notebooks/a.csv": "1",
    "notebooks/b.csv": "2",
    "notebooks/.hidden": "",
    "notebooks/a.csv~": "",
    "notebooks/helper.py": "VALUE = 1",
    "notebooks/package/__init__.py": "",
    "notebooks/package/data.json": "{}",
    "notebooks/env/pyvenv.cfg": "",
    "notebooks/env/lib/installed.txt": "",
    "build/kept.txt": "",
    ".git/HEAD": "",
    "report/report.yaml": "",
    "report/report.pdf": "",
    "report/values.json": "{}",
    "report/report_files/1.png": "",
}

# By code: what counts as read, and what as written.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "open('a.csv').read(); open('a.csv').read()": (["notebooks/a.csv"], []),
    "open(b'a.csv', 'rb').read()": (["notebooks/a.csv"], []),
    "import pathlib; pathlib.Path('a.csv').read_text()": (["notebooks/a.csv"], []),
    "import io; io.FileIO('a.csv').read()": (["notebooks/a.csv"], []),
    "import os; os.close(os.open('a.csv', os.O_RDONLY))": (["notebooks/a.csv"], []),
    "import os; os.chdir('..'); open('notebooks/a.csv')": (["notebooks/a.csv"], []),
    "open('../notebooks/package/../a.csv')": (["notebooks/a.csv"], []),
    "exec(open('helper.py').read())": (["notebooks/helper.py"], []),
    "import runpy; runpy.run_path('helper.py')": (["notebooks/helper.py"], []),
    "import sys; sys.path.insert(0, '.'); import helper": (["notebooks/helper.py"], []),
    "import sys; sys.path.insert(0, '.'); import pkgutil; pkgutil.get_data('package', 'data.json')":
        (["notebooks/package/__init__.py", "notebooks/package/data.json"], []),
    "import threading as t; r = t.Thread(target=open, args=['a.csv']); r.start(); r.join()":
        (["notebooks/a.csv"], []),
    "import contextlib\nwith contextlib.suppress(OSError): open('absent.csv')":
        (["notebooks/absent.csv"], []),
    "import glob; glob.glob('*.csv')": (["notebooks/"], []),
    "import os; os.listdir()": (["notebooks/"], []),
    "import os; list(os.walk('package'))": (["notebooks/package/"], []),
    "import contextlib, os\nwith contextlib.suppress(OSError): os.listdir('absent')":
        (["notebooks/absent/"], []),
    "import os; os.listdir('..')": (["./"], []),
    # What comes from elsewhere is opened, and does not count.
    "open('env/lib/installed.txt'); open('../build/kept.txt'); open('../.git/HEAD')": ([], []),
    "open('../report/report.pdf'); open('../report/report_files/1.png')": ([], []),
    "import nbpress; nbpress.last_report()": ([], []),
    "open('../report/report.yaml')": (["report/report.yaml"], []),
    "open('/dev/null'); open('/dev/null', 'w'); open(0, closefd=False)": ([], []),
    # A link below the root counts by its name, one from outside by where it leads.
    "import os; os.symlink('/dev/null', 'l'); open('l')": ([], ["notebooks/l"]),
    "import os, tempfile as t; f = t.mkdtemp() + '/l'; os.symlink(os.getcwd() + '/a.csv', f)\n"
    "open(f)": (["notebooks/a.csv"], []),
    # What the notebook made itself is no input, and what it adds to or reads first is.
    "open('c.csv', 'w').close(); open('c.csv')": ([], ["notebooks/c.csv"]),
    "open('a.csv', 'w').close(); open('a.csv')": ([], ["notebooks/a.csv"]),
    "open('c.csv', 'x+').close()": ([], ["notebooks/c.csv"]),
    "open('a.csv', 'r+').close()": (["notebooks/a.csv"], ["notebooks/a.csv"]),
    "open('a.csv', 'a').close()": ([], ["notebooks/a.csv"]),
    "open('a.csv', 'a').close(); open('a.csv')": (["notebooks/a.csv"], ["notebooks/a.csv"]),
    "import os; open('c', 'w').close(); os.replace('c', 'a.csv'); open('a.csv')":
        ([], ["notebooks/a.csv", "notebooks/c"]),
    "import os; os.replace('a.csv', 'c'); open('c')":
        (["notebooks/a.csv"], ["notebooks/a.csv", "notebooks/c"]),
    "import os; os.mkdir('new'); os.listdir('new')": ([], ["notebooks/new"]),
    "import pathlib; pathlib.Path('package').mkdir(exist_ok=True); list(pathlib.Path('package')"
    ".iterdir())": (["notebooks/package/"], ["notebooks/package"]),
}  # fmt: skip

# Runs each code with an observer of its own, in a folder of its own.
DRIVER = """
import json, os, sys
from nbpress.run.observer import Observer
import runpy, pathlib, glob, pkgutil, contextlib, threading, tempfile, nbpress
reports = []
for folder, code in json.load(sys.stdin):
    os.chdir(folder + "/notebooks")
    path, modules = list(sys.path), set(sys.modules)
    observer = Observer(folder)
    sys.addaudithook(observer)
    exec(compile(code, "cell", "exec"), {})
    reports.append(observer.report())
    sys.path[:] = path
    sys.path_importer_cache.clear()
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    os.chdir("/")
json.dump(reports, sys.stdout)
"""


def observe(folders: list[Path], codes: list[str]) -> list[dict[str, Any]]:
    """Run codes, each in one of the folders; return what was observed of each."""
    for folder in folders:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    jobs = json.dumps([[str(f), code] for f, code in zip(folders, codes, strict=True)])
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=jobs, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return by code what was observed."""
    top = tmp_path_factory.mktemp("observed")
    reports = observe([top / str(number) for number in range(len(CASES))], list(CASES))
    return dict(zip(CASES, reports, strict=True))


@pytest.mark.parametrize("code", CASES)
def test_what_counts_as_read(observed: dict[str, dict[str, Any]], code: str) -> None:
    """Every file of the project counts, however it is opened, and no other file."""
    read, written = CASES[code]
    report = observed[code]
    assert report["troubles"] == []
    assert (sorted(report["read"]), report["written"]) == (read, written)


def test_names_in_a_folder(observed: dict[str, dict[str, Any]]) -> None:
    """Hidden files, editors' copies and what the press makes do not count."""
    report = observed["import os; os.listdir()"]
    assert report["read"]["notebooks/"] == ["a.csv", "b.csv", "env", "helper.py", "package"]
    assert observed["import os; os.listdir('..')"]["read"]["./"] == ["notebooks", "report"]


def test_observer_never_stops_a_cell(tmp_path: Path) -> None:
    """If it fails, the file still opens, and the run is marked as not fully observed."""
    code = (
        "import nbpress.run.observer as observer\n"
        "def broken(*_): raise RuntimeError('sabotage')\n"
        "whole, observer.ProjectFiles.name = observer.ProjectFiles.name, broken\n"
        "assert open('a.csv').read() == '1'\n"
        "observer.ProjectFiles.name = whole"
    )
    (report,) = observe([tmp_path / "project"], [code])
    assert report["troubles"] == ["open: RuntimeError('sabotage')"]
    digests, changed = after_run(tmp_path / "project", Observation(**report), {}, {})
    assert (digests, changed) == ({"a file that could not be observed": "unknown"}, [])


@pytest.mark.parametrize(
    ("code", "meanwhile", "changed"),
    [
        ("open('a.csv')", lambda f: None, []),
        ("open('a.csv')", lambda f: (f / "a.csv").write_text("5"), ["notebooks/a.csv"]),
        ("open('a.csv')", lambda f: (f / "a.csv").unlink(), ["notebooks/a.csv"]),
        ("import os; os.listdir()", lambda f: (f / "c").touch(), ["notebooks/"]),
        ("import os; os.listdir(); open('c', 'w')", lambda f: None, []),
        (
            "try: open('c')\nexcept OSError: pass",
            lambda f: (f / "c").touch(),
            ["notebooks/c"],
        ),
    ],
)
def test_what_changed_while_it_ran(
    tmp_path: Path, code: str, meanwhile: Any, changed: list[str]
) -> None:
    """Time, size and inode at the first read, and names at the first look, reveal changes."""
    (report,) = observe([tmp_path / "project"], [code])
    meanwhile(tmp_path / "project" / "notebooks")
    assert after_run(tmp_path / "project", Observation(**report), {}, {})[1] == changed


READING = """\
import glob, json, os
exec(open("script.py").read())
with open("table.csv") as file:
    numbers = file.read()
from tiny import reader
%run other.py
names = sorted(glob.glob("../data/*.txt"))
try:
    open("../data/later.csv")
except FileNotFoundError:
    pass
open("log.txt", "w").close()
total = float(numbers)
"""


def _write(name: str) -> Any:
    return lambda root: (root / name).write_text("3", "utf-8")


@pytest.fixture(scope="module")
def _reading_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = TinyProject(tmp_path_factory.mktemp("reading") / "tiny").write()
    for name in ("table.csv", "script.py", "other.py"):
        (tiny.root / "notebooks" / name).write_text("2", "utf-8")
    (tiny.root / "src" / "tiny" / "reader.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('scale.json').read_text()"
    )
    (tiny.root / "src" / "tiny" / "scale.json").write_text("1")
    tiny.edit_cell("1_sums.ipynb", "sum", READING)
    tiny.report()
    return tiny.root


@pytest.fixture
def reading(_reading_once: Path, tmp_path: Path) -> TinyProject:
    """Return a built project whose first chapter reads what nobody declared."""
    return TinyProject(shutil.copytree(_reading_once, tmp_path / "tiny"))


def why(root: Path) -> str:
    """Return why the first chapter would run again; nothing if its run would be served."""
    cache = Cache(root / "build" / "runs", root)
    run: Run = next(run for run in cache.all() if run.notebook == "1_sums.ipynb")
    return cache._changes_since(run)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda root: None, ""),
        (_write("notebooks/table.csv"), "notebooks/table.csv changed"),
        (lambda root: (root / "notebooks/table.csv").unlink(), "notebooks/table.csv disappeared"),
        (_write("notebooks/script.py"), "notebooks/script.py changed"),
        (_write("notebooks/other.py"), "notebooks/other.py changed"),
        (_write("src/tiny/scale.json"), "src/tiny/scale.json changed"),
        (_write("data/more.txt"), "data/ changed"),
        (_write("data/later.csv"), "data/, data/later.csv changed"),
        (_write("notebooks/log.txt"), ""),
        (_write("notebooks/notes.txt"), ""),
        (lambda root: os.utime(root / "notebooks/table.csv", (0, 0)), ""),
    ],
)
def test_file_that_a_notebook_read_outdates_its_run(
    reading: TinyProject, edit: Any, reason: str
) -> None:
    """A change of its time alone does not, nor does one that the notebook itself wrote."""
    edit(reading.root)
    assert why(reading.root) == reason


def test_reason_is_printed(reading: TinyProject) -> None:
    """If a table beside the notebook changes, only this chapter runs again, and says why."""
    _write("notebooks/table.csv")(reading.root)
    result = reading.report()
    assert "1_sums: runs again because notebooks/table.csv changed\n" in result.err
    assert list(result.executed) == ["1_sums", "3_summary"]  # which quotes its value
    assert reading.values["1a.total"] == 3
    assert reading.report().executed == {}


def test_extension_module_that_changed_outdates_its_run(tiny: TinyProject) -> None:
    """C opens it, so that Python sees the import alone."""
    extension = tiny.root / "src" / Path(_speedups.__file__).name
    shutil.copy(_speedups.__file__, extension)
    tiny.edit_cell("1_sums.ipynb", "sum", "import _speedups\ntotal = 6.0")
    tiny.report()
    assert tiny.report().executed == {}
    with extension.open("ab") as file:
        file.write(b"more")
    assert tiny.report().executed == {"1_sums": f"src/{extension.name} changed"}


def test_file_that_a_notebook_made_and_read_outdates_its_run(tiny: TinyProject) -> None:
    """A file that it makes if it is missing, such as a download, counts if it is edited later."""
    tiny.edit_cell(
        "1_sums.ipynb",
        "sum",
        'import pathlib\nif not pathlib.Path("made.csv").exists():\n'
        '    pathlib.Path("made.csv").write_text("1")\ntotal = float(open("made.csv").read())',
    )
    tiny.report()
    assert tiny.report().executed == {}
    (tiny.root / "notebooks" / "made.csv").write_text("7", "utf-8")
    assert tiny.report().executed["1_sums"] == "notebooks/made.csv changed"
    assert tiny.values["1a.total"] == 7
