"""`nbpress new`: the project that it makes works, and what it refuses leaves nothing behind."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from fixtures.tiny_project import COMMAND

from nbpress.errors import PressError
from nbpress.new import begin as module
from nbpress.new.adopt import adopt
from nbpress.new.begin import begin
from nbpress.new.left import ALTERNATIVE, left_to_do, needed
from nbpress.project.notebook import read_notebook
from nbpress.project.project import open_project
from nbpress.publish.lint import lint

PICTURE = {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}, "metadata": {}}
FAILED = {"output_type": "error", "ename": "NameError", "evalue": "no x", "traceback": []}
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
IN_R = {"kernelspec": {"name": "ir", "display_name": "R"}, "language_info": {"name": "R"}}


def cell(source: str, kind: str = "code", tags: tuple[str, ...] = (), **more: object) -> dict:
    """Return a cell as JupyterLab saves it, but for its id."""
    ran = {"execution_count": 3, "outputs": []} if kind == "code" else {}
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": kind, "metadata": metadata, "source": source, **ran, **more}


def saved(path: Path, *cells: dict, minor: int = 5, metadata: dict = PYTHON) -> Path:
    """Save a notebook; from format 4.5 its cells have ids."""
    path.parent.mkdir(exist_ok=True)
    ids = [{"id": f"id-{number}"} if minor > 4 else {} for number in range(len(cells))]
    cells_ = [{**id_, **each} for id_, each in zip(ids, cells, strict=True)]
    content = {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells_}
    path.write_text(json.dumps(content), "utf-8")
    return path


@pytest.fixture
def five(tmp_path: Path) -> list[Path]:
    """Return notebooks of five kinds, in a folder of their own."""
    folder = tmp_path / "mine"
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    return [
        saved(folder / "z plain.ipynb", cell("# Plain", "markdown"), cell("x = 2\nprint(x)")),
        saved(folder / "drawn.ipynb", cell("text", "markdown"), cell(draw, outputs=[PICTURE])),
        saved(
            folder / "tagged.ipynb",
            cell("import math\nrate: float = 0.5  # > 0", tags=("parameters",)),
            cell("print(math.sqrt(rate))"),
        ),
        saved(folder / "old.ipynb", cell("import math"), cell("n = 3"), cell("n + 1"), minor=4),
        saved(
            folder / "magics.ipynb",
            cell("%matplotlib inline\n%time y = 1"),
            cell("%%bash\ntrue"),
            cell("!true", outputs=[FAILED]),
            metadata={},
        ),
    ]


def outside_make() -> dict[str, str]:
    """Return the environment without what a make that runs these tests has put there."""
    return {name: text for name, text in os.environ.items() if "MAKE" not in name}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=folder, env=outside_make(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def listing(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# ---- The project with notebooks of its own ------------------------------------------------------


@pytest.mark.parametrize("name", ["report", 'it\'s "mine" $HOME `x`; a'])
def test_it_builds_by_the_commands_that_are_named(tmp_path: Path, name: str) -> None:
    """Whatever the folder is called, the printed commands publish its report."""
    result = subprocess.run(
        [*COMMAND, "new", name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    commands = re.findall("^    (.*?)(?: +#.*)?$", result.stdout, re.M)
    assert commands == [f"cd {shlex.quote(name)}", "make report", "make"]
    script = "\n".join(["set -e", *commands])
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=outside_make(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "report/report.pdf: 2 of 2 notebooks executed" in done.stderr
    assert "build report/report.pdf" in done.stdout
    assert (tmp_path / name / "report" / "report.pdf").read_bytes().startswith(b"%PDF")


def test_texts_and_outputs_are_as_the_house_has_them(tmp_path: Path) -> None:
    """No number is typed, nothing is malformed, and no notebook holds an output."""
    begin(tmp_path / "x")
    project = open_project(tmp_path / "x")
    lint(project)
    for chapter in project.report.chapters:
        notebook = read_notebook(project.notebooks / chapter.notebook)
        assert notebook.parameters()
        assert not any(each.get("outputs") for each in notebook.content["cells"])


def test_no_trace_of_other_reports(tmp_path: Path) -> None:
    """Nothing in it speaks of this project's data sets, its hosts or this machine."""
    begin(tmp_path / "x")
    files = listing(tmp_path / "x")
    python = files.pop(".python").decode()
    assert python == f"{sys.executable}\n"
    text = b"\n".join(files.values()).decode().lower()
    for trace in ("mnist", "digit", "resolver", "dataset", "://", str(tmp_path), sys.prefix):
        assert trace not in text
    assert "/.python" not in files
    assert files[".gitignore"].splitlines()[0] == b".python"


