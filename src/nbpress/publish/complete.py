"""Refuses a report in which a task lacks a part, or a listed claim or proof is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nbpress.errors import PressError
from nbpress.project.report import Chapter
from nbpress.publish.cells import Cell, by_task, headings, origin
from nbpress.say.derivations import is_among
from nbpress.say.records import Answer, Claim, Derivation, heading_of, misplaced, records


def check_tasks(chapters: Sequence[Chapter], cells: list[Cell]) -> None:
    """Refuse a report in which a task lacks its heading or a part that report.yaml asks for."""
    tasks = {task: parts for chapter in chapters for task, parts in chapter.tasks.items()}
    headed: dict[str, Cell] = {}
    present: set[tuple[str, str]] = set()
    for task, cell in headings(cells):
        if task in headed and task in tasks:
            raise PressError(
                f"{origin(cell)}: task {task} already has a heading in {origin(headed[task])}; "
                "each task of report.yaml needs exactly one: rename or remove the other"
            )
        headed[task] = cell
    for task, cell in by_task(cells):
        for record in records(cell):
            named = record.task if isinstance(record, Answer | Claim | Derivation) else task
            if named != task:
                raise PressError(f"{origin(cell)}: {misplaced(record.kind, named, task)}")
            present.add((named, record.kind))
    lacking = []
    for task, parts in tasks.items():
        if task not in headed:
            lacking.append(f"task {task} has no heading '## {heading_of(task)} …'")
            continue
        missing = [part for part in parts if (task, part) not in present]
        where = f"(its heading is in {origin(headed[task])})"
        lacking += [f"task {task} has no {part} {where}" for part in missing]
    if lacking:
        raise PressError("the report is incomplete: " + "; ".join(lacking))


def check_proofs(expected: Mapping[str, str], cells: list[Cell]) -> None:
    """Refuse a report that does not prove a result which report.yaml lists for a task."""
    proved: dict[str, list[str]] = {}
    for cell in cells:
        for record in records(cell):
            if isinstance(record, Derivation):
                proved.setdefault(record.task, []).extend(record.results)
    for task, result in expected.items():
        if not is_among(result, proved.get(task, [])):
            proofs = "\n  ".join(proved.get(task, ["nothing"]))
            raise PressError(
                f"report.yaml expects a proof in task {task} of\n  {result}\nbut this is proved:\n"
                f"  {proofs}\nIn the derivation, put '% prove' above the equality; its first and "
                "last members must match."
            )


def check_claims(expected: Mapping[str, Iterable[str]], dataset: str, cells: list[Cell]) -> None:
    """Refuse a report in which a claim that report.yaml lists for the data set does not hold.

    In a report without a data set ("") every listed claim must hold.
    """
    made: dict[str, Claim] = {}
    where: dict[str, str] = {}
    for cell in cells:
        for record in records(cell):
            if isinstance(record, Claim):
                if record.id in made:
                    raise PressError(f"{origin(cell)}: the claim {record.id!r} is made twice")
                made[record.id], where[record.id] = record, origin(cell)
    wrong = [
        f"{id_} ({where[id_]}): {made[id_].text!r} is false: {made[id_].sentence}"
        if id_ in made
        else f"{id_}: no notebook makes it"
        for id_, datasets in expected.items()
        if (not dataset or dataset in datasets) and not (id_ in made and made[id_].holds)
    ]
    if wrong:
        raise PressError(
            "claims that report.yaml expects do not hold:\n  "
            + "\n  ".join(wrong)
            + "\nFix the code, or change what the report claims."
        )
