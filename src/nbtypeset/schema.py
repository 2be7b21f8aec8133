"""What the typesetter is told: by a notebook's cells, and by the press alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Beside a picture or a Markdown text in a cell's output stands, under this name, what it is.
MIME_TYPE = "application/vnd.nbpress+json"

# What stands before a claim, by its verdict.
VERDICTS = {
    "proved": "Proved by machine",
    "checked": "Checked by machine",
    "otherwise": "Found instead",
}


@dataclass(frozen=True)
class Figure:
    """A picture with a label to refer to, a caption in Markdown and a text alternative."""

    label: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """A table with a label to refer to and a caption in Markdown."""

    label: str
    caption: str


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
