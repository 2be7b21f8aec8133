"""Make a tree safe and whole for any output: anchors, links, pictures, headings, formulas."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import unquote

from nbtypeset.document import Document, Part
from nbtypeset.pictures import picture
from nbtypeset.schema import Imprint
from nbtypeset.tree import (
    Node,
    clean,
    kind_of,
    node,
    nodes,
    one_line,
    own,
    pairs,
    para,
    plain,
    walk,
)

_TASK = re.compile(r"Task (\d+[a-z]?|[A-Z])\b")
_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_TAG = re.compile(r"\\tag\s*\*?\s*\{([^{}]*)\}")
_EQREF = re.compile(r"\\(?:eqref|ref)\{([^{}]*)\}")
# Pandoc takes a bare \| for a relation sign: with space around it, and an index set below it.
_NORM = re.compile(r"(?<!left)(?<!right)\\\|((?:(?!\\\||\\\\|&).)+?)(?<!right)\\\|")
_FENCE = {r"\left\|": r"\left\lVert ", r"\right\|": r"\right\rVert "}
_WEB = re.compile(r"(?:https?|mailto|ftp|doi|tel):", re.IGNORECASE)


def resolve(document: Document) -> None:
    """Rebuild all parts in place; what cannot be kept becomes text and a warning."""
    headings = _Headings()
    equations = _Equations()
    for part in document.parts:
        part.blocks = walk(part.blocks, partial(_tidy, part=part, document=document))
        part.blocks = walk(part.blocks, headings.visit)
        part.blocks = walk(part.blocks, equations.visit)
    _number(document)
    anchors = _anchors(document)
    for part in document.parts:
        part.blocks = walk(
            part.blocks,
            partial(
                _link, part=part, document=document, anchors=anchors, equations=equations.labels
            ),
        )


def _tidy(item: Node, part: Part, document: Document) -> list[Node] | None:
    match item["t"]:
        case "RawBlock" | "RawInline" | "Note":
            return []
        case "Str":
            return [node("Str", clean(item["c"]))]
        case "Code" | "CodeBlock":
            item["c"][1] = clean(item["c"][1])
        case "Math":
            source = _NORM.sub(r"\\lVert \1\\rVert ", clean(item["c"][1]))
            for bare, fence in _FENCE.items():
                source = source.replace(bare, fence)
            item["c"][1] = source
        case "Table":  # a pipe table's dashes say nothing of how wide its columns should be
            for column in item["c"][2]:
                column[1] = {"t": "ColWidthDefault"}
        case "Span" if not item["c"][0][0]:
            return list(item["c"][1])
        case "Emph" | "Strong" | "Strikeout" | "Underline" | "Para" | "Plain" if not item["c"]:
            return []
        case "Image":
            return picture(item, part, document)
    if kind_of(item) == "caption":
        item["c"][1] = [para(one_line(item["c"][1]))]
    return None


class _Headings:
    """Gives headings unique ids and levels without gaps, as accessible documents need."""

    def __init__(self) -> None:
        self.above: list[int] = []  # the written levels of the headings that this one is below
        self.ids: set[str] = set()

    def visit(self, item: Node) -> list[Node] | None:
        """Rebuild one heading."""
        if item["t"] != "Header":
            return None
        written, (id_, _, _), inlines = item["c"]
        words = plain(inlines).strip()
        if not words:
            return [para(inlines)] if inlines else []
        self.above = [*(level for level in self.above if level < written), written]
        task = _TASK.match(words)
        wanted = f"task-{task[1]}" if task else re.sub(r"[^\w.-]", "-", id_) or "section"
        found, count = wanted, 1
        while found in self.ids:
            count += 1
            found = f"{wanted}-{count}"
        self.ids.add(found)
        # Anchors go before the heading, whose words the table of contents repeats.
        anchors = [node("Div", [n["c"][0], []]) for n in nodes(inlines) if n["t"] == "Span"]
        inlines = walk(inlines, lambda n: n["c"][1] if n["t"] == "Span" else None)
        return [*anchors, node("Header", [len(self.above), [found, [], []], inlines])]


class _Equations:
    r"""Numbers display formulas that have a ``\label`` or ``\tag``, as LaTeX would."""

    def __init__(self) -> None:
        self.labels: dict[str, tuple[str, str]] = {}
        self.count = 0

    def visit(self, item: Node) -> list[Node] | None:
        """Rebuild one formula; a numbered one stands in a node of its own."""
        if item["t"] != "Math" or item["c"][0]["t"] != "DisplayMath":
            return None
        source = item["c"][1]
        labels, tags = _LABEL.findall(source), _TAG.findall(source)
        if not labels and not tags:
            return None
        if not tags:
            self.count += 1
            tags = [str(self.count)]
        shown = ", ".join(f"({clean(tag)})" for tag in tags)
        id_ = f"eq-{labels[0]}" if labels else ""
        for label in labels:
            self.labels[label] = (id_, shown)
        item["c"][1] = _TAG.sub("", _LABEL.sub("", source))
        return [own("equation", [item], id_, tag=shown)]


def _number(document: Document) -> None:
    """Give figures and tables that came without a number the next one."""
    last = {"figure": 0, "table": 0}
    for part in document.parts:
        for block in nodes(part.blocks):
            kind = kind_of(block)
            if kind in last:
                given = pairs(block).get("number", "")
                last[kind] = int(given) if given.isdecimal() else last[kind] + 1
                keep = [pair for pair in block["c"][0][2] if pair[0] != "number"]
                block["c"][0][2] = [*keep, ["number", str(last[kind])]]


def _anchors(document: Document) -> dict[str, str]:
    """Return every anchor by its folded name; each id stays with one node.

    Figures, tables and formulas come before headings, and those before what a text calls so.
    """
    anchors: dict[str, str] = {}
    seen: set[str] = set()
    everything = [item for part in document.parts for item in nodes(part.blocks)]
    for rank in ("", "Header", "Div Span"):
        for item in everything:
            if not (item["t"] in rank.split() if rank else kind_of(item)):
                continue
            attributes = item["c"][1 if item["t"] == "Header" else 0]
            id_ = attributes[0]
            if id_ in seen:
                attributes[0] = ""
            elif id_:
                seen.add(id_)
                anchors.setdefault(_folded(id_), id_)
    return anchors


def _folded(anchor: str) -> str:
    """Return an anchor as both Jupyter's ``#My-Heading`` and pandoc's ``#my-heading`` have it."""
    return re.sub(r"[^\w.-]", "", unquote(anchor).lower().replace(" ", "-"))


