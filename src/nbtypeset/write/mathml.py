"""Reads the formulas of a document as MathML, by pandoc, and amends what it gets or gives.

HTML shows this MathML, and Typst's source is written from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from nbtypeset import pandoc
from nbtypeset.document import Document
from nbtypeset.markup import unique
from nbtypeset.tree import Node, node, nodes, para
from nbtypeset.write.mathml_elements import alignments, text_of
from nbtypeset.write.readable_latex import COLOR, COLORS, RULES, readable_latex

_MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
_LINES = {"¯": "overlined", "_": "underlined"}
_SPACING = {"\u20d6": "←", "\u20e1": "↔", "\u20ef": "→", "\u0330": "~", "\u20db": "⋯"}
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
# Relations, which do not grow, where TeX means delimiters.
_STRETCHED = {"∣": "|", "∥": "‖", "<": "⟨", ">": "⟩"}


_BELOW = ("\u20ef", "\u0330")  # which pandoc puts above


@dataclass(frozen=True)
class Formula:
    """A formula as MathML."""

    display: bool
    latex: str
    math: Element

    @property
    def content(self) -> Element:
        """What the formula shows, without its LaTeX source."""
        return self.math[0][0]

    def html(self) -> str:
        """Return the formula for a page."""
        math = deepcopy(self.math)
        for element in math.iter():
            _make_browsable(element)
        written = ElementTree.tostring(math, "unicode", short_empty_elements=False)
        written = written.replace("<math", f'<math xmlns="{_NAMESPACE}"', 1)
        return written.replace("\u2061", "&#8289;")


def _make_browsable(element: Element) -> None:
    """Replace what browsers do not know, or do not stretch, by what the style sheet draws."""
    if element.tag == "menclose":
        element.tag = "mrow"
        element.set("class", element.attrib.pop("notation"))
    if element.tag in ("mover", "munder") and element[1].get("accent") == "true":
        mark = element[1].text or ""
        if mark in _LINES:
            element.tag = "mrow"
            element.set("class", _LINES[mark])
            element.remove(element[1])
        elif mark in _SPACING:
            element[1].text = _SPACING[mark]
            del element[1].attrib["accent"]


class Formulas:
    """The formulas of a document; those that pandoc cannot read are ``refused``."""

    def __init__(self, document: Document) -> None:
        self._read: dict[tuple[str, str], Formula] = {}
        self.refused: set[str] = set()
        shown = {
            (element["c"][0]["t"], element["c"][1].strip()): None
            for part in document.parts
            for element in nodes(part.blocks)
            if element["t"] == "Math"
        }
        for (kind, latex), math in zip(shown, read_mathml(shown), strict=True):
            if math is None:
                self.refused.add(latex)
            else:
                self._read[kind, latex] = Formula(kind == "DisplayMath", latex, math)

    def __iter__(self) -> Iterator[Formula]:
        return iter(self._read.values())

    def of(self, element: Node) -> Formula:
        """Return the formula of a node of type ``Math`` that is not refused."""
        kind, latex = element["c"]
        return self._read[kind["t"], latex.strip()]

    def show(self, element: Node) -> list[Node] | None:
        """Replace a node of type ``Math`` by what a page shows."""
        if element["t"] != "Math":
            return None
        return [node("RawInline", ["html", self.of(element).html()])]


def read_mathml(formulas: Iterable[tuple[str, str]]) -> list[Element | None]:
    """Return formulas as MathML, given as kind and LaTeX; None for one that pandoc cannot read."""
    formulas = list(formulas)
    sources = [readable_latex(latex) for _, latex in formulas]
    edge = f"<!--{unique(sources)}-->"
    blocks = []
    for (kind, _), source in zip(formulas, sources, strict=True):
        blocks += [para([node("Math", [{"t": kind}, source])]), node("RawBlock", ["html", edge])]
    written, _ = pandoc.write_logged(blocks, "html", "--mathml")
    pages = written.split(edge)[:-1]
    return [_amended(page, latex) for page, (_, latex) in zip(pages, formulas, strict=True)]


def _amended(page: str, latex: str) -> Element | None:
    written = _MATH.search(page)
    if not written:
        return None
    math = ElementTree.fromstring(written[0].replace(f' xmlns="{_NAMESPACE}"', ""))
    for element in math.iter():
        if element.tag == "annotation":
            element.text = latex
        if element.get("stretchy") == "true":
            element.text = _STRETCHED.get(element.text or "", element.text)
        if element.tag == "mover" and element[1].text in _BELOW:
            element.tag = "munder"
        if element.text == ":=":
            element.text = "≔"
        if element.tag == "mtable":
            _rule(element)
            _align(element, latex)
    for element in list(math.iter()):
        _color(element)
    return math


def _rule(table: Element) -> None:
    """Give cells classes for the rules of an array, which pandoc does not know."""
    mark = next(iter(table[0][0]), None) if len(table) and len(table[0]) else None
    if mark is None or not re.fullmatch(rf"{RULES}[\d,]*;[\d,]*", text_of(mark)):
        return
    table[0][0].remove(mark)
    across, down = (
        {int(at) for at in each.split(",") if at}
        for each in text_of(mark).removeprefix(RULES).split(";")
    )
    for y, row in enumerate(table):
        for x, cell in enumerate(row):
            sides = {"above": y in across, "before": x in down}
            sides["below"] = y + 1 == len(table) and y + 1 in across
            sides["after"] = x + 1 == len(row) and x + 1 in down
            if any(sides.values()):
                cell.set("class", " ".join(f"ruled-{side}" for side in sides if sides[side]))


def _align(table: Element, latex: str) -> None:
    """Give a table the class ``aligned`` if its columns meet at relations, as in ``align``.

    In ``alignat`` there is no space between the pairs of columns, either: it is ``close``.
    """
    columns = alignments(table)
    if (
        re.search("align|split", latex)
        and columns == (["right", "left"] * len(columns))[: len(columns)]
    ):
        is_close = re.search("align(?:ed)?at", latex)
        table.set("class", "aligned close" if is_close else "aligned")
    for cell in (cell for row in table for cell in row):
        cell.attrib.pop("style", None)
        side = cell.get("columnalign", "center")
        cell.set("class", f"{side} {cell.get('class', '')}".strip())


def _color(row: Element) -> None:
    """Put what follows a mark for a colour into an element that has it."""
    for index, mark in reversed(list(enumerate(row))):
        color = COLORS.get(text_of(mark).removeprefix(COLOR))
        if mark.tag == "mtext" and text_of(mark).startswith(COLOR) and color:
            is_fenced = row[-1].get("form") == "postfix" and row[-1].get("stretchy") == "true"
            end = len(row) - is_fenced  # a colour ends before the delimiter
            style = Element("mstyle", {"mathcolor": color})
            style.extend(list(row)[index + 1 : end])
            row[index:end] = [style]
