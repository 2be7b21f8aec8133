"""Compile a document by Typst, keeping what is broken to its own cell."""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nbtypeset.document import Document, TitlePage
from nbtypeset.speak import readable
from nbtypeset.tree import Node, code_block, nodes, own, para, text, walk
from nbtypeset.write.typst import FLOATS, TypstSource, write_typst

_MISSING = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_GLYPH = re.compile(r"\\u\{([0-9a-f]+)\}|(.)", re.DOTALL)
_LINE = re.compile(r"┌─ [^\n]*?main\.typ:(\d+)")


class TypstFailure(RuntimeError):
    """The document cannot be set; the message names the cell and Typst's reason."""


def compile_typst(document: Document, strict: bool, system_fonts: bool) -> bytes:
    """Return the document as accessible PDF (PDF/UA-1).

    Glyphs that no font has are named in words. A cell that Typst refuses becomes a note and its
    source, or, where ``strict``, a `TypstFailure`.
    """
    import typst

    repairs = _Repairs(document)
    with tempfile.TemporaryDirectory(prefix="nbpress-") as folder:
        while True:  # each repair takes something out of the document, or gives up
            source = write_typst(document)
            project = _Project(source, Path(folder), system_fonts, document.timestamp)
            try:
                pdf = project.floating_pdf()
            except typst.TypstError as error:
                lost = repairs.repair(project, error.diagnostic or error.message)
                if strict and lost:
                    raise TypstFailure("; ".join(lost)) from error
                continue
            for shrunk in project.query("<shrunk>"):
                message = (
                    f"a {shrunk['what']} is too wide, set at {shrunk['percent']} % of its size"
                )
                document.warn(_cell_of(document, shrunk["alt"]), f"{message}: {shrunk['alt'][:80]}")
            return pdf


class _Project:
    """A source on disk, where Typst's compiler wants it."""

    def __init__(self, source: TypstSource, folder: Path, system_fonts: bool, stamp: int) -> None:
        self.source, self.folder, self.system_fonts, self.stamp = (
            source,
            folder,
            system_fonts,
            stamp,
        )
        (folder / source.folder).mkdir(exist_ok=True)
        for name, content in source.files.items():
            (folder / source.folder / name).write_bytes(content)
        self.main = folder / "main.typ"
        self.main.write_text(source.main(), encoding="utf-8", newline="\n")

    def floating_pdf(self) -> bytes:
        """Return the document, or raise typst.TypstError.

        A figure that would begin a page, and leave the end of the one before empty, is let float.
        """
        floats: set[str] = set()
        pdf = self.pdf()
        while pushed := {f["name"] for f in self.query("<placed>") if f["pushed"]} - floats:
            floats |= pushed
            (self.folder / self.source.folder / FLOATS).write_text(json.dumps(sorted(floats)))
            pdf = self.pdf()
        return pdf

    def pdf(self) -> bytes:
        """Return the document with its figures where they stand, or raise typst.TypstError."""
        import typst

        self.compiler = typst.Compiler(
            str(self.main), root=str(self.folder), ignore_system_fonts=not self.system_fonts
        )
        made = self.compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=self.stamp)
        return made if isinstance(made, bytes) else b""

    def query(self, selector: str) -> list[Any]:
        """Return the values of the metadata that the template left."""
        values: list[Any] = json.loads(self.compiler.query(selector, field="value"))
        return values

    def failing_alone(self, named: set[str]) -> dict[int, str]:
        """Return the parts that fail without the others, for errors that name no line.

        A glyph that can be named in words is no failure; one that has been named already is.
        """
        import typst

        reasons: dict[int, str] = {}
        for index, part in enumerate(self.source.parts):
            alone = replace(self.source, parts=[part])
            try:
                _Project(alone, self.folder, self.system_fonts, self.stamp).pdf()
            except typst.TypstError as error:
                if not _MISSING.search(error.message) or _missing(error.message) <= named:
                    reasons[index] = error.message
        return reasons


def _cell_of(document: Document, alt: str) -> str:
    """Return the name of the cell that holds the formula read as ``alt``."""
    for part in document.parts:
        for element in nodes(part.blocks):
            if element["t"] == "Math" and readable(element["c"][1]) == alt:
                return part.cell_name
    return ""


def _missing(diagnostic: str) -> set[str]:
    """Return the glyphs that no font has."""
    return {
        chr(int(escaped, 16)) if escaped else glyph
        for cluster in _MISSING.findall(diagnostic)
        for escaped, glyph in _GLYPH.findall(cluster)
    }


class _Repairs:
    """Takes out of a document what Typst complains about, a little more each time."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.named: set[str] = set()
        self.given_up: dict[int, int] = {}  # how often, by part

    def repair(self, project: _Project, diagnostic: str) -> list[str]:
        """Change the document; return a line for each cell that had to be given up."""
        missing = _missing(diagnostic)
        news = missing - self.named
        if news:
            self.named |= news
            _name_glyphs(self.document, news)
        errors = [
            e
            for e in diagnostic.split("\nerror: ")
            if not _MISSING.search(e) or _missing(e) <= self.named - news
        ]
        reasons = {
            index: error.removeprefix("error: ").splitlines()[0]
            for error in errors
            for line in _LINE.findall(error)[-1:]
            if (index := project.source.part_at(int(line))) is not None
        }
        if not reasons and not news:
            reasons = project.failing_alone(self.named)
        if not reasons and not news:
            raise TypstFailure(f"Typst cannot set this document: {diagnostic.splitlines()[0]}")
        return [self._give_up(index, reason) for index, reason in sorted(reasons.items())]

    def _give_up(self, index: int, reason: str) -> str:
        """Show a cell's source instead; where that fails too, only a note; then nothing."""
        part = self.document.parts[index]
        times = self.given_up[index] = self.given_up.get(index, 0) + 1
        note = para(text(f"The output of {part.cell_name} could not be set; this is its source."))
        short = para(text("One cell could not be set."))
        stages = [[own("trouble", [note, code_block(part.source)])], [own("trouble", [short])], []]
        if times > len(stages):
            raise TypstFailure(f"Typst cannot set this document: {reason}")
        part.blocks = stages[times - 1]
        self.document.warn(part.cell_name, f"cannot be set, its source is shown instead ({reason})")
        return f"{part.cell_name} cannot be set: {reason}"


def _name_glyphs(document: Document, missing: set[str]) -> None:
    names: dict[int, str] = {}
    for glyph in missing:
        name = unicodedata.name(glyph, "").lower()
        known = name and not re.search(r"ideograph|syllable|letter", name)
        invisible = unicodedata.category(glyph) in ("Cf", "Mn") or "modifier fitzpatrick" in name
        names[ord(glyph)] = "" if invisible else f"[{name if known else f'U+{ord(glyph):04X}'}]"
    shown = " ".join(sorted(g for g in missing if names[ord(g)]))
    document.warn("", f"no font at hand has {shown}: named in words (see system_fonts)")

    def rename(element: Node) -> list[Node] | None:
        if element["t"] == "Str":
            element["c"] = element["c"].translate(names)
        elif element["t"] in ("Code", "CodeBlock", "Math"):
            element["c"][1] = element["c"][1].translate(names)
        return None

    for part in document.parts:
        part.blocks = walk(part.blocks, rename)
    page = json.dumps(asdict(document.title_page), ensure_ascii=False)
    document.title_page = TitlePage(**json.loads(page.translate(names)))
