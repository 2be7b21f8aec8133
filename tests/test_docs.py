"""Does what the documents tell a reader to do, and compares what they take from the code."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from test_sweeps import FEWER

import nbpress
from nbpress.say.magics import MAGICS
from nbpress.say.prose import read_prose
from onelayer.derivations import Prover

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").glob("*.md")]
)

# Documents whose commands other tests run.
ELSEWHERE = {"docs/own-report.md": "test_guide_to_a_report_of_your_own, in a folder of its own"}

# Blocks that no test can run, by their first line, with the reason.
NOT_RUN = {
    "make test": "it would run itself",
    "make test-quick": "it would run a part of itself",
    "make test-faults": "`.ci/run` calls it; it takes minutes",
    "make lint": "`.ci/run` begins with it; a copy without mypy's cache takes a minute",
    "make bench": "it takes minutes, and measures the machine",
    ".ci/run": "it runs this test",
    "cd ../their-folder && ../my-clone/.venv/bin/python -m nbpress check": "it needs two clones; "
    "all of test_check.py has this nbpress check another folder",
    "dask scheduler --protocol tls …": "it needs several machines and certificates; "
    "tests/nbpress/test_sweep_cluster.py does the same on one",
    ".venv/bin/python -m nbpress sweep penalty --scheduler tls://HOST:8786": "likewise",
}

# Commands that go on until Ctrl-C, and what they print when they are ready.
SERVE = {
    "make watch": "watching: every save starts a build",
    "make preview": "http://127.0.0.1:",
    "make lab": "http://127.0.0.1:",
}

DEADLINE = 300  # seconds that a block may take before a test gives up
PATIENCE = 20  # seconds that what has to end may take


_ALL = re.DOTALL | re.MULTILINE


@dataclass(frozen=True)
class Block:
    """A fenced block of a document, or a hidden comment that does what a reader does by hand."""

    language: str
    text: str
    section: str  # the heading above it

    @property
    def first(self) -> str:
        """Its first line, without a comment, by which it is known."""
        return self.text.split("\n", 1)[0].partition("  #")[0].rstrip()


_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$"
    r"|^<!-- edit (?P<edit>[^\n]*) -->$|^(?P<heading>#+ [^\n]*)$",
    _ALL,
)


def blocks_of(document: str) -> Iterator[Block]:
    """Yield the blocks of a document, in its order."""
    section = ""
    for match in _BLOCK.finditer((ROOT / document).read_text("utf-8")):
        if match["heading"]:
            section = match["heading"]
        elif match["edit"]:
            yield Block("edit", match["edit"], section)
        else:
            text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
            yield Block(match["language"], text.rstrip("\n"), section)


def commands_in(document: str) -> list[Block]:
    """Return a document's blocks of commands."""
    return [block for block in blocks_of(document) if block.language == "sh"]


