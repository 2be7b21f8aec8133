"""Write a document as Typst and compile it, keeping what is broken to its own place."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from nbpress.alt import readable
from nbpress.export.render import render
from nbpress.export.resolve import Document
from nbpress.export.tree import Node, clean, code_block, div, kind_of, node, pairs, plain, walk

_COLUMNS = 84  # of code, at its size, in a line of the page
_MISSING = re.compile(r"the text `\"(.+?)\"` could not be displayed")
_LINE = re.compile(r"┌─ main\.typ:(\d+)")
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
        folder = _string(self.folder)[1:-1]
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
    text = resources.files("nbpress").joinpath("templates", "report.typ").read_bytes()
    meta = json.dumps(document.meta, ensure_ascii=False, sort_keys=True).encode()
    files = {"report.typ": text, "meta.json": meta, **document.assets}
    return Source(render(document, _typst, "typst"), files, folder)


def compile_pdf(document: Document, strict: bool, system_fonts: bool) -> bytes:
    """Return the document as accessible PDF (PDF/UA-1).

    Glyphs that no font has are named in words. A cell that Typst refuses becomes a note and its
    source, or, where ``strict``, a `TypstFailure`.
    """
    import typst

    source = write(document)
    for _ in range(2 + len(document.parts)):
        with tempfile.TemporaryDirectory(prefix="nbpress-") as place:
            main = _unpack(source, Path(place))
            compiler = typst.Compiler(main, root=place, ignore_system_fonts=not system_fonts)
            try:
                pdf: bytes = compiler.compile(
                    format="pdf", pdf_standards=["ua-1"], timestamp=_stamp(document.meta)
                )
            except typst.TypstError as error:
                _repair(document, source, error.diagnostic or error.message, strict)
                source = write(document)
                continue
            for shrunk in json.loads(compiler.query("<shrunk>", field="value")):
                what = "formula" if shrunk["what"] == "equation" else "table"
                document.warn("", f"a {what} is too wide; set at {shrunk['percent']} %: "
                              f"{shrunk['alt'][:80]}")
            return pdf
    raise TypstFailure("the document could not be set in spite of all repairs")


def _unpack(source: Source, place: Path) -> str:
    (place / source.folder).mkdir()
    for name, content in source.files.items():
        (place / source.folder / name).write_bytes(content)
    main = place / "main.typ"
    main.write_text(source.main(), encoding="utf-8")
    return str(main)


def _stamp(meta: dict[str, Any]) -> int:
    try:
        day = date.fromisoformat(str(meta.get("date")))
    except ValueError:
        return int(_EPOCH.timestamp())
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _repair(document: Document, source: Source, diagnostic: str, strict: bool) -> None:
    """Change what Typst complains about, or give up saying what it is."""
    missing = set("".join(_MISSING.findall(diagnostic)))
    if missing:
        _name_glyphs(document, missing)
    lines = [int(n) for e in diagnostic.split("\nerror: ") if not _MISSING.search(e)
             for n in _LINE.findall(e)[-1:]]
    broken = {source.part_at(line) for line in lines} - {None}
    if not broken and not missing:
        raise TypstFailure(f"Typst cannot set this document: {diagnostic.strip()}")
    reason = diagnostic.strip().splitlines()[0]
    for index in sorted(broken):
        part = document.parts[index]
        if strict:
            raise TypstFailure(f"{part.cell} cannot be set: {diagnostic.strip()}")
        document.warn(part.cell, f"cannot be set ({reason}); its source is shown instead")
        note = f"{part.cell} could not be set; this is its source."
        part.blocks = [div("trouble", [node("Para", [node("Str", note)])]), code_block(part.source)]


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
    document.meta = json.loads(
        json.dumps(document.meta, ensure_ascii=False).translate(names)
    )


def _raw(text: str) -> Node:
    return node("RawBlock", ["typst", text])


def _inline(before: str, inner: list[Node], after: str = "];") -> list[Node]:
    return [node("RawInline", ["typst", before]), *inner, node("RawInline", ["typst", after])]


def _string(text: str) -> str:
    """Return a Typst string literal: JSON's escapes are among Typst's own."""
    return json.dumps(clean(text).replace("\n", " "), ensure_ascii=False)


def _typst(item: Node) -> list[Node] | None:
    """Turn what pandoc's Typst writer does not know into calls of the template's functions."""
    content = item["c"] if "c" in item else None
    match item["t"]:
        case "Math":
            return _inline(f"#formula({_string(readable(content[1]))})[", [item])
        case "Span":
            id_, classes, _ = content[0]
            if "nb-equation" in classes:
                tag = _string(pairs(item)["tag"])
                return _inline(f"#tagged({_string(id_)}, {tag})[", content[1])
            anchor = _inline(f"#anchor({_string(id_)}", [], ");") if id_ else []
            return [*anchor, *content[1]]
        case "Link" if content[2][0].startswith("#"):
            return _inline(f"#goto({_string(content[2][0][1:])})[", content[1])
        case "Image":
            width = dict(content[0][2]).get("width", "")
            points = float(width[:-2]) * 0.75 if width.endswith("px") else None
            size = f", width: {points:g}pt" if points else ""
            call = f"#picture({_string(content[2][0])}, {_string(plain(content[1]))}{size}"
            return _inline(call, [], ");")
        case "CodeBlock":
            item["c"][1] = _wrapped(content[1])
        case "Div" if kind_of(item) != "caption":  # a caption is taken by its figure
            return _division(item)
    return None


def _division(item: Node) -> list[Node]:
    (id_, _, _), blocks = item["c"]
    told, kind = pairs(item), kind_of(item)
    if kind in ("figure", "table"):
        call = f"#numbered({_string(kind)}, {_string(id_)}, {_string(told['number'])}"
        words = [inline for block in blocks[-1]["c"][1] for inline in block["c"]]
        caption = node("Plain", _inline("], [", words, "])"))
        return [_raw(call + ", ["), *blocks[:-1], caption]
    if kind == "claim":
        holds = "true" if told["holds"] == "yes" else "false"
        return [_raw(f"#claim({holds})["), *blocks, _raw("]")]
    if kind in ("code", "stream", "error", "result", "html", "picture", "trouble"):
        return [_raw(f"#output({_string(kind)})["), *blocks, _raw("]")]
    anchor = [_raw(f"#anchor({_string(id_)})")] if id_ else []
    return [*anchor, *blocks]


def _wrapped(source: str) -> str:
    """Return code whose lines fit the page; a line that goes on starts with an arrow."""
    lines: list[str] = []
    for line in source.expandtabs(4).split("\n"):
        while len(line) > _COLUMNS:
            lines.append(line[:_COLUMNS])
            line = "↪ " + line[_COLUMNS:]
        lines.append(line)
    return "\n".join(lines)
