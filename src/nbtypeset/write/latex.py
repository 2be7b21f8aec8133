"""The report by way of LaTeX: nbconvert's own exporters with the report's template.

nbconvert calls pandoc for every Markdown cell and again for every Markdown output. Here they are
joined first: pandoc runs a few times for a report instead of a hundred.
"""

from __future__ import annotations

import os
import shutil
from base64 import b64decode
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat.v4
import pypandoc
from nbconvert.exporters import LatexExporter, PDFExporter
from traitlets import Bool, default

from nbtypeset.exporters import imprint_of
from nbtypeset.schema import MIME_TYPE, VERDICTS, Imprint

# Those that read Unicode, with what each is called with; the first that is there is taken.
_COMMANDS = {
    "xelatex": ["xelatex", "-interaction=nonstopmode", "{filename}"],
    "lualatex": ["lualatex", "-interaction=nonstopmode", "{filename}"],
    "tectonic": ["tectonic", "{filename}"],
}

_KINDS = ("figure", "table", "answer", "claim", "proof")  # of what a notebook says to its report

_PICTURES = "report_files"  # the folder of the pictures, beside the source


class NoTeXError(RuntimeError):
    """None of the TeX engines is installed."""


class _ReportTemplate(LatexExporter):
    strict = Bool(False, help="Unused: LaTeX itself stops at what it cannot set.").tag(config=True)

    @default("template_name")
    def _template_name_default(self) -> str:
        return "nbtypeset-latex"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(files("nbtypeset") / "templates")]

    def from_notebook_node(
        self, nb: Any, resources: Any = None, **options: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Return the LaTeX source (or the PDF), and the pictures in `resources["outputs"]`."""
        # nbconvert takes the pandoc of PATH: the wheel's, whatever else is installed.
        folder = str(Path(pypandoc.get_pandoc_path()).parent)
        if folder not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = folder + os.pathsep + os.environ.get("PATH", "")
        resources = resources or {}
        joined, pictures = join_markdown(nb, imprint_of(resources))
        resources.setdefault("outputs", {}).update(pictures)
        return super().from_notebook_node(joined, resources, **options)  # type: ignore[no-untyped-call]


class ReportLatexExporter(_ReportTemplate):
    """Write the report's LaTeX source; the pictures are in `resources["outputs"]`."""

    export_from_notebook = "Report as LaTeX"


class ReportLatexPDFExporter(_ReportTemplate, PDFExporter):
    """Write the report as PDF by xelatex, lualatex or tectonic, whichever is installed."""

    export_from_notebook = "Report as PDF via LaTeX"

    @default("latex_command")
    def _latex_command_default(self) -> list[str]:
        for name, command in _COMMANDS.items():
            if shutil.which(name):
                return command
        raise NoTeXError(
            f"ENGINE=latex needs one of {', '.join(_COMMANDS)}, and none is installed. On Debian "
            "or Ubuntu: apt-get install texlive-xetex texlive-fonts-recommended "
            "texlive-plain-generic. The default, ENGINE=typst, needs no TeX."
        )

    @default("latex_count")
    def _latex_count_default(self) -> int:
        return 2  # the second run knows the page numbers of the contents

    def run_bib(self, filename: str, raise_on_failure: Any = False) -> bool:
        """Do nothing: reports of this kind have no bibliography."""
        return False


def join_markdown(nb: Any, imprint: Imprint) -> tuple[Any, dict[str, bytes]]:
    """Return a notebook whose neighbouring Markdown is one cell, and its pictures by file name.

    Code that is to be shown, and outputs that say nothing to the report, stay cells of their own.
    """
    show_code = imprint.show_code is not False
    v4: Any = nbformat.v4  # it has no types
    cells: list[Any] = []
    pending: list[str] = []
    pictures: dict[str, bytes] = {}

    def flush() -> None:
        if pending:
            cells.append(v4.new_markdown_cell("\n\n".join(pending)))
            pending.clear()

    for cell in nb.cells:
        if cell.cell_type != "code":
            pending.append(cell.source)
            continue
        if show_code and cell.source.strip():
            flush()
            cells.append(v4.new_code_cell(cell.source, execution_count=cell.execution_count))
        marks = iter(imprint.marks.get(str(cell.get("id")), ()))
        for output in cell.outputs:
            record = output.get("data", {}).get(MIME_TYPE)
            if not isinstance(record, dict) or record.get("kind") not in _KINDS:
                flush()
                other = v4.new_code_cell("", outputs=[output])
                other.metadata["tags"] = ["nbpress-output"]
                cells.append(other)
            else:
                text = _markdown(record, output["data"], pictures)
                mark = next(marks, "") if record["kind"] in ("claim", "proof") else ""
                sign = "✗" if mark == "otherwise" else "✓"
                pending.append(f"{sign} {VERDICTS[mark]}: {text}" if mark else text)
    flush()
    return v4.new_notebook(cells=cells, metadata=nb.metadata), pictures


def _markdown(record: Any, data: Any, pictures: dict[str, bytes]) -> str:
    """Return what a figure, table, answer or claim says, as pandoc's Markdown."""
    if record["kind"] == "figure":
        name = f"{_PICTURES}/{record['label']}.png"
        pictures[name] = b64decode(data["image/png"])
        alt = record["alt"].replace('"', "”")
        return f'![{record["caption"]}]({name}){{#{record["label"]} alt="{alt}"}}'
    text: str = data["text/markdown"]
    if record["kind"] == "table":
        # A caption with a label of its own: pandoc's tables take no id from Markdown.
        return f"{text}\n\n: {record['caption']}\\label{{{record['label']}}}"
    return text
