"""Prose through the command line: what executes when it is edited, and what is printed."""

from __future__ import annotations

import json
import re

import pytest
from fixtures.tiny_project import Result, TinyProject

from nbpress.publish.formulas import likely_cause


def html(project: TinyProject) -> str:
    """Return the published page."""
    return (project.root / "report" / "report.html").read_text("utf-8")


def executing_nothing(project: TinyProject) -> str:
    """Build PDF and page, which must execute nothing; return the page."""
    former = project.published()["report.pdf"]
    result = project.report()
    assert result.executed == {}, result.err
    assert project.published()["report.pdf"] != former
    assert project.run("html").executed == {}
    return html(project)


def refused(project: TinyProject) -> Result:
    """Try to build a report, which must fail and change nothing."""
    former = project.published()
    result = project.run("report")
    assert result.status == 1
    assert project.published() == former
    return result


def insert_cell(project: TinyProject, name: str, before: str, cell: str, source: str) -> None:
    """Put a cell of code before another one."""
    path = project.root / "notebooks" / name
    content = json.loads(path.read_text("utf-8"))
    index = next(i for i, c in enumerate(content["cells"]) if c["id"] == before)
    new = {"cell_type": "code", "id": cell, "metadata": {}, "source": source}
    content["cells"].insert(index, {**new, "execution_count": None, "outputs": []})
    path.write_text(json.dumps(content), "utf-8")


def test_word_of_an_answer_executes_nothing(built: TinyProject) -> None:
    """PDF and page have the new word; the values stay as they are."""
    values = built.values
    built.edit("notebooks/1_sums.ipynb", "The sum is", "The total comes to")
    page = executing_nothing(built)
    assert "The total comes to 6." in page
    assert "The sum is 6" not in page
    assert built.values == values


def test_word_of_a_caption_or_an_alternative_executes_nothing(built: TinyProject) -> None:
    """Neither does quoting a value in them that was recorded."""
    source = "%%figure fig-2a square\nOf {{ width }} pixels.\n\nAlt:\nBlack, {{ width:.1f }} wide."
    built.edit_cell("2_pictures.ipynb", "figure", source)
    page = executing_nothing(built)
    assert "Of 40 pixels." in page
    assert 'alt="Black, 40.0 wide."' in page
    assert built.values["2a.width"] == 40


def test_sentence_that_depends_on_a_claim(built: TinyProject) -> None:
    """Its edit executes nothing; when the claim turns false, the sentence changes."""
    insert_cell(built, "1_sums.ipynb", "claim", "more", "%%answer 1a\nMore.")
    assert "More." in executing_nothing(built)
    source = "%%answer 1a\nIt {{ if positive }}gains{{ else }}loses{{ end }}."
    built.edit_cell("1_sums.ipynb", "more", source)
    assert "depends on the claim positive" in refused(built).err  # a claim that is made below
    content = json.loads((built.root / "notebooks" / "1_sums.ipynb").read_text("utf-8"))
    content["cells"].append(content["cells"].pop(-2))
    (built.root / "notebooks" / "1_sums.ipynb").write_text(json.dumps(content), "utf-8")
    built.report()
    built.edit_cell("1_sums.ipynb", "more", source.replace("gains", "wins"))
    assert "It wins." in executing_nothing(built)
    built.edit("notebooks/1_sums.ipynb", "total > 0", "total > 100")
    built.edit("report/report.yaml", "positive: [small]", "positive: []")
    assert list(built.report().executed) == ["1_sums"]
    built.run("html")
    assert "It loses." in html(built)


def test_value_that_is_quoted_for_the_first_time(built: TinyProject) -> None:
    """A recorded value executes nothing; a variable executes its chapter, and says why."""
    built.edit_cell("1_sums.ipynb", "sum", "total = sums.total(count, scale)\nhalf = total / 2")
    built.report()
    built.edit("notebooks/1_sums.ipynb", "The sum is", "{{ total:.1f }}! The sum is")
    assert "6.0! The sum is 6." in executing_nothing(built)
    built.edit("notebooks/1_sums.ipynb", "The sum is", "Half of it is {{ half }}. The sum is")
    result = built.report()
    assert result.executed == {"1_sums": "1_sums.ipynb, cell 6, quotes half, which no run recorded"}
    assert built.values["1a.half"] == 3.0
    built.edit("notebooks/1_sums.ipynb", "Half of it is {{ half }}.", "")
    executing_nothing(built)
    assert "1a.half" not in built.values


