"""Pandoc's document tree in its JSON form: builds nodes, walks them, reads them as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Node = dict[str, Any]
Visit = Callable[[Node], list[Node] | None]

_OWN = "nb:"  # prefix of the types of our own nodes

# Characters that XML, PDF/UA or Typst refuse in text. Tabs and line ends are kept.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\ufeff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return ``text`` without control characters, direction marks and lone surrogates."""
    return _CONTROL.sub("", text).encode("utf-8", "ignore").decode("utf-8")


def attr(id_: str, **pairs: object) -> list[Any]:
    """Return pandoc's attribute triple, without classes; pairs that are None are left out."""
    return [id_, [], [[key, str(value)] for key, value in pairs.items() if value is not None]]


def node(kind: str, content: Any) -> Node:
    """Return a node of type ``kind``."""
    return {"t": kind, "c": content}


def own(kind: str, content: list[Node], id_: str = "", **pairs: object) -> Node:
    """Return a node of our own: like a Div or Span, but of a type that no text can produce."""
    return node(_OWN + kind, [attr(id_, **pairs), content])


def kind_of(block: Node) -> str:
    """Return ``figure`` for ``own("figure", …)``, and "" for pandoc's nodes."""
    return str(block["t"]).removeprefix(_OWN) if str(block["t"]).startswith(_OWN) else ""


def strip_attributes(tree: Any) -> None:
    """Remove attributes from a tree that was read from a text, so that it cannot imitate our nodes.

    Only ids, the size of pictures and the language of code remain; a class could give text the
    style of a mark.
    """
    waiting = [tree]
    while waiting:
        element = waiting.pop()
        match element:
            case {"t": "Image", "c": [[_, classes, given], *content]}:
                classes.clear()
                given[:] = [pair for pair in given if pair[0] in ("width", "height", "style")]
                waiting += content
            case {"t": "CodeBlock", "c": [[_, classes, given], _]}:
                del classes[1:]
                given.clear()
            case dict():
                waiting += element.values()
            case [str(), [*classes], [*given]] if _are_attributes(classes, given):
                element[1:] = [[], []]
            case list():
                waiting += element


def _are_attributes(classes: list[Any], given: list[Any]) -> bool:
    return all(isinstance(name, str) for name in classes) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in given
    )


def pairs(block: Node) -> dict[str, str]:
    """Return the key-value attributes of a Div, Span or Image."""
    return {key: value for key, value in block["c"][0][2]}


def text(line: str) -> list[Node]:
    """Return plain text as inline nodes."""
    nodes: list[Node] = []
    for word in clean(line).split():
        nodes += [{"t": "Space"}, node("Str", word)]
    return nodes[1:]


def para(inlines: list[Node]) -> Node:
    """Return a paragraph."""
    return node("Para", inlines)


def one_line(blocks: list[Node]) -> list[Node]:
    """Return blocks as the inlines of one paragraph; other blocks than paragraphs as words."""
    lines = [b["c"] if b["t"] in ("Para", "Plain") else text(plain(b)) for b in blocks]
    joined = [inline for line in lines if line for inline in [{"t": "Space"}, *line]]
    return joined[1:]


def notes_in_line(element: Node) -> list[Node] | None:
    """Return a footnote's text in parentheses, for headings and the like; for `walk`."""
    if element["t"] != "Note":
        return None
    return [{"t": "Space"}, node("Str", "("), *one_line(element["c"]), node("Str", ")")]


def code_block(source: str, language: str = "") -> Node:
    """Return a block of verbatim text."""
    return node("CodeBlock", [["", [language] if language else [], []], clean(source)])


def walk(tree: Any, visit: Visit) -> Any:
    """Rebuild ``tree`` from its leaves up.

    ``visit`` is called with each node after its children, and returns the nodes that replace it,
    or None to keep it.
    """
    if isinstance(tree, dict):
        return {key: walk(value, visit) for key, value in tree.items()}
    if not isinstance(tree, list):
        return tree
    rebuilt: list[Any] = []
    for element in tree:
        element = walk(element, visit)
        replacement = visit(element) if isinstance(element, dict) and "t" in element else None
        if replacement is None:
            rebuilt.append(element)
        else:
            rebuilt.extend(replacement)
    return rebuilt


def nodes(tree: Any) -> Iterator[Node]:
    """Yield every node in ``tree``, in reading order."""
    if isinstance(tree, dict):
        if "t" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for element in tree:
            yield from nodes(element)


def plain(tree: Any) -> str:
    """Return the words in ``tree``, with formulas in LaTeX."""
    pieces: list[str] = []
    for element in nodes(tree):
        match element["t"]:
            case "Str":
                pieces.append(element["c"])
            case "Code" | "CodeBlock" | "Math":
                pieces.append(element["c"][1])
            case "Space" | "SoftBreak" | "LineBreak":
                pieces.append(" ")
    return "".join(pieces)
