"""Publishes the summary of a sweep: a report of `sweeps/NAME_summary.ipynb`, or of a template."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbpress.errors import PressError
from nbpress.files import write
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.project.report import Chapter
from nbpress.publish.build import Request, build
from nbpress.publish.published import FORMS
from nbpress.sweep.journal import DONE, FAILED, Journal
from nbpress.sweep.results import read_table, write_table
from nbpress.sweep.stale import staleness
from nbpress.sweep.sweep import (
    FOLDER,
    NotebookProject,
    description_in,
    folder_of,
    read_journal,
    require,
)

_TEMPLATE = Path(__file__).with_name("summary.ipynb")
_FORMS = [form for form in FORMS if form != "report.tex"]


@dataclass(frozen=True)
class SummaryProject(NotebookProject):
    """A project whose only chapter is the summary of a sweep."""

    name: str

    @property
    def build(self) -> Path:
        """Where the executed summary is kept."""
        return _build(self.root, self.name)

    @property
    def output(self) -> Path:
        """Where report.pdf and report.html are published, beside the table."""
        return folder_of(self, self.name)


def report_sweep(
    project: Project, name: str, engine: str = "typst", values: Iterable[str] = ()
) -> list[Path]:
    """Publish the summary of a sweep as PDF and web page; return the files written.

    The table is written anew from the journal, in case it was edited. `values` are those to show;
    by default the first that differ between runs.

    Raises
    ------
    PressError
        If anything fails; files published earlier are unchanged then.
    """
    require("pandas")
    with read_journal(project, name) as journal:
        if not any(entry.state in (DONE, FAILED) for entry in journal.entries()):
            raise PressError(f"the sweep {name!r} has no results yet: run `nbpress sweep {name}`")
        if stale := staleness(project, name, journal):
            say(stale)
        write_results(project, name, journal, stale)
    notebook = project.root / FOLDER / f"{name}_summary.ipynb"
    if not notebook.is_file():
        read_table(folder_of(project, name), values)  # refuses unknown values
        notebook = _from_template(project, name, list(values))
    elif values:
        raise PressError(f"{project.relative(notebook)} decides which values are shown: edit it")
    chapter = Chapter(notebook=notebook.name)
    texts = dict.fromkeys(("subtitle", "course", "assignment"), "")
    changes: dict[str, object] = {
        "title": f"Sweep {name}",
        **texts,
        "authors": [],
        "resolver": None,
    }
    report = project.report.of_chapter(chapter).model_copy(update=changes)
    summary = SummaryProject(project.root, report, notebook.parent, name)
    summary.build.mkdir(parents=True, exist_ok=True)
    return [path for form in _FORMS for path in build(summary, Request(form=form, engine=engine))]


def write_results(project: Project, name: str, journal: Journal, stale: str = "") -> Path:
    """Write the table and its description from the journal alone; return the table's path.

    `stale` says which results are stale, if any are.
    """
    entries, description = journal.entries(), description_in(journal)
    facts = {
        "name": name,
        "notebook": description.notebook,
        "dataset": journal.fact("dataset"),
        "given": {each: entries[0].parameters[each] for each in description.given},
        "parameters": [*description.product, *description.zip],
        "repeat": list(description.repeat),
        "stale": stale,
    }
    first = description.values or project.report.headlines
    return write_table(folder_of(project, name), entries, facts, first)


def _from_template(project: Project, name: str, values: list[str]) -> Path:
    """Make the summary's notebook from the template, for this sweep."""
    notebook = json.loads(_TEMPLATE.read_text("utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            source = "".join(cell["source"])
            source = source.replace('sweep: str = ""', f"sweep: str = {name!r}")
            cell["source"] = source.replace("values: list = []", f"values: list = {values!r}")
    path = _build(project.root, name).parent / "summary.ipynb"
    write({path: json.dumps(notebook, indent=1).encode()})
    return path


def _build(root: Path, name: str) -> Path:
    return root / "build" / FOLDER / name / "report"
