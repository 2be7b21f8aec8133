"""Writes a document as one self-contained HTML file: no network and no script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib import resources
from string import Template
from typing import Any

from nbtypeset.document import Document, TitlePage
from nbtypeset.schema import VERDICTS
from nbtypeset.tree import Node, kind_of, node, pairs
from nbtypeset.write.contents import (
    contents,
    current_section_rules,
    heading_words,
    section_id,
    spoken_words,
)
from nbtypeset.write.dark import for_both_schemes
from nbtypeset.write.fonts import font_faces
from nbtypeset.write.footnotes import with_footnotes
from nbtypeset.write.mathml import Formulas
from nbtypeset.write.parts import formula, label_of, spoken, write_parts
from nbtypeset.write.sections import in_sections

_MIMES = {"svg": "svg+xml", "jpg": "jpeg"}
_NARROW_SCREEN = "32rem"  # on which figures have their narrow form
_TAG = re.compile(r"<[a-z][^<>]*>")
# MathML Core takes an accent's size from its mover, and its position from a spacing character.
_ACCENT = re.compile(r'<mover>(<mi[^<]*</mi>)<mo accent="true">([^<])</mo></mover>')
_SPACING = {"\u0302": "\u02c6", "\u0303": "\u02dc", "\u0304": "¯", "\u0307": "˙", "\u20d7": "→"}
# A named operator, which TeX sets apart from what it applies to, unless that is in parentheses.
_NAMED = re.compile(
    r'<mi mathvariant="normal">([a-z]{2,})</mi>(?:<mo>&#8289;</mo>)?'
    r'(?=(?:</mrow>)?(<mo[^>]*form="prefix")?)'
)
# A line must not begin with what follows a formula; a word joiner alone does not always prevent it.
_FOLLOWED = re.compile(r"<math\b(?:(?!</math>).)*</math>[,.;:!?)]+", re.DOTALL)
_UNBROKEN = r'<span class="unbroken">\g<0></span>'
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_SIGN = re.compile(r"\\[A-Za-z]+|[^\s{}^_&\\]")  # LaTeX for about one letter in print
_FEW_SIGNS = 14  # so many signs fit any screen
_STYLE = re.compile(r' style="(?:text-align: (left|right|center);?)?[^"]*"')


def write_html(document: Document, open_code: bool) -> str:
    """Return the page; code is folded unless ``open_code``.

    Pictures are ``img`` elements with a text alternative: as images they run no scripts, share no
    ids or styles with the page, and need no exception in its security policy.
    """
    folder = resources.files("nbtypeset").joinpath("templates")
    style = folder.joinpath("report.css").read_text(encoding="utf-8")
    if document.title_page.has_contents:
        style += current_section_rules(document)
    template = Template(folder.joinpath("report.html").read_text(encoding="utf-8"))
    writer = _Writer(document, open_code)
    formulas = Formulas(document)
    sections = in_sections(with_footnotes(document), fold_code=not open_code)
    parts = write_parts(
        sections, writer.visit, "html", "--shift-heading-level-by=1",
        "--syntax-highlighting=none", refused=formulas.refused, finish=formulas.show,
    )  # fmt: skip
    style += font_faces(has_formulas=any("<math" in part for part in parts))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = document.title_page
    parts = [_ACCENT.sub(_accent, _TAG.sub(_without_style, part)) for part in parts]
    parts = [_FOLLOWED.sub(_UNBROKEN, _NAMED.sub(_operator, part)) for part in parts]
    results = parts.pop(0) if document.has_results else ""
    return template.substitute(
        language=escape(page.language),
        title=escape(page.title),
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        header=_header(page) + results,
        contents=contents(document) if page.has_contents else "",
        body="".join(parts),
        values=_values(page.values) if page.values else "",
    )


def _accent(accent: re.Match[str]) -> str:
    sign = _SPACING.get(accent[2], accent[2])
    return f'<mover accent="true">{accent[1]}<mo stretchy="false">{sign}</mo></mover>'


def _operator(named: re.Match[str]) -> str:
    behind = "0" if named[2] else "0.167em"
    return f'<mo lspace="0.167em" rspace="{behind}">{named[1]}</mo>'


def _without_style(tag: re.Match[str]) -> str:
    """Return a tag with a class for its alignment: the page's policy forbids style attributes."""
    return _STYLE.sub(lambda style: f' class="{style[1]}"' if style[1] else "", tag[0])


def _raw(html: str, kind: str = "RawBlock") -> Node:
    return node(kind, ["html", html])


def _spans(before: str, inner: list[Node], after: str) -> list[Node]:
    return [_raw(before, "RawInline"), *inner, _raw(after, "RawInline")]


