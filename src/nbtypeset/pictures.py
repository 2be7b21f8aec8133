"""Takes a document's pictures from the notebook and its folder, and from nowhere else."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from urllib.parse import unquote, unquote_to_bytes

from nbtypeset.beside import picture_beside
from nbtypeset.document import Document, Part
from nbtypeset.tree import Node, clean, own, pairs, plain, text

_WIDTH = re.compile(r"(\d{1,5}(?:\.\d{1,4})?)(px|%)?")
_ENDINGS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF8", "gif"),
    (b"RIFF", "webp"),
)


def picture(element: Node, part: Part, document: Document) -> list[Node]:
    """Keep a picture's bytes with the document; if it is not available, return its text instead."""
    alt, target = element["c"][1], unquote(element["c"][2][0])
    data = _read(element["c"][2][0], target, part, document)
    if data is None:
        document.warn(part.cell_name, f"picture {target[:80]!r} is missing; its text is shown")
        return alt or text("[picture]")
    ending, content = data
    ending = next((e for magic, e in _ENDINGS if content.startswith(magic)), ending)
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
    document.assets[name] = content
    if narrow := part.narrow.get(target):
        document.narrow[name] = narrow
    spoken = plain(alt).strip()
    if not spoken:
        document.warn(part.cell_name, "a picture has no text alternative")
        spoken = element["c"][2][1] or "Picture"
    return [own("image", [], name=name, alt=clean(spoken), width=_width(pairs(element)))]


def _width(attributes: dict[str, str]) -> str | None:
    """Return a width in CSS pixels or percent of the line; None if it is not given so."""
    width = _WIDTH.fullmatch(attributes.get("width", "").strip())
    if not width or not float(width[1]):
        return None
    return f"{min(float(width[1]), 100):g}%" if width[2] == "%" else f"{float(width[1]):g}px"


def _read(raw: str, target: str, part: Part, document: Document) -> tuple[str, bytes] | None:
    """Return a picture's file ending and bytes; None if neither notebook nor folder has it."""
    for name in (target, f"attachment:{target}"):  # a file's name, if the press attached the file
        if name in part.attachments:
            return part.attachments[name]
    if raw.startswith("data:image/"):
        head, _, body = raw[5:].partition(",")
        ending = head.split(";")[0].removeprefix("image/").removesuffix("+xml")
        try:
            return ending, b64decode(body) if "base64" in head else unquote_to_bytes(body)
        except ValueError:
            return None
    if document.folder is None or re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
        return None
    return picture_beside(document.folder, target)
