"""Citations, `[@key]`, and the list of references, by pandoc's citeproc."""

from __future__ import annotations

import json

from nbtypeset import pandoc
from nbtypeset.document import Document, Part
from nbtypeset.tree import Node, node, nodes, own, para, strip_attributes, text

_HEADING = "References"


def cite(document: Document, bibliography: str) -> None:
    """Set a document's citations, and list its whole bibliography (BibTeX) at the end.

    A key that is not in the bibliography is shown as typed, with a warning.
    """
    meta = json.loads(pandoc.run(bibliography, "bibtex", "json"))["meta"]
    known = {entry["c"]["id"]["c"] for entry in meta["references"]["c"]}
    citations: list[Node] = []
    for part in document.parts:
        for element in nodes(part.blocks):
            if element["t"] == "Cite":
                keys = [citation["citationId"] for citation in element["c"][0]]
                for key in keys:
                    if key not in known:
                        document.warn(part.cell_name, f"the bibliography has no entry {key!r}")
                if known.issuperset(keys):
                    citations.append(element)
    blocks = [para([element]) for element in citations]
    *cited, entries = pandoc.citeproc(blocks, meta)
    for element, paragraph in zip(citations, cited, strict=True):
        element["c"][1] = paragraph["c"][0]["c"][1]
    listed = [node("Div", [[entry["c"][0][0], [], []], entry["c"][1]]) for entry in entries["c"][1]]
    strip_attributes(listed)
    heading = node("Header", [1, [_HEADING.lower(), [], []], text(_HEADING)])
    document.parts.append(Part("references", bibliography, [heading, own("references", listed)]))