class _Writer:
    """Turns our own nodes into what pandoc's HTML writer or a browser understands."""

    def __init__(self, document: Document, open_code: bool) -> None:
        self.document = document
        self.open_code = open_code
        self.names: dict[str, int] = {}
        self.headings = {
            element["c"][1][0]: heading_words(element)
            for part in document.parts
            for element in part.blocks
            if element["t"] == "Header"
        }

    def visit(self, element: Node) -> list[Node] | None:
        """Return the nodes that replace a node."""
        content: Any = element.get("c")
        match element["t"]:
            case "Str":
                element["c"] = _APOSTROPHE.sub("’", content)
            case "Math" if content[0]["t"] == "DisplayMath":
                said = escape(spoken(element))
                stop = ' tabindex="0"' if _may_scroll(content[1]) else ""
                before = f'<span class="display" role="group"{stop} aria-label="{said}">'
                return _spans(before, [formula(element)], "</span>")
            case "Header":
                heading = escape(heading_words(element))
                anchor = (
                    f'<a class="anchor" href="#{escape(content[1][0])}" '
                    f'aria-label="Link to: {heading}">#</a>'
                )
                element["c"][2] = [*content[2], _raw(anchor, "RawInline")]
            case "Table":
                name = self._name(element)
                before = f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">'
                return [_raw(before), element, _raw("</div>")]
        if kind_of(element) not in ("", "caption"):
            return self._own(element)
        return None

    def _name(self, table: Node) -> str:
        """Return a unique name for a table, made from its header."""
        columns = [spoken_words(cell[4]) for _, cells in table["c"][3][1] for cell in cells]
        name = f"Table: {', '.join(filter(None, columns))}" if any(columns) else "Table"
        count = self.names[name] = self.names.get(name, 0) + 1
        return escape(name if count == 1 else f"{name} ({count})")

    def _image(self, attributes: dict[str, str]) -> Node:
        name = attributes["name"]
        ending = name.rsplit(".", 1)[-1]
        content = self.document.assets[name]
        both = for_both_schemes(content) if ending == "svg" else None
        themed = ' class="themed"' if both else ""
        sides = [side for side in ("width", "height") if side in attributes]
        size = "".join(f' {side}="{attributes[side].removesuffix("px")}"' for side in sides)
        alt = escape(attributes["alt"])
        image = f'<img{themed} src="{_address(both or content, ending)}" alt="{alt}"{size}>'
        if narrow := self.document.narrow.get(name):
            address = _address(for_both_schemes(narrow) or narrow, "svg")
            source = f'<source media="(max-width: {_NARROW_SCREEN})" srcset="{address}">'
            image = f"<picture>{source}{image}</picture>"
        return _raw(image, "RawInline")

    def _own(self, element: Node) -> list[Node]:
        (id_, _, _), blocks = element["c"]
        attributes, kind = pairs(element), kind_of(element)
        anchor = f' id="{escape(id_)}"' if id_ else ""
        if kind == "image":
            return [self._image(attributes)]
        if kind == "equation":
            mark = f' proved" title="{VERDICTS["proved"]}' if "verdict" in attributes else ""
            tag = f'<span class="tag{mark}">{escape(attributes["tag"])}</span></span>'
            return _spans(f'<span class="numbered"{anchor}>', blocks, tag)
        if kind in ("figure", "table"):
            number = f"<strong>{kind.title()} {escape(attributes['number'])}</strong> "
            inlines = blocks[-1]["c"][1][0]["c"]
            caption = node("Plain", _spans(f"<figcaption>{number}", inlines, "</figcaption>"))
            return [
                _raw(f'<figure{anchor} class="{kind}">'),
                *blocks[:-1],
                caption,
                _raw("</figure>"),
            ]
        if kind == "section":
            return [_raw(f'<section class="part" id="{section_id(attributes["heading"])}">')]
        if kind == "section-end":
            return [_raw("</section>")]
        if kind == "codes":
            heading = self.headings.get(attributes["heading"], "")
            of = f'<span class="of"> of {escape(heading)}</span>' if heading else ""
            return [_raw(f"<details><summary>Code{of}</summary>"), *blocks, _raw("</details>")]
        if kind == "code":
            if not self.open_code:  # it is within a fold already
                return blocks
            return [_raw("<details open><summary>Code</summary>"), *blocks, _raw("</details>")]
        if kind == "results":
            before = (
                '<section class="results" aria-label="Key results"><strong>Key results</strong>'
            )
            return [_raw(before), *blocks, _raw("</section>")]
        if kind == "claim":
            verdict = attributes["verdict"]
            label = f"{label}:" if (label := label_of(attributes)) else ""
            before = f'<div class="claim {verdict}"><strong>{label}</strong>'
            return [_raw(before), *blocks, _raw("</div>")]
        return [_raw(f'<div{anchor} class="{kind}">'), *blocks, _raw("</div>")]


def _may_scroll(formula: str) -> bool:
    """Return whether a formula may be wider than a phone, so that it needs a tab stop to scroll it.

    Chromium and Firefox make scrolling elements tab stops by themselves, Safari does not.
    """
    return any(len(_SIGN.findall(row)) > _FEW_SIGNS for row in formula.split(r"\\"))


def _header(page: TitlePage) -> str:
    lines = [f'<p class="occasion">{escape(page.occasion)}</p>'] if page.occasion else []
    lines.append(f"<h1>{escape(page.title)}</h1>")
    if page.subtitle:
        lines.append(f'<p class="subtitle">{escape(page.subtitle)}</p>')
    if page.facts:
        day = f'<span class="day">{escape(page.day)}</span>'
        facts = (day if fact == page.day else escape(fact) for fact in page.facts)
        lines.append(f'<p class="facts">{" · ".join(facts)}</p>')
    if page.notice:
        lines.append(f'<p class="notice" role="note">{escape(page.notice)}</p>')
    return "\n".join(lines)


def _values(values: Any) -> str:
    data = base64.b64encode(json.dumps(values, indent=1, sort_keys=True).encode()).decode()
    link = f'<a download="values.json" href="data:application/json;base64,{data}">values.json</a>'
    return f"<footer><p>Download the values of this report: {link}</p></footer>"


def _address(content: bytes, ending: str) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/{_MIMES.get(ending, ending)};base64,{base64.b64encode(content).decode()}"
