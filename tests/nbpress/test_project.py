"""The project: its folders, report.yaml and the data set that a name stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError, did_you_mean
from nbpress.project.project import open_project


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("2", "; did you mean '2_pictures'?"),
        ("2_picture", "; did you mean '2_pictures'?"),
        ("", "; known: 1_sums, 2_pictures, 3_summary"),
        ("x", "; known: 1_sums, 2_pictures, 3_summary"),
    ],
)
def test_chapter_that_does_not_exist(tiny: TinyProject, name: str, hint: str) -> None:
    """The message names the chapter that is spelt or begins alike, or else all of them."""
    with pytest.raises(PressError) as error:
        open_project(tiny.root).chapter(name)
    assert str(error.value).endswith(hint)


def test_every_mistake_in_report_yaml_is_listed(tiny: TinyProject) -> None:
    """Unknown, missing and mistyped keys are listed together, each with its place."""
    tiny.edit("report/report.yaml", "title: A tiny report", "titel: A tiny report")
    tiny.edit("report/report.yaml", "[answer, claim]", "[answer, clam]")
    with pytest.raises(PressError) as error:
        open_project(tiny.root)
    message = str(error.value)
    assert "unknown key 'titel'; did you mean 'title'?" in message
    assert "title is missing" in message
    assert "chapters.1.tasks.1a.2: expected" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "report.yaml: expected the keys `title:`, `authors:` and `chapters:`"),
        ("title: Größe".encode("latin-1"), "report.yaml is not in UTF-8: save it as UTF-8"),
        (
            b"title: A\nauthors: A\nchapters:\n- notebook:\n",
            "authors: expected a list; got 'A'; wr",
        ),
        (
            b"title: A\nauthors: [A]\nchapters:\n- notebook:\n",
            "1.notebook: expected a text; got not",
        ),
    ],
)
def test_report_yaml_of_another_shape_is_refused(
    tiny: TinyProject, content: bytes, message: str
) -> None:
    """The message is in plain words, and entries are counted from one."""
    (tiny.root / "report" / "report.yaml").write_bytes(content)
    with pytest.raises(PressError) as error:
        open_project(tiny.root)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("There are {{ 1a.total + 1 }}.", "{{ 1a.total + 1 }} is not a placeholder"),
        ("There are {{ total }}.", "{{ total }} is not a placeholder: expected a name"),
        ("{{ if positive }}It is.", "expected '{{ end }}' after the last"),
        ("There are six.", "'six' is typed and may go stale"),
        ("There are {{ 1a.total }} of 9.", "'9' is typed and may go stale"),
        ("It ends in 1999 steps.", "'1999' is typed and may go stale"),
        ("Of .97.", "'.97' is typed and may go stale"),
        ("See [97](#fig-1a).", "'97' is typed and may go stale"),
    ],
)
def test_key_result_is_checked_before_anything_runs(
    tiny: TinyProject, sentence: str, message: str
) -> None:
    """Its placeholders must be well formed and its numbers quoted."""
    tiny.edit("report/report.yaml", "title:", f'key_results: ["Fine.", "{sentence}"]\ntitle:')
    with pytest.raises(PressError) as error:
        open_project(tiny.root)
    assert f"key_results.2: {message}" in str(error.value)


def test_key_result_may_have_numbers_that_are_meant(tiny: TinyProject) -> None:
    """They are marked as typed, as in a notebook's text."""
    tiny.edit(
        "report/report.yaml",
        "title:",
        'key_results: ["All ten, as in 2022. <!-- typed: ten -->"]\ntitle:',
    )
    assert len(open_project(tiny.root).report.key_results) == 1


@pytest.mark.parametrize("name", ["First Author", "second author", "Author", "Your Name"])
def test_authors_to_be_filled_in_are_known(tiny: TinyProject, name: str) -> None:
    """A template's names are recognised as placeholders; real names are not."""
    tiny.edit("report/report.yaml", "[A. Author]", f"[Ada Author, {name}, First Last]")
    assert open_project(tiny.root).report.placeholders == [name]


def test_chapter_twice_is_refused(tiny: TinyProject) -> None:
    """Its parameters and outputs could not be told apart."""
    tiny.edit("report/report.yaml", "notebook: 2_pictures", "notebook: 1_sums")
    with pytest.raises(PressError, match=r"1_sums\.ipynb is listed twice"):
        open_project(tiny.root)


@pytest.mark.parametrize("folder", ["/src", "../src", "src/../.."])
def test_sources_outside_are_refused(tiny: TinyProject, folder: str) -> None:
    """Keys name files by their path from the root."""
    tiny.edit("report/report.yaml", "title:", f"sources: [{folder}]\ntitle:")
    with pytest.raises(PressError, match="sources must be inside the project"):
        open_project(tiny.root)


def test_source_files_leave_installed_packages_out(tiny: TinyProject) -> None:
    """A virtual environment in a source folder is not part of the project's code."""
    tiny.edit("report/report.yaml", "title:", "sources: [.]\ntitle:")
    for folder in ("venv/lib", ".hidden"):
        (tiny.root / folder).mkdir(parents=True)
        (tiny.root / folder / "other.py").touch()
    (tiny.root / "venv" / "pyvenv.cfg").touch()
    names = {path.name for path in open_project(tiny.root).source_files()}
    assert "base.py" in names
    assert "other.py" not in names


def test_paths_are_shown_from_the_root(tiny: TinyProject, tmp_path: Path) -> None:
    """A path outside the project is shown by its name alone."""
    project = open_project(tiny.root)
    assert project.relative(tiny.root / "src" / "tiny") == "src/tiny"
    assert project.relative(tmp_path / "other.yaml") == "other.yaml"


def test_names_that_are_proposed_fill_no_screen() -> None:
    """A close one is proposed; of many others only the first are listed."""
    known = [f"name{n:03}" for n in range(100)]
    assert did_you_mean("nam042", known) == "; did you mean 'name042'?"
    message = did_you_mean("other", known)
    assert message.startswith("; known: name000, name001")
    assert message.endswith("name019 and 80 more")
    assert did_you_mean("other", ["a", "b"]) == "; known: a, b"
    assert did_you_mean("file", ["FILE", "fill"]) == "; did you mean 'FILE'?"
