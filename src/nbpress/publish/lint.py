"""Refuses faults in the notebooks' texts before anything executes, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nbpress.errors import PressError
from nbpress.project.bibliography import wrong_citations
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.project.passages import Fault, fault_in, passages_of
from nbpress.project.project import Project
from nbpress.project.texts import doubts, faults
from nbpress.publish.formulas import likely_cause
from nbpress.publish.render import ENGINES, EXPORTERS
from nbpress.run.temporary import temporary_files
from nbpress.say.markdown import FORMULA
from nbpress.say.text import PLACEHOLDER

_EVERY = (*ENGINES.values(), *EXPORTERS.values())
_WITHOUT_TEX = {"report-latex-pdf": "report-latex"}
_WARNING = re.compile(
    r"cell \d+ \(id (\d+)\): (formula [^:]*: (.*)|cannot be typeset.*)", re.DOTALL
)

_FORMULA = re.compile(r"\$|\\[(\[]|\\begin")  # as Markdown has them
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)  # pandoc is slower on texts with HTML

_INSTEAD = re.compile(", its source is shown(?: instead)?")


def refuse(wrong: Sequence[Fault]) -> None:
    """Raise a `PressError` with all faults, if there are any."""
    if wrong:
        raise PressError("\n".join(map(str, wrong)))


def lint(project: Project) -> None:
    """Refuse every fault in the texts of the report's notebooks.

    This includes what is doubtful, such as typed numbers, and does not stop a build.
    """
    notebooks = _read_all(project)
    wrong = [*faults(notebooks), *wrong_citations(notebooks, project.output)]
    refuse(
        sorted([*wrong, *doubts(notebooks), *([] if wrong else wrong_formulas(notebooks, _EVERY))])
    )


def refuse_unread(project: Project, notes: Iterable[str], exporter_names: Iterable[str]) -> None:
    """Refuse a report that was rendered with a formula whose source is shown instead.

    A build that executes nothing has not tried the formulas before.
    """
    if unread := [note for note in notes if ": formula cannot be read" in note]:
        refuse(wrong_formulas(_read_all(project), exporter_names))
        raise PressError(f"the report cannot be rendered: {'; '.join(unread)}")


def _read_all(project: Project) -> list[Notebook]:
    return [read_notebook(project.notebooks / c.notebook) for c in project.report.chapters]


def wrong_formulas(notebooks: Iterable[Notebook], exporter_names: Iterable[str]) -> list[Fault]:
    """Return the formulas that exporters cannot typeset.

    They try the notebooks' texts only, with 1 for every value. For a PDF by LaTeX they only write
    the source, without running TeX.
    """
    import nbformat
    from nbconvert.exporters import get_exporter

    passages = [
        (notebook, each)
        for notebook in notebooks
        for each in passages_of(notebook)
        if _FORMULA.search(each.text)
    ]
    cells = [
        {
            "cell_type": "markdown",
            "id": str(index),
            "metadata": {},
            "source": _COMMENT.sub(" ", PLACEHOLDER.sub("1", passage.text)),
        }
        for index, (_, passage) in enumerate(passages)
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    warnings: dict[str, None] = {}
    for name in dict.fromkeys(_WITHOUT_TEX.get(name, name) for name in exporter_names):
        exporter = get_exporter(name)()  # type: ignore[no-untyped-call]
        exporter.log.disabled = True
        with temporary_files():
            _, resources = exporter.from_notebook_node(nbformat.from_dict(content))  # type: ignore[no-untyped-call]
        warnings |= dict.fromkeys(resources["nbpress"]["warnings"])
    wrong = []
    for match in filter(None, map(_WARNING.fullmatch, warnings)):
        notebook, passage = passages[int(match[1])]
        source = match[3] or "\0"
        within = [each for each in FORMULA.finditer(passage.text) if source in each[0]]
        whole = min(within, key=lambda each: len(each[0]), default=None)  # others may contain it
        formula = re.compile(re.escape(source)).search(passage.text, whole.start() if whole else 0)
        line = passage.line_of(formula) if formula else passage.line
        message = _INSTEAD.sub("", match[2])  # the text is refused, not shown
        if whole and (cause := likely_cause(whole[0])):
            message = message.replace("cannot be read", f"cannot be read, {cause}")
        wrong.append(fault_in(notebook, passage.cell, line, message))
    return wrong
