"""Numbers displayed formulas, and gives those of derivations the marks of the press."""

from __future__ import annotations

import re
from itertools import zip_longest

from nbtypeset.document import Part
from nbtypeset.tree import Node, clean, kind_of, nodes, own, pairs

_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_TAG = re.compile(r"\\tag\s*\*?\s*\{([^{}]*)\}")
_MARKS = set("✓✗")


class UnmatchedError(RuntimeError):
    """A derivation does not show the formulas that were judged; the message names the cell."""


class Equations:
    r"""Numbers display formulas that have a ``\label`` or ``\tag``, as LaTeX would."""

    def __init__(self) -> None:
        self.labels: dict[str, tuple[str, str]] = {}
        self.count = 0

    def visit(self, element: Node, part: Part) -> list[Node] | None:
        """Rebuild one formula; a numbered one gets a node of its own."""
        if kind_of(element) == "derivation":
            return _marked(element["c"][1], part)
        if element["t"] != "Math" or element["c"][0]["t"] != "DisplayMath":
            return None
        source = element["c"][1]
        labels, tags = _LABEL.findall(source), _TAG.findall(source)
        element["c"][1] = _TAG.sub("", _LABEL.sub("", source))
        tags = [tag for tag in tags if not set(tag) & _MARKS]  # only the press may set marks
        if not labels and not tags:
            return None
        if not tags:
            self.count += 1
            tags = [str(self.count)]
        shown = ", ".join(f"({clean(tag)})" for tag in tags)
        id_ = f"eq-{labels[0]}" if labels else ""
        for label in labels:
            self.labels[label] = (id_, shown)
        return [own("equation", [element], id_, tag=shown)]


def _marked(blocks: list[Node], part: Part) -> list[Node]:
    """Return a derivation's text with marks, if its numbered formulas are those that were judged.

    What was judged is compared as it was read, because a text can hide a formula from readers, in
    a footnote or a script, and show another one in its place.
    """
    text = [block for block in blocks if kind_of(block) != "judged"]
    judged = [block for block in blocks if kind_of(block) == "judged"]
    notes = [each for each in nodes(text) if each["t"] == "Note"]
    noted = {id(each) for note in notes for each in nodes(note["c"])}
    formulas = [e for e in nodes(text) if kind_of(e) == "equation" and id(e) not in noted]
    shown, expected = map(_latex_in, formulas), map(_latex_in, judged)
    for one, other in zip_longest(shown, expected):
        if one != other:
            raise UnmatchedError(
                f"{part.cell_name}: the derivation must show the formulas that were judged, and "
                f"number no others: expected {_quoted(other)} next, got {_quoted(one)}. They must "
                "stand in its text, not in HTML, a footnote or the description of a picture"
            )
    for formula, block in zip(formulas, judged, strict=True):
        if verdict := pairs(block)["verdict"]:
            formula["c"][0][2].append(["verdict", verdict])
            formula["c"][1][0]["verdict"] = verdict
    return text


def _latex_in(block: Node) -> list[str]:
    """Return the LaTeX of the formulas in a block."""
    return [each["c"][1].strip() for each in nodes([block]) if each["t"] == "Math"]


def _quoted(latex: list[str] | None) -> str:
    return f"${'$, $'.join(latex)}$" if latex else "none"
