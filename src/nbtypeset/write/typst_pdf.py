"""Compiles a document with Typst; a cell that cannot be typeset does not affect the others."""

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
from nbtypeset.tree import Node, code_block, kind_of, nodes, own, pairs, para, text, walk
from nbtypeset.write.legible import complaint
from nbtypeset.write.typst import FLOATS, TypstSource, write_typst

_MISSING = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_GLYPH = re.compile(r"\\u\{([0-9a-f]+)\}|(.)", re.DOTALL)
_LINE = re.compile(r"┌─ [^\n]*?main\.typ:(\d+)")


class TypstFailure(RuntimeError):
    """The document cannot be typeset; the message names the cell and Typst's reason."""


def compile_typst(document: Document, strict: bool, system_fonts: bool) -> bytes:
    """Return the document as accessible PDF (PDF/UA-1).

    Glyphs that no font has are named in words. A cell that Typst refuses is replaced by a note and
    its source or, if ``strict``, raises a `TypstFailure`.
    """
    import typst

    repairs = _Repairs(document)
    with tempfile.TemporaryDirectory(prefix="nbpress-") as folder:
        while True:  # each repair removes something from the document, or gives up
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
                    f"a {shrunk['what']} is too wide, shrunk to {shrunk['percent']} % of its size"
                )
                document.warn(_cell_of(document, shrunk["alt"]), f"{message}: {shrunk['alt'][:80]}")
            _judge_plots(document, project)
            return pdf


class _Project:
    """A source written to disk, where Typst's compiler needs it."""

    def __init__(self, source: TypstSource, folder: Path, system_fonts: bool, stamp: int) -> None:
        self.source, self.folder = source, folder
        self.system_fonts, self.stamp = system_fonts, stamp
        (folder / source.folder).mkdir(exist_ok=True)
        for name, content in source.files.items():
            (folder / source.folder / name).write_bytes(content)
        self.main = folder / "main.typ"
        self.main.write_text(source.main(), encoding="utf-8", newline="\n")

    def floating_pdf(self) -> bytes:
        """Return the document, or raise typst.TypstError.

        A figure that would begin a page, leaving the end of the previous one empty, may float,
        unless there turns out to be room for it where it is due.
        """
        floats: set[str] = set()
        fixed: set[str] = set()
        while True:
            pdf, before = self.pdf(), floats
            placed = self.query("<placed>")
            fixed |= {figure["name"] for figure in placed if figure["early"]}
            floats = (floats | {figure["name"] for figure in placed if figure["pushed"]}) - fixed
            if floats == before:
                return pdf
            (self.folder / self.source.folder / FLOATS).write_text(json.dumps(sorted(floats)))

    def pdf(self) -> bytes:
        """Return the document with the current set of floats, or raise typst.TypstError."""
        import typst

        self.compiler = typst.Compiler(
            str(self.main), root=str(self.folder), ignore_system_fonts=not self.system_fonts
        )
        made = self.compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=self.stamp)
        return made if isinstance(made, bytes) else b""

    def query(self, selector: str) -> list[Any]:
        """Return the values of metadata that the template left in the document."""
        values: list[Any] = json.loads(self.compiler.query(selector, field="value"))
        return values

    def failing_alone(self, named: set[str]) -> dict[int, str]:
        """Return the parts that fail on their own, with reasons, for errors that name no line.

        A missing glyph counts as a failure only if it has already been replaced by words.
        """
        import typst

        reasons: dict[int, str] = {}
        for index, part in enumerate(self.source.parts):
            # Below a heading, because a part's own may not be of the first level.
            alone = replace(self.source, parts=["= Part\n", part])
            try:
                _Project(alone, self.folder, self.system_fonts, self.stamp).pdf()
            except typst.TypstError as error:
                if not _MISSING.search(error.message) or _missing(error.message) <= named:
                    reasons[index] = error.message
        return reasons


def _judge_plots(document: Document, project: _Project) -> None:
    """Warn of the plots that are shrunk so much that their letters are hard to read."""
    for plot in project.query("<plot>"):
        for part in document.parts:
            shown = {pairs(n)["name"] for n in nodes(part.blocks) if kind_of(n) == "image"}
            if plot["name"] in shown:
                if wrong := complaint(document.assets[plot["name"]], plot["factor"]):
                    document.warn(part.cell_name, f"{wrong}; give it a smaller `figsize`")
                break


def _cell_of(document: Document, alt: str) -> str:
    """Return the name of the cell with the formula whose text alternative is ``alt``."""
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
    """Removes from a document what Typst complains about, a little more each time."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.named: set[str] = set()
        self.given_up: dict[int, int] = {}  # how often, by part

    def repair(self, project: _Project, diagnostic: str) -> list[str]:
        """Change the document; return a message for each cell that had to be given up."""
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
            raise TypstFailure(f"Typst cannot typeset this document: {diagnostic.splitlines()[0]}")
        return [self._give_up(index, reason) for index, reason in sorted(reasons.items())]

    def _give_up(self, index: int, reason: str) -> str:
        """Show a cell's source instead; if that fails too, only a note; then nothing."""
        part = self.document.parts[index]
        times = self.given_up[index] = self.given_up.get(index, 0) + 1
        note = para(
            text(f"The output of {part.cell_name} could not be typeset; this is its source.")
        )
        short = para(text("One cell could not be typeset."))
        stages = [[own("trouble", [note, code_block(part.source)])], [own("trouble", [short])], []]
        if times > len(stages):
            raise TypstFailure(f"Typst cannot typeset this document: {reason}")
        part.blocks = stages[times - 1]
        self.document.warn(
            part.cell_name, f"cannot be typeset, its source is shown instead ({reason})"
        )
        return f"{part.cell_name} cannot be typeset: {reason}"


def _name_glyphs(document: Document, missing: set[str]) -> None:
    names: dict[int, str] = {}
    for glyph in missing:
        name = unicodedata.name(glyph, "").lower()
        known = name and not re.search(r"ideograph|syllable|letter", name)
        invisible = unicodedata.category(glyph) in ("Cf", "Mn") or "modifier fitzpatrick" in name
        names[ord(glyph)] = "" if invisible else f"[{name if known else f'U+{ord(glyph):04X}'}]"
    shown = " ".join(sorted(g for g in missing if names[ord(g)]))
    document.warn("", f"no font that comes with Typst has {shown}: named in words instead")

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
