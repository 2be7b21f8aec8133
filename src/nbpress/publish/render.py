"""Renders a bound report with nbconvert's exporters, and computes the key of a rendering."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pypandoc

import nbtypeset
from nbpress.errors import PressError
from nbpress.files import as_json, digest
from nbpress.publish.bind import Bound
from nbpress.publish.cells import Cell, origin
from nbpress.run.temporary import temporary_files
from nbpress.run.versions import installed_versions

# The entry points of nbconvert's exporters: for report.pdf by ENGINE, and for the other forms.
ENGINES = {"typst": "typst-pdf", "latex": "report-latex-pdf"}
EXPORTERS = {"report.html": "offline-html", "report.tex": "report-latex"}


@dataclass(frozen=True)
class Rendering:
    """The files of a rendered report by their names in `report/`, and the exporter's warnings."""

    files: dict[str, bytes]
    notes: list[str]


def render(bound: Bound, exporter_name: str, name: str) -> Rendering:
    """Render the bound notebook with one of nbconvert's exporters.

    The report becomes the file `name`; LaTeX source comes with the pictures that it needs.
    """
    import nbformat
    from nbconvert.exporters import get_exporter

    exporter = get_exporter(exporter_name)(strict=True)  # type: ignore[no-untyped-call]
    notebook = nbformat.from_dict(bound.notebook)  # type: ignore[no-untyped-call]
    try:
        with temporary_files():
            content, resources = exporter.from_notebook_node(
                notebook, {"nbpress": {"imprint": bound.imprint}}
            )
    except Exception as error:
        reason = _located(str(error), bound.notebook["cells"])
        raise PressError(f"the report cannot be rendered: {reason}") from error
    main = content if isinstance(content, bytes) else content.encode()
    warnings = map(str, resources.get("nbpress", {}).get("warnings", ()))
    notes = [_located(warning, bound.notebook["cells"]) for warning in warnings]
    return Rendering({**resources.get("outputs", {}), name: main}, notes)


def _located(message: str, cells: list[Cell]) -> str:
    """Return a message with the author's notebooks and cells instead of the bound report's."""

    def named(match: re.Match[str]) -> str:
        number = int(match[1])
        return origin(cells[number - 1]) if 0 < number <= len(cells) else match[0]

    return re.sub(r"\bcell (\d+) \(id [^)]*\)", named, message)


def render_key(bound: Bound, exporter_name: str, distribution: str | None) -> str:
    """Digest what a rendered report depends on: the notebook, the typesetter and its tools."""
    # pandoc's wheel has its own version number, and under conda there is no wheel.
    versions = {**installed_versions(distribution), "pandoc": pypandoc.get_pandoc_version()}
    return digest(
        as_json([bound.notebook, asdict(bound.imprint), exporter_name, _typesetter(), versions])
    )


@cache
def _typesetter() -> dict[str, str]:
    """Digest the typesetter's files, once: a process keeps using what it has imported."""
    folder = Path(nbtypeset.__file__).parent
    return {
        path.relative_to(folder).as_posix(): digest(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
