"""Makes a tree safe and complete for any format: anchors, links, pictures, headings, formulas."""

from __future__ import annotations

import re
from functools import partial
from itertools import count

from nbtypeset.anchors import TASK, TASK_NAME, folded
from nbtypeset.document import Document, Part
from nbtypeset.equations import Equations
from nbtypeset.pictures import picture
from nbtypeset.tables import align_numbers
from nbtypeset.tree import (
    Node,
    clean,
    kind_of,
    node,
    nodes,
    notes_in_line,
    one_line,
    own,
    pairs,
    para,
    plain,
    walk,
)

_TASK = re.compile(TASK_NAME)
_TASK_ID = re.compile(f"task-{TASK}", re.IGNORECASE)
_EQREF = re.compile(r"\\(?:eqref|ref)\{([^{}]*)\}")
# Pandoc takes a bare \| for a relation: it adds space around it, and sets an index below it.
_NORM = re.compile(r"(?<!left)(?<!right)\\\|((?:(?!\\\||\\\\|&).)+?)(?<!right)\\\|")
_FENCE = {r"\left\|": r"\left\lVert ", r"\right\|": r"\right\rVert "}
_WEB = re.compile(r"(?:https?|mailto|ftp|doi|tel):", re.IGNORECASE)


def resolve(document: Document) -> None:
    """Rebuild all parts in place; anything that cannot be kept becomes text, with a warning."""
    headings = _Headings()
    equations = Equations()
    for part in document.parts:
        for note in part.notes:
            document.warn(part.cell_name, note)
        part.blocks = walk(part.blocks, partial(_tidy, part=part, document=document))
        part.blocks = walk(part.blocks, headings.visit)
        part.blocks = walk(part.blocks, partial(equations.visit, part=part))
    _number(document)
    anchors = headings.aliases | _anchors(document)
    for part in document.parts:
        part.blocks = walk(
            part.blocks,
            partial(
                _link, part=part, document=document, anchors=anchors, equations=equations.labels
            ),
        )


def _tidy(element: Node, part: Part, document: Document) -> list[Node] | None:
    match element["t"]:
        case "RawBlock" | "RawInline":
            return []
        case "Cite":
            return list(element["c"][1])
        case "Str":
            return [node("Str", clean(element["c"]))]
        case "Code" | "CodeBlock":
            element["c"][1] = clean(element["c"][1])
        case "Math":
            source = _NORM.sub(r"\\lVert \1\\rVert ", clean(element["c"][1]))
            for bare, fence in _FENCE.items():
                source = source.replace(bare, fence)
            element["c"][1] = source
        case "Table":  # a pipe table's dashes do not say how wide its columns should be
            for column in element["c"][2]:
                column[1] = {"t": "ColWidthDefault"}
            align_numbers(element)
            return _with_caption(element)
        case "Figure":
            return _with_caption(element)
        case "Span" if not element["c"][0][0]:
            return list(element["c"][1])
        case "Emph" | "Strong" | "Strikeout" | "Underline" | "Para" | "Plain" if not element["c"]:
            return []
        case "Image":
            return picture(element, part, document)
    if kind_of(element) == "caption":
        element["c"][1] = [para(walk(one_line(element["c"][1]), notes_in_line))]
    if kind_of(element) == "lost":
        document.warn(part.cell_name, f"<{plain(element)}> cannot be shown")
        return []
    return None


def _with_caption(element: Node) -> list[Node]:
    """Return a table or figure; one that HTML gives a caption is numbered like any other."""
    blocks, element["c"][1] = element["c"][1][1], [None, []]
    body = element["c"][2] if element["t"] == "Figure" else [element]
    if not blocks:
        return list(body)
    caption = own("caption", [para(walk(one_line(blocks), notes_in_line))])
    return [own(element["t"].lower(), [*body, caption])]


