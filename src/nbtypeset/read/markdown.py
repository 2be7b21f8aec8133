"""Spells Markdown so that pandoc reads it as Jupyter does: lists, tables and footnotes."""

from __future__ import annotations

import re

from nbtypeset.read.texts import MATHS

_QUOTE = re.compile(r"(?: {0,3}>)*(?:(?<=>) )?")
_NUMBERED = re.compile(rf"{_QUOTE.pattern}[ \t]*(?P<number>\d{{1,9}})(?=\)[ \t]+\S)")
_LISTED = re.compile(rf"{_QUOTE.pattern}(?P<indent>[ \t]*)(?:[-+*]|\d{{1,9}}[.)])[ \t]+\S")
_COLUMN = r"[ \t]*:?-+:?[ \t]*"
_RULE = re.compile(rf"{_QUOTE.pattern} {{0,3}}\|?{_COLUMN}(?:\|{_COLUMN})*\|?[ \t]*")
# The first line of HTML that is a block up to the next blank line.
_BLOCK = re.compile(
    r"(?P<indent> {0,3})</?(?:(?:address|article|aside|blockquote|body|center|col|colgroup|dd"
    r"|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li"
    r"|main|menu|nav|ol|p|pre|script|section|style|summary|table|tbody|td|textarea|tfoot|th|thead"
    r"|tr|ul)(?=[\s/>]|$)|[a-z][^<>]*>[ \t]*$)",
    re.IGNORECASE,
)
_PRE = re.compile(r"<(?:pre|script|style|textarea)\b", re.IGNORECASE)
_END = re.compile(r"</(?:pre|script|style|textarea)\b", re.IGNORECASE)
_PIPE = re.compile(r"(?<!\\)\|")
_REFERENCE = re.compile(r"\[\^([^\]\s]+)\](?!:)")
_DEFINITION = re.compile(r" {0,3}(?=\[\^([^\]\s]+)\]:)")


def as_in_jupyter(source: str) -> str:
    """Return Markdown in which `3)` begins a list, and a table or footnote needs no blank line.

    The definition of a footnote to which nothing refers becomes text: nothing else would show it.
    """
    verbatim = iter(match.span() for match in MATHS.finditer(source))
    first, last = next(verbatim, (len(source), len(source)))
    noted = set(_REFERENCE.findall(MATHS.sub("", source)))
    lines = source.split("\n")
    spelled: list[str] = []
    in_list, start = False, 0
    block: re.Match[str] | None = None
    is_pre = False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        above = spelled[-1] if spelled else ""
        while last <= start < len(source):
            first, last = next(verbatim, (len(source), len(source)))
        inside = first < start < last
        start += len(line) + 1
        if is_pre or inside:
            is_pre = is_pre and not _END.search(line)
        elif block := None if _is_blank(line) else block or _BLOCK.match(line):
            is_pre = bool(_PRE.search(line)) and not _END.search(line)
            # With more blanks than the first line has, pandoc would take it for code.
            line = block["indent"] + line.lstrip(" \t")
        else:
            in_list = _is_in_list(line, above, in_list)
            line = _numbered(line, above, in_list)
            defined = _defined(line, noted)
            if _is_begun(line, below, above) or (defined != line and not _is_blank(above)):
                spelled.append(_quote(line).rstrip())
            line = defined
        spelled.append(line)
    return "\n".join(spelled)


def _quote(line: str) -> str:
    """Return the signs of the quotations that a line belongs to."""
    quote = _QUOTE.match(line)
    return quote[0] if quote else ""


def _is_blank(line: str) -> bool:
    return not line[len(_quote(line)) :].strip()


def _is_in_list(line: str, above: str, was_in_list: bool) -> bool:
    """Return whether a line belongs to a list; four blanks outside of one begin code."""
    entry = _LISTED.match(line)
    if entry and (was_in_list or len(entry["indent"].expandtabs(4)) < 4):
        return True
    return was_in_list and not (_is_blank(above) and line[:1].strip())


def _numbered(line: str, above: str, in_list: bool) -> str:
    """Return an entry `3) …` of a list as `3. …`; in a paragraph, only `1)` begins a list."""
    number = _NUMBERED.match(line)
    if not number:
        return line
    may_begin = _is_blank(above) or _LISTED.match(above) or number["number"] == "1"
    if not in_list or not may_begin:
        return line
    return f"{number[0]}.{line[number.end() + 1 :]}"


def _is_begun(line: str, below: str, above: str) -> bool:
    """Return whether a line begins a table or a footnote directly below a text."""
    if _is_blank(above) or _PIPE.search(above):
        return False
    if _DEFINITION.match(line):
        return not _DEFINITION.match(above)
    return bool(_PIPE.search(line) and _PIPE.search(below) and _RULE.fullmatch(below))


def _defined(line: str, noted: set[str]) -> str:
    """Return a footnote's definition as it is if the text refers to it, otherwise as text."""
    definition = _DEFINITION.match(line)
    if not definition or definition[1] in noted:
        return line
    return f"{definition[0]}\\{line[definition.end() :]}"
