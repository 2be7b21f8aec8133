"""The page's table of contents, and the rules that mark the section being read."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from nbtypeset.document import Document
from nbtypeset.speak import readable
from nbtypeset.tree import Node, node, nodes, plain, walk
from nbtypeset.write.sections import DEEPEST


def contents(document: Document) -> str:
    """Return the table of contents: chapters and their sections."""
    chapters: list[tuple[str, list[str]]] = []
    for part in document.parts:
        for element in nodes(part.blocks):
            if element["t"] != "Header" or element["c"][0] > 2:
                continue
            link = f'<a href="#{escape(element["c"][1][0])}">{escape(heading_words(element))}</a>'
            if element["c"][0] == 1 or not chapters:
                chapters.append((link, []))
            else:
                chapters[-1][1].append(f"<li>{link}</li>")
    entries = "".join(
        f"<li>{link}{'<ol>' + ''.join(inner) + '</ol>' if inner else ''}</li>"
        for link, inner in chapters
    )
    return f'<nav aria-label="Contents"><ol>{entries}</ol></nav>'


def current_section_rules(document: Document) -> str:
    """Return the CSS rules that mark the section being read in the table of contents.

    They use view timelines, which run while a section crosses a line in the window: no script.
    """
    ids = [
        element["c"][1][0]
        for part in document.parts
        for element in part.blocks
        if element["t"] == "Header" and element["c"][0] <= DEEPEST
    ]
    names = [f"--section-{number}" for number, _ in enumerate(ids)]
    rules = "".join(
        f"[id={_quoted(f'section:{id_}')}]{{view-timeline-name:{name}}}"
        f"nav a[href={_quoted(f'#{id_}')}]{{animation-timeline:{name}}}\n"
        for id_, name in zip(ids, names, strict=True)
    )
    scope = f"body{{timeline-scope:{','.join(names)}}}\n" if names else ""
    return f"@supports (animation-timeline:--x){{\n{scope}{rules}}}\n"


def _quoted(text: str) -> str:
    """Return a CSS string; characters that could end it, or the style, are written as numbers."""
    spelled = re.sub(r"[^\w #:.-]", lambda sign: f"\\{ord(sign[0]):x} ", text)
    return f'"{spelled}"'


def section_id(heading: str) -> str:
    """Return the id of the section that a heading begins."""
    return escape(f"section:{heading}")


def heading_words(element: Node) -> str:
    """Return a heading's words, with formulas as they are read aloud."""
    return spoken_words(element["c"][2])


def spoken_words(content: Any) -> str:
    """Return the words of blocks or inlines, with formulas as they are read aloud."""

    def say(inline: Node) -> list[Node] | None:
        return [node("Str", readable(inline["c"][1]))] if inline["t"] == "Math" else None

    return plain(walk(content, say)).strip()
