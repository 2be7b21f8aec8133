"""What passes from hand to hand on the way from a notebook to a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtypeset.tree import Node


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