def test_environment_and_ci_name_the_wheel(tmp_path: Path) -> None:
    """Both name this version's wheel, expected in wheels/; CI calls make."""
    begin(tmp_path / "x")
    wheel = f"onelayer_report-{metadata.version('onelayer-report')}-py3-none-any.whl"
    requirements = (tmp_path / "x" / "requirements.txt").read_text("utf-8")
    assert f"\n./wheels/{wheel}[lab]\n" in requirements
    workflow = (tmp_path / "x" / ".github" / "workflows" / "report.yml").read_text("utf-8")
    assert f"wheels/{wheel} " in workflow
    steps = yaml.safe_load(workflow)["jobs"]["report"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make setup", "make report"]


def test_parameters_reach_the_notebooks_as_they_were_typed(tmp_path: Path) -> None:
    """Neither make nor a shell evaluates them; a wrong one is refused before anything runs."""
    begin(tmp_path / "x")
    hostile = f'num_swings="$(shell touch {tmp_path}/trap)`touch {tmp_path}/trap`"'
    result = make(tmp_path / "x", "report", f"PARAMS={hostile}")
    assert result.returncode
    assert "num_swings must be int" in result.stderr
    assert not (tmp_path / "trap").exists()


def test_help_lists_every_target(tmp_path: Path) -> None:
    """`make` alone lists the targets; a variable that nothing reads is refused."""
    begin(tmp_path / "x")
    phony = re.search(
        r"^\.PHONY: (help .*)$", (tmp_path / "x" / "Makefile").read_text("utf-8"), re.M
    )
    listed = re.findall(r"^  ([a-z]+) ", make(tmp_path / "x", "-j2", "SHELL=/bin/sh").stdout, re.M)
    assert phony
    assert sorted(listed) == sorted(phony[1].split())
    message = make(tmp_path / "x", "report", "num_swings=20").stderr
    assert "Nothing reads num_swings. The variables are PARAMS CODE FORCE RECORD;" in message
    assert 'a parameter of the notebooks is given as PARAMS="name=value"' in message
    message = make(tmp_path / "x", "report", "RECORD=1").stderr
    assert "`make report` does not read RECORD; it reads CODE FORCE PARAMS." in message
    assert "`make lint` does not read CODE; it" in make(tmp_path / "x", "lint", "CODE=1").stderr
    assert "read" not in make(tmp_path / "x", "--dry-run", "report", "check", "RECORD=1").stderr


def test_python_that_is_gone(tmp_path: Path) -> None:
    """The Makefile says what to do where the Python that made the project is gone."""
    begin(tmp_path / "x")
    (tmp_path / "x" / ".python").write_text("/gone/bin/python\n", "utf-8")
    assert "delete .python, and make will set up .venv" in make(tmp_path / "x", "report").stderr


def test_wheel_that_is_missing(tmp_path: Path) -> None:
    """Without .python the list is installed; a wheel that is not there is named before pip runs."""
    begin(tmp_path / "x")
    (tmp_path / "x" / ".python").unlink()
    result = make(tmp_path / "x", "report")
    wheel = f"onelayer_report-{metadata.version('onelayer-report')}-py3-none-any.whl"
    expected = f"./wheels/{wheel} is missing: requirements.txt says where it comes from"
    assert result.stderr.splitlines()[0] == expected
    assert result.returncode != 0
    assert not (tmp_path / "x" / ".venv").exists()


def test_title(tmp_path: Path) -> None:
    """The title is the folder's name in words, whatever it contains."""
    for name, title in (("my-first_report", "My first report"), ("{title}: #1", "{title}: #1")):
        begin(tmp_path / name)
        assert open_project(tmp_path / name).report.title == title


# ---- `--from` -----------------------------------------------------------------------------------


def test_chapters_stand_in_their_order(tmp_path: Path, five: list[Path]) -> None:
    """Five kinds of notebooks become the chapters of a report, and stay as they are."""
    before = listing(five[0].parent)
    command = [*COMMAND, "new", "x", "--from", *map(str, five)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    project = open_project(tmp_path / "x")
    assert [c.notebook for c in project.report.chapters] == [path.name for path in five]
    built = make(tmp_path / "x", "report")
    assert "report/report.pdf: 5 of 5 notebooks executed" in built.stderr, built.stderr
    assert listing(five[0].parent) == before
    todo = (tmp_path / "x" / "TODO.md").read_text("utf-8")
    assert '- report/report.yaml: fill in the title (now "X") and authors' in todo
    assert "drawn.ipynb, cell 4: its figure has no text alternative" in todo
    assert "magics.ipynb, cell 5: it ended in NameError: no x" in todo
    assert todo.split("\n", 2)[2] in result.stdout
    shown = make(tmp_path / "x", "report", "PARAMS=tagged.rate=0.25 old.n=5")
    assert "tagged: runs again because parameter rate changed" in shown.stderr
    assert "old: runs again because parameter n changed" in shown.stderr


def test_parameters_are_found_or_added(five: list[Path]) -> None:
    """A tagged cell stays; literals after the imports are tagged; else a cell is added."""
    sources = {}
    for each in adopt(five):
        (tagged,) = [c for c in each.notebook.cells if "parameters" in c.tags]
        sources[each.path.stem] = tagged.source.splitlines()[0]
        each.notebook.parameters()
    added = sources["z plain"]
    assert added.startswith("# Parameters")
    assert sources == {
        "z plain": added,
        "drawn": added,
        "tagged": "import math",
        "old": "n = 3",
        "magics": added,
    }


@pytest.mark.parametrize(
    "source", ["n = 3\nprint(n)", "n = m = 3", "n = f()", "dataset = 'x'", "# n ≥ 3\nn = 3"]
)
def test_what_is_more_than_parameters_is_not_tagged(tmp_path: Path, source: str) -> None:
    """Code that does more, reserved names and unreadable values stay code."""
    (adopted,) = adopt([saved(tmp_path / "a.ipynb", cell(source))])
    assert [("parameters" in c.tags, c.source == source) for c in adopted.notebook.cells] == [
        (False, False), (True, False), (False, True),
    ]  # fmt: skip
    assert adopted.notebook.parameters() == {}


def test_cells_get_ids_and_lose_outputs(tmp_path: Path) -> None:
    """Malformed and repeated ids are replaced; execution metadata is removed."""
    path = saved(
        tmp_path / "a.ipynb",
        cell("# A", "markdown", id="title"),
        cell("1", id="title", outputs=[PICTURE], metadata={"papermill": {}, "jupyter": {}}),
        cell("2", id="no id"),
        cell("3", id="cell-2", tags=("parameters",)),
    )
    (adopted,) = adopt([path])
    assert adopted.notebook.content["cells"][1]["metadata"] == {"jupyter": {}}
    ids = [each.id for each in adopted.notebook.cells]
    assert ids == ["title", "cell-2-new", "cell-3", "cell-2"]
    assert not any(each.get("outputs") for each in adopted.notebook.content["cells"])
    assert not any(each.get("execution_count") for each in adopted.notebook.content["cells"])


def test_title_is_added_where_there_is_none(tmp_path: Path) -> None:
    """A comment in code is no heading; a chapter without one gets its notebook's name."""
    path = saved(tmp_path / "my_data.ipynb", cell("```\n# no\n```\n\n## Two", "markdown"))
    (adopted,) = adopt([path])
    assert adopted.notebook.cells[0].source == "# my data"
    assert left_to_do([adopted]) == ["my_data.ipynb, cell 1: write a title (now the file's name)"]


def test_what_would_differ_in_each_run_is_left_to_do(tmp_path: Path) -> None:
    """Times and draws without a seed are named; a seed anywhere in the notebook is enough."""
    first = saved(
        tmp_path / "a.ipynb",
        cell("# A\n\n## Exercise 1", "markdown"),
        cell("import time\nt = time.time()\nprint(np.random.choice(9))"),
        cell("%timeit f()"),
        cell("x = 1\ntimes = 3"),
    )
    second = saved(
        tmp_path / "b.ipynb",
        cell("# B\n\n## Exercise 1\n\n17 runs.", "markdown"),
        cell("rng = np.random.default_rng(0)\nnp.random.normal(1)"),
    )
    time = "it takes the time: if that is printed, each run prints another one, so remove it"
    assert [line for line in left_to_do(adopt([first, second])) if "imports" not in line] == [
        f"a.ipynb, cell 3: {time}",
        "a.ipynb, cell 3: it draws random numbers without a seed: each run gives others",
        f"a.ipynb, cell 4: {time}",
        "b.ipynb, cell 1: 'Exercise 1' begins here and in a.ipynb, cell 1: give one of them "
        "another number",
        "b.ipynb: a number is typed in its texts and may go stale: `make lint` lists them; a cell "
        "that begins with `%%answer 1` quotes variables, `{{ mean:.2f }}`",
    ]


def test_settings_of_a_library_belong_to_the_imports(tmp_path: Path) -> None:
    """The cell of plain values below them is the one of the parameters."""
    path = saved(
        tmp_path / "a.ipynb",
        cell("# A", "markdown"),
        cell("import matplotlib.pyplot as plt\nplt.rcParams['figure.figsize'] = (8, 5)"),
        cell("room = 21.0"),
    )
    (adopted,) = adopt([path])
    assert list(adopted.notebook.parameters()) == ["room"]


def test_typed_numbers_are_counted(tmp_path: Path) -> None:
    """Each notebook's typed numbers are one line: `make lint` lists them."""
    path = saved(tmp_path / "a.ipynb", cell("# A\n\nThe mean of 17 runs is 0.5.", "markdown"))
    (line,) = left_to_do(adopt([path]))
    assert line.startswith("a.ipynb: 2 numbers are typed in its texts and may go stale")
    assert line.endswith("`%%answer 1` quotes variables, `{{ mean:.2f }}`")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "data/a b.csv",
            "mkdir -p notebooks/data && cp -r '{}/data/a b.csv' 'notebooks/data/a b.csv'",
        ),
        ("../a.csv", "cp -r {}/../a.csv a.csv"),
        ("../../a.csv", None),
    ],
)
def test_commands_that_copy_files(tmp_path: Path, name: str, command: str | None) -> None:
    """Files are only copied within the report; those further out have to be moved."""
    beside = tmp_path / "one" / "two" / "three"
    beside.mkdir(parents=True)
    file = (beside / name).resolve()
    file.parent.mkdir(exist_ok=True)
    file.touch()
    (line,) = left_to_do(
        adopt([saved(beside / "a.ipynb", cell("# A", "markdown"), cell(repr(name)))])
    )
    end = f"`{command.format(beside)}`" if command else "beside the notebook and change the name"
    assert line.endswith(end.replace("three/../", ""))


