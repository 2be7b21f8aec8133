"""Attaches the pictures that lie beside a notebook to the cells whose texts name them."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote

from nbpress.publish.cells import Cell
from nbtypeset.beside import PICTURES, picture_beside

_IN_NAME = r"[^\s\"'()<>]"
_NAME = re.compile(  # from where a word begins, so that a long one, such as base64, costs no time
    rf"(?<!{_IN_NAME}){_IN_NAME}{{1,500}}\.(?:{'|'.join(PICTURES)})\b", re.IGNORECASE
)


def attach(cell: Cell, folder: Path) -> None:
    """Attach to a cell each picture in `folder` that its Markdown or HTML names."""
    outputs = (output.get("data", {}) for output in cell.get("outputs", ()))
    texts = [data.get(mime, "") for data in outputs for mime in ("text/markdown", "text/html")]
    if cell["cell_type"] == "markdown":
        texts.append(cell["source"])
    for name in {unquote(name) for text in texts for name in _NAME.findall(text)}:
        if picture := picture_beside(folder, name):
            ending, content = picture
            as_text = content if ending == "svg" else b64encode(content)
            bundle = {PICTURES[ending]: as_text.decode("utf-8", "replace")}
            cell.setdefault("attachments", {}).setdefault(name, bundle)
