"""Joins a chapter's current prose with the outputs of its run, cell by cell."""

from __future__ import annotations

import copy
from typing import Any

from nbpress.errors import PressError
from nbpress.files import digest
from nbpress.project.notebook import Cell as NotebookCell
from nbpress.project.notebook import Notebook
from nbpress.publish.attach import attach
from nbpress.publish.cells import Cell
from nbpress.publish.outputs import in_short, is_address, joined, keep_labelled
from nbpress.run.plan import Plan
from nbpress.run.said import Said
from nbpress.say.markdown import begun_in
from nbpress.say.records import (
    Answer,
    Claim,
    Derivation,
    Figure,
    Settings,
    Table,
    Values,
    record_of,
)
from nbpress.say.text import TYPED
from nbtypeset.schema import MIME_TYPE, Record

_HIDING = {"remove-cell", "hide-cell", "remove-output", "hide-output"}
_ID_LENGTH = 64  # that nbformat allows


def chapter_cells(
    number: int, plan: Plan, executed: list[Cell], said: Said
) -> tuple[list[Cell], list[str]]:
    """Join the notebook's current cells with the outputs of the run, by cell id.

    Cells of prose show their current text, and no code. Return the cells, and what the run wrote
    to stderr.
    """
    outputs = {cell["id"]: cell["outputs"] for cell in executed if cell["cell_type"] == "code"}
    cells, notices = [], []
    count = 0
    for index, cell in enumerate(copy.deepcopy(plan.notebook.content["cells"]), start=1):
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = TYPED.sub("", cell["source"]).rstrip()
        cell["metadata"]["nbpress"] = {"notebook": plan.chapter.notebook, "cell": index}
        written = plan.notebook.cells[index - 1]
        if cell["cell_type"] != "code":
            cell.pop("outputs", None)  # a forged one would count as what code said
            if begun_in(cell["source"]):
                _refuse_hiding(plan.notebook, written, "heading")
        else:
            count += written.runs
            cell["execution_count"] = count if written.runs else None
            cell["outputs"] = []
            run, complaints = outputs.get(cell["id"], []), ""
            prose = said.prose.get(cell["id"])
            if "parameters" in written.tags and not _has_code(written.source):
                cell["source"] = ""  # comments for the author, as `nbpress new` writes them
            if prose:
                _refuse_hiding(plan.notebook, written, "prose")
                cell["source"] = ""
                run = _as_it_reads(run, *prose)
            for output in run:
                if isinstance(record_of(output), Derivation) and not prose:
                    raise PressError(
                        f"{plan.notebook.name_of(written)}: a derivation shown by code does not "
                        "count; write it in a cell of its own, '%%derivation TASK PROVER'"
                    )
                if isinstance(record := record_of(output), Answer | Claim | Figure | Table):
                    _refuse_hiding(plan.notebook, written, record.kind)
                if output.get("name") == "stderr":
                    # stderr contains paths and process ids: for the author, not for the reader.
                    complaints += "".join(output["text"])
                elif not (isinstance(record_of(output), Settings | Values) or is_address(output)):
                    cell["outputs"].append(joined(output))
            if text := in_short(complaints):
                notices.append(f"{plan.chapter.notebook}, cell {index}: {text}")
        # Ids are unique within a notebook only, but the report's marks are kept by id.
        id_ = f"{number}-{cell['id']}"
        cell["id"] = id_ if len(id_) <= _ID_LENGTH else f"{number}-{digest(id_)[:32]}"
        cells.append(cell)
    keep_labelled(cells)
    for cell in cells:
        attach(cell, plan.notebook.path.parent)
    return cells, notices


def _refuse_hiding(notebook: Notebook, cell: NotebookCell, what: str) -> None:
    """Refuse a tag that would hide what counts as a part of the report."""
    if hiding := _HIDING.intersection(tag.replace("_", "-") for tag in cell.tags):
        raise PressError(
            f"{notebook.name_of(cell)}: the tag {min(hiding)!r} would hide its {what}; remove the "
            "tag, or the cell"
        )


def _has_code(source: str) -> bool:
    """Return whether a cell has more than comments."""
    lines = (line.strip() for line in source.splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _as_it_reads(run: list[dict[str, Any]], record: Record, text: str) -> list[dict[str, Any]]:
    """Return the outputs of a cell of prose; a figure keeps the picture that the run drew."""
    if isinstance(record, Figure):
        drawn = [output for output in run if isinstance(record_of(output), Figure)]
        return [
            {
                **output,
                "data": {
                    **output["data"],
                    MIME_TYPE: record.to_json(),
                    "text/plain": f"{record.label}: {record.alt}",
                },
            }
            for output in drawn
        ]
    data = {MIME_TYPE: record.to_json(), "text/markdown": text}
    return [{"output_type": "display_data", "data": data, "metadata": {}}]
