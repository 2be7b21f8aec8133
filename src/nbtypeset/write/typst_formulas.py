"""Writes formulas as Typst, from the MathML that the HTML shows: both say the same.

Pandoc's own writer for Typst is not used, because the scripts of a group stick to its last letter
there, an environment within a line breaks the line, and delimiters with a size become words.

Content is data. A name of more than one letter is a string, signs that mean something to Typst are
escaped, and the functions called are those of Typst's `math` alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from nbtypeset.write import typst_signs as signs
from nbtypeset.write.mathml import Formula
from nbtypeset.write.mathml_elements import (
    alignments,
    fenced,
    is_single,
    name_in,
    primes_in,
    rules_of,
    size_of,
    text_of,
)  # fmt: skip

Written = dict[tuple[str, str], str]  # formulas in Typst, by kind and LaTeX


def typst_formulas(formulas: Iterable[Formula]) -> tuple[Written, set[str]]:
    """Return formulas as Typst, by kind and LaTeX, and the LaTeX of those that cannot be set."""
    written: Written = {}
    refused: set[str] = set()
    for formula in formulas:
        try:
            kind = "DisplayMath" if formula.display else "InlineMath"
            written[kind, formula.latex] = typst_formula(formula)
        except ValueError:  # an element, or a length, that is not known below
            refused.add(formula.latex)
    return written, refused


def typst_formula(formula: Formula) -> str:
    """Return a formula between its dollar signs."""
    written = _Writer(formula).top(formula.content)
    return f"$ {written} $" if formula.display else f"${written}$"


class _Writer:
    def __init__(self, formula: Formula) -> None:
        self.display = formula.display
        self.size = ""  # the style of tables within scripts and tables, which Typst makes smaller

    def top(self, formula: Element) -> str:
        """Return the whole formula; only here can rows be lines of their own."""
        if self.display and formula.tag == "mtable" and not rules_of(formula):
            columns = alignments(formula)
            if "aligned" in formula.get("class", "") or columns in (
                ["center"],
                ["right", "center", "left"],
            ):
                return "\\\n".join(self._lines(formula))
        return self.write(formula)

    def write(self, element: Element) -> str:
        """Return any element."""
        match element.tag:
            case "mrow":
                return self.row(list(element), fenced(element))
            case "mi" | "mn" | "mo" | "mtext":
                return self._token(element)
            case "mspace":
                return signs.space(element.get("width", ""))
            case "msub" | "msup" | "msubsup":
                return self._scripts(element)
            case "munder" | "mover" | "munderover":
                return self._limits(element)
            case "mfrac" if element.get("linethickness") == "0":
                return f"vec(delim: #none, {self._arguments(element)})"
            case "mfrac":
                return f"frac({self._arguments(element)})"
            case "msqrt":
                return f"sqrt({self.row(list(element))})"
            case "mroot":
                return f"root({self.write(element[1])}, {self.write(element[0])})"
            case "mtable":
                return self._table(element)
            case "mphantom":
                return f"#hide(${self.row(list(element))}$)"
            case "mstyle" if color := element.get("mathcolor"):
                return f"text(fill: #rgb({signs.string(color)}), {self.row(list(element))})"
            case "mstyle":
                style = "display" if element.get("displaystyle") == "true" else "inline"
                return f"{style}({self.row(list(element))})"
            case "menclose":
                return self._enclosed(element)
        raise ValueError(f"<{element.tag}>")

    def row(self, elements: list[Element], is_fenced: bool = False) -> str:
        """Return elements side by side, in growing delimiters if ``is_fenced``."""
        if name := name_in(elements):
            return f"op({signs.string(name)})"
        pieces = []
        for index, element in enumerate(elements):
            sign = text_of(element)
            former = elements[index - 1] if index else None
            if element.tag == "mi" and sign in signs.SIGNED and former is not None:
                # A minus that TeX takes for a sign, where Typst would subtract.
                is_sign = former.tag == "mo" and text_of(former) not in signs.BARS
                pieces.append(sign if is_sign else f'class("normal", {sign})')
            elif is_fenced and element.tag == "mo" and element.get("stretchy") == "true":
                middle = element.get("form") == "infix"
                pieces.append(f"mid({signs.symbol(sign)})" if middle else signs.symbol(sign))
            else:
                pieces.append(self.write(element))
        if not is_fenced:
            return signs.joined(pieces) or '""'
        # An empty space keeps the outermost letters from growing where one delimiter is left out.
        first, last = ("" if each.get("stretchy") == "true" else "#h(0em)"
                       for each in (elements[0], elements[-1]))  # fmt: skip
        return f"lr({signs.joined([first, *pieces, last])})"

    def _arguments(self, element: Element) -> str:
        return ", ".join(map(self.write, element))

    def _token(self, element: Element) -> str:
        sign = text_of(element)
        if sign in ("", "\u2061", "\u200b"):
            return '""' if sign != "\u2061" else ""
        if size := size_of(element):
            grown = f"lr({signs.symbol(sign)}, size: #{size:g}em)"
            return f'class("normal", {grown})' if sign in signs.BARS else grown
        if element.tag == "mtext":
            return signs.string(sign)
        if element.tag == "mn" and (font := signs.DIGITS.get(element.get("mathvariant", ""))):
            return f"{font}({unicodedata.normalize('NFKC', sign)})"
        if element.tag == "mn" and all(each.isdecimal() or each == "." for each in sign):
            return sign if sign.isascii() and sign[-1] != "." != sign[0] else signs.symbol(sign)
        if element.tag == "mo" and sign in signs.BARS and element.get("form"):
            return f'class("normal", {signs.symbol("‖" if sign == "∥" else sign)})'
        if element.tag == "mi" and element.get("mathvariant") == "normal" and sign.isalpha():
            return f"upright({sign})" if len(sign) == 1 else f"op({signs.string(sign)})"
        return signs.symbol(sign)

    def _scripts(self, element: Element) -> str:
        base, *scripts = element
        below = None if element.tag == "msup" else scripts[0]
        above = None if element.tag == "msub" else scripts[-1]
        written = self.write(base)
        if base.tag == "mo" and not base.get("form") and text_of(base) not in signs.INTEGRALS:
            if self.display or text_of(base) not in signs.LARGE:
                written = f"scripts({written})"
        return self._attached(base, written, below, above)

    def _attached(
        self, base: Element | None, written: str, below: Element | None, above: Element | None
    ) -> str:
        primes = primes_in(above)
        if base is not None and not is_single(base):
            lower = f", br: {self.write(below)}" if below is not None else ""
            upper = f", tr: {self.write(above)}" if above is not None and not primes else ""
            upper = f", tr: primes(#{primes})" if primes else upper
            return f"attach({written}{lower}{upper})"
        written += "'" * primes
        if below is not None:
            written += f"_{self._grouped(below)}"
        if above is not None and not primes:
            written += f"^{self._grouped(above)}"
        return written

    def _sized(self, size: str, element: Element) -> str:
        """Return an element within which tables have a size."""
        before, self.size = self.size, size
        written = self.row(list(element)) if element.tag == "mtd" else self.write(element)
        self.size = before
        return written

    def _grouped(self, script: Element) -> str:
        written = self._sized("script", script)
        is_simple = written.isalnum() and (len(written) == 1 or written.isdecimal())
        return written if is_simple else f"({written})"

    def _limits(self, element: Element) -> str:
        base, *scripts = element
        if len(scripts) == 1 and scripts[0].get("accent") == "true":
            return self._accented(base, text_of(scripts[0]), element.tag == "mover")
        below = None if element.tag == "mover" else scripts[0]
        above = None if element.tag == "munder" else scripts[-1]
        if base.tag == element.tag and base[1].get("accent") == "true":
            function = (signs.ABOVE | signs.BELOW).get(text_of(base[1]))
            if function in signs.NOTED:
                return f"{function}({self.write(base[0])}, {self.write(scripts[0])})"
        if name := name_in(list(base)) or name_in([base]):
            written = f"op({signs.string(name)}, limits: #true)"
            return self._attached(None, written, below, above)
        written = self.write(base)
        if base.tag == "mo" and text_of(base) in signs.LARGE and self.display:
            return self._attached(None, written, below, above)
        if base.tag == "mo" and "ARROW" in unicodedata.name(text_of(base)[:1], ""):
            written = f"stretch({written}, size: #(100% + 1em))"
        return self._attached(None, f"limits({written})", below, above)

    def _accented(self, base: Element, mark: str, is_above: bool) -> str:
        function = (signs.ABOVE if is_above else signs.BELOW).get(mark)
        written = self.write(base)
        return f"{function}({written})" if function else f"accent({written}, {signs.string(mark)})"

    def _enclosed(self, element: Element) -> str:
        notation, written = element.get("notation", ""), self.row(list(element))
        if notation == "box":
            style = "display" if self.display else "inline"
            return f"#h(4pt) #box(stroke: 0.5pt, outset: 3pt, ${style}({written})$) #h(4pt)"
        if notation not in signs.STRIKES:
            raise ValueError(notation)
        return f"cancel({written}{signs.STRIKES[notation]})"

    def _lines(self, table: Element) -> list[str]:
        gap = "" if "close" in table.get("class", "") else "#h(2em) "
        lines = []
        for row in table:
            cells = [self.row(list(cell)) if len(cell) else "" for cell in row]
            if len(cells) == 3 and row[1].get("columnalign") == "center":  # of an eqnarray
                cells[1:] = [f"{cells[1]} {cells[2]}"]
            pairs = [" & ".join(cells[index : index + 2]) for index in range(0, len(cells), 2)]
            lines.append(f" & {gap}".join(pairs))
        return lines

    def _table(self, table: Element) -> str:
        if "aligned" in table.get("class", ""):
            rows = "; ".join(f"display({line})" for line in self._lines(table))
            return f"mat(delim: #none, row-gap: #0.5em, {rows})"
        columns, rules = alignments(table), rules_of(table)
        options = ["delim: #none"]
        if set(columns) != {"center"} or rules:
            options.append("column-gap: #1em")
        if rules:
            across, down = (f"({''.join(f'{at}, ' for at in each)})" for each in rules)
            options.append(f"augment: #(hline: {across}, vline: {down})")
        rows = "; ".join(", ".join(map(self._cell, row)) for row in table)
        return f"mat({', '.join(options)}, {rows})"

    def _cell(self, cell: Element) -> str:
        written = self._sized("inline", cell)
        written = f"{self.size}({written})" if self.size else written
        before, after = signs.SIDES[cell.get("columnalign", "center")]
        return f"{before}{written}{after}"
