"""The data passed between the stages on the way from a notebook to a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtypeset.tree import Node

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of documents without a date: same bytes on any day


@dataclass(frozen=True)
class TitlePage:
    """What stands before the first cell, and what a file says of itself in its metadata."""

    title: str
    subtitle: str | None
    authors: list[str]
    date: str | None
    language: str
    dataset: str | None
    notice: str | None
    has_contents: bool
    values: dict[str, Any]


@dataclass
class Part:
    """What one cell adds to the document."""

    cell_name: str
    source: str
    blocks: list[Node] = field(default_factory=list)
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class Document:
    """A notebook on its way out: parts, pictures by name, and what had to be given up."""

    parts: list[Part]
    folder: Path | None = None
    title_page: TitlePage = TitlePage("", None, [], None, "en", None, None, False, {})
    assets: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def timestamp(self) -> int:
        """The time that a PDF says it was made at, in seconds: that of the document's day."""
        try:
            midnight = datetime.fromisoformat(self.title_page.date or "").replace(tzinfo=UTC)
        except ValueError:
            midnight = _EPOCH
        return int(midnight.timestamp())

    def warn(self, cell_name: str, message: str) -> None:
        """Keep a warning, once."""
        line = f"{cell_name}: {message}" if cell_name else message
        if line not in self.warnings:
            self.warnings.append(line)
