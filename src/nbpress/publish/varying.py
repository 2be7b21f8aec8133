"""Names the cells whose outputs differ between two runs with the same inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbpress.files import as_json
from nbpress.project.notebook import INJECTED_TAG
from nbpress.project.project import Project
from nbpress.publish.outputs import is_address, joined, without_addresses
from nbpress.run.cache import Cache, Run

Runs = Mapping[str, tuple[Run, list[dict[str, Any]]]]  # the last of each notebook, and its cells


def last_runs(project: Project, dataset: str) -> Runs:
    """Read the last run of each notebook on a data set."""
    runs = Cache(project.build / "runs", project.root).all()
    last = {run.notebook: run for run in reversed(runs) if run.dataset == dataset}
    return {name: (run, run.executed["cells"]) for name, run in last.items() if run.intact}


def varying(before: Runs, after: Runs) -> Iterator[str]:
    """Yield a message on the cells whose outputs differ though nothing has changed, if any do."""
    differing = [
        each
        for notebook, (run, cells) in after.items()
        if notebook in before and _inputs(before[notebook][0]) == _inputs(run)
        for each in _differing(notebook, before[notebook][1], cells)
    ]
    if named := ", ".join(cell for cell, in_addresses in differing if not in_addresses):
        yield (
            f"outputs differ between two runs of the same code on the same data: {named}; fix the "
            "seed, or keep times, dates and the like out of the output"
        )
    if named := ", ".join(cell for cell, in_addresses in differing if in_addresses):
        yield (
            "outputs show the addresses of objects, `<… at 0x…>`, which differ in each run: "
            f"{named}; show an attribute of the object instead, or give its class a `__repr__`"
        )


def _inputs(run: Run) -> tuple[str, dict[str, str]]:
    """Return what a run depended on: its key, and what it loaded and read."""
    return run.folder.name, run.observed


def _differing(
    notebook: str, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> Iterator[tuple[str, bool]]:
    """Yield the cells that both runs have and whose outputs differ; prose is not an input.

    With each goes whether its outputs differ in addresses of objects only.
    """
    former = {cell.get("id"): cell for cell in before}
    cells = [cell for cell in after if INJECTED_TAG not in cell["metadata"].get("tags", ())]
    for number, new in enumerate(cells, start=1):
        old = former.get(new["id"])
        if old and old["source"] == new["source"] and _printed(old) != _printed(new):
            was, now = as_json(_printed(old)), as_json(_printed(new))
            in_addresses = without_addresses(was) == without_addresses(now)
            yield f"{notebook}, cell {number} ({new['id']})", in_addresses


def _printed(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        joined({**output, "execution_count": None})
        for output in cell.get("outputs", ())
        if not is_address(output) and output.get("name") != "stderr"
    ]
