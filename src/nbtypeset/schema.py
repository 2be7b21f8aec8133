"""The data that can be typeset: the records in a notebook's cells, and the press's imprint.

Only the standard library is imported here, because the kernels of notebooks import this too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

# The name under which a cell's output holds a record, beside the picture or the Markdown text.
MIME_TYPE = "application/vnd.nbpress+json"

# The same picture with its letters as text, for exporters that have these typefaces.
TEXT_SVG = "image/vnd.nbpress.text+svg"
TYPEFACES = frozenset({"Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"})
# The same figure, drawn for narrow screens.
NARROW_SVG = "image/vnd.nbpress.narrow+svg"

# The words before a claim, by its verdict.
VERDICTS = {
    "proved": "Proved by machine",
    "checked": "Checked by machine",
    "otherwise": "Found instead",
}


@dataclass(frozen=True)
class Record:
    """A description of one of a cell's outputs, as JSON: its kind, and its fields by name."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the record in the form stored under `MIME_TYPE`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, record: object) -> Self | None:
        """Return a record whose fields are texts, missing ones empty; None if it is malformed."""
        if not isinstance(record, dict) or record.get("kind") != cls.kind:
            return None
        texts = {text.name: record.get(text.name, "") for text in fields(cls)}
        return cls(**texts) if all(isinstance(text, str) for text in texts.values()) else None


@dataclass(frozen=True)
class Figure(Record):
    """A picture with a caption in Markdown, and a text alternative for those who cannot see it."""

    kind: ClassVar[str] = "figure"
    label: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table(Record):
    """A table, in Markdown in the output, with a caption in Markdown."""

    kind: ClassVar[str] = "table"
    label: str
    caption: str


@dataclass(frozen=True)
class Caption(Record):
    """A caption repeated for JupyterLab only: documents take it from the figure or table."""

    kind: ClassVar[str] = "caption"


@dataclass(frozen=True)
class Sentence(Record):
    """The text of a claim, in Markdown, without a mark: only the press sets marks."""

    kind: ClassVar[str] = "claim"
    sentence: str


@dataclass(frozen=True)
class Derivation(Record):
    """A derivation, whose text is in the output; `summary` says what was proved."""

    kind: ClassVar[str] = "derivation"
    summary: str


def record_of(
    data: Mapping[str, Any],
) -> Figure | Table | Caption | Sentence | Derivation | None:
    """Return the record in an output's MIME bundle; None for an ordinary output."""
    for kind in (Figure, Table, Caption, Sentence, Derivation):
        if record := kind.from_json(data.get(MIME_TYPE)):
            return record
    return None


@dataclass(frozen=True)
class Imprint:
    """What only the press may state about a report, in ``resources["nbpress"]["imprint"]``.

    Cells, outputs and a notebook's metadata may not, because they may come from anywhere.
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
    bibliography: str = ""  # BibTeX entries, cited in texts as [@key]
    key_results: Sequence[str] = ()  # sentences in Markdown
    show_code: bool | None = None  # None: the exporter's own setting
    # The verdicts on a cell's claims, by the cell's id.
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # The formulas of a cell's derivation, in LaTeX, each with its verdict; "" for no mark.
    judged: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)  # of figures and tables, by label
    values: Mapping[str, Any] = field(default_factory=dict)
