"""Finds headings and references in Markdown, but not in code and comments; writes tables in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from nbpress.errors import did_you_mean
from nbpress.say.records import LABEL
from nbtypeset.anchors import TASK, TASK_NAME, TASK_WORDS, folded

# Code, comments and placeholders.
_VERBATIM = (
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)? {0,3}(?P=fence)"
    r"|(?P<ticks>(?<!`)`+(?!`))(?:(?!\n\s*\n).)*?(?<!`)(?P=ticks)(?!`)"
    r"|<!--.*?-->|\{\{ [^\n]*? \}\}"
)
_FORMULA = r"\$\$.*?\$\$|\$[^$]*\$|\\begin\{(?P<environment>\w+\*?)\}.*?\\end\{(?P=environment)\}"
_FLAGS = re.DOTALL | re.MULTILINE
VERBATIM = re.compile(_VERBATIM, _FLAGS)
FORMULA = re.compile(_FORMULA, _FLAGS)
CODE = re.compile(f"{_VERBATIM}|{_FORMULA}", _FLAGS)

NAMED = rf"(?:Figure|Table|Equation|{'|'.join(TASK_WORDS)})(?:\s+(?P<number>{TASK}))?"
_REFERENCE = re.compile(
    rf"{_VERBATIM}|(?<![!\\])\[(?P<text>[^\[\]]*)\]\(\s*#(?P<target>[^)\s]*)[^)]*\)", _FLAGS
)
_TARGET = re.compile(f"{LABEL}|task-{TASK}")
_TASK_HEADING = re.compile(rf"^##[ \t]+({TASK_NAME})", re.MULTILINE)
_OTHER_LEVEL = re.compile(rf"^((?:#|###+)[ \t]+{TASK_NAME})", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*?)[ \t#]*$|^(\S.*)\n(?:=+|-+)[ \t]*$", re.MULTILINE)
_ID = re.compile(r"<\w[^<>]*\s(?:id|name)\s*=\s*[\"']?([^\s\"'<>]+)")


def blanked(text: str, what: re.Pattern[str]) -> str:
    """Return a text with a pattern's matches replaced by spaces; line breaks are kept."""
    return what.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), text)


def begun_in(markdown: str) -> list[str]:
    """Return the tasks whose headings are in a text, after "" if it begins with a title."""
    title = [""] if re.match(r"#[ \t]", markdown) else []
    return title + [heading[2] for heading in _task_headings(markdown)]


def task_names(markdown: str) -> dict[str, str]:
    """Return what the headings in a text call their tasks, `{"2d": "Exercise 2d"}`."""
    headings = reversed(_task_headings(markdown))  # the first of a task has precedence
    return {heading[2]: " ".join(heading[1].split()) for heading in headings}


def of_other_level(markdown: str) -> dict[str, str]:
    """Return the headings that name a task but do not have two #, `{"2b": "### Task 2b"}`."""
    shown = blanked(markdown, VERBATIM)
    return {heading[2]: heading[1] for heading in _OTHER_LEVEL.finditer(shown)}


def _task_headings(markdown: str) -> list[re.Match[str]]:
    return list(_TASK_HEADING.finditer(blanked(markdown, VERBATIM)))


def anchors_in(markdown: str) -> set[str]:
    """Return the anchors of a text's headings and HTML, folded."""
    shown = blanked(markdown, VERBATIM)
    headings = {heading[1] or heading[2] for heading in _HEADING.finditer(shown)}
    return {folded(anchor) for anchor in {*headings, *_ID.findall(shown)}}


def references(markdown: str) -> Iterator[re.Match[str]]:
    """Yield the links to a target in the report; `text` and `target` are their groups."""
    return (each for each in _REFERENCE.finditer(markdown) if each["target"] is not None)


def set_references(markdown: str, link: Callable[[re.Match[str]], str]) -> str:
    """Return a text with its references replaced."""
    return _REFERENCE.sub(lambda each: each[0] if each["target"] is None else link(each), markdown)


def is_labelled(reference: re.Match[str]) -> bool:
    """Return whether a reference leads to a label or a task, not to an ordinary heading."""
    return _TARGET.fullmatch(reference["target"]) is not None


def wrong_with(reference: re.Match[str], targets: Collection[str], anchors: Collection[str]) -> str:
    """Return why a reference cannot be set: it leads nowhere, or has no text; "" if it can.

    A link with a text of its own to anything but a label is the typesetter's business.
    """
    target, name = reference["target"], _name_in(reference)
    if target in targets or (name is None and not is_labelled(reference)):
        return ""
    if name is not None and folded(target) in anchors:
        wrong = f"{reference[0]!r} leads to a heading, which has no number: write the link's text"
        return "" if name["number"] else wrong
    return f"{reference[0]!r} leads nowhere{did_you_mean(target, targets)}"


def numbered(reference: re.Match[str], names: Mapping[str, str]) -> str:
    """Return a reference with the name of its target, "Figure 3", unless it has its own text."""
    name = names.get(reference["target"])
    return f"[{name}](#{reference['target']})" if name and _name_in(reference) else reference[0]


def _name_in(reference: re.Match[str]) -> re.Match[str] | None:
    """Return the name that a reference has for a text, or nothing, both to be replaced."""
    return re.fullmatch(f"(?:{NAMED})?", reference["text"].strip())


def pipe_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_in_table, line)) + " |" for line in lines)


def _in_table(cell: object) -> str:
    """Return a cell's Markdown in one line, in which no bar or norm ends the cell."""
    text = FORMULA.sub(_with_named_bars, str(cell).replace("\n", " "))
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _with_named_bars(formula: re.Match[str]) -> str:
    def named(sign: re.Match[str]) -> str:
        name = {r"\|": r"\Vert", "|": r"\vert"}.get(sign[0])  # an escaped bar would be a norm
        return name + " " * (sign["letter"] is not None) if name else sign[0]

    return re.sub(r"(?:\\\\|\\?\|)(?=(?P<letter>[A-Za-z])?)", named, formula[0])