class Reader:
    """Somebody who follows a document word by word, in a copy of the project."""

    def __init__(self, root: Path, runs: Path | None = None) -> None:
        self.root, self.output = root, ""
        left_out = shutil.ignore_patterns(
            ".git", ".venv", "build", "mnist", "__pycache__", ".*_cache", ".hypothesis"
        )
        shutil.copytree(ROOT, root, ignore=left_out, symlinks=True)
        if runs:
            shutil.copytree(runs, root / "build" / "runs")
        for name, points in FEWER.items():  # enough to see that it is done
            file = root / "sweeps" / f"{name}.yaml"
            description = yaml.safe_load(file.read_text("utf-8"))
            description |= {"product": points, "repeat": {"seed": "0..1"}}
            file.write_text(yaml.safe_dump(description), "utf-8")
        self._make_environment()
        self.git("init", "-q")
        self.git("add", "--all")
        name = ("-c", "user.name=A. Reader", "-c", "user.email=reader@example.org")
        self.git(*name, "commit", "-q", "-m", "A copy")
        self.git("clean", "-fdxq", "-e", ".venv", "-e", "build")  # what builds here have left

    def _make_environment(self) -> None:
        """Make .venv what a set-up would: this environment's packages with the copy's modules."""
        folder = self.root / ".venv"
        venv.create(folder, with_pip=False, symlinks=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        installed = {path for path in sys.path if path.endswith("site-packages")}
        (packages / "project.pth").write_text("\n".join([str(self.root / "src"), *installed]))
        here = Path(sys.prefix)
        for script in (here / "bin").iterdir():
            if not (folder / "bin" / script.name).exists():
                (folder / "bin" / script.name).symlink_to(script)
        if (here / "share").is_dir():  # JupyterLab's
            (folder / "share").symlink_to(here / "share")
        write_stamp = (
            "import sys; sys.path.insert(0, 'tools'); import environment; "
            "open('.venv/.ready', 'w').write(environment.state('requirements-dev.lock'))"
        )
        command = [folder / "bin" / "python", "-c", write_stamp]
        subprocess.run(command, cwd=self.root, env=self.environment, check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of somebody without settings and without a network."""
        ours = ("NBPRESS_", "ONELAYER_", "CONDA_", "MAKE", "MFLAGS", "PYTHON", "PYTEST_", "GIT_",
                "VIRTUAL_ENV", "JUPYTER_", "SOURCE_DATE_EPOCH", "DASK_")  # fmt: skip
        kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "BROWSER": "true", "ONELAYER_MIRRORS": ""}
        return {**kept, **nobody, "JUPYTER_CONFIG_DIR": str(self.root / "build" / "jupyter")}

    def git(self, *arguments: str) -> None:
        """Run git."""
        subprocess.run(["git", *arguments], cwd=self.root, env=self.environment, check=True)

    def do(self, block: Block) -> None:
        """Do what a block says: run the commands, make the edit, write the file."""
        if block.language == "sh" and block.first not in NOT_RUN:
            self.output = self.run(block.text)
        elif block.language == "edit":
            self.edit(*re.fullmatch(r"(\S+): (.*) -> (.*)", block.text).groups())
        elif file := re.fullmatch(r"# ([\w./-]+\.(?:py|yaml))", block.first):
            (self.root / file[1]).write_text(block.text + "\n", "utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that a file has once."""
        path = self.root / file
        content = path.read_text("utf-8")
        assert content.count(old) == 1, f"{file} has {old!r} {content.count(old)} times"
        path.write_text(content.replace(old, new), "utf-8")

    def run(self, commands: str) -> str:
        """Run commands in a shell; return what they print."""
        ready = next((text for word, text in SERVE.items() if commands.startswith(word)), None)
        with socket.create_server(("127.0.0.1", 0)) as free:  # Dask's own may be taken
            commands = commands.replace("8786", str(free.getsockname()[1]))
        process = subprocess.Popen(
            ["bash", "-euc", commands],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            # A shell in the background has its children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        end = functools.partial(self._end, process)
        alarm = threading.Timer(DEADLINE, end)
        # Whoever leaves the shell leaves nothing behind in it.
        watch = threading.Thread(target=lambda: (process.wait(), end()))
        alarm.start()
        watch.start()
        printed = []
        try:
            for line in process.stdout:
                printed.append(line)
                if ready and ready in line:
                    os.killpg(process.pid, signal.SIGINT)
                    watch.join(PATIENCE)
                    return "".join(printed)
            process.wait()
        finally:
            alarm.cancel()
            end()
            watch.join()
        output = "".join(printed)
        assert process.returncode == 0, f"{commands}\n{output}"
        assert not ready, f"{commands} has ended by itself\n{output}"
        return output

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def has_seen(self, line: str) -> bool:
        """Return whether the last commands printed a line, where … stands for anything."""
        pattern = ".*".join(map(re.escape, " ".join(line.split()).split("…")))
        printed = [" ".join(each.split()) for each in self.output.splitlines()]
        return any(re.fullmatch(pattern, each) for each in printed)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the executed notebooks of a report on the digits, which most documents build."""
    reader = Reader(tmp_path_factory.mktemp("docs") / "copy")
    reader.run("make report DATASET=digits")
    return reader.root / "build" / "runs"


@pytest.mark.slow
@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if commands_in(each) and each not in ELSEWHERE]
)
def test_commands_of_a_document(document, tmp_path, request):
    """Its commands do what it says, one after the other, and print what it shows."""
    if "ENGINE=latex" in (ROOT / document).read_text("utf-8") and not shutil.which("xelatex"):
        pytest.skip("xelatex is not installed")
    is_first = document == "docs/first-report.md"  # whose reader has built nothing yet
    reader = Reader(tmp_path / "copy", None if is_first else request.getfixturevalue("runs"))
    section = None
    for block in blocks_of(document):
        reader.do(block)
        if block.language == "sh":
            section = block.section
        elif block.language == "text" and section == block.section:
            lacking = [line for line in block.text.splitlines() if not reader.has_seen(line)]
            assert not lacking, reader.output


def test_reader_notices_what_goes_wrong(tmp_path):
    """A failing command, an impossible edit or a missing line is noticed."""
    reader = Reader(tmp_path / "copy")
    with pytest.raises(AssertionError, match="it failed"):
        reader.run("echo it failed\nfalse\necho too late")
    with pytest.raises(AssertionError, match="Makefile has 'no such words' 0 times"):
        reader.do(Block("edit", "Makefile: no such words -> others", ""))
    reader.do(Block("sh", "sleep 1000 &\necho 3 of 5   done", ""))  # what is left over is ended
    assert reader.has_seen("3 of … done")
    assert not reader.has_seen("3 of 5")


def test_blocks_that_are_not_run_are_there():
    """Each listed block is in a document; one that has changed is no longer excused."""
    listed = {block.first for document in DOCUMENTS for block in commands_in(document)}
    assert NOT_RUN.keys() <= listed
    assert ELSEWHERE.keys() <= set(DOCUMENTS)


def test_no_commands_outside_of_blocks():
    """Nobody would run a command in an indented line."""
    programs = r"(?:make|\S*\.venv/bin/\S+|nbpress|git|pip|cd|conda)"
    command = re.compile(rf"^ {{4}}{programs}\b.*", re.MULTILINE)
    stray = {
        f"{document}: {line}"
        for document in DOCUMENTS
        if document not in ELSEWHERE
        for line in command.findall(_BLOCK.sub("", (ROOT / document).read_text("utf-8")))
    }
    assert not stray


def test_map_names_what_is_there():
    """Each `name` in `file.py` of the map for contributors is in that file, wherever it lies."""
    named = re.findall(r"`(\w+)` in `([\w/]+\.py)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(named) >= 5
    for name, file in named:
        sources = [path for path in (ROOT / "src").rglob("*.py") if path.match(file)]
        assert any(re.search(rf"\b{name}\b", path.read_text("utf-8")) for path in sources), name


def anchors_of(path: Path) -> set[str]:
    """Return the anchors that a forge gives the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    """Each link leads to a file of the project, and to a heading in it."""
    content = (ROOT / document).read_text("utf-8")
    text = re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", content, flags=_ALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / document).parent / file if file else ROOT / document
        assert path.exists(), target
        assert not anchor or anchor in anchors_of(path), target


def test_index_lists_every_page():
    """Nobody would find a page that the index lacks."""
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {f"docs/{page}" for page in re.findall(r"\]\(([\w/-]+\.md)\)", index)}
    assert pages == {page for page in DOCUMENTS if page.startswith("docs/")} - {"docs/README.md"}


def test_reference_is_what_the_code_says():
    """The committed pages are what `make reference` writes."""
    result = reference(ROOT)
    assert result.returncode == 0, result.stderr


def test_reference_page_that_the_code_has_left_behind(tmp_path):
    """A docstring, a key, an option, a target or a parameter that changes makes its page stale."""
    for folder in ("src", "docs", "tools", "notebooks", "sweeps", "report"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    for file in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    assert reference(tmp_path).returncode == 0
    for file, old, new in (
        ("src/nbpress/say/display.py", "Record values of a task", "Write down values of a task"),
        ("src/nbpress/say/magics.py", "Show Markdown as prose", "Print Markdown as prose"),
        ("src/nbpress/project/report.py", 'course: str = ""', 'course: str = "1"'),
        ("src/nbpress/sweep/grid.py", 'dataset: str = ""', 'dataset: str = "digits"'),
        ("src/nbpress/cli.py", '"--exit-code"', '"--exit"'),
        ("src/nbtypeset/exporters.py", "Write a notebook as one HTML file", "Write a page"),
        ("notebooks/3_softmax_regression.ipynb", "num_epochs: int = 50", "num_epochs: int = 51"),
        ("Makefile", "## write the report's LaTeX source", "## write LaTeX"),
    ):
        text = (tmp_path / file).read_text("utf-8")
        assert old in text, file
        (tmp_path / file).write_text(text.replace(old, new), "utf-8")
    pages = {
        page.name
        for page in (ROOT / "docs" / "reference").glob("*.md")
        if "<!-- from the code: " in page.read_text("utf-8")
    }
    result = reference(tmp_path)
    assert result.returncode == 1
    assert set(re.findall(r"docs/reference/(\S+) is out of date", result.stderr)) == pages


def test_examples_of_magics():
    """What the help of each magic shows is read, and its derivation proved."""
    for name, text in MAGICS.items():
        prose = read_prose(textwrap.dedent("    " + text.partition("\n\n    ")[2]))
        assert prose.kind == name
    verdicts = Prover().prove([(each.kind, each.latex) for each in prose.formulas])
    assert [verdict.refusal for verdict in verdicts] == ["", ""]


def reference(root: Path) -> subprocess.CompletedProcess[str]:
    """Compare a project's pages of reference with its code."""
    return subprocess.run(
        [sys.executable, root / "tools" / "reference", "--check"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment_variables_are_listed():
    """Each variable that the code reads is on its page, except those for the press's kernels."""
    page = (ROOT / "docs" / "reference" / "environment.md").read_text("utf-8")
    files = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in (".py", ".yaml"))
    code = "".join(path.read_text("utf-8") for path in files)
    read = set(re.findall(r"\b((?:NBPRESS|ONELAYER)_[A-Z]+|SOURCE_DATE_EPOCH)\b", code))
    assert read - {"NBPRESS_RUN", "NBPRESS_ROOT"} == set(
        re.findall(r"`((?:NBPRESS|ONELAYER)_[A-Z]+|SOURCE_DATE_EPOCH)`", page)
    )


def test_workflow_of_hosted_integration():
    """It calls .ci/run, has read access only, uses no secret, and keeps the PDF."""
    text = (ROOT / ".github" / "workflows" / "report.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets" not in text
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    (kept,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert kept["with"]["path"] == "report/report.pdf"
    assert "was never run" in text


def nbpress_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "nbpress", *arguments],
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
    """The report in the guide is published exactly as shown, and its commands work."""
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
    assert "1_analysis: runs again because notebooks/weather.csv changed" in result.stderr


def test_guide_lists_every_call():
    """The guide has each function that a notebook may call, and no other."""
    guide = (ROOT / "docs" / "own-report.md").read_text("utf-8")
    table = re.findall(r"^\| `nbpress\.(\w+)\(", guide, re.MULTILINE)
    assert sorted([*table, "prose"]) == sorted(nbpress.__all__)


def test_guide_to_derivations(tmp_path):
    """The derivation in the guide is proved, and its result is the required one."""
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
    assert "the two sides differ" in result.stderr
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert page.count("; proved by machine") == 1
