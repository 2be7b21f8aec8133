"""Have pandoc write a document's parts in one go, and tell them apart again afterwards."""

from __future__ import annotations

import hashlib
import json
from functools import partial

from nbtypeset import pandoc
from nbtypeset.document import Document
from nbtypeset.tree import Node, Visit, node, walk


def render(document: Document, convert: Visit, writer: str, *options: str) -> list[str]:
    """Return each part in the format ``writer``, its nodes first replaced by ``convert``.

    A formula that pandoc cannot read becomes its LaTeX source, and a warning.
    """
    texts = [json.dumps(part.blocks) for part in document.parts]
    # No text can hold its own hash, so this edge is found in no part.
    edge = hashlib.sha256("".join(texts).encode()).hexdigest()
    mark = node("RawBlock", [writer, f"//{edge}" if writer == "typst" else f"<!--{edge}-->"])
    unread: set[str] = set()
    for _ in range(2):
        blocks: list[Node] = []
        for part, text in zip(document.parts, texts, strict=True):
            tree = json.loads(text)
            if unread:
                tree = walk(tree, partial(_spell, cell=part.cell, document=document, unread=unread))
            blocks += [*walk(tree, convert), mark]
        written, unread = pandoc.write_logged(blocks, writer, *options)
        if not unread:
            break
    return written.split(mark["c"][1])[:-1]


def _spell(item: Node, cell: str, document: Document, unread: set[str]) -> list[Node] | None:
    if item["t"] != "Math" or item["c"][1].strip() not in unread:
        return None
    document.warn(cell, f"formula cannot be read, its source is shown: {item['c'][1][:80]}")
    return [node("Code", [["", ["unread"], []], item["c"][1]])]
