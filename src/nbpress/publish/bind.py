"""Binds the chapters into one notebook: prose as it stands now, outputs from the cached runs.

Figures and tables are numbered, cross references resolved, the provenance written, and what
report.yaml asks of each task is checked: a report that lacks a part is not published.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.project import DataSet, Project
from nbpress.publish.provenance import provenance, read_commit, report_date
from nbpress.run.execute import Execution
from nbpress.run.plan import Plan
from nbpress.say.records import records, values
from nbtypeset.schema import MIME_TYPE, Imprint

Cell = dict[str, Any]

_TASK_HEADING = re.compile(r"^##\s+Task\s+(\d+[a-z])\b", re.MULTILINE)
_REFERENCE = re.compile(r"\[([^\]]*)\]\(#((?:fig|tab)-[a-z0-9-]+|task-\d+[a-z])\)")
_KIND_NAMES = {"figure": "Figure", "table": "Table"}
_PROVENANCE_TAG = "provenance"


@dataclass
class Bound:
    """A bound report: the notebook, its values, and what is to be told but stops nothing."""

    notebook: dict[str, Any]
    imprint: Imprint  # what only the press can say of it
    values: dict[str, Any]
    notices: list[str] = field(default_factory=list)


def bind(
    project: Project,
    dataset: DataSet,
    plans: list[Plan],
    execution: Execution,
    *,
    show_code: bool = False,
    own_parameters: bool = True,
) -> Bound:
    """Bind the chapters of a report.

    Parameters
    ----------
    own_parameters
        Whether the data set's own parameters were used, none changed for this build: then the
        claims that report.yaml expects must hold.

    Raises
    ------
    PressError
        If a task lacks a part, a figure's label is used twice, a reference leads nowhere, or an
        expected claim is false or missing.
    """
    cells: list[Cell] = []
    found: dict[str, dict[str, Any]] = {}
    notices: list[str] = []
    for number, plan in enumerate(plans, start=1):
        run = execution.runs[plan.chapter.name]
        chapter, complaints = _chapter_cells(number, plan, run.executed["cells"])
        notices += complaints
        cells += chapter
        recorded = values(run)
        for key in recorded.keys() & found.keys():
            raise PressError(
                f"{key} is recorded twice, in {found[key]['notebook']} and {run.notebook}"
            )
        found |= recorded
    marks = _marks(cells)
    numbers = _numbers(cells)
    _resolve_references(cells, numbers)
    _check_tasks(project, cells)
    if own_parameters:
        _check_claims(project, dataset, cells)
    commit = read_commit(project)
    for cell in cells:
        if _PROVENANCE_TAG in cell["metadata"].get("tags", ()):
            cell["source"] = provenance(project, dataset, plans, commit)
    report, date = project.report, report_date(project, commit).isoformat()
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        # nbconvert's own exporters read these three.
        "title": report.title,
        "authors": [{"name": author} for author in report.authors],
        "date": date,
    }
    imprint = Imprint(
        title=report.title,
        subtitle=report.subtitle,
        authors=report.authors,
        date=date,
        language=report.language,
        dataset=dataset.dataset,
        notice=dataset.reason,
        show_code=show_code,
        marks=marks,
        numbers={label: number for label, (_, number) in numbers.items()},
        values={key: record["value"] for key, record in sorted(found.items())},
    )
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    return Bound(notebook, imprint, found, notices)


def _chapter_cells(number: int, plan: Plan, executed: list[Cell]) -> tuple[list[Cell], list[str]]:
    """Join the notebook's cells as they stand with the outputs of the run, by cell id."""
    outputs = {cell["id"]: cell for cell in executed if "id" in cell}
    cells, notices = [], []
    for place, cell in enumerate(copy.deepcopy(plan.notebook.content["cells"]), start=1):
        cell["source"] = "".join(cell["source"])
        cell["metadata"]["nbpress"] = {"notebook": plan.chapter.notebook, "cell": place}
        if cell["cell_type"] == "code":
            run = outputs.get(cell["id"], {"outputs": [], "execution_count": None})
            cell["execution_count"] = run["execution_count"]
            cell["outputs"] = []
            for output in run["outputs"]:
                if output.get("name") == "stderr":
                    # It holds paths and process ids: told to the author, not to the reader.
                    text = "".join(output["text"]).strip()
                    notices.append(f"{plan.chapter.notebook}, cell {place}: {text}")
                else:
                    cell["outputs"].append(_joined(output))
        # Ids need to be unique in a notebook, not among notebooks.
        cell["id"] = f"{number}-{cell['id']}"[:64]
        cells.append(cell)
    return cells, notices


