"""What can be typeset: what a notebook's cells say of themselves, and what only the press says.

Nothing but the standard library is imported here: the kernels of notebooks import it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

# In a cell's output a record stands under this name, beside the picture or the Markdown text.
MIME_TYPE = "application/vnd.nbpress+json"

# Beside a picture the same with its letters as text, for what has these typefaces at hand.
TEXT_SVG = "image/vnd.nbpress.text+svg"
TYPEFACES = frozenset({"Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"})

# What stands before a claim, by its verdict.
VERDICTS = {
    "proved": "Proved by machine",
    "checked": "Checked by machine",
    "otherwise": "Found instead",
}


@dataclass(frozen=True)
class Record:
    """What a cell says of one of its outputs, as JSON: its kind, and each field by its name."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the record as an output holds it under `MIME_TYPE`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, record: object) -> Self | None:
        """Return a record of texts, a missing one as an empty one; None if it is malformed."""
        if not isinstance(record, dict) or record.get("kind") != cls.kind:
            return None
        texts = {text.name: record.get(text.name, "") for text in fields(cls)}
        return cls(**texts) if all(isinstance(text, str) for text in texts.values()) else None


@dataclass(frozen=True)
class Figure(Record):
    """A picture with its caption in Markdown, and in words for those who cannot see it."""

    kind: ClassVar[str] = "figure"
    label: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table(Record):
    """A table, which the output holds in Markdown, with its caption in Markdown."""

    kind: ClassVar[str] = "table"
    label: str
    caption: str


@dataclass(frozen=True)
class Caption(Record):
    """A caption once more, as JupyterLab shows it: a document has it from its figure or table."""

    kind: ClassVar[str] = "caption"


@dataclass(frozen=True)
class Sentence(Record):
    """A claim as it reads, in Markdown, without a mark: marks come from the press alone."""

    kind: ClassVar[str] = "claim"
    sentence: str


@dataclass(frozen=True)
class Derivation(Record):
    """A derivation, whose text the output holds; `summary` says what was proved of it."""

    kind: ClassVar[str] = "derivation"
    summary: str


def record_of(
    data: Mapping[str, Any],
) -> Figure | Table | Caption | Sentence | Derivation | None:
    """Return what an output's MIME bundle is to a document; None if it is an output like any."""
    for kind in (Figure, Table, Caption, Sentence, Derivation):
        if record := kind.from_json(data.get(MIME_TYPE)):
            return record
    return None


@dataclass(frozen=True)
class Imprint:
    """What the press says of a report, in ``resources["nbpress"]["imprint"]``, and nobody else.

    A cell, its outputs and a notebook's metadata cannot say it: they may come from anywhere.
    """

    title: str = ""
    subtitle: str | None = None
    course: str = ""
    assignment: str = ""
    authors: Sequence[str] = ()
    date: str | None = None
    language: str = "en"
    dataset: str | None = None
    notice: str | None = None
    bibliography: str = ""  # BibTeX, of what texts cite as [@key]
    key_results: Sequence[str] = ()  # sentences in Markdown
    show_code: bool | None = None  # None: the exporter's own setting
    # Of the claims and formulas of a cell, by its id; "" of one without a mark.
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)  # of figures and tables, by label
    values: Mapping[str, Any] = field(default_factory=dict)