def test_answer_added_moved_and_deleted(built: TinyProject) -> None:
    """Nothing is executed, unless it moves past code, and a fresh run says the same."""
    insert_cell(built, "1_sums.ipynb", "claim", "again", "%%answer 1a\nAgain: {{ total }}.")
    assert "Again: 6.0." in executing_nothing(built)
    published = built.published()
    built.report("--force")
    assert built.published() == published
    path = built.root / "notebooks" / "1_sums.ipynb"
    content = json.loads(path.read_text("utf-8"))
    content["cells"].append(content["cells"].pop(-2))
    path.write_text(json.dumps(content), "utf-8")
    assert list(built.report().executed) == ["1_sums"]  # the claim's code might change the total
    content["cells"].pop()
    path.write_text(json.dumps(content), "utf-8")
    assert "Again" not in executing_nothing(built)


def test_chapter_that_needs_a_value_is_told_when_it_is_no_longer_quoted(
    built: TinyProject,
) -> None:
    """A fresh run would give the same message."""
    built.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\nSome sum.")
    assert "3_summary.ipynb needs 1a.total" in refused(built).err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "%%answer 1a\nOf\n{{ totl }}.",
            "line 3: 'totl' is neither recorded nor a variable; did you",
        ),
        ("%%answer 1a\n{{ sums }}.", "line 2: sums must be a number, text, list or mapping; got"),
        ("%%answer 1a\n{{ if rises }}a{{ end }}", "line 2: no claim 'rises' is made; known:"),
    ],
)
def test_name_that_is_not_known(built: TinyProject, source: str, message: str) -> None:
    """The message names it with cell and line, without a traceback."""
    built.edit_cell("1_sums.ipynb", "answer", source)
    err = refused(built).err
    assert re.search(r"1_sums\.ipynb[:,] cell 6", err)
    assert message in err
    assert "Traceback" not in err


def test_name_that_only_a_run_could_know(built: TinyProject) -> None:
    """It is named with cell and line, too, if the run has not made it."""
    built.edit_cell("1_sums.ipynb", "sum", "exec('total = 1.0')")
    built.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\n{{ totl }}.")
    err = refused(built).err
    assert "1_sums.ipynb: cell 6 (answer)" in err
    assert "line 2: 'totl' is neither recorded for task 1a nor a variable" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        (r"$1/(6\sqrtt{3})$", r"\sqrtt is unknown (did you mean \sqrt?)"),
        (r"$\tfrac{1}{2} \fraq{1}{2}$", r"\fraq is unknown (did you mean \frac?)"),
        (r"$\cancel{x} + \ce{H}$", r"\ce is not supported"),
        (
            r"$\textcolor{red}{x} + \xRightarrow{y} + \fraq{1}{2}$",
            r"\fraq is unknown (did you mean \frac?)",
        ),
        (r"$\frac{1}{2$", "a } is missing"),
        (r"$x}$", "a { is missing"),
        (r"$\begin{pmatrix} 1 & 2$", r"\end{pmatrix} is missing"),
        (r"$\{1, 2\}$", ""),
        (r"$\nosuch x$", ""),
    ],
)
def test_cause_of_a_formula_that_cannot_be_read(formula: str, cause: str) -> None:
    """What is obvious is said: a brace or an end that is missing, a macro that is misspelt."""
    assert likely_cause(formula) == cause


def test_value_of_none_is_refused(built: TinyProject) -> None:
    """None only stands for what suits the data set, which says nothing to a reader."""
    built.edit_cell("1_sums.ipynb", "sum", "total = sums.total(count, scale)\nrate = None")
    built.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\n{{ total }} at {{ rate }}.")
    assert "line 2: rate is None, which says nothing: record the value" in refused(built).err


