"""Headings and references in Markdown."""

from __future__ import annotations

import pytest

from nbpress.say.markdown import (
    anchors_in,
    begun_in,
    pipe_table,
    references,
    set_references,
    task_names,
)


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("# Title\n\n## Task 2d — Early stopping\n## Exercise 3", ["", "2d", "3"]),
        ("## Task 2. Title", ["2"]),
        ("## Task 2: Title", ["2"]),
        ("##  Task\u00a03a", ["3a"]),
        ("## Appendix A", ["A"]),
        ("```\n## Task 1\n```\n## Task 2", ["2"]),
        ("````\n```\n## Task 1\n```\n````\n## Task 2", ["2"]),
        ("~~~ sh\n## Task 1\n~~~", []),
        ("<!--\n## Task 1\n-->", []),
        ("##\nTask 4a says", []),
        ("## Task\n4a", []),
        ("## Section 2.1 Data", []),
        ("## Task 2.2", []),
        ("## Part A's end", []),
        ("## Task 2ab", []),
        ("### Task 2", []),
        ("   ## Task 2", []),
    ],
)
def test_headings_of_tasks(text: str, tasks: list[str]) -> None:
    """A heading names a task in its line; code and comments contain none."""
    assert begun_in(text) == tasks
    assert sorted(task_names(text)) == sorted(filter(None, tasks))


def test_task_is_called_as_in_its_first_heading() -> None:
    """A second heading of the same task does not rename it."""
    assert task_names("## Exercise 1\n\n## Problem 1") == {"1": "Exercise 1"}


def test_anchors_are_those_of_headings_and_html() -> None:
    """They have one form, whichever way a link spells them."""
    text = "# My Title #\n\nOther\n=====\n\n<a id='Spot'></a> `<a id='no'>`\n```\n# No\n```"
    assert anchors_in(text) == {"my-title", "other", "spot"}


def test_references_in_code_and_comments_are_none() -> None:
    """They stay as they are; code within a link's text belongs to the link."""
    hidden = "`[](#a)` ``[](#`a)`` <!-- [](#a) --> ![](#a) \\[](#a)\n```\n[](#a)\n```\n"
    text = f"{hidden}[`x`](#b) [{{{{ n }}}} of\nthem](#c 'title') [see [](#d)"
    assert [each["target"] for each in references(text)] == ["b", "c", "d"]
    assert set_references(text, lambda each: each["target"]) == f"{hidden}b c [see d"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a|b", r"a\|b"),
        (r"a\|b", r"a\|b"),
        ("$|w|$", r"$\vert w\vert$"),
        (r"$\|w\|^2$ | $\left\|w\right\|$", r"$\Vert w\Vert^2$ \| $\left\Vert w\right\Vert$"),
        (r"$$a \\|b|$$", r"$$a \\\vert b\vert$$"),
        ("one\ntwo", "one two"),
        (3, "3"),
    ],
)
def test_cell_of_a_table_is_one_cell(cell: object, written: str) -> None:
    """A bar stays what it is: in a formula an absolute value or a norm, in a text a bar."""
    assert pipe_table(["h"], [[cell]]) == f"| h |\n| --- |\n| {written} |"