TITLE = {"text/plain": ["Text(0.5, 1.0, 'A title')"]}


def test_what_is_left_to_do(tmp_path: Path) -> None:
    """Everything that would stop the report, or be missing in it, is listed with its cell."""
    (tmp_path / "near.py").touch()
    (tmp_path / "table.csv").touch()
    (tmp_path / "a.png").touch()
    path = saved(
        tmp_path / "a.ipynb",
        cell("# A\n\n![](a.png)", "markdown"),
        cell("rate = 2 / 3", tags=("parameters",)),
        cell("import near, sys, not_installed_anywhere\n!pip install x"),
        cell("open('table.csv'); open('none.csv'); 'a' * 3"),
        cell("for"),
        cell("ax.plot(x)"),
        cell("ax.plot(x)"),
        cell("%%figure fig-a fig\nA caption."),
        cell("recorded: dict = {}", tags=("parameters",)),
        cell("rate = 1", tags=("injected-parameters",)),
        cell("df.plot()", outputs=[{"output_type": "stream", "name": "stdout", "text": "3"}]),
        cell("label()", outputs=[{"output_type": "execute_result", "data": TITLE}]),
        cell("odd()", outputs=[{"output_type": "execute_result", "data": {"text/plain": 5}}]),
    )
    copy = f"`cp -r {tmp_path}"
    expected = [
        "cell 1, line 3: a picture has no text alternative",
        f"cell 1: it names a.png, a file beside the original: {copy}/a.png notebooks/a.png`",
        "cell 2: its parameters: the default of rate must be a literal",
        "cell 3: it installs packages in each run",
        f"cell 3: it imports near, which lies beside the original: {copy}/near.py notebooks`",
        "cell 3: it imports not_installed_anywhere, which is not installed",
        "cell 4: it names table.csv",
        "cell 5: its code: line 1 is not Python",
        f"cell 6: {ALTERNATIVE}",
        "cell 8, line 1: fig-a has no text alternative",
        "cell 9: the press itself sets 'recorded'",
        "cell 10: papermill added it",
        "cell 12: its last line shows an object of matplotlib",
    ]
    left = left_to_do(adopt([path]))
    assert len(left) == len(expected), left
    for line, beginning in zip(left, expected, strict=True):
        assert line.startswith(f"a.ipynb, {beginning}")


