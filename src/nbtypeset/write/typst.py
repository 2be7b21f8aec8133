"""Writes a document as Typst that only displays it; pandoc writes just the blocks.

Content is data. Each character of a text that Typst could read as markup is escaped, code goes
into string literals, and every call ends in a semicolon: without it Typst would take `.func()`,
`(…)` or `[…]` after `#emph[x]` for a part of the call. The template is a module, so that none of
its names hides one of Typst's: formulas use Typst's `accent`, and the template has another one.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import resources
from typing import Any

from nbtypeset.document import Document
from nbtypeset.tree import Node, clean, kind_of, node, own, pairs, para, plain, walk
from nbtypeset.write.lines import breakable, wrapped
from nbtypeset.write.mathml import Formulas
from nbtypeset.write.parts import label_of, spoken, write_parts
from nbtypeset.write.typst_formulas import Written, typst_formulas

FLOATS = "floats.json"  # the names of figures that float, known only after a first compilation
_MARKUP = re.compile(r"""[!-&(-/:-@\[-`{-~]""")  # ASCII punctuation, except ' and "
_CALLS = {
    "Emph": "emph",
    "Strong": "strong",
    "Strikeout": "strike",
    "Underline": "underline",
    "Superscript": "super",
    "Subscript": "sub",
    "SmallCaps": "smallcaps",
}


@dataclass
class TypstSource:
    """A Typst project: the main file's text in parts, and the files that it reads."""

    parts: list[str]
    files: dict[str, bytes]
    folder: str

    def main(self) -> str:
        """Return the main file."""
        folder = literal(self.folder)[1:-1]
        return (
            f'#import "{folder}/report.typ" as design\n'
            f'#show: design.report.with(json("{folder}/meta.json"))\n' + "\n".join(self.parts)
        )

    def part_at(self, line: int) -> int | None:
        """Return the index of the part that contains a line of the main file."""
        end = 2
        for index, part in enumerate(self.parts):
            end += part.count("\n") + 1
            if 2 < line <= end:
                return index
        return None


def write_typst(document: Document, folder: str = "files") -> TypstSource:
    """Return the document as a Typst project with its files in ``folder``."""
    design = resources.files("nbtypeset").joinpath("templates", "report.typ").read_bytes()
    page = document.title_page
    fields = {**asdict(page), "occasion": page.occasion, "facts": page.facts}
    meta = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()
    files = {"report.typ": design, "meta.json": meta, FLOATS: b"[]", **document.assets}
    leading = [replace(part, blocks=walk(part.blocks, _keep_with_next)) for part in document.parts]
    formulas = Formulas(document)
    shown, refused = typst_formulas(formulas)
    visit = partial(to_typst, formulas=shown)
    refused |= formulas.refused
    parts = write_parts(replace(document, parts=leading), visit, "typst", refused=refused)
    if parts and document.title_page.has_contents:  # the contents follow the key results
        contents = "\n#design.contents()\n"
        first = parts[0] + contents if document.has_results else contents + parts[0]
        parts = [first, *parts[1:]]
    return TypstSource(parts, files, folder)


def _keep_with_next(element: Node) -> list[Node] | None:
    """Put a line that announces what follows, "so that:", into a block of its own."""
    if element["t"] != "Para":
        return None
    blocks: list[Node] = []
    before: list[Node] = []
    for inline in element["c"]:
        if _is_display(inline) and _announces(before):
            blocks.append(own("lead", [para(before)]))
            before = []
        before.append(inline)
    kept = [own("lead", [para(before)])] if _announces(before) else [para(before)]
    return [*blocks, *kept]


def _is_display(inline: Node) -> bool:
    is_formula = inline["t"] == "Math" and inline["c"][0]["t"] == "DisplayMath"
    return is_formula or kind_of(inline) == "equation"


def _announces(inlines: list[Node]) -> bool:
    last = [inline for inline in inlines if inline["t"] not in ("Space", "SoftBreak")][-1:]
    return bool(last) and not _is_display(last[0]) and plain(last).endswith(":")


def _raw(source: str) -> Node:
    return node("RawBlock", ["typst", source])


def _inline(before: str, inner: list[Node], after: str = "];") -> list[Node]:
    return [node("RawInline", ["typst", before]), *inner, node("RawInline", ["typst", after])]


def literal(text: str) -> str:
    """Return a Typst string literal, which understands all of JSON's escapes."""
    return json.dumps(clean(text), ensure_ascii=False)


def escaped(text: str) -> str:
    """Return markup that shows a text and does nothing else."""
    return _MARKUP.sub(r"\\\g<0>", text)


def to_typst(element: Node, formulas: Written) -> list[Node] | None:
    """Turn texts into markup that shows them, and our own nodes into calls of the template."""
    content: Any = element.get("c")
    match element["t"]:
        case "Str":
            return _inline(escaped(breakable(content)), [], "")
        case "Math":
            shown = formulas[content[0]["t"], content[1].strip()]
            return _inline(f"#design.formula({literal(spoken(element))})[{shown}", [])
        case "Span":
            id_ = content[0][0]
            anchor = _inline(f"#design.anchor({literal(id_)}", [], ");") if id_ else []
            return [*anchor, *content[1]]
        case "Link":
            target = content[2][0]
            goto = f"#design.goto({literal(target[1:])})[" if target.startswith("#") else ""
            return _inline(goto or f"#link({literal(target)})[", content[1])
        case "Code":
            return _inline(f"#raw({literal(breakable(content[1]))}", [], ");")
        case "CodeBlock":
            language = f", lang: {literal(content[0][1][0])}" if content[0][1] else ""
            return [_raw(f"#raw({literal(wrapped(content[1]))}, block: true{language});")]
        case kind if kind in _CALLS:
            return _inline(f"#{_CALLS[kind]}[", content)
        case "Quoted":
            sign = "'" if content[0]["t"] == "SingleQuote" else '"'
            return _inline(sign, content[1], sign)
        case "HorizontalRule":
            return [_raw("#design.horizontalrule;")]
        case "Div" if content[0][0]:
            return [_raw(f"#design.anchor({literal(content[0][0])});"), *content[1]]
        case "Div":
            return list(content[1])
    if kind_of(element) not in ("", "caption"):  # a caption is written with its figure
        return _division(element)
    return None


def _division(element: Node) -> list[Node]:
    (id_, _, _), blocks = element["c"]
    attributes, kind = pairs(element), kind_of(element)
    if kind in ("figure", "table"):
        call = f"#design.numbered({literal(kind)}, {literal(id_)}, {literal(attributes['number'])}"
        caption = node("Plain", _inline("], [", blocks[-1]["c"][1][0]["c"], "]);"))
        return [_raw(call + ", ["), *blocks[:-1], caption]
    if kind == "image":
        sides = [side for side in ("width", "height") if side in attributes]
        size = "".join(f", {side}: {_length(attributes[side])}" for side in sides)
        call = f"#design.picture({literal(attributes['name'])}, {literal(attributes['alt'])}{size}"
        return _inline(call, [], ");")
    if kind == "equation":
        tag = literal(attributes["tag"])
        proved = "true" if "verdict" in attributes else "false"
        return _inline(f"#design.tagged({literal(id_)}, {tag}, {proved})[", blocks)
    if kind == "lead":
        return [_raw("#design.lead["), *blocks, _raw("];")]
    if kind in ("results", "references"):
        return [_raw(f"#design.{kind}["), *blocks, _raw("];")]
    if kind == "claim":
        verdict = attributes["verdict"]
        holds = "false" if verdict == "otherwise" else "true"
        label = literal(text) if (text := label_of(attributes)) else "none"
        beside = "".join(f", {side}: true" for side in ("before", "after") if side in attributes)
        return [_raw(f"#design.claim({holds}, {label}{beside})["), *blocks, _raw("];")]
    if kind in ("code", "stream", "error", "result", "html", "picture", "trouble"):
        return [_raw(f"#design.output({literal(kind)})["), *blocks, _raw("];")]
    return blocks


def _length(side: str) -> str:
    """Return a side of a picture for Typst: percent unchanged, pixels as points."""
    return side if side.endswith("%") else f"{float(side.removesuffix('px')) * 0.75:g}pt"
