"""Makes notebooks have the types that the format prescribes for metadata and outputs.

Notebooks may come from anywhere, and nbconvert would refuse a whole one because, say, its title is
a list. Anything of a wrong type is left out here, so that no later step has to check.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from nbformat import NotebookNode, from_dict

_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def sanitized(nb: Any) -> NotebookNode:
    """Return a copy without any metadata, outputs and attachments of wrong types."""
    metadata = _mapping(nb.get("metadata"))
    kept: dict[str, Any] = {}
    if isinstance(metadata.get("title"), str):
        kept["title"] = metadata["title"]
    authors = metadata.get("authors")
    names = [
        author.get("name") if isinstance(author, dict) else author
        for author in (authors if isinstance(authors, list) else [authors])
    ]
    kept["authors"] = [{"name": name} for name in names if isinstance(name, str)]
    repaired: NotebookNode = from_dict(  # type: ignore[no-untyped-call]
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": kept,
            "cells": _cells(nb.get("cells", ())),
        }
    )
    return repaired


def _cells(cells: Any) -> list[dict[str, Any]]:
    ids: set[str] = set()
    repaired = []
    for number, cell in enumerate(cells, 1):
        id_ = str(cell.get("id"))
        if id_ in ids or not _ID.fullmatch(id_):
            id_ = next(name for n in count(number) if (name := f"cell-{n}") not in ids)
        ids.add(id_)
        repaired.append(_cell(cell, id_))
    return repaired


def _cell(cell: Any, id_: str) -> dict[str, Any]:
    tags = _mapping(cell.get("metadata")).get("tags")
    kind = cell.get("cell_type")
    repaired = {
        "id": id_,
        "cell_type": kind if kind in ("code", "markdown") else "raw",
        "metadata": {"tags": sorted(set(_texts(tags)))},
        "source": _joined(cell.get("source")) or "",
    }
    attachments = {
        str(name): bundle
        for name, given in _mapping(cell.get("attachments")).items()
        if (bundle := _bundle(given))
    }
    if kind == "code":
        repaired["execution_count"] = _count(cell)
        outputs = cell.get("outputs")
        outputs = outputs if isinstance(outputs, list) else []
        repaired["outputs"] = [output for given in outputs if (output := _output(_mapping(given)))]
    if attachments:  # of code cells, too: their outputs may show files that the press attached
        repaired["attachments"] = attachments
    return repaired


def _output(output: dict[str, Any]) -> dict[str, Any] | None:
    kind = output.get("output_type")
    if kind == "stream":
        name, text = str(output.get("name")), _joined(output.get("text")) or ""
        return {"output_type": kind, "name": name, "text": text}
    if kind == "error":
        error = {name: str(output.get(name, "")) for name in ("ename", "evalue")}
        return {"output_type": kind, **error, "traceback": _texts(output.get("traceback"))}
    if kind not in ("display_data", "execute_result"):
        return None
    repaired = {
        "output_type": kind,
        "metadata": _mapping(output.get("metadata")),
        "data": _bundle(output.get("data")),
    }
    if kind == "execute_result":
        repaired["execution_count"] = _count(output)
    return repaired


def _bundle(bundle: Any) -> dict[str, Any]:
    """Return a MIME bundle's texts, each as one string, and its JSON objects."""
    return {
        str(mime): value if isinstance(value, dict) else _joined(value)
        for mime, value in _mapping(bundle).items()
        if (isinstance(value, dict) and str(mime).endswith("json")) or _joined(value) is not None
    }


def _count(cell_or_output: Any) -> int | None:
    number = cell_or_output.get("execution_count")
    return number if isinstance(number, int) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _joined(value: Any) -> str | None:
    """Return a text given as a string or a list of lines; None if it is neither."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else None
