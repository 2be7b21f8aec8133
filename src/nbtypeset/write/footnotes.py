"""Puts footnotes where a format can show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from nbtypeset.document import Document
from nbtypeset.tree import Node, kind_of, node, pairs, para, plain, text, walk


def with_footnotes(document: Document) -> Document:
    """Return a document whose footnotes are numbered references, and lists that they lead to.

    Pandoc would put all of them below the last part.
    """
    numbers = count(1)
    parts = []
    for part in document.parts:
        notes: dict[int, list[Node]] = {}

        def refer(element: Node, notes: dict[int, list[Node]] = notes) -> list[Node] | None:
            if element["t"] != "Note":
                return None
            number = next(numbers)
            notes[number] = element["c"]
            link = (
                f'<sup><a id="footnote-of:{number}" href="#footnote:{number}" '
                f'role="doc-noteref" aria-label="Footnote {number}">{number}</a></sup>'
            )
            return [node("RawInline", ["html", link])]

        blocks = walk(part.blocks, refer)
        parts.append(replace(part, blocks=[*blocks, *_listed(notes)]))
    return replace(document, parts=parts)


def fit_for_tex(element: Node) -> list[Node] | None:
    """Return a footnote or table without the blocks for which TeX has no room there; for `walk`.

    In both, a table becomes its words and a caption a paragraph; in a footnote, each line of code
    becomes a line of text.
    """
    if element["t"] == "Note":
        return [node("Note", walk(walk(element["c"], _as_lines), _as_words))]
    if element["t"] == "Table":
        element["c"] = walk(element["c"], _as_words)
    return None


def _as_lines(block: Node) -> list[Node] | None:
    if block["t"] != "CodeBlock":
        return None
    lines = [node("Code", [["", [], []], line]) for line in block["c"][1].split("\n")]
    return [para([part for line in lines for part in (line, {"t": "LineBreak"})][:-1])]


def _as_words(block: Node) -> list[Node] | None:
    kind = kind_of(block)
    if kind in ("figure", "table"):
        *body, caption = block["c"][1]
        label = text(f"{kind.title()} {pairs(block)['number']}:")
        return [*body, para([*label, {"t": "Space"}, *caption["c"][1][0]["c"]])]
    return [para(text(plain(block)))] if block["t"] == "Table" else None


def _listed(notes: dict[int, list[Node]]) -> Iterator[Node]:
    if not notes:
        return
    yield _raw(f'<ol class="footnotes" aria-label="Footnotes" start="{min(notes)}">')
    for number, blocks in notes.items():
        yield _raw(f'<li id="footnote:{number}">')
        yield from blocks
        back = f'<a href="#footnote-of:{number}" aria-label="Back to the text">↩</a></li>'
        yield _raw(back)
    yield _raw("</ol>")


def _raw(html: str) -> Node:
    return node("RawBlock", ["html", html])