def test_what_would_stop_the_build_is_listed(tmp_path: Path) -> None:
    """Formulas that cannot be read are, and questions; names of files may be links or HTML."""
    (tmp_path / "a b.png").touch()
    path = saved(
        tmp_path / "a.ipynb",
        cell("# A\n\n![A dot.](a%20b.png)\n\n<img width=9 src='c.png'>", "markdown"),
        cell("As $\\nosuch x$ says.", "markdown"),
        cell("name = input('Who? ')"),
        cell("read_input(1)"),
    )
    assert left_to_do(adopt([path])) == [
        "a.ipynb, cell 1: it names a b.png, a file beside the original: "
        f"`cp -r '{tmp_path}/a b.png' 'notebooks/a b.png'`",
        "a.ipynb, cell 1: it shows c.png, which does not exist: add the picture, or remove it",
        "a.ipynb, cell 2, line 1: formula cannot be read: \\nosuch x",
        "a.ipynb, cell 4: it asks for input, which would stop the build: write the answer into the "
        "code",
    ]


def test_files_that_only_this_machine_has_are_listed(tmp_path: Path) -> None:
    """Neither an absolute path nor a picture that is missing stops the copy, but both are named."""
    path = tmp_path / "a.ipynb"
    text = "# T\n\n![A map](map.png) ![Far](https://a.invalid/b.png) ![Pasted](attachment:c.png)"
    saved(
        path,
        cell(text, "markdown"),
        cell("open('/home/ada/weather.csv')\nx = '/', '/a.b', '/api/v1.0'"),
    )
    assert left_to_do(adopt([path])) == [
        "a.ipynb, cell 1: it shows map.png, which does not exist: add the picture, or remove it",
        "a.ipynb, cell 3: it names /home/ada/weather.csv, which other machines may lack: put the "
        "file beside the notebook",
    ]


