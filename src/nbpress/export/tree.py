"""Pandoc's document tree, as its JSON has it: build nodes, walk them, read them as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Node = dict[str, Any]
Visit = Callable[[Node], list[Node] | None]

# Everything XML, PDF/UA and Typst agree to refuse in text. Tabs and line ends stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\ufeff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return ``text`` without control characters, marks of direction and lone surrogates."""
    return _CONTROL.sub("", text).encode("utf-8", "ignore").decode("utf-8")


def attr(id_: str = "", classes: tuple[str, ...] = (), **pairs: object) -> list[Any]:
    """Return pandoc's attribute triple; pairs that are None are left out."""
    return [id_, list(classes), [[k, str(v)] for k, v in pairs.items() if v is not None]]


def node(kind: str, content: Any) -> Node:
    """Return the node of type ``kind``."""
    return {"t": kind, "c": content}


def div(kind: str, blocks: list[Node], id_: str = "", **pairs: object) -> Node:
    """Return a block of our own: a Div whose class ``nb-<kind>`` says what it is."""
    return node("Div", [attr(id_, (f"nb-{kind}",), **pairs), blocks])


def kind_of(block: Node) -> str:
    """Return ``figure`` for a Div of class ``nb-figure``, and an empty text for any other node."""
    if block["t"] != "Div":
        return ""
    return next((c.removeprefix("nb-") for c in block["c"][0][1] if c.startswith("nb-")), "")


def pairs(block: Node) -> dict[str, str]:
    """Return the key-value attributes of a Div, Span or Image."""
    return {key: value for key, value in block["c"][0][2]}


def text(words: str) -> list[Node]:
    """Return plain words as inline nodes."""
    nodes: list[Node] = []
    for word in clean(words).split():
        nodes += [{"t": "Space"}, node("Str", word)]
    return nodes[1:]


def para(inlines: list[Node]) -> Node:
    """Return a paragraph."""
    return node("Para", inlines)


def code_block(source: str, language: str = "", kind: str = "") -> Node:
    """Return verbatim text."""
    classes = tuple(c for c in (language, kind) if c)
    return node("CodeBlock", [attr("", classes), clean(source)])


def walk(tree: Any, visit: Visit) -> Any:
    """Rebuild ``tree`` from its leaves up.

    ``visit`` sees each node after its children and returns the nodes to put in its place,
    or None to keep it.
    """
    if isinstance(tree, dict):
        return {key: walk(value, visit) for key, value in tree.items()}
    if not isinstance(tree, list):
        return tree
    rebuilt: list[Any] = []
    for item in tree:
        item = walk(item, visit)
        found = visit(item) if isinstance(item, dict) and "t" in item else None
        if found is None:
            rebuilt.append(item)
        else:
            rebuilt.extend(found)
    return rebuilt


def nodes(tree: Any) -> Iterator[Node]:
    """Yield every node below ``tree``, in the order of reading."""
    if isinstance(tree, dict):
        if "t" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for item in tree:
            yield from nodes(item)


def plain(tree: Any) -> str:
    """Return the words below ``tree``, formulas as they stand in the source."""
    words: list[str] = []
    for item in nodes(tree):
        match item["t"]:
            case "Str":
                words.append(item["c"])
            case "Code" | "CodeBlock" | "Math":
                words.append(item["c"][1])
            case "Space" | "SoftBreak" | "LineBreak":
                words.append(" ")
    return "".join(words)
