"""A document's title page: from the press, otherwise from the notebook itself."""

from __future__ import annotations

import datetime
import re
from typing import Any

from nbtypeset.document import Document, TitlePage
from nbtypeset.schema import Imprint
from nbtypeset.tree import clean, nodes, plain

_MONTHS = (
    "January February March April May June July August September October November December"
).split()


def take_title(nb: Any, document: Document) -> str:
    """Return the title of a notebook that is not a report: from its metadata, or its first heading.

    The heading counts only if the document begins with it, and is then removed from the document.
    """
    title = str(nb.metadata.get("title", ""))
    if title.strip():
        return title
    blocks = document.parts[0].blocks if document.parts else []
    if not blocks or blocks[0]["t"] != "Header" or any(n["t"] == "Image" for n in nodes(blocks[0])):
        return ""
    return plain(blocks.pop(0)["c"][2]).strip()


def title_page(nb: Any, imprint: Imprint, title: str, document: Document) -> TitlePage:
    """Return the title page of a resolved document."""
    language = imprint.language.split("-")[0].lower()
    language = language if re.fullmatch(r"[a-z]{2,3}", language) else "en"
    headings = sum(n["t"] == "Header" for part in document.parts for n in part.blocks)
    authors = imprint.authors or [author.name for author in nb.metadata.authors]
    return TitlePage(
        title=clean(title),
        subtitle=imprint.subtitle,
        course=imprint.course,
        assignment=imprint.assignment,
        authors=[clean(name) for name in authors],
        date=imprint.date,
        day=day_in_words(imprint.date or "", language),
        language=language,
        dataset=imprint.dataset,
        notice=imprint.notice,
        has_contents=bool(imprint.title) or headings > 3,
        values=dict(imprint.values),
    )


def day_in_words(date: str, language: str) -> str:
    """Return "3 February 2022" for 2022-02-03 in English; otherwise the date unchanged."""
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        return date
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if language == "en" else date
