"""HTML in notebooks: cleans it, and says what of it no document can show."""

from __future__ import annotations

import hashlib
from typing import Any

from nbtypeset.tree import Node, node, nodes, own, walk

_IGNORED = "script, style, template"
_LOST = "iframe, object, embed, svg, canvas, video, audio, progress, meter"
_BOXES = ("☐", "☒")  # of a task list, which pandoc writes as controls


def tidy(html: str, mark: str = "") -> str:
    """Return HTML as a browser parses it, without scripts, styles, frames, drawings and films.

    With `mark`, a name that is not in the HTML, what a reader would miss leaves a mark.
    """
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    for element in body.css(_IGNORED):
        element.decompose()
    for box in body.css('input[type="checkbox"]'):
        box.insert_before(f"{_BOXES['checked' in box.attributes]} ")
        box.decompose()
    within = {each.mem_id for each in body.css(f":is({_LOST}) :is({_LOST})")}
    for missed in [each for each in body.css(_LOST) if each.mem_id not in within]:
        spot = LexborHTMLParser(f'<span id="{mark}-lost-{missed.tag}"></span>').body
        if mark and spot is not None and spot.first_child is not None:
            missed.insert_before(spot.first_child)
        missed.decompose()
    return body.inner_html or ""


def shows(html: str) -> bool:
    """Return whether HTML shows anything once its scripts are removed."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(tidy(html)).body
    return body is not None and bool(body.text(strip=True) or body.css_first("img"))


def hides(html: str) -> bool:
    """Return whether HTML has what only a browser can show: a script, a frame or a film."""
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser(html).css_first(f"script, {_LOST}") is not None


def lost(element: Node, mark: str) -> list[Node] | None:
    """Turn a mark that `tidy` left into a node that names the element, such as "iframe"."""
    if element["t"] != "Span" or not element["c"][0][0].startswith(f"{mark}-lost-"):
        return None
    return [own("lost", [node("Str", element["c"][0][0].rpartition("-")[2])])]


def has_html(tree: Any) -> bool:
    """Return whether there is HTML in a tree that was read from Markdown."""
    return any(n["t"] in ("RawBlock", "RawInline") for n in nodes(tree))


def unique(texts: list[str]) -> str:
    """Return a name that occurs in none of the texts: no text can contain its own hash."""
    return "x" + hashlib.sha256("".join(texts).encode()).hexdigest()


class Kept:
    """Nodes for which HTML has no form that can be read again; marks take their positions."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.nodes: list[Node] = []

    def take(self, element: Node) -> list[Node] | None:
        """Replace such a node by a mark."""
        is_box = element["t"] == "Str" and element["c"] in _BOXES
        if element["t"] not in ("Note", "Cite") and not is_box:
            return None
        self.nodes.append(element)
        return [node("Span", [[f"{self.mark}-{len(self.nodes) - 1}", [], []], []])]

    def give_back(self, element: Node) -> list[Node] | None:
        """Replace a mark by the node in whose position it stands."""
        if element["t"] != "Span" or not element["c"][0][0].startswith(f"{self.mark}-"):
            return None
        number = element["c"][0][0].rpartition("-")[2]
        given: list[Node] = walk([self.nodes[int(number)]], self.give_back)
        return given


def separate(blocks: list[Node], in_own_paragraphs: bool = True) -> None:
    """Make paragraphs of texts that stand beside others: without this, they would run together."""
    alone = not in_own_paragraphs and len(_texts(blocks)) < 2
    for block in blocks:
        if block["t"] == "Plain" and not alone:
            block["t"] = "Para"
        elif block["t"] in ("Div", "BlockQuote"):
            separate(block["c"][1] if block["t"] == "Div" else block["c"], not alone)
        else:
            for inner in _lists_of_blocks(block.get("c")):
                separate(inner, in_own_paragraphs=False)


def _texts(blocks: list[Node]) -> list[Node]:
    inner = [_texts(block["c"][1]) if block["t"] == "Div" else [block] for block in blocks]
    return [block for each in inner for block in each if block["t"] in ("Plain", "Para")]


def _lists_of_blocks(content: Any) -> list[list[Node]]:
    """Return the outermost lists of blocks in a list or a table."""
    if not isinstance(content, list):
        return []
    if content and all(isinstance(each, dict) and "t" in each for each in content):
        return [content]
    return [blocks for each in content for blocks in _lists_of_blocks(each)]