def test_packages_that_notebooks_import_are_required(tmp_path: Path) -> None:
    """What this package does not bring itself is listed with its version."""
    path = tmp_path / "a.ipynb"
    saved(path, cell("import sklearn.svm\nimport numpy, os, none_such"), cell("1 +"))
    assert needed(adopt([path])) == [f"scikit-learn=={metadata.version('scikit-learn')}"]
    begin(tmp_path / "x", [path])
    lines = (tmp_path / "x" / "requirements.txt").read_text("utf-8").splitlines()
    assert lines[-1] == f"scikit-learn=={metadata.version('scikit-learn')}"
    assert lines[-2].endswith("[lab]")


def test_what_a_notebook_contains_is_data(tmp_path: Path) -> None:
    """Names and sources never become YAML, make or shell code, and nothing is executed."""
    name = "a: {wheel} $(shell touch trap) 'x'\n#.ipynb"
    path = saved(tmp_path / name, cell("open('trap', 'w')\n# {title} {{ x }} $(y)"))
    begin(tmp_path / "x", [path])
    report = open_project(tmp_path / "x").report
    assert [chapter.notebook for chapter in report.chapters] == [name]
    copied = read_notebook(tmp_path / "x" / "notebooks" / name)
    assert copied.cells[-1].source == "open('trap', 'w')\n# {title} {{ x }} $(y)"
    make(tmp_path / "x")
    assert not [*tmp_path.rglob("trap")]


