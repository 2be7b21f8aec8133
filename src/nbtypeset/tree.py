"""Pandoc's document tree, as its JSON has it: build nodes, walk them, read them as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Node = dict[str, Any]
Visit = Callable[[Node], list[Node] | None]

_OWN = "nb:"  # before the type of a block of our own

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


def own(kind: str, content: list[Node], id_: str = "", **pairs: object) -> Node:
    """Return a node of our own: like a Div or Span, but of a type that no text is read as."""
    return node(_OWN + kind, [attr(id_, (), **pairs), content])


def kind_of(block: Node) -> str:
    """Return ``figure`` for ``own("figure", …)``, and an empty text for any node of pandoc's."""
    return str(block["t"]).removeprefix(_OWN) if str(block["t"]).startswith(_OWN) else ""


def strip_attributes(tree: Any) -> None:
    """Take from a tree that was read from a text what could pass for something of ours.

    Of attributes only ids, a picture's width and the language of code remain: no class, which
    the page's style would dress as a mark.
    """
    waiting = [tree]
    while waiting:
        element = waiting.pop()
        match element:
            case {"t": "Image", "c": [[_, classes, given], *content]}:
                classes.clear()
                given[:] = [pair for pair in given if pair[0] == "width"]
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
    """Return plain words as inline nodes."""
    nodes: list[Node] = []
    for word in clean(line).split():
        nodes += [{"t": "Space"}, node("Str", word)]
    return nodes[1:]


def para(inlines: list[Node]) -> Node:
    """Return a paragraph."""
    return node("Para", inlines)


def one_line(blocks: list[Node]) -> list[Node]:
    """Return blocks as the inlines of one paragraph; of what is no paragraph, its words."""
    lines = [b["c"] if b["t"] in ("Para", "Plain") else text(plain(b)) for b in blocks]
    joined = [inline for line in lines if line for inline in [{"t": "Space"}, *line]]
    return joined[1:]


def code_block(source: str, language: str = "") -> Node:
    """Return verbatim text."""
    return node("CodeBlock", [attr("", (language,) if language else ()), clean(source)])


def walk(tree: Any, visit: Visit) -> Any:
    """Rebuild ``tree`` from its leaves up.

    ``visit`` sees each node after its children and returns the nodes to put there instead,
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
    """Yield every node below ``tree``, in the order of reading."""
    if isinstance(tree, dict):
        if "t" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for element in tree:
            yield from nodes(element)


def plain(tree: Any) -> str:
    """Return the words below ``tree``, formulas as they stand in the source."""
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
