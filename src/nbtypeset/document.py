"""The data passed between the stages on the way from a notebook to a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtypeset.tree import Node

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # for documents without a date: same bytes on any day


@dataclass(frozen=True)
class TitlePage:
    """What comes before the first cell, and goes into a file's metadata."""

    title: str = ""
    subtitle: str | None = None
    course: str = ""
    assignment: str = ""
    authors: list[str] = field(default_factory=list)
    date: str | None = None
    day: str = ""  # the date in words
    language: str = "en"
    dataset: str | None = None
    notice: str | None = None
    has_contents: bool = False
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def occasion(self) -> str:
        """What the document was written for: course and assignment."""
        return " · ".join(filter(None, [self.course, self.assignment]))

    @property
    def facts(self) -> list[str]:
        """The line below the title: authors, date and data set."""
        facts = [", ".join(self.authors), self.day, self.dataset or ""]
        return [fact for fact in facts if fact]


@dataclass
class Part:
    """What one cell adds to the document."""

    cell_name: str
    source: str
    blocks: list[Node] = field(default_factory=list)
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    narrow: dict[str, bytes] = field(default_factory=dict)  # SVG for narrow screens, by attachment
    notes: list[str] = field(default_factory=list)  # on what of the cell cannot be shown


@dataclass
class Document:
    """A notebook being exported: its parts, pictures by name, and warnings."""

    parts: list[Part]
    has_results: bool = False  # in the first part, which belongs to the title page
    folder: Path | None = None
    title_page: TitlePage = TitlePage()
    assets: dict[str, bytes] = field(default_factory=dict)
    narrow: dict[str, bytes] = field(default_factory=dict)  # SVG for narrow screens, by asset
    warnings: list[str] = field(default_factory=list)

    @property
    def timestamp(self) -> int:
        """A PDF's time of creation, in seconds since 1970: midnight of the document's date."""
        try:
            midnight = datetime.fromisoformat(self.title_page.date or "").replace(tzinfo=UTC)
        except ValueError:
            midnight = _EPOCH
        return int(midnight.timestamp())

    def warn(self, cell_name: str, message: str) -> None:
        """Keep a warning, unless it is kept already."""
        line = f"{cell_name}: {message}" if cell_name else message
        if line not in self.warnings:
            self.warnings.append(line)