def as_json(folder: Path, content: object, name: str = "a.ipynb") -> Path:
    """Write a file that holds this and no more."""
    (folder / name).write_text(json.dumps(content), "utf-8")
    return folder / name


def folder_of(folder: Path) -> Path:
    """Make a folder that is called like a notebook."""
    (folder / "all.ipynb").mkdir()
    return folder / "all.ipynb"


def torn(folder: Path) -> Path:
    """Write half a notebook."""
    (folder / "torn.ipynb").write_text('{"cells": [', "utf-8")
    return folder / "torn.ipynb"


def places_in(content: object) -> Iterator[tuple[object, object]]:
    """Yield each part of a JSON, however deep, as what holds it and its key there."""
    keys = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from places_in(content[key])


FORMAT = "expected a Jupyter notebook of format 4; found "
REFUSED = {
    "no JSON": (lambda f: [torn(f)], f"torn.ipynb: {FORMAT}invalid JSON (Expecting value"),
    "a text": (lambda f: [as_json(f, [1], "a.md")], f"a.md: {FORMAT}a name without .ipynb"),
    "a list": (lambda f: [as_json(f, [1])], f"a.ipynb: {FORMAT}JSON that is not a notebook"),
    "half a name": (lambda f: [saved(f / "\udc80.ipynb", cell("1"))], "a malformed one"),
    "no cells": (lambda f: [as_json(f, {"nbformat": 4})], "JSON that is not a notebook"),
    "no metadata": (
        lambda f: [as_json(f, {"nbformat": 4, "cells": [], "metadata": 3})],
        "JSON that is not a notebook",
    ),
    "odd cell": (
        lambda f: [saved(f / "a.ipynb", {"cell_type": "heading", "source": ""})],
        "JSON that is not a notebook",
    ),
    "odd note": (lambda f: [saved(f / "a.ipynb", cell("1", metadata=[1]))], "JSON that is no"),
    "odd source": (lambda f: [saved(f / "a.ipynb", cell([3]))], "JSON that is not a notebook"),
    "odd tags": (
        lambda f: [saved(f / "a.ipynb", cell("1", metadata={"tags": 3}))],
        "a malformed one",
    ),
    "half a character": (lambda f: [saved(f / "a.ipynb", cell("\ud800"))], "a malformed one"),
    "old format": (
        lambda f: [as_json(f, {"nbformat": 3, "worksheets": []})],
        "found format 3; open it in JupyterLab and save it, or leave it out",
    ),
    "missing": (lambda f: [f / "gone.ipynb"], f"gone.ipynb: {FORMAT}no such file"),
    "folder": (lambda f: [folder_of(f)], f"{FORMAT}a folder"),
    "one name": (
        lambda f: [saved(f / "a.ipynb"), saved(f / "b" / "A.ipynb")],
        "two notebooks are called A.ipynb",
    ),
    "in R": (
        lambda f: [saved(f / "a.ipynb", cell("x <- 3"), metadata=IN_R)],
        "a.ipynb: expected a notebook in Python; found one in R",
    ),
    "kernel of R": (
        lambda f: [saved(f / "a.ipynb", metadata={"kernelspec": {"name": "ir"}})],
        "found one in ir",
    ),
}


