"""The exporters for ``jupyter nbconvert --to``.

They are ``typst-pdf`` and ``typst``, ``offline-html``, ``report-latex`` and ``report-latex-pdf``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from nbconvert.exporters.exporter import Exporter
from traitlets import Bool, List, Unicode, default

from nbtypeset.citations import cite
from nbtypeset.document import Document
from nbtypeset.read.collect import ENDINGS, collect
from nbtypeset.read.sanitize import sanitized
from nbtypeset.resolve import resolve
from nbtypeset.schema import TEXT_SVG, Imprint
from nbtypeset.titles import take_title, title_page
from nbtypeset.write.html import write_html
from nbtypeset.write.latex import write_latex
from nbtypeset.write.latex_pdf import TeXFailure, compile_latex, installed_engine
from nbtypeset.write.typst import write_typst
from nbtypeset.write.typst_pdf import TypstFailure, compile_typst


class ExportError(RuntimeError):
    """The notebook cannot be exported; the message names the cell."""


class _TreeExporter(Exporter):
    """Turns a notebook into one resolved tree, which the exporters below write out.

    Anything that could not be kept is logged and listed in ``resources["nbpress"]["warnings"]``.
    """

    extension: ClassVar[str]
    pictures: ClassVar[tuple[str, ...]] = tuple(ENDINGS)  # the best first
    always_reads_code: ClassVar[bool] = False

    show_code = Bool(True, help="Show the source of code cells, unless the press decides.").tag(
        config=True
    )
    strict = Bool(
        False,
        help="Fail, naming the cell, if Typst or TeX refuses a part. An output that no document "
        "can show, such as a widget, gives a warning in any case.",
    ).tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return self.extension

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters do
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Return the document; the files that it needs are in ``resources["outputs"]``."""
        nb, resources = super().from_notebook_node(sanitized(nb), resources, **kw)
        resources.pop("outputs", None)
        document = self._document(nb, resources)
        content = self._write(document, resources)
        resources.setdefault("nbpress", {})["warnings"] = document.warnings
        for warning in document.warnings:
            self.log.warning(warning)
        return content, resources

    def _document(self, nb: Any, resources: dict[str, Any]) -> Document:
        imprint = imprint_of(resources)
        metadata = resources.get("metadata", {})
        show_code = self.always_reads_code or self._shows_code(resources)
        parts = collect(nb, show_code, imprint, self.pictures)
        folder = Path(metadata["path"]) if "path" in metadata else None  # "" is this folder
        document = Document(parts, bool(imprint.key_results), folder)
        if imprint.bibliography:
            cite(document, imprint.bibliography)
        title = imprint.title or take_title(nb, document) or metadata.get("name", "Notebook")
        resolve(document)
        document.title_page = title_page(nb, imprint, title, document)
        return document

    def _shows_code(self, resources: dict[str, Any]) -> bool:
        wish = imprint_of(resources).show_code
        return self.show_code if wish is None else wish

    def _write(self, document: Document, resources: dict[str, Any]) -> str | bytes:
        raise NotImplementedError


def imprint_of(resources: dict[str, Any]) -> Imprint:
    """Return the imprint that the press passed; for any other export, an empty one."""
    imprint = resources.get("nbpress", {}).get("imprint")
    return imprint if isinstance(imprint, Imprint) else Imprint()


class TypstExporter(_TreeExporter):
    """Write a notebook as Typst source with the files that ``typst compile`` needs."""

    export_from_notebook = "Typst"
    output_mimetype = "text/vnd.typst"
    extension = ".typ"
    pictures = (TEXT_SVG, *ENDINGS)  # the first has text that can be searched and copied

    def _write(self, document: Document, resources: dict[str, Any]) -> str:
        folder = resources.get("output_files_dir") or "files"
        source = write_typst(document, folder)
        resources["outputs"] = {f"{folder}/{name}": file for name, file in source.files.items()}
        return source.main()


class TypstPDFExporter(_TreeExporter):
    """Write a notebook as accessible PDF (PDF/UA-1), without TeX and without a browser.

    The same notebook always gives the same bytes.
    """

    export_from_notebook = "PDF via Typst"
    output_mimetype = "application/pdf"
    extension = ".pdf"
    pictures = TypstExporter.pictures

    system_fonts = Bool(
        False, help="Also use this machine's fonts, for scripts that Typst's fonts do not cover."
    ).tag(config=True)

    def _write(self, document: Document, resources: dict[str, Any]) -> bytes:
        try:
            return compile_typst(document, self.strict, self.system_fonts)
        except TypstFailure as error:
            raise ExportError(str(error)) from error


class OfflineHTMLExporter(_TreeExporter):
    """Write a notebook as one HTML file that needs no network and runs no script.

    It always contains the code: unfolded if code is shown, otherwise folded.
    """

    export_from_notebook = "Offline HTML"
    output_mimetype = "text/html"
    extension = ".html"
    always_reads_code = True

    def _write(self, document: Document, resources: dict[str, Any]) -> str:
        return write_html(document, open_code=self._shows_code(resources))


class ReportLatexExporter(_TreeExporter):
    """Write a notebook as LaTeX source, for xelatex, lualatex and tectonic."""

    export_from_notebook = "Report as LaTeX"
    output_mimetype = "text/latex"
    extension = ".tex"
    pictures = ("image/png", "image/jpeg", *ENDINGS)  # LaTeX cannot show the others

    def _write(self, document: Document, resources: dict[str, Any]) -> str | bytes:
        source = write_latex(document, resources.get("output_files_dir") or "report_files")
        resources["outputs"] = source.files
        return source.main


class ReportLatexPDFExporter(_TreeExporter):
    """Write a notebook as PDF with xelatex, lualatex or tectonic, whichever is installed."""

    export_from_notebook = "Report as PDF via LaTeX"
    output_mimetype = "application/pdf"
    extension = ".pdf"
    pictures = ReportLatexExporter.pictures

    latex_command = List(Unicode(), help="The command that compiles {filename}.").tag(config=True)

    @default("latex_command")
    def _latex_command_default(self) -> list[str]:
        return installed_engine()

    def _write(self, document: Document, resources: dict[str, Any]) -> bytes:
        """Return the PDF; TeX's complaints become warnings, or an error if ``strict``."""
        command = self.latex_command  # raises an error early if no TeX is installed
        try:
            pdf, problems = compile_latex(write_latex(document), command, document.timestamp)
        except TeXFailure as error:
            raise ExportError(f"TeX cannot typeset this document: {error}") from error
        if self.strict and problems:
            raise ExportError(f"TeX cannot typeset this document: {'; '.join(problems)}")
        for problem in problems:
            document.warn("", f"TeX: {problem}")
        return pdf
