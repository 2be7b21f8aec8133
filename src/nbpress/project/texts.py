"""Finds faults in the texts of notebooks, without running them.

These would stop the build later: malformed placeholders, pictures without a text alternative,
references that lead nowhere. What is only doubtful, such as a typed number, stops no build.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator

from nbpress.project.calls import argument, calls
from nbpress.project.names import unknown_names
from nbpress.project.notebook import Cell, Notebook
from nbpress.project.passages import Fault, fault_in, passages_of
from nbpress.project.typed import typed_numbers
from nbpress.say.derivations import read_formulas
from nbpress.say.magics import MAGICS
from nbpress.say.markdown import (
    CODE,
    VERBATIM,
    anchors_in,
    begun_in,
    blanked,
    is_labelled,
    of_other_level,
    references,
    wrong_with,
)
from nbpress.say.prose import split_prose
from nbpress.say.records import misplaced
from nbpress.say.text import PLACEHOLDER, TextError

_LABELS = {"figure": 1, "table": 2}

_BARE = re.compile(r"\{\{[A-Za-z_]\w*(?::[^{}\s]*)?\}\}")
_SINGLE = re.compile(r"(?<![{\\])\{ ([A-Za-z_]\w*(?::[^{}\s]*)?) \}(?!\})")
_PICTURE = re.compile(r"!\[\s*\]\(")
_PARAGRAPH = re.compile(r"(?:.*\S.*\n?)+")
# Of a formula, or an amount.
_DOLLAR = re.compile(r"(?<!\\)\$(?![ \t]|$)|(?<=[^\s\\])\$", re.MULTILINE)
_AMOUNT = re.compile(r"(?<!\w)\$\d")
_LOADS = re.compile(r"^\s*%(?:load|reload)_ext\s+nbpress\b", re.MULTILINE)


def faults(notebooks: Iterable[Notebook]) -> list[Fault]:
    """Return what would stop a report of these notebooks, without executing anything."""
    notebooks = list(notebooks)
    return [
        *(fault for notebook in notebooks for fault in _malformed(notebook)),
        *_labels_and_references(notebooks),
        *_misplaced(notebooks),
        *(fault_in(notebook, *each) for notebook in notebooks for each in unknown_names(notebook)),
    ]


def doubts(notebooks: Iterable[Notebook]) -> list[Fault]:
    """Return what is hardly meant: typed numbers, `{ value }`, formulas that do not end."""
    return [
        fault
        for notebook in notebooks
        for fault in sorted([*typed_numbers(notebook), *_odd_signs(notebook)])
    ]


def _odd_signs(notebook: Notebook) -> Iterator[Fault]:
    """Yield names in single braces, and paragraphs with an odd number of `$`.

    If a `$` in a paragraph begins an amount, such as $5, the others may be odd.
    """
    for passage in passages_of(notebook):
        quotes = passage.kind != "Markdown"  # which may have braces for other reasons
        for single in _SINGLE.finditer(blanked(passage.text, CODE)) if quotes else ():
            message = f"{single[0]} is printed as it is: a value is quoted by {{{{ {single[1]} }}}}"
            yield fault_in(notebook, passage.cell, passage.line_of(single), message)
        filled = PLACEHOLDER.sub(lambda part: re.sub(r"[^\n]", "x", part[0]), passage.text)
        shown = blanked(filled, VERBATIM)
        for paragraph in _PARAGRAPH.finditer(shown):
            if len(_DOLLAR.findall(paragraph[0])) % 2 and not _AMOUNT.search(paragraph[0]):
                dollar = next(_DOLLAR.finditer(shown, *paragraph.span()))
                yield fault_in(
                    notebook,
                    passage.cell,
                    passage.line_of(dollar),
                    "a $ in this paragraph has no partner and is printed: add the other one, or "
                    "write \\$ for the sign",
                )


def _misspelt_magic(source: str) -> str:
    """Return a message if a cell's magic is nearly one of nbpress; "" if not."""
    magic = re.match(r"\s*%%([ \t]*)(\w+)", source)
    close = difflib.get_close_matches(magic[2], MAGICS, n=1, cutoff=0.75) if magic else []
    if not magic or not close or (magic[2] in MAGICS and not magic[1]):
        return ""
    return f"no magic is called '%%{magic[1]}{magic[2]}'; did you mean '%%{close[0]}'?"


