"""Turn nodes that pandoc's Typst writer does not know into calls of the template's functions."""

from __future__ import annotations

import json
import re
from typing import Any

from nbpress.alt import readable
from nbpress.export.document import VERDICTS
from nbpress.export.tree import Node, clean, kind_of, node, pairs, plain

_COLUMNS = 84  # of code, at its size, in a line of the page
_LONG = 30  # letters of a word that may need breaking


def _raw(source: str) -> Node:
    return node("RawBlock", ["typst", source])


def _inline(before: str, inner: list[Node], after: str = "];") -> list[Node]:
    return [node("RawInline", ["typst", before]), *inner, node("RawInline", ["typst", after])]


def literal(words: str) -> str:
    """Return a Typst string literal: JSON's escapes are among Typst's own."""
    return json.dumps(clean(words).replace("\n", " "), ensure_ascii=False)


def to_typst(item: Node) -> list[Node] | None:
    """Turn what pandoc's Typst writer does not know into calls of the template's functions."""
    content: Any = item.get("c")
    match item["t"]:
        case "Math":
            return _inline(f"#formula({literal(readable(content[1]))})[", [item])
        case "Span":
            id_, classes, _ = content[0]
            if "nb-equation" in classes:
                tag = literal(pairs(item)["tag"])
                return _inline(f"#tagged({literal(id_)}, {tag})[", content[1])
            anchor = _inline(f"#anchor({literal(id_)}", [], ");") if id_ else []
            return [*anchor, *content[1]]
        case "Link" if content[2][0].startswith("#"):
            return _inline(f"#goto({literal(content[2][0][1:])})[", content[1])
        case "Image":
            width = dict(content[0][2]).get("width", "")
            points = float(width[:-2]) * 0.75 if width.endswith("px") else None
            size = f", width: {points:g}pt" if points else ""
            call = f"#picture({literal(content[2][0])}, {literal(plain(content[1]))}{size}"
            return _inline(call, [], ");")
        case "Str" if len(content) > _LONG:
            item["c"] = _breakable(content)
        case "Code":
            item["c"][1] = _breakable(content[1])
        case "CodeBlock":
            item["c"][1] = _wrapped(content[1])
        case "Div" if kind_of(item) != "caption":  # a caption is taken by its figure
            return _division(item)
    return None


def _division(item: Node) -> list[Node]:
    (id_, _, _), blocks = item["c"]
    told, kind = pairs(item), kind_of(item)
    if kind in ("figure", "table"):
        call = f"#numbered({literal(kind)}, {literal(id_)}, {literal(told['number'])}"
        words = [inline for block in blocks[-1]["c"][1] for inline in block["c"]]
        caption = node("Plain", _inline("], [", words, "])"))
        return [_raw(call + ", ["), *blocks[:-1], caption]
    if kind == "claim":
        holds = "false" if told["verdict"] == "otherwise" else "true"
        word = literal(VERDICTS[told["verdict"]])
        return [_raw(f"#claim({holds}, {word})["), *blocks, _raw("]")]
    if kind in ("code", "stream", "error", "result", "html", "picture", "trouble"):
        return [_raw(f"#output({literal(kind)})["), *blocks, _raw("]")]
    anchor = [_raw(f"#anchor({literal(id_)})")] if id_ else []
    return [*anchor, *blocks]


def _breakable(word: str) -> str:
    """Return a word that may be broken where it is too long for a line: paths, addresses."""
    pieces = re.findall(rf"[^/._-]{{1,{_LONG}}}[/._-]*|[/._-]+", word)
    return word if len(word) <= _LONG else "\u200b".join(pieces)


def _wrapped(source: str) -> str:
    """Return code whose lines fit the page; a line that goes on starts with an arrow."""
    lines: list[str] = []
    for line in source.expandtabs(4).split("\n"):
        while len(line) > _COLUMNS:
            lines.append(line[:_COLUMNS])
            line = "↪ " + line[_COLUMNS:]
        lines.append(line)
    return "\n".join(lines)
