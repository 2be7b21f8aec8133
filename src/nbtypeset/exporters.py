"""The nbconvert exporters, by the names that ``jupyter nbconvert --to`` knows them by.

``typst-pdf`` and ``typst``, ``offline-html``, ``report-latex`` and ``report-latex-pdf``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter
from traitlets import Bool, List, Unicode, default

from nbtypeset import resolve as resolving
from nbtypeset.document import Document
from nbtypeset.read.collect import PICTURES, collect
from nbtypeset.read.sound import sound
from nbtypeset.schema import Imprint
from nbtypeset.write import typst as typesetting
from nbtypeset.write import tex
from nbtypeset.write.html import write_html
from nbtypeset.write.latex import LatexSource, write_latex


class ExportError(RuntimeError):
    """The notebook cannot be exported; the message names the cell."""


class _TreeExporter(Exporter):
    """From a notebook to one resolved tree, which the exporters below write out.

    What had to be given up is logged and listed in ``resources["nbpress"]["warnings"]``.
    """

    show_code = Bool(True, help="Show code cells' sources, where the press says nothing.").tag(
        config=True
    )
    strict = Bool(False, help="Fail, naming the cell, where a part cannot be shown.").tag(
        config=True
    )

    pictures = tuple(PICTURES)  # the best first

    def _document(self, nb: Any, resources: dict[str, Any], code: bool | None = None) -> Document:
        imprint = imprint_of(resources)
        about = resources.get("metadata", {})
        show_code = self._code_shown(imprint) if code is None else code
        parts = collect(nb, show_code, imprint, self.pictures)
        document = Document({}, parts, Path(about["path"]) if about.get("path") else None)
        title = imprint.title or resolving.take_title(nb, document) or about.get("name", "Notebook")
        resolving.resolve(document)
        document.meta = resolving.describe(nb, imprint, title, document)
        return document

    def _code_shown(self, imprint: Imprint) -> bool:
        return self.show_code if imprint.show_code is None else imprint.show_code

    def _tell(self, document: Document, resources: dict[str, Any]) -> None:
        resources.setdefault("nbpress", {})["warnings"] = document.warnings
        for warning in document.warnings:
            self.log.warning(warning)


def imprint_of(resources: Any) -> Imprint:
    """Return what the press handed over; of any other export, nothing."""
    imprint = (resources or {}).get("nbpress", {}).get("imprint")
    return imprint if isinstance(imprint, Imprint) else Imprint()


class TypstExporter(_TreeExporter):
    """Write a notebook as Typst source with the files that ``typst compile`` needs."""

    export_from_notebook = "Typst"
    output_mimetype = "text/vnd.typst"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".typ"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters do
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the main file; the others are in ``resources["outputs"]``."""
        nb, resources = super().from_notebook_node(sound(nb), resources, **kw)
        document = self._document(nb, resources)
        folder = resources.get("output_files_dir") or "files"
        source = typesetting.write(document, folder)
        outputs = {f"{folder}/{name}": content for name, content in source.files.items()}
        resources["outputs"] = outputs
        self._tell(document, resources)
        return source.main(), resources


class TypstPDFExporter(_TreeExporter):
    """Write a notebook as accessible PDF (PDF/UA-1), without TeX and without a browser."""

    export_from_notebook = "PDF via Typst"
    output_mimetype = "application/pdf"

    system_fonts = Bool(
        False, help="Use this machine's fonts too, for scripts that Typst's own do not cover."
    ).tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters do
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF's bytes: the same for the same notebook."""
        nb, resources = super().from_notebook_node(sound(nb), resources, **kw)
        document = self._document(nb, resources)
        try:
            pdf = typesetting.compile_pdf(document, self.strict, self.system_fonts)
        except typesetting.TypstFailure as error:
            raise ExportError(str(error)) from error
        self._tell(document, resources)
        resources["output_extension"] = ".pdf"
        resources.pop("outputs", None)
        return pdf, resources


class OfflineHTMLExporter(_TreeExporter):
    """Write a notebook as one HTML file that needs no network and runs no script."""

    export_from_notebook = "Offline HTML"
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters do
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page. Code is always in it: unfolded if shown, else folded away."""
        nb, resources = super().from_notebook_node(sound(nb), resources, **kw)
        document = self._document(nb, resources, code=True)
        page = write_html(document, open_code=self._code_shown(imprint_of(resources)))
        self._tell(document, resources)
        return page, resources


class ReportLatexExporter(_TreeExporter):
    """Write a notebook as LaTeX source, for xelatex, lualatex and tectonic."""

    export_from_notebook = "Report as LaTeX"
    output_mimetype = "text/latex"

    pictures = ("image/png", "image/jpeg", *PICTURES)  # LaTeX cannot show the others

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".tex"

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters do
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Return the source; the pictures are in ``resources["outputs"]``."""
        nb, resources = super().from_notebook_node(sound(nb), resources, **kw)
        document = self._document(nb, resources)
        source = write_latex(document, resources.get("output_files_dir") or "report_files")
        resources["outputs"] = source.files
        content = self._finish(source, document)
        self._tell(document, resources)
        return content, resources

    def _finish(self, source: LatexSource, document: Document) -> str | bytes:
        return source.main


class ReportLatexPDFExporter(ReportLatexExporter):
    """Write a notebook as PDF by xelatex, lualatex or tectonic, whichever is installed."""

    export_from_notebook = "Report as PDF via LaTeX"
    output_mimetype = "application/pdf"

    latex_command = List(Unicode(), help="The command that compiles {filename}.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    @default("latex_command")
    def _latex_command_default(self) -> list[str]:
        return tex.installed_engine()

    def _finish(self, source: LatexSource, document: Document) -> bytes:
        """Return the PDF; what TeX complains about is a warning, or the end where ``strict``."""
        try:
            pdf, problems = tex.compile_latex(source, self.latex_command)
        except tex.TeXFailure as error:
            raise ExportError(f"TeX cannot set this document: {error}") from error
        for problem in problems:
            document.warn("", f"TeX: {problem}")
        if self.strict and problems:
            raise ExportError(f"TeX cannot set this document: {'; '.join(problems)}")
        return pdf
