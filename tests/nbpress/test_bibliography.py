"""Citations in notebooks' texts, and the bibliography that they lead to."""

from __future__ import annotations

import re

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.bibliography import read_bibliography, wrong_citations
from nbpress.project.notebook import read_notebook
from nbpress.project.project import open_project

BIB = (
    "@article{lecun1998,\n  title = {A},\n}\n@Comment{no, this}\n@book { bishop:2006 , title={B}}\n"
)


def wrong(tiny: TinyProject, text: str, bib: str | None = BIB) -> list[str]:
    """Return what is wrong with the citations of a cell of Markdown."""
    tiny.edit_cell("1_sums.ipynb", "title", f"# Sums\n\n{text}")
    project = open_project(tiny.root)
    if bib is not None:
        (project.output / "references.bib").write_text(bib, "utf-8")
    notebooks = [read_notebook(project.notebooks / c.notebook) for c in project.report.chapters]
    return [str(fault) for fault in wrong_citations(notebooks, project.output)]


@pytest.mark.parametrize(
    "text",
    [
        "As [@lecun1998] and [see @lecun1998, p. 3; -@bishop:2006] and @lecun1998. say.",
        "Write to ada@example.org.",
        "Code has `@decorators`, and so has\n\n```\n@cache\n```",
    ],
)
def test_citations_of_what_is_there(tiny: TinyProject, text: str) -> None:
    """Each form of citation that pandoc knows is accepted; addresses and code cite nothing."""
    assert wrong(tiny, text) == []


def test_unknown_key_is_a_fault_with_its_place(tiny: TinyProject) -> None:
    """The message names the place and the key that was probably meant."""
    assert wrong(tiny, "So\n[@lecun1998;\n@lecun1989].") == [
        "1_sums.ipynb, cell 1, line 5: '@lecun1989' is not in report/references.bib; "
        "did you mean 'lecun1998'?"
    ]
    assert "line 3: '@lecun1989' is not in" in wrong(tiny, "And @lecun1989 says")[0]


def test_answers_and_captions_cite_as_well(tiny: TinyProject) -> None:
    """A key that is unknown there stops the report before anything runs."""
    tiny.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\nThe sum\nis {{ total }} [@gauss].")
    (tiny.root / "report" / "references.bib").write_text(BIB, "utf-8")
    with pytest.raises(RuntimeError, match=r"1_sums\.ipynb, cell 6, line 3: '@gauss' is not in"):
        tiny.report()


def test_without_a_bibliography_brackets_alone_cite(tiny: TinyProject) -> None:
    """Without a bibliography a bare @name is no citation: it may be anything."""
    assert wrong(tiny, "By @ada.", None) == []
    (fault,) = wrong(tiny, "By [@ada].", None)
    assert fault.endswith("'@ada' is not in report/references.bib, which is missing or empty")


def test_bibliography_is_text(tiny: TinyProject) -> None:
    """A bibliography must be UTF-8, or it is refused."""
    output = open_project(tiny.root).output
    assert read_bibliography(output) == ""
    (output / "references.bib").write_bytes(b"@book{a, title={\xe9}}")
    with pytest.raises(PressError, match=re.escape("report/references.bib must be UTF-8")):
        read_bibliography(output)
