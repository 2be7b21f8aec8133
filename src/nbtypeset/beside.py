"""Pictures in files beside a notebook: their formats, and which files may be taken.

Only the standard library is imported here.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

# Media types by the endings of files, the best format first.
PICTURES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}


def picture_beside(folder: Path, name: str) -> tuple[str, bytes] | None:
    """Return a picture's ending and bytes; None unless it is a file in the folder or below it."""
    with contextlib.suppress(OSError, ValueError):
        file = (folder / name).resolve()
        ending = file.suffix[1:].lower()
        if ending in PICTURES and file.is_relative_to(folder.resolve()):
            return ending, file.read_bytes()
    return None
