r"""Rewrites LaTeX that pandoc would refuse, misread or drop as LaTeX that it reads as it is meant.

Pandoc takes ``x^23`` for x to the 23rd, prints the options of environments, and ignores rules and
colours: these are passed on as texts that begin with `RULES` or `COLOR`.
"""

from __future__ import annotations

import re

RULES = "nb:rules:"
COLOR = "nb:color:"
COLORS = {
    "black": "#000000", "blue": "#0000ff", "brown": "#a52a2a", "cyan": "#008b8b",
    "gray": "#666666", "green": "#008000", "magenta": "#c000c0", "orange": "#c05000",
    "purple": "#800080", "red": "#d00000", "teal": "#008080", "violet": "#8000ff",
}  # fmt: skip

_BRACED = r"(\{(?:[^{}]|\{[^{}]*\})*\})"
_END = r"(?![A-Za-z])"
_TEXT = re.compile(rf"\\(?:text(?!color|style)[a-z]*|mbox|hbox)\s*{_BRACED}")
_TEXT_SIGN = re.compile(r"(\\[&%#_])(?=\s)")  # pandoc drops the space after these
_COMMENT = re.compile(r"((?<!\\)(?:\\\\)*)%.*")
_GROUP = re.compile(r"\{([^{}]*)\}")
_KEPT = re.compile(r"\\\\|\\[{}]")
_BOLD = re.compile(rf"\\mathbf\s*(?:{_BRACED}|[A-Za-z])")
_BOLD_LETTER = re.compile(r"\\[A-Za-z]+|[A-Za-z]")
_ARRAY = re.compile(r"\\begin\{array\}(?:\[[tcb]\])?\s*" + _BRACED)
_ROW_TOKEN = re.compile(r"\\begin\{|\\end\{|\\\\|\\hline" + _END)
_SWITCHES = {
    "rm": "mathrm", "bf": "mathbf", "it": "mathit", "tt": "mathtt", "sf": "mathsf", "cal": "mathcal"
}  # fmt: skip
_SWITCH = re.compile(rf"\\({'|'.join(_SWITCHES)}){_END}\s*")
_OVER = re.compile(rf"(.*?)\\over{_END}(.*)", re.DOTALL)
_ARROW = r"\\x((?:Left|Right|Leftright|leftright|hookright|hookleft)arrow|mapsto)"
_TEN = r"\1" * 10  # columns, which are enough
_OPTIONAL = r"(?:\[[^\[\]{}]*\])?"
_EMS = {"em": 1.0, "mu": 1 / 18, "ex": 0.43, "pt": 0.0926, "mm": 0.2635, "cm": 2.635}

# In this order; each with what pandoc would make of it.
_REWRITTEN = [(re.compile(pattern), replacement) for pattern, replacement in (
    (r"([_^])\s*(\d)(?=\d)", r"\1{\2}"),  # one script of all digits
    (r"\{,\}", r"\\text{,}"),  # a space after the comma of 1{,}000
    (rf"\\(?:notag|nonumber){_END}", ""),  # refused
    (r"\\begin\{(aligned|gathered|split|multlined)\}\s*\[[tcb]\]", r"\\begin{\1}"),  # printed
    *((rf"\\begin\{{{kind}matrix\*\}}\s*\[([lcr])\](.*?)\\end\{{{kind}matrix\*\}}",
       rf"\\left{left}\\begin{{array}}{{{_TEN}}}\2\\end{{array}}\\right{right}")
      for kind, left, right in (
          ("", ".", "."), ("p", "(", ")"), ("b", "[", "]"), ("B", r"\\{", r"\\}"),
          ("v", "|", "|"), ("V", r"\\|", r"\\|"))),  # printed
    (r"\\(begin|end)\{([pbBvV]?)matrix\*\}", r"\\\1{\2matrix}"),
    (r"\\(begin|end)\{dcases\*?\}", r"\\\1{cases}"),  # refused, as the following
    (r"\\begin\{d?rcases\}", r"\\left.\\begin{array}{ll}"),
    (r"\\end\{d?rcases\}", r"\\end{array}\\right\\}"),
    (r"\\(begin|end)\{subarray\}", r"\\\1{array}"),
    (rf"\\cfrac{_END}{_OPTIONAL}", r"\\dfrac"),
    (rf"\\[dt]binom{_END}", r"\\binom"),
    (rf"\\mathnormal{_END}", ""),
    (rf"\\(?:smash{_END}{_OPTIONAL}|mathclap{_END})", ""),  # about room, not about signs
    (rf"\\(?:mathstrut|strut|nobreak|relax){_END}", ""),
    (rf"\\vphantom\s*{_BRACED}", ""),
    (rf"\\hphantom{_END}", r"\\phantom"),
    (rf"\\medspace{_END}", r"\\:"),
    (rf"\\thinspace{_END}", r"\\,"),
    (rf"\\negthinspace{_END}", r"\\!"),
    (rf"\\thickspace{_END}", r"\\;"),
    (rf"\\negmedspace{_END}", r"\\hspace{-0.222em}"),
    (rf"\\enskip{_END}", r"\\hspace{0.5em}"),
    (r"\\([bB]igg?)m\s*(\\[A-Za-z]+|\\?[^\sA-Za-z])", r"\\;\\\1\2\\;"),
    (rf"{_ARROW}\s*\[([^\[\]]*)\]\s*{_BRACED}", r"\\underset{\2}{\\overset\3{\\\1}}"),
    (rf"{_ARROW}\s*{_BRACED}", r"\\overset\2{\\\1}"),
    (r"\\textcolor\s*\{([^{}]*)\}\s*\{", r"{\\color{\1}"),
)]  # fmt: skip
_SPACE = re.compile(
    r"\\(?:hspace\*?\s*\{\s*(-?[\d.]+)\s*(\w\w)\s*\}|(?:mkern|kern|mskip|hskip)\s*(-?[\d.]+)\s*"
    r"(em|mu|ex|pt|mm|cm))"
)
_COLOR = re.compile(r"\\color" + _END + r"\s*(?:\{(\w+)\})?")