def _link(
    item: Node,
    part: Part,
    document: Document,
    anchors: dict[str, str],
    equations: dict[str, tuple[str, str]],
) -> list[Node] | None:
    if item["t"] == "Str" and (found := _EQREF.search(item["c"])):
        id_, shown = equations.get(found[1], ("", ""))
        if not id_:
            document.warn(part.cell, f"no formula is labelled {found[1]!r}")
            shown = "(?)"
        before, after = item["c"][: found.start()], item["c"][found.end() :]
        middle = node("Link", [["", [], []], [node("Str", shown)], [f"#{id_}", ""]])
        link = middle if id_ else node("Str", shown)
        return [n for n in (node("Str", before), link, node("Str", after)) if n["c"]]
    if item["t"] == "Header":  # Typst finds no title in a heading that leads elsewhere
        item["c"][2] = walk(item["c"][2], lambda n: n["c"][1] if _is_inner_link(n) else None)
    if item["t"] != "Link":
        return None
    _, words, (target, _title) = item["c"]
    target = clean(target).strip()
    if _WEB.match(target) and words:
        item["c"] = [["", [], []], words, [target, ""]]
        return None
    if target.startswith("#") and (anchor := anchors.get(_folded(target[1:]))) and words:
        item["c"] = [["", [], []], words, [f"#{anchor}", ""]]
        return None
    if words:
        document.warn(part.cell, f"link {target!r} leads nowhere; its text stays")
    return list(words)


def _is_inner_link(item: Node) -> bool:
    return item["t"] == "Link" and str(item["c"][2][0]).startswith("#")


def take_title(nb: Any, document: Document) -> str:
    """Return the title of a notebook that is no report: its metadata's, or its first heading.

    That heading, where it is the first thing to be seen, is taken out of the document.
    """
    given = str(nb.metadata.get("title", ""))
    if given.strip():
        return given
    first = document.parts[0].blocks if document.parts else []
    if not first or first[0]["t"] != "Header" or any(n["t"] == "Image" for n in nodes(first[0])):
        return ""
    return plain(first.pop(0)["c"][2]).strip()


def describe(nb: Any, imprint: Imprint, title: str, document: Document) -> dict[str, Any]:
    """Return what a title page says."""
    language = imprint.language.split("-")[0].lower()
    headings = sum(n["t"] == "Header" for part in document.parts for n in part.blocks)
    return {
        "title": clean(title),
        "subtitle": imprint.subtitle,
        "authors": [
            clean(name) for name in imprint.authors or [a.name for a in nb.metadata.authors]
        ],
        "date": imprint.date,
        "day": imprint.date,
        "language": language if re.fullmatch(r"[a-z]{2,3}", language) else "en",
        "dataset": imprint.dataset,
        "notice": imprint.notice,
        "toc": bool(imprint.title) or headings > 3,
        "values": dict(imprint.values),
    }
