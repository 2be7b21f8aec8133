"""Checks citations in notebooks: `[@lecun1998]` cites an entry of report/references.bib."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbpress.errors import PressError, did_you_mean
from nbpress.files import read
from nbpress.project.notebook import Notebook
from nbpress.project.passages import Fault, fault_in, passages_of
from nbpress.say.markdown import CODE, blanked

NAME = "references.bib"

_ENTRY = re.compile(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^\s,]+)\s*,", re.M | re.I)
# As pandoc reads them; an e-mail address, ada@example.org, is not a citation.
_CITATION = re.compile(r"(?<![\w@\\])@(?:\{([^{}\s]+)\}|(\w(?:[:.#$%&\-+?<>~/]?\w)*))")
_BRACKETED = re.compile(r"\[[^\[\]]*?(?<![\w@\\])@\w[^\[\]]*\](?!\()")


def read_bibliography(folder: Path) -> str:
    """Return the BibTeX of the report; "" if there is none."""
    content = read(folder / NAME)
    try:
        return (content or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise PressError(f"report/{NAME} must be UTF-8: {error}") from error


def wrong_citations(notebooks: Iterable[Notebook], folder: Path) -> Iterator[Fault]:
    """Yield citations of missing entries; without a bibliography, only those in brackets."""
    bibliography = read_bibliography(folder)
    known = _ENTRY.findall(bibliography)
    for notebook in notebooks:
        for passage in passages_of(notebook):
            text = blanked(passage.text, CODE)
            brackets = (bracketed.span() for bracketed in _BRACKETED.finditer(text))
            for span in [(0, len(text))] if bibliography else brackets:
                for citation in _CITATION.finditer(text, *span):
                    key = citation[1] or citation[2]
                    if key not in known:
                        hint = did_you_mean(key, known) if known else ", which is missing or empty"
                        message = f"'@{key}' is not in report/{NAME}{hint}"
                        yield fault_in(notebook, passage.cell, passage.line_of(citation), message)
