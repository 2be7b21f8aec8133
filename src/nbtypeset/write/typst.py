"""Write a document as Typst and compile it, keeping what is broken to its own place."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from nbtypeset.document import Document
from nbtypeset.speak import readable
from nbtypeset.tree import (
    Node,
    code_block,
    nodes,
    own,
    para,
    text,
    walk,
)
from nbtypeset.write.parts import write_parts
from nbtypeset.write.typst_tree import literal, to_typst

_MISSING = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_GLYPH = re.compile(r"\\u\{([0-9a-f]+)\}|(.)", re.DOTALL)
_LINE = re.compile(r"┌─ [^\n]*?main\.typ:(\d+)")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of documents without a date: same bytes on any day


class TypstFailure(RuntimeError):
    """The document cannot be set; the message names the cell and Typst's reason."""


@dataclass
class Source:
    """A Typst project: the main file's text by parts, and the files it reads."""

    parts: list[str]
    files: dict[str, bytes]
    folder: str

    def main(self) -> str:
        """Return the main file."""
        folder = literal(self.folder)[1:-1]
        return (
            f'#import "{folder}/report.typ": *\n'
            f'#show: report.with(json("{folder}/meta.json"))\n' + "\n".join(self.parts)
        )

    def part_at(self, line: int) -> int | None:
        """Return the index of the part that holds a line of the main file."""
        end = 2
        for index, part in enumerate(self.parts):
            end += part.count("\n") + 1
            if 2 < line <= end:
                return index
        return None


def write(document: Document, folder: str = "files") -> Source:
    """Return the document as a Typst project whose files lie in ``folder``."""
    design = resources.files("nbtypeset").joinpath("templates", "report.typ").read_bytes()
    meta = json.dumps(document.meta, ensure_ascii=False, sort_keys=True).encode()
    files = {"report.typ": design, "meta.json": meta, **document.assets}
    return Source(write_parts(document, to_typst, "typst"), files, folder)


def compile_pdf(document: Document, strict: bool, system_fonts: bool) -> bytes:
    """Return the document as accessible PDF (PDF/UA-1).

    Glyphs that no font has are named in words. A cell that Typst refuses becomes a note and its
    source, or, where ``strict``, a `TypstFailure`.
    """
    import typst

    repairs = _Repairs(document)
    with tempfile.TemporaryDirectory(prefix="nbpress-") as place:
        while True:  # each repair takes something out of the document, or gives up
            source = write(document)
            project = _Project(source, Path(place), system_fonts, _stamp(document.meta))
            try:
                pdf = project.pdf()
            except typst.TypstError as error:
                lost = repairs.repair(project, error.diagnostic or error.message)
                if strict and lost:
                    raise TypstFailure("; ".join(lost)) from error
                continue
            for told in project.query("<shrunk>"):
                message = f"a {told['what']} is too wide, set at {told['percent']} % of its size"
                document.warn(_cell_of(document, told["alt"]), f"{message}: {told['alt'][:80]}")
            return pdf


class _Project:
    """A source on disk, where Typst's compiler wants it."""

    def __init__(self, source: Source, place: Path, system_fonts: bool, stamp: int) -> None:
        import typst

        self.source, self.place, self.system_fonts, self.stamp = source, place, system_fonts, stamp
        (place / source.folder).mkdir(exist_ok=True)
        for name, content in source.files.items():
            (place / source.folder / name).write_bytes(content)
        main = place / "main.typ"
        main.write_text(source.main(), encoding="utf-8", newline="\n")
        self.compiler = typst.Compiler(
            str(main), root=str(place), ignore_system_fonts=not system_fonts
        )

    def pdf(self) -> bytes:
        """Return the document, or raise typst.TypstError."""
        made = self.compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=self.stamp)
        return made if isinstance(made, bytes) else b""

    def query(self, selector: str) -> list[Any]:
        """Return the values of the metadata that the template left."""
        found: list[Any] = json.loads(self.compiler.query(selector, field="value"))
        return found

    def failing_alone(self, named: set[str]) -> dict[int, str]:
        """Return the parts that fail without the others, for errors that tell no place.

        A glyph that can be named in words is no failure; one that has been named already is.
        """
        import typst

        reasons: dict[int, str] = {}
        for index, part in enumerate(self.source.parts):
            alone = replace(self.source, parts=[part])
            try:
                _Project(alone, self.place, self.system_fonts, self.stamp).pdf()
            except typst.TypstError as error:
                if not _MISSING.search(error.message) or _missing(error.message) <= named:
                    reasons[index] = error.message
        return reasons


def _cell_of(document: Document, alt: str) -> str:
    """Return the name of the cell that holds the formula read as ``alt``."""
    for part in document.parts:
        for item in nodes(part.blocks):
            if item["t"] == "Math" and readable(item["c"][1]) == alt:
                return part.cell
    return ""


def _stamp(meta: dict[str, Any]) -> int:
    try:
        day = date.fromisoformat(str(meta.get("date")))
    except ValueError:
        return int(_EPOCH.timestamp())
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


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
        note = para(text(f"The output of {part.cell} could not be set; this is its source."))
        short = para(text("One cell could not be set."))
        stages = [[own("trouble", [note, code_block(part.source)])], [own("trouble", [short])], []]
        if times > len(stages):
            raise TypstFailure(f"Typst cannot set this document: {reason}")
        part.blocks = stages[times - 1]
        self.document.warn(part.cell, f"cannot be set, its source is shown instead ({reason})")
        return f"{part.cell} cannot be set: {reason}"


def _name_glyphs(document: Document, missing: set[str]) -> None:
    import unicodedata

    names: dict[int, str] = {}
    for glyph in missing:
        name = unicodedata.name(glyph, "").lower()
        known = name and not re.search(r"ideograph|syllable|letter", name)
        invisible = unicodedata.category(glyph) in ("Cf", "Mn") or "modifier fitzpatrick" in name
        names[ord(glyph)] = "" if invisible else f"[{name if known else f'U+{ord(glyph):04X}'}]"
    shown = " ".join(sorted(g for g in missing if names[ord(g)]))
    document.warn("", f"no font at hand has {shown}: named in words (see system_fonts)")

    def rename(item: Node) -> list[Node] | None:
        if item["t"] == "Str":
            item["c"] = item["c"].translate(names)
        elif item["t"] in ("Code", "CodeBlock", "Math"):
            item["c"][1] = item["c"][1].translate(names)
        return None

    for part in document.parts:
        part.blocks = walk(part.blocks, rename)
    document.meta = json.loads(json.dumps(document.meta, ensure_ascii=False).translate(names))