class _Headings:
    """Gives headings unique ids and levels without gaps, as accessible documents need."""

    def __init__(self) -> None:
        self.above: list[int] = []  # the written levels of the current heading and those above it
        self.ids: set[str] = set()
        self.aliases: dict[str, str] = {}  # the ids of headings by those that Jupyter gives them

    def visit(self, element: Node) -> list[Node] | None:
        """Rebuild one heading."""
        if element["t"] != "Header":
            return None
        written, (id_, _, _), inlines = element["c"]
        heading = plain(inlines).strip()
        if not heading:
            return [para(inlines)] if inlines else []
        self.above = [*(level for level in self.above if level < written), written]
        task = _TASK.match(heading) if written == 2 else None
        wanted = f"task-{task[1]}" if task else re.sub(r"[^\w.-]", "-", id_) or "section"
        if not task and _TASK_ID.fullmatch(wanted):  # which only a task may have
            wanted = f"section-{wanted}"
        unique, count = wanted, 1
        while unique in self.ids:
            count += 1
            unique = f"{wanted}-{count}"
        self.ids.add(unique)
        for own_id in (id_, heading):
            self.aliases.setdefault(folded(own_id), unique)
        # Anchors go before the heading, because the table of contents repeats what is in it.
        anchors = [node("Div", [n["c"][0], []]) for n in nodes(inlines) if n["t"] == "Span"]
        inlines = walk(inlines, lambda n: n["c"][1] if n["t"] == "Span" else None)
        return [*anchors, node("Header", [len(self.above), [unique, [], []], inlines])]


def _number(document: Document) -> None:
    """Give figures and tables without a number the next one that no other has."""
    for kind in ("figure", "table"):
        blocks = [b for part in document.parts for b in nodes(part.blocks) if kind_of(b) == kind]
        given = [pairs(block).get("number", "") for block in blocks]
        taken = {int(number) for number in given if number.isdecimal()}
        last = 0
        for block, number in zip(blocks, given, strict=True):
            free = (n for n in count(last + 1) if n not in taken)
            last = int(number) if number.isdecimal() else next(free)
            taken.add(last)
            keep = [pair for pair in block["c"][0][2] if pair[0] != "number"]
            block["c"][0][2] = [*keep, ["number", str(last)]]


def _anchors(document: Document) -> dict[str, str]:
    """Return every anchor by its folded name; only one node keeps each id.

    Figures, tables and formulas take precedence over headings, and these over anchors in texts.
    """
    anchors: dict[str, str] = {}
    seen: set[str] = set()
    everything = [element for part in document.parts for element in nodes(part.blocks)]
    for rank in ("", "Header", "Div Span"):
        for element in everything:
            if not (element["t"] in rank.split() if rank else kind_of(element)):
                continue
            attributes = element["c"][1 if element["t"] == "Header" else 0]
            id_ = attributes[0]
            if id_ in seen:
                attributes[0] = ""
            elif id_:
                seen.add(id_)
                anchors.setdefault(folded(id_), id_)
    return anchors


def _link(
    element: Node,
    part: Part,
    document: Document,
    anchors: dict[str, str],
    equations: dict[str, tuple[str, str]],
) -> list[Node] | None:
    if element["t"] == "Str" and (reference := _EQREF.search(element["c"])):
        id_, shown = equations.get(reference[1], ("", ""))
        if not id_:
            document.warn(part.cell_name, f"no formula has the label {reference[1]!r}")
            shown = "(?)"
        before, after = element["c"][: reference.start()], element["c"][reference.end() :]
        middle = node("Link", [["", [], []], [node("Str", shown)], [f"#{id_}", ""]])
        link = middle if id_ else node("Str", shown)
        return [n for n in (node("Str", before), link, node("Str", after)) if n["c"]]
    if element["t"] == "Header":  # Typst finds no title in a heading that contains a link
        element["c"][2] = walk(element["c"][2], lambda n: n["c"][1] if _is_inner_link(n) else None)
    if element["t"] != "Link":
        return None
    _, inlines, (target, _title) = element["c"]
    target = clean(target).strip()
    if _WEB.match(target) and inlines:
        element["c"] = [["", [], []], inlines, [target, ""]]
        return None
    if target.startswith("#") and (anchor := anchors.get(folded(target[1:]))) and inlines:
        element["c"] = [["", [], []], _on_one_line(inlines), [f"#{anchor}", ""]]
        return None
    if inlines:
        document.warn(part.cell_name, f"link {target!r} leads nowhere; only its text is kept")
    return list(inlines)


def _on_one_line(inlines: list[Node]) -> list[Node]:
    """Keep "Figure 3" together: no line break between a word and the number after it."""
    match inlines:
        case [{"t": "Str", "c": word}, {"t": "Space" | "SoftBreak"}, {"t": "Str", "c": number}]:
            if re.fullmatch(TASK, number):
                return [node("Str", f"{word}\u00a0{number}")]
    return inlines


def _is_inner_link(element: Node) -> bool:
    return element["t"] == "Link" and str(element["c"][2][0]).startswith("#")