def _joined(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output whose texts are strings, not lists of lines."""
    output = copy.deepcopy(output)
    if isinstance(output.get("text"), list):
        output["text"] = "".join(output["text"])
    for mime, value in output.get("data", {}).items():
        if isinstance(value, list) and not mime.endswith("json"):
            output["data"][mime] = "".join(value)
    return output


def _marks(cells: list[Cell]) -> dict[str, list[str]]:
    """Return the verdict of each claim by its cell's id; leave the sentence alone in the cell."""
    marks: dict[str, list[str]] = {}
    for cell in cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            record = data.get(MIME_TYPE, {})
            if record.get("kind") == "claim":
                verdict = "checked" if record["holds"] else "otherwise"
                marks.setdefault(cell["id"], []).append(
                    "proved" if record.get("proved") else verdict
                )
                data["text/markdown"] = record["sentence"]
    return marks


def _numbers(cells: list[Cell]) -> dict[str, tuple[str, int]]:
    """Return the kind and number of figures and tables by label, in the order of the report."""
    counts: Counter[str] = Counter()
    numbers: dict[str, tuple[str, int]] = {}
    places: dict[str, str] = {}
    for cell in cells:
        for record in records(cell):
            kind, label = record["kind"], str(record.get("label"))
            if kind not in _KIND_NAMES:
                continue
            if label in places:
                raise PressError(
                    f"{_place(cell)}: the label {label!r} is used already, in {places[label]}"
                )
            places[label] = _place(cell)
            counts[kind] += 1
            numbers[label] = (kind, counts[kind])
    return numbers


def _resolve_references(cells: list[Cell], numbers: Mapping[str, tuple[str, int]]) -> None:
    """Put numbers into links such as `[Figure](#fig-2b)`; refuse those that lead nowhere."""
    targets = {label: f"{_KIND_NAMES[kind]} {number}" for label, (kind, number) in numbers.items()}
    targets |= {f"task-{task}": f"Task {task}" for task, _ in _sections(cells) if task}

    def resolved(text: str, cell: Cell) -> str:
        def number(match: re.Match[str]) -> str:
            label = match[2]
            if label not in targets:
                raise PressError(
                    f"{_place(cell)}: the reference {match[0]!r} leads nowhere"
                    + did_you_mean(label, targets)
                )
            return f"[{targets[label]}](#{label})"

        return _REFERENCE.sub(number, text)

    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = resolved(cell["source"], cell)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = resolved(data["text/markdown"], cell)
            for text in {"caption", "sentence"} & data.get(MIME_TYPE, {}).keys():
                data[MIME_TYPE][text] = resolved(data[MIME_TYPE][text], cell)


def _sections(cells: list[Cell]) -> Iterator[tuple[str, Cell]]:
    """Yield each cell with the task under whose heading it stands, "" before the first."""
    task = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            if re.match(r"#\s", cell["source"]):
                task = ""
            for match in _TASK_HEADING.finditer(cell["source"]):
                task = match[1]
                yield task, cell
        yield task, cell


def _check_tasks(project: Project, cells: list[Cell]) -> None:
    """Refuse a report in which a task lacks its heading or a part that report.yaml asks for."""
    headed = set()
    present: set[tuple[str, str]] = set()
    for task, cell in _sections(cells):
        headed.add(task)
        for record in records(cell):
            named = record.get("task", task)
            if named != task and named in {t for c in project.report.chapters for t in c.tasks}:
                raise PressError(
                    f"{_place(cell)}: the {record['kind']} of task {named} "
                    f"stands under {f'task {task}' if task else 'no task'}"
                )
            present.add((named, record["kind"]))
    lacking = [
        f"task {task} has no {part}"
        if task in headed
        else f"task {task} has no heading '## Task {task} …'"
        for chapter in project.report.chapters
        for task, parts in chapter.tasks.items()
        for part in [*parts, None]
        if (part and (task, part) not in present) or (part is None and task not in headed)
    ]
    if lacking:
        raise PressError("the report is not complete: " + "; ".join(dict.fromkeys(lacking)))


def _check_claims(project: Project, dataset: DataSet, cells: list[Cell]) -> None:
    """Refuse a report in which a claim that this data set is known to bear out is not true."""
    made: dict[tuple[str, str], bool] = {}
    for record in (record for cell in cells for record in records(cell)):
        if record["kind"] == "claim":
            claim = (record["task"], record["text"])
            made[claim] = made.get(claim, True) and record["holds"]
    expected = project.report.expected_claims.get(dataset.dataset, {})
    wrong = [
        f"task {task}: {text!r} "
        + ("is false" if (task, text) in made else "is expected, but nothing claims it")
        for task, texts in expected.items()
        for text in texts
        if not made.get((task, text), False)
    ]
    if wrong:
        raise PressError(
            "claims that report.yaml expects do not hold:\n  "
            + "\n  ".join(wrong)
            + "\nMend the code, or what the report claims."
        )


def _place(cell: Cell) -> str:
    origin = cell["metadata"]["nbpress"]
    return f"{origin['notebook']}, cell {origin['cell']}"
