"""Has pandoc write a document's parts in one go, and splits them again afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from functools import partial

from nbtypeset import pandoc
from nbtypeset.document import Document, Part
from nbtypeset.markup import unique
from nbtypeset.schema import VERDICTS
from nbtypeset.speak import readable
from nbtypeset.tree import Node, Visit, kind_of, node, own, pairs, walk

_EDGES = {"typst": "//{}", "html": "<!--{}-->", "latex": "%{}"}  # comments, by format


def write_parts(
    document: Document,
    convert: Visit,
    writer: str,
    *options: str,
    refused: Set[str] = frozenset(),
    finish: Visit | None = None,
) -> list[str]:
    """Return each part in the format ``writer``, after ``convert`` has replaced its nodes.

    Then ``finish`` replaces formulas, of which ``convert`` makes names. A formula that pandoc
    cannot read, or that is ``refused``, is shown as LaTeX source, with a warning.
    """
    trees = [json.dumps(blocks) for blocks in _with_neighbours(document.parts)]
    edge = _EDGES[writer].format(unique(trees))
    as_code = set(refused)
    while True:
        blocks: list[Node] = []
        for part, tree in zip(document.parts, map(json.loads, trees), strict=True):
            spell = partial(_spell, cell=part.cell_name, document=document, formulas=as_code)
            blocks += walk(walk(tree, spell) if as_code else tree, convert)
            blocks.append(node("RawBlock", [writer, edge]))
        blocks = walk(blocks, finish) if finish else blocks
        written, unread = pandoc.write_logged(blocks, writer, *options)
        if unread <= as_code:
            return written.split(edge)[:-1]
        as_code |= unread


def _with_neighbours(parts: Sequence[Part]) -> Iterator[list[Node]]:
    """Yield each part's blocks; a claim notes the verdicts of those directly beside it."""
    blocks = [block for part in parts for block in part.blocks]
    verdicts = [pairs(b)["verdict"] if kind_of(b) == "claim" else None for b in blocks]
    neighbours = iter(zip([None, *verdicts], [*verdicts[1:], None], strict=False))

    def noted(block: Node) -> Node:
        before, after = next(neighbours)
        if kind_of(block) != "claim":
            return block
        return own("claim", block["c"][1], "", **pairs(block), before=before, after=after)

    for part in parts:
        yield [noted(block) for block in part.blocks]


def label_of(claim: dict[str, str]) -> str:
    """Return the label before a claim; "" if the claim directly before it has the same."""
    return "" if claim.get("before") == claim["verdict"] else VERDICTS[claim["verdict"]]


def spoken(element: Node) -> str:
    """Return a formula's text alternative, including its verdict, such as "proved by machine"."""
    verdict = VERDICTS.get(element.get("verdict", ""), "")
    return readable(element["c"][1]) + (f"; {verdict.lower()}" if verdict else "")


def formula(element: Node) -> Node:
    """Return a formula as pandoc's own node."""
    return node("Math", element["c"])


def _spell(inline: Node, cell: str, document: Document, formulas: Set[str]) -> list[Node] | None:
    if inline["t"] != "Math" or inline["c"][1].strip() not in formulas:
        return None
    formula = inline["c"][1]
    document.warn(cell, f"formula cannot be read, its source is shown: {formula[:80]}")
    return [node("Code", [["", ["unread"], []], formula])]
