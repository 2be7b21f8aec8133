"""The parameters that notebooks declare."""

from __future__ import annotations

import re
from collections.abc import Iterator

from root import ROOT

from nbpress.project.notebook import read_notebook
from nbpress.project.report import read_report
from nbpress.say.markdown import pipe_table


def parameters() -> str:
    """Return the parameters of each notebook of the report, of the explorer and of the sweeps."""
    chapters = read_report(ROOT / "report" / "report.yaml").chapters
    files = [f"notebooks/{chapter.notebook}" for chapter in chapters] + ["notebooks/explore.ipynb"]
    files += sorted({f"sweeps/{notebook}" for notebook in swept()})
    sections = []
    for file in files:
        declared = read_notebook(ROOT / file).parameters().values()
        rows = [
            [
                f"`{each.name}`",
                f"`{each.type}`" if each.type else "",
                f"`{each.default!r}`",
                each.described_bounds(),
                each.comment,
            ]
            for each in declared
        ]
        if rows:
            header = ["parameter", "type", "default", "bounds", "meaning"]
            sections.append(f"### {file}\n\n" + pipe_table(header, rows))
    return "\n\n".join(sections)


def swept() -> Iterator[str]:
    """Yield the notebooks in sweeps/ that the YAML files there run."""
    for path in (ROOT / "sweeps").glob("*.yaml"):
        notebook = re.search(r"^notebook: *(\S+\.ipynb)$", path.read_text("utf-8"), re.MULTILINE)
        is_here = notebook and "/" not in notebook[1]  # a sweep of a chapter adds none
        if is_here and (ROOT / "sweeps" / notebook[1]).is_file():
            yield notebook[1]