def test_faults_of_texts_are_told_at_once(built: TinyProject) -> None:
    """They have notebook, cell and line, before a kernel starts; `lint` adds typed numbers."""
    built.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\nSee [Figure](#fig-2b), {{ 1 + 1 }}.")
    built.edit_cell("2_pictures.ipynb", "answer", "%%answer 2a\nThe two, 3 wide.")
    built.edit_cell("2_pictures.ipynb", "figure", "%%figure fig-2a square\nA square.")
    built.edit("notebooks/1_sums.ipynb", "What is the sum?", "[](#task-9)\\nDoes it?")
    result = refused(built)
    assert result.executed == {}
    assert result.err.splitlines() == [
        "nbpress: 1_sums.ipynb, cell 6, line 2: {{ 1 + 1 }} is not a placeholder: expected a name, "
        "'{{ steps }}', perhaps with a format, '{{ steps:, }}', or '{{ if claim }}'; "
        "compute anything else in a code cell above",
        "2_pictures.ipynb, cell 6, line 1: fig-2a has no text alternative: add a line 'Alt:', and "
        "below it say in words what the figure shows",
        "1_sums.ipynb, cell 4, line 3: '[](#task-9)' leads nowhere; did you mean 'task-3a'?",
        "1_sums.ipynb, cell 6, line 2: '[Figure](#fig-2b)' leads nowhere; did you mean 'fig-2a'?",
    ]
    lint = built.run("lint")
    assert lint.status == 1
    typed = "2_pictures.ipynb, cell 7, line 2: {} is typed and may go stale"
    assert lint.err.splitlines()[-2:] == [typed.format("'3'"), typed.format("'two'")]


def test_formula_that_cannot_be_set_is_told_before_anything_executes(built: TinyProject) -> None:
    """If something is to execute, every such formula is reported with its line."""
    text = "$\\\\frac{a$ $y = \\\\nosuch x$\\n\\nand $\\\\nosuch x$"
    built.edit("notebooks/1_sums.ipynb", "What is the sum?", text)
    built.edit("notebooks/1_sums.ipynb", "total > 0", "total >= 0")
    built.edit("notebooks/2_pictures.ipynb", "square = ", "a_square = square = ")
    result = refused(built)
    assert result.executed == {}
    assert result.err == (
        "nbpress: 1_sums.ipynb, cell 4, line 3: formula cannot be read, a } is missing: "
        "\\frac{a\n"
        "1_sums.ipynb, cell 4, line 3: formula cannot be read: y = \\nosuch x\n"
        "1_sums.ipynb, cell 4, line 5: formula cannot be read: \\nosuch x\n"
    )


def test_formula_that_cannot_be_set_is_refused_if_nothing_executes(built: TinyProject) -> None:
    """An edit of prose executes nothing; the report is rendered, and is not published."""
    before = (built.root / "report" / "report.pdf").read_bytes()
    built.edit("notebooks/1_sums.ipynb", "What is the sum?", "What is $\\\\nosuch x$?")
    result = refused(built)
    assert result.executed == {}
    assert result.err == (
        "nbpress: 1_sums.ipynb, cell 4, line 3: formula cannot be read: \\nosuch x\n"
    )
    assert (built.root / "report" / "report.pdf").read_bytes() == before
    source = "%%answer 1a\n{{ total:g }} {{ formula }}"
    built.edit("notebooks/1_sums.ipynb", "What is $\\\\nosuch x$?", "What is the sum?")
    built.edit_cell("1_sums.ipynb", "sum", "total = 6.0\nformula = r'$\\nosuch y$'")
    built.edit_cell("1_sums.ipynb", "answer", source)
    err = refused(built).err
    assert "the report cannot be rendered: 1_sums.ipynb, cell " in err
    assert r"formula cannot be read, its source is shown: \nosuch y" in err


def test_typed_number_is_a_note(built: TinyProject) -> None:
    """A typed number stops no report; one that is marked as meant gives no note."""
    built.edit_cell("2_pictures.ipynb", "answer", "%%answer 2a\nOf two, {{ width }} wide.")
    err = built.report().err
    assert "note: 2_pictures.ipynb, cell 7, line 2: 'two' is typed and may go stale\n" in err
    source = "%%answer 2a\nOf two, {{ width }} wide.\n\n<!-- typed: two -->"
    built.edit_cell("2_pictures.ipynb", "answer", source)
    result = built.run("report")
    assert "typed" not in result.err
    assert built.run("lint").status == 0
    assert "typed" not in built.bound
    assert result.executed == {}
