"""Writes a document as LaTeX that only displays it; pandoc escapes texts, this code the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import resources
from string import Template
from typing import Any

from nbtypeset.document import Document, TitlePage
from nbtypeset.tree import Node, clean, kind_of, node, nodes, notes_in_line, pairs, plain, walk
from nbtypeset.write.footnotes import fit_for_tex
from nbtypeset.write.latex_formulas import latex_formula, refused_formulas
from nbtypeset.write.lines import breakable, wrapped
from nbtypeset.write.parts import label_of, write_parts

_ESCAPES = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\u00a0": "~",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", '"': r"\textquotedbl{}",
    **{sign: "\\" + sign for sign in "{}$&#%_"},
}  # fmt: skip
_VERBATIM = str.maketrans({sign: _ESCAPES[sign] for sign in "\\{}"})
_ENDINGS = ("png", "jpg", "jpeg")  # of the pictures that LaTeX can show
_LINE = 75  # letters that fit a line of a table
_WIDE = 45  # a column's share of a line grows with its letters up to this number


@dataclass(frozen=True)
class LatexSource:
    """A LaTeX document, and the pictures that it shows, by name."""

    main: str
    files: dict[str, bytes]


def write_latex(document: Document, folder: str = "report_files") -> LatexSource:
    """Return the document as LaTeX with its pictures in ``folder``."""
    writer = _Writer(document, re.sub(r"[^\w. -]", "_", folder))
    formulas = {
        element["c"][1]
        for part in document.parts
        for element in nodes(part.blocks)
        if element["t"] == "Math"
    }
    noted = [replace(part, blocks=walk(part.blocks, fit_for_tex)) for part in document.parts]
    document = replace(document, parts=noted)
    parts = write_parts(document, writer.visit, "latex", refused=refused_formulas(formulas))
    template = resources.files("nbtypeset").joinpath("templates", "report.tex")
    page = document.title_page
    main = Template(template.read_text(encoding="utf-8")).substitute(
        language=page.language,
        title=escaped(page.title),
        authors=escaped(", ".join(page.authors)),
        header="\n".join(_header(page)),
        results=parts.pop(0).strip() if document.has_results else "",
        contents=r"\tableofcontents" if page.has_contents else "",
        body="".join(parts).strip(),
    )
    return LatexSource(main, writer.files)


def escaped(text: str) -> str:
    """Return LaTeX that shows a text in one line and does nothing else."""
    line = "".join(_ESCAPES.get(sign, sign) for sign in " ".join(clean(text).split()))
    return re.sub(r"-(?=-)", "-{}", line)


def label(id_: str) -> str:
    """Return an id as pandoc spells it in labels and links."""
    return re.sub(r"[^A-Za-z0-9_+=:;.-]", lambda sign: f"ux{ord(sign[0]):x}", id_)


def _header(page: TitlePage) -> list[str]:
    lines = []
    if page.occasion:
        lines.append(rf"{{\color{{darkgray}}{escaped(page.occasion)}\par}}\medskip")
    lines.append(rf"{{\LARGE\bfseries\color{{accent}}{escaped(page.title)}\par}}")
    if page.subtitle:
        lines.append(rf"\medskip{{\large {escaped(page.subtitle)}\par}}")
    if page.facts:
        line = r" \enspace·\enspace ".join(map(escaped, page.facts))
        lines.append(rf"\medskip{{\color{{darkgray}}{line}\par}}")
    if page.notice:
        box = rf"\parbox{{0.96\linewidth}}{{{escaped(page.notice)}}}"
        lines.append(rf"\bigskip{{\fboxsep=0.6em\fcolorbox{{accent}}{{white}}{{{box}}}\par}}")
    return lines


def _raw(source: str) -> Node:
    return node("RawBlock", ["latex", source])


def _inline(*sources: str) -> list[Node]:
    return [node("RawInline", ["latex", source]) for source in sources]


def _around(before: str, inlines: list[Node]) -> list[Node]:
    return [*_inline(before), *inlines, *_inline("}")]


class _Writer:
    """Turns our own nodes, and a few of pandoc's, into LaTeX; collects the pictures."""

    def __init__(self, document: Document, folder: str) -> None:
        self.document = document
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.names = _file_names(document)

    def visit(self, element: Node) -> list[Node] | None:
        """Return the nodes that replace a node."""
        content: Any = element.get("c")
        match element["t"]:
            case "Str":
                pieces = breakable(content).split('"')  # which TeX would turn into ”
                quoted = [[*_inline(_ESCAPES['"']), node("Str", piece)] for piece in pieces]
                return [inline for pair in quoted for inline in pair][1:]
            case "Div" if content[0][0].startswith("ref-"):  # pandoc would make items of a list
                return [_raw(rf"\phantomsection\label{{{label(content[0][0])}}}"), *content[1]]
            case "Code":
                element["c"][1] = breakable(content[1])
            case "Math" if content[0]["t"] == "InlineMath":
                element["c"][1] = latex_formula(content[1])
            case "Math":
                formula = rf"\fitted{{$\displaystyle {latex_formula(content[1])}$}}"
                return _inline(r"\[", formula, r"\]")
            case "Strikeout":
                return _around(r"\sout{", content)
            case "Underline":
                return _around(r"\uline{", content)
            case "CodeBlock":
                code = wrapped(content[1]).translate(_VERBATIM)
                options = r"commandchars=\\\{\},fontsize=\footnotesize"
                return [_raw(f"\\begin{{Verbatim}}[{options}]\n{code}\n\\end{{Verbatim}}")]
            case "Table":
                element["c"] = walk(content, notes_in_line)  # LaTeX sets none in the head of one
                _share_the_line(element)
        if kind_of(element) not in ("", "caption"):
            return self._own(element)
        return None

    def _own(self, element: Node) -> list[Node]:
        (id_, _, _), content = element["c"]
        attributes = pairs(element)
        anchor = rf"\label{{{label(id_)}}}" if id_ else ""
        match kind_of(element):
            case "image":
                return self._image(attributes)
            case "equation" if len(content) == 3:
                mark = r"\textcolor{accent}{✓} " if "verdict" in attributes else ""
                tag = rf"\tag*{{{mark}{escaped(attributes['tag'])}}}{anchor}"
                return [*content[:2], *_inline(tag), content[2]]
            case "equation":  # a refused formula
                return [*_inline(rf"\phantomsection{anchor}" if anchor else ""), *content]
            case "figure" | "table" as kind:
                return _numbered(kind, int(attributes["number"]), id_, content)
            case "claim":
                return _claim(attributes, content)
            case "results":
                heading = r"\textcolor{accent}{\textbf{Key results}}\par"
                return [_raw(rf"\begin{{ruled}}{{2pt}}{heading}"), *content, _raw(r"\end{ruled}")]
            case "code":
                return [_raw(r"\begin{snugshade}"), *content, _raw(r"\end{snugshade}")]
            case "error" | "trouble":
                return [_raw(r"\begin{ruled}{2pt}"), *content, _raw(r"\end{ruled}")]
        return content

    def _image(self, attributes: dict[str, str]) -> list[Node]:
        name, alt = attributes["name"], attributes["alt"]
        if not name.endswith(_ENDINGS):
            self.document.warn("", f"LaTeX cannot show the picture {alt[:80]!r}; its text is shown")
            return [node("Str", f"[{alt}]")]
        file = f"{self.folder}/{self.names.get(name, name)}"
        self.files[file] = self.document.assets[name]
        sides = [side for side in ("width", "height") if side in attributes]
        size = "".join(f",{side}={_length(attributes[side])}" for side in sides)
        return _inline(rf"\shownpicture{{alt={{{escaped(alt)}}}{size}}}{{{file}}}")


