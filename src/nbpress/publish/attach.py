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
_IN_NAME = r"[^\s\"'()<>]"
_NAME = re.compile(  # from where a word begins, so that a long one, such as base64, costs no time
    rf"(?<!{_IN_NAME}){_IN_NAME}{{1,500}}(?:{'|'.join(map(re.escape, _MIMES))})\b", re.IGNORECASE
)


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
            mime, content = _MIMES[path.suffix.lower()], path.read_bytes()
            return {mime: (content if mime == _MIMES[".svg"] else b64encode(content)).decode()}
    return {}