def readable_latex(latex: str) -> str:
    """Return a formula as pandoc reads it rightly; what it then refuses cannot be shown."""
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return chr(0xF0000 + len(kept) - 1)

    source = _COMMENT.sub(r"\1", latex)
    source = _TEXT.sub(lambda text: keep(_TEXT_SIGN.sub(r"\1{}", text[0])), source)
    for pattern, replacement in _REWRITTEN:
        source = pattern.sub(replacement, source)
    source = _BOLD.sub(_bold, _SPACE.sub(_space, source))
    source = _COLOR.sub(_color, _ruled(source))
    if r"\\" in source and not re.search(r"\\begin|\\substack|(?<!\\)&", source):
        source = rf"\begin{{gathered}}{source}\end{{gathered}}"
    source = _KEPT.sub(lambda sign: keep(sign[0]), source)
    while _GROUP.search(source):
        source = _GROUP.sub(lambda group: keep(f"{{{_switched(group[1])}}}"), source)
    source = _switched(source)
    for index in range(len(kept) - 1, -1, -1):
        source = source.replace(chr(0xF0000 + index), kept[index])
    return source


def _bold(bold: re.Match[str]) -> str:
    """Return upright bold letters: pandoc's MathML has slanted ones, as for ``boldsymbol``."""
    return _BOLD_LETTER.sub(_bold_letter, bold[0])


def _bold_letter(letter: re.Match[str]) -> str:
    if len(letter[0]) > 1:  # a macro
        return letter[0]
    start = 0x1D400 - ord("A") if letter[0].isupper() else 0x1D41A - ord("a")
    return chr(start + ord(letter[0]))


def _space(space: re.Match[str]) -> str:
    number, unit = (space[1], space[2]) if space[1] else (space[3], space[4])
    if unit not in _EMS:
        return space[0]
    return rf"\hspace{{{float(number) * _EMS[unit]:.3f}em}}"


def _color(color: re.Match[str]) -> str:
    known = color[1] in COLORS
    return rf"\text{{{COLOR}{color[1]}}}" if known else rf"\unknowncolor{{{color[1]}}}"


def _switched(group: str) -> str:
    r"""Return the content of a group with ``\over`` and fonts as macros with arguments."""
    over = _OVER.fullmatch(group)
    if over and "&" not in group and r"\left" not in group:
        return rf"\frac{{{over[1]}}}{{{over[2]}}}"
    switch = _SWITCH.search(group)
    if switch and "&" not in group:
        rest = _switched(group[switch.end() :])
        rest = _BOLD_LETTER.sub(_bold_letter, rest) if switch[1] == "bf" else rest
        return rf"{group[: switch.start()]}\{_SWITCHES[switch[1]]}{{{rest}}}"
    return group


def _ruled(source: str) -> str:
    r"""Return a formula in which a text says where its arrays have rules."""
    for array in reversed(list(_ARRAY.finditer(source))):
        columns = re.sub(r"[@!<>]\{[^{}]*\}|\s", "", array[1][1:-1])
        down, count = [], 0
        for sign in re.sub(r"[pmb]\{[^{}]*\}", "l", columns):
            down += [count] if sign == "|" else []
            count += sign != "|"
        across, body, rest = _rows(source[array.end() :])
        mark = ""
        if down or across:
            mark = rf"\text{{{RULES}{','.join(map(str, across))};{','.join(map(str, down))}}}"
        plain = array[1].replace("|", "")
        source = rf"{source[: array.start()]}\begin{{array}}{plain}{mark}{body}{rest}"
    return source


def _rows(source: str) -> tuple[list[int], str, str]:
    r"""Return where an array has an ``\hline``, its body without them, and what follows it."""
    across: list[int] = []
    body, start, rows, depth = "", 0, 0, 0
    for token in _ROW_TOKEN.finditer(source):
        if token[0] == r"\hline" and depth == 0:
            across.append(rows)
            body += source[start : token.start()]
            start = token.end()
        depth += (token[0] == r"\begin{") - (token[0] == r"\end{")
        rows += token[0] == r"\\" and depth == 0
        if depth < 0:
            body += source[start : token.start()]
            return across, re.sub(r"\\\\\s*\Z", "", body), source[token.start() :]
    return [], source, ""
