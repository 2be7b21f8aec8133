"""Takes a document's pictures from the notebook and its folder, and from nowhere else."""

from __future__ import annotations

import hashlib
import math
import re
from base64 import b64decode
from urllib.parse import unquote, unquote_to_bytes

from nbtypeset.beside import picture_beside
from nbtypeset.document import Document, Part
from nbtypeset.tree import Node, clean, own, pairs, plain, text

_LENGTH = re.compile(r"(\d{1,5}(?:\.\d{1,4})?)(px|%)?")
_IN_STYLE = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*([^;!]*[^;!\s])")
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
    return [own("image", [], name=name, alt=clean(spoken), **_size(pairs(element)))]


def _size(attributes: dict[str, str]) -> dict[str, str]:
    """Return the sides that are given, in CSS pixels or, the width only, percent of the line.

    As in a browser, those in a style count first.
    """
    given = attributes | {
        side: length for side, length in _IN_STYLE.findall(attributes.get("style", ""))
    }
    size = {}
    for side in ("width", "height"):
        length = _LENGTH.fullmatch(given.get(side, "").strip())
        if length and float(length[1]) and (side == "width" or length[2] != "%"):
            share = length[2] == "%"
            size[side] = f"{min(float(length[1]), 100 if share else math.inf):g}" + (
                "%" if share else "px"
            )
    return size


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
