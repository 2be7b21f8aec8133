"""What passes from hand to hand on the way from a notebook to a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.export.tree import Node

# What stands before a claim, by its verdict.
VERDICTS = {
    "proved": "Proved by machine",
    "checked": "Checked by machine",
    "otherwise": "Found instead",
}


@dataclass(frozen=True)
class Imprint:
    """What the press says of a report, in ``resources["nbpress"]["imprint"]``, and nobody else.

    A cell, its outputs and a notebook's metadata cannot say it: they may come from anywhere.
    """

    title: str = ""
    subtitle: str | None = None
    authors: Sequence[str] = ()
    date: str | None = None
    language: str = "en"
    dataset: str | None = None
    notice: str | None = None
    show_code: bool | None = None  # None: the exporter's own setting
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of claims, by cell id
    numbers: Mapping[str, int] = field(default_factory=dict)  # of figures and tables, by label
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Part:
    """What one cell adds to the document."""

    cell: str
    source: str
    blocks: list[Node] = field(default_factory=list)
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class Document:
    """A notebook on its way out: parts, pictures by name, and what had to be given up."""

    meta: dict[str, Any]
    parts: list[Part]
    folder: Path | None = None
    assets: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def warn(self, cell: str, message: str) -> None:
        """Keep a warning, once."""
        line = f"{cell}: {message}" if cell else message
        if line not in self.warnings:
            self.warnings.append(line)