# ---- What cannot be: a clear message, and nothing half made -------------------------------------


@pytest.mark.parametrize("other", ["null", "3", "2.5", '"x"', "[]", "[0]", "{}"])
def test_notebook_that_is_odd_somewhere(tmp_path: Path, other: str) -> None:
    """Whatever replaces any part of it, a notebook is adopted or refused with a message."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {**PYTHON, "language_info": {"name": "python"}},
        "cells": [
            {"id": "a", **cell("# A", "markdown", attachments={"a": {"image/png": ""}})},
            {"id": "b", **cell(["n = 3\n", "m = 4"], tags=("x",), outputs=[PICTURE, FAILED])},
        ],
    }
    whole = json.dumps(content)
    refused = []
    for position in range(len([*places_in(content)])):
        copy = json.loads(whole)
        holder, key = [*places_in(copy)][position]
        holder[key] = json.loads(other)
        try:
            left_to_do(adopt([as_json(tmp_path, copy)]))
        except PressError as error:
            refused.append(str(error))
    assert all(": expected a " in message for message in refused)
    assert 0 < len(refused) < position


@pytest.mark.parametrize("case", REFUSED)
def test_notebooks(tmp_path: Path, case: str) -> None:
    """The message says what was expected, what was found and what to do."""
    given, message = REFUSED[case]
    good = saved(tmp_path / "good.ipynb", cell("1"))
    notebooks = [good, *given(tmp_path)]
    before = listing(tmp_path)
    with pytest.raises(PressError) as error:
        begin(tmp_path / "x", notebooks)
    assert message in str(error.value)
    assert listing(tmp_path) == before
    assert not (tmp_path / "x").exists()


def test_folders(tmp_path: Path) -> None:
    """A folder that has content, or a path that cannot be a folder, is refused and untouched."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").touch()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    for name, message in (
        ("full", "is not empty: expected the name of a new folder, or of an empty one; found "
         ".hidden in it; give another name"),
        ("file", "is not a folder"),
        ("dangling", "is not a folder"),
        ("none/x", "make that first"),
    ):  # fmt: skip
        with pytest.raises(PressError, match=re.escape(message)):
            begin(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_empty_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder can be used, even the current one."""
    monkeypatch.chdir(tmp_path)
    begin(Path("."))
    assert open_project(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".tmp")]


@pytest.mark.parametrize("exists", [True, False])
def test_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool) -> None:
    """On a full disk, the folder is as it was, or does not exist."""
    folder = tmp_path / "x"
    if exists:
        folder.mkdir()

    def full(path: Path, content: bytes, write=Path.write_bytes) -> None:
        if path.name == "Makefile":
            raise OSError(28, "No space left on device", str(path))
        write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        begin(folder)
    assert [*tmp_path.rglob("*")] == ([folder] if exists else [])


def test_command_line(tmp_path: Path) -> None:
    """Missing or superfluous words give the usage; options may follow `--from`."""
    notebook = str(saved(tmp_path / "a.ipynb", cell("1")))
    for arguments, status, message in (
        (["x", "--from"], 2, "--from"),
        (["--from", notebook], 2, "Missing argument 'FOLDER'"),
        (["x", "--from", notebook, "--help"], 0, ""),
        (["x", notebook], 2, "unexpected extra argument"),
    ):
        done = subprocess.run(
            [*COMMAND, "new", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == status
        assert message in done.stderr
    assert not (tmp_path / "x").exists()


def test_press_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, because no environment could name it."""
    monkeypatch.setattr(module, "DISTRIBUTION", "none-such")
    with pytest.raises(PressError, match="none-such is not installed"):
        begin(tmp_path / "x")
    assert not [*tmp_path.iterdir()]
