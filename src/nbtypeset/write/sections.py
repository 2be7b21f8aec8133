"""Divides a page into sections, one for each chapter and task, with one fold for its code."""

from __future__ import annotations

from dataclasses import replace

from nbtypeset.document import Document
from nbtypeset.tree import Node, kind_of, own

DEEPEST = 2  # the deepest level of headings that begin a section: chapters and tasks


def in_sections(document: Document, fold_code: bool) -> Document:
    """Return the document with nodes where sections begin and where the last one ends.

    With ``fold_code`` all code of a section is collected in one node at the section's end.
    """
    parts = [replace(part, blocks=[]) for part in document.parts]
    code: list[Node] = []
    heading: Node | None = None

    def end() -> list[Node]:
        id_ = heading["c"][1][0] if heading else ""
        ending = [own("codes", [*code], heading=id_)] if code else []
        code.clear()
        return [*ending, own("section-end", [])] if heading else ending

    for part, former in zip(parts, document.parts, strict=True):
        for block in former.blocks:
            if block["t"] == "Header" and block["c"][0] <= DEEPEST:
                part.blocks += [*end(), own("section", [], heading=block["c"][1][0]), block]
                heading = block
            elif fold_code and kind_of(block) == "code":
                code.append(block)
            else:
                part.blocks.append(block)
    if parts:
        parts[-1].blocks += end()
    return replace(document, parts=parts)