def _file_names(document: Document) -> dict[str, str]:
    """Return names for the pictures of labelled figures, made from their labels."""
    names: dict[str, str] = {}
    for part in document.parts:
        for block in nodes(part.blocks):
            id_ = block["c"][0][0] if kind_of(block) == "figure" else ""
            if re.fullmatch(r"\w[\w.-]*", id_, re.ASCII):
                for inner in nodes(block):
                    if kind_of(inner) == "image":
                        name = pairs(inner)["name"]
                        names[name] = f"{id_}.{name.rsplit('.', 1)[-1]}"
    return names


def _length(side: str) -> str:
    """Return a side of a picture as a share of the line, or in big points, which Typst uses too."""
    if side.endswith("%"):
        return rf"{float(side[:-1]) / 100:g}\linewidth"
    return f"{float(side.removesuffix('px')) * 0.75:g}bp"


def _numbered(kind: str, number: int, id_: str, content: list[Node]) -> list[Node]:
    *body, caption = content
    inlines = caption["c"][1][0]["c"]
    counter = _raw(rf"\setcounter{{{kind}}}{{{number - 1}}}")
    table = next((block for block in body if block["t"] == "Table"), None)
    if table:  # pandoc writes its caption, so that they stay together across pages
        table["c"][0][0] = id_
        table["c"][1] = [None, [node("Plain", inlines)]]
        return [counter, *body]
    anchor = rf"\label{{{label(id_)}}}" if id_ else ""
    line = node("Plain", [*_inline(rf"\captionof{{{kind}}}{{"), *inlines, *_inline(f"}}{anchor}")])
    inner = [_raw(r"\centering"), *body, counter, line]
    if kind == "table":
        return inner
    return [_raw(r"\begin{figure}[htbp]"), *inner, _raw(r"\end{figure}")]


def _claim(attributes: dict[str, str], blocks: list[Node]) -> list[Node]:
    sign, rule = ("✗", "2pt") if attributes["verdict"] == "otherwise" else ("✓", "0.6pt")
    label = label_of(attributes)
    mark = _inline(
        rf"\claimmark{{{sign}}}{{{label}}}" if label else rf"\textcolor{{accent}}{{{sign}}}"
    )
    if blocks and blocks[0]["t"] == "Para":
        blocks = [node("Para", [*mark, {"t": "Space"}, *blocks[0]["c"]]), *blocks[1:]]
    else:
        blocks = [node("Para", mark), *blocks]
    return [_raw(rf"\begin{{ruled}}{{{rule}}}\small"), *blocks, _raw(r"\end{ruled}")]


def _share_the_line(table: Node) -> None:
    """Give columns shares of the line if the table is too wide, or contains lists or code."""
    _, _, columns, head, bodies, foot = table["c"]
    rows = [*head[1], *foot[1], *(row for body in bodies for row in [*body[2], *body[3]])]
    longest = [1] * len(columns)
    simple = True
    for row in rows:
        for index, cell in enumerate(row[1][: len(columns)]):
            blocks = cell[4]
            longest[index] = max(longest[index], len(plain(blocks)))
            simple &= [block["t"] for block in blocks] in ([], ["Plain"], ["Para"])
            if blocks and blocks[-1]["t"] == "RawBlock":  # nothing may follow code in its line
                blocks.append(_raw(r"\relax"))
    if not simple or sum(longest) > _LINE:
        shares = [min(length, _WIDE) for length in longest]
        for column, share in zip(columns, shares, strict=True):
            column[1] = {"t": "ColWidth", "c": round(share / sum(shares), 3)}
