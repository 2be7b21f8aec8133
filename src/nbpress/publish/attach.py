"""Attaches the pictures that lie beside a notebook to the cells whose texts name them."""

from __future__ import annotations

import contextlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nbpress.publish.cells import Cell

_MIMES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
PICTURES = frozenset(_MIMES)  # how the names of pictures end
_NAME = re.compile(rf"[^\s\"'()<>]+(?:{'|'.join(map(re.escape, _MIMES))})\b", re.IGNORECASE)


def attach(cell: Cell, folder: Path) -> None:
    """Attach to a cell each picture in `folder` that its Markdown or HTML names."""
    outputs = (output.get("data", {}) for output in cell.get("outputs", ()))
    texts = [data.get(mime, "") for data in outputs for mime in ("text/markdown", "text/html")]
    if cell["cell_type"] == "markdown":
        texts.append(cell["source"])
    for name in {unquote(name) for text in texts for name in _NAME.findall(text)}:
        if bundle := _bundle(folder / name, folder):
            cell.setdefault("attachments", {}).setdefault(name, bundle)


def _bundle(path: Path, folder: Path) -> dict[str, Any]:
    """Return a picture as Jupyter keeps attachments; {} if there is none, or not below `folder`."""
    with contextlib.suppress(OSError, ValueError):
        if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
            content = path.read_bytes()
            is_text = path.suffix.lower() == ".svg"
            return {
                _MIMES[path.suffix.lower()]: content.decode()
                if is_text
                else b64encode(content).decode()
            }
    return {}
