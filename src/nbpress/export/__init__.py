"""Notebooks out of the house: as accessible PDF through Typst, as Typst, as offline HTML."""

from nbpress.export.exporters import (
    ExportError,
    OfflineHTMLExporter,
    TypstExporter,
    TypstPDFExporter,
)

__all__ = ["ExportError", "OfflineHTMLExporter", "TypstExporter", "TypstPDFExporter"]
