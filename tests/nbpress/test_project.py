"""The project: its folders, report.yaml and the data set that a name stands for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.project import open_project


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the tiny project's modules: each test has its own copy of them."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiny"]:
        monkeypatch.delitem(sys.modules, name)


def test_project_is_found_from_below(tiny: TinyProject) -> None:
    """The root is the first folder upwards with report/report.yaml."""
    project = open_project(tiny.root / "src" / "tiny")
    assert project.root == tiny.root
    assert project.report.title == "A tiny report"
    assert [chapter.name for chapter in project.report.chapters] == [
        "1_sums",
        "2_pictures",
        "3_summary",
    ]


def test_every_mistake_in_report_yaml_is_listed(tiny: TinyProject) -> None:
    """Unknown, missing and mistyped keys at once, each by its place."""
    tiny.edit("report/report.yaml", "title: A tiny report", "titel: A tiny report")
    tiny.edit("report/report.yaml", "[answer, claim]", "[answer, clam]")
    with pytest.raises(PressError) as error:
        open_project(tiny.root)
    message = str(error.value)
    assert "unknown key 'titel'; did you mean 'title'?" in message
    assert "title: field required" in message
    assert "chapters.0.tasks.1a.1: input should be" in message


def test_chapter_twice_is_refused(tiny: TinyProject) -> None:
    """Its parameters and outputs could not be told apart."""
    tiny.edit("report/report.yaml", "notebook: 2_pictures", "notebook: 1_sums")
    with pytest.raises(PressError, match=r"1_sums\.ipynb is a chapter twice"):
        open_project(tiny.root)


@pytest.mark.parametrize("folder", ["/src", "../src", "src/../.."])
def test_sources_outside_are_refused(tiny: TinyProject, folder: str) -> None:
    """Keys name files by their path from the root."""
    tiny.edit("report/report.yaml", "title:", f"sources: [{folder}]\ntitle:")
    with pytest.raises(PressError, match="sources must lie in the project"):
        open_project(tiny.root)


def test_source_files_leave_installed_packages_out(tiny: TinyProject) -> None:
    """A virtual environment below a source folder is none of the project's code."""
    tiny.edit("report/report.yaml", "title:", "sources: [.]\ntitle:")
    for folder in ("venv/lib", ".hidden"):
        (tiny.root / folder).mkdir(parents=True)
        (tiny.root / folder / "other.py").touch()
    (tiny.root / "venv" / "pyvenv.cfg").touch()
    found = {path.name for path in open_project(tiny.root).source_files()}
    assert "base.py" in found
    assert "other.py" not in found


def test_parameter_file_of_a_data_set(tiny: TinyProject) -> None:
    """Its chapters are known ones; a data set without a file has no parameters of its own."""
    project = open_project(tiny.root)
    assert project.parameters("large") == {"1_sums": {"count": 5}}
    assert project.parameters("small") == {}
    tiny.edit("report/parameters/large.yaml", "1_sums", "1_sum")
    with pytest.raises(PressError, match="no chapter is called '1_sum'; did you mean '1_sums'"):
        project.parameters("large")
    tiny.edit("report/parameters/large.yaml", "{count: 5}", "5")
    with pytest.raises(PressError, match="expected chapters with parameters below"):
        project.parameters("large")


def test_resolver_tells_which_data_set(tiny: TinyProject) -> None:
    """Its ValueError is the user's message."""
    project = open_project(tiny.root)
    found = project.resolve("auto")
    assert (found.dataset, found.reason) == ("small", "the small numbers")
    with pytest.raises(PressError, match=r"^no data set 'smal'$"):
        project.resolve("smal")


@pytest.mark.parametrize(
    ("text", "reason"), [("import nothing_at_all", "ModuleNotFoundError"), ("1 +", "SyntaxError")]
)
def test_resolver_that_cannot_be_imported(tiny: TinyProject, text: str, reason: str) -> None:
    """Whatever its module does, the message names report.yaml's key."""
    (tiny.root / "src" / "tiny" / "resolver.py").write_text(text, "utf-8")
    with pytest.raises(PressError, match=f"resolver must be 'module:function'.*{reason}"):
        open_project(tiny.root).resolve("auto")


def test_paths_are_shown_from_the_root(tiny: TinyProject, tmp_path: Path) -> None:
    """One outside by its name alone."""
    project = open_project(tiny.root)
    assert project.relative(tiny.root / "src" / "tiny") == "src/tiny"
    assert project.relative(tmp_path / "other.yaml") == "other.yaml"