def _malformed(notebook: Notebook) -> Iterator[Fault]:
    """Yield cells of prose that cannot be read, and pictures without a text alternative."""
    loads = False
    for cell in notebook.cells:
        loads = loads or (cell.kind == "code" and bool(_LOADS.search(cell.source)))
        try:
            prose = cell.prose
        except TextError as error:
            yield fault_in(notebook, cell, error.line, error.message)
            continue
        if prose is None and cell.kind == "code" and (message := _misspelt_magic(cell.source)):
            yield fault_in(notebook, cell, 1, message)
        if prose and not loads:
            yield fault_in(notebook, cell, 1, f"%%{prose.kind} needs '%load_ext nbpress' above")
            loads = True  # once is enough
    for passage in passages_of(notebook):
        for missing in _PICTURE.finditer(passage.text):
            line = passage.line_of(missing)
            yield fault_in(
                notebook, passage.cell, line, "a picture has no text alternative: ![…](…)"
            )
        if passage.kind != "Markdown":
            for bare in _BARE.finditer(blanked(passage.text, CODE)):
                message = f"{bare[0]} is not a placeholder: put a blank inside each pair of braces"
                yield fault_in(notebook, passage.cell, passage.line_of(bare), message)
            continue
        for verbatim in VERBATIM.finditer(passage.text):
            if verbatim[0].startswith("{{"):
                message = (
                    f"{verbatim[0]} would be printed as it is: a value can be quoted in a cell "
                    "%%answer only (in LaTeX, leave out the blanks)"
                )
                yield fault_in(notebook, passage.cell, passage.line_of(verbatim), message)


def _misplaced(notebooks: list[Notebook]) -> Iterator[Fault]:
    """Yield answers and derivations that are not under the heading of their task."""
    task, others = "", dict[str, str]()
    for notebook in notebooks:
        for cell in notebook.cells:
            if cell.kind == "markdown":
                task = [task, *begun_in(cell.source)][-1]
                others |= of_other_level(cell.source)
            with contextlib.suppress(TextError):  # malformed: reported already
                prose = cell.prose
                if prose and prose.kind != "figure" and prose.task != task:
                    message = misplaced(prose.kind, prose.task, task)
                    if other := others.get(prose.task):
                        message = f"{message}; '{other}' does not count, a task's heading has two #"
                    yield fault_in(notebook, cell, 1, message)


def _labels_and_references(notebooks: list[Notebook]) -> Iterator[Fault]:
    """Yield labels that are used twice, and references that lead nowhere."""
    targets: dict[str, str] = {}
    complete = True
    passages = [(notebook, passage) for notebook in notebooks for passage in passages_of(notebook)]
    for notebook in notebooks:
        labels = sorted(_labels(notebook), key=lambda each: notebook.cells.index(each[0]))
        for cell, label, line in labels:
            if label is None:
                complete = False
            elif label in targets:
                yield fault_in(
                    notebook, cell, line, f"{label!r} is already used in {targets[label]}"
                )
            else:
                targets[label] = notebook.name_of(cell)
    anchors: set[str] = set()
    for _, passage in passages:
        anchors |= anchors_in(passage.text)
        if passage.kind == "Markdown":
            targets |= {f"task-{task}": "" for task in begun_in(passage.text) if task}
    for notebook, passage in passages:
        for reference in references(passage.text):
            is_task = reference["target"].startswith("task-")
            if not complete and is_labelled(reference) and not is_task:
                continue  # the label may be computed
            if wrong := wrong_with(reference, targets, anchors):
                yield fault_in(notebook, passage.cell, passage.line_of(reference), wrong)


def _labels(notebook: Notebook) -> Iterator[tuple[Cell, str | None, int]]:
    """Yield the labels that cells define, with their lines; None for one that is computed."""
    for cell in notebook.cells:
        magic = split_prose(cell.source) if cell.runs else None
        if magic and magic[0] == "figure":
            yield cell, magic[1].partition(" ")[0], 1
        if magic and magic[0] == "derivation":
            with contextlib.suppress(TextError):
                formulas = read_formulas(magic[2], magic[3])
                yield from ((cell, each.label, each.line) for each in formulas if each.label)
    for cell, call, name in calls(notebook):
        if name in _LABELS:
            match argument(call, _LABELS[name], "label"):
                case ast.Constant(value=str(label)):
                    yield cell, label, call.lineno
                case _:
                    yield cell, None, call.lineno
