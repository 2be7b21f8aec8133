"""Run the pandoc in the ``pypandoc_binary`` wheel, never one found on PATH."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from nbtypeset.markup import Kept, has_html, lost, separate, tidy, unique
from nbtypeset.tree import Node, code_block, node, nodes, notes_in_line, strip_attributes, walk

# Raw Typst or LaTeX in a notebook stays text; raw HTML is kept, and read by its meaning.
_MARKDOWN = (
    "ipynb-raw_attribute-raw_tex-citations+tex_math_single_backslash"
    "+escaped_line_breaks+footnotes+markdown_in_html_blocks+startnum"
)
_CITING = _MARKDOWN.replace("-citations", "+citations")
_HTML = "html+tex_math_dollars+tex_math_single_backslash"

_PATIENCE = 60  # seconds; a report takes a tenth of a second


class PandocError(RuntimeError):
    """Pandoc refused its input or took too long; the message says why."""


@cache
def _binary() -> str:
    import pypandoc

    return str(pypandoc.get_pandoc_path())


def run(source: str, reader: str, writer: str, *options: str) -> str:
    """Return ``source`` converted from ``reader`` to ``writer``, without touching a file."""
    command = [_binary(), "-f", reader, "-t", writer, "--sandbox", "--wrap=none", *options]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise PandocError(f"pandoc took more than {_PATIENCE} s") from error
    if done.returncode:
        raise PandocError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode()


def write(blocks: list[Node], writer: str, *options: str) -> str:
    """Return ``blocks`` in the format ``writer``."""
    return run(_document(blocks, {}), "json", writer, *options)


def citeproc(blocks: list[Node], meta: dict[str, Any]) -> list[Node]:
    """Return blocks with their citations set; the last one is a Div of all ``references``."""
    document = _document(blocks, {**meta, "link-citations": {"t": "MetaBool", "c": True}})
    cited: list[Node] = json.loads(run(document, "json", "json", "--citeproc"))["blocks"]
    return cited


def _document(blocks: list[Node], meta: dict[str, Any]) -> str:
    return json.dumps({"pandoc-api-version": _api_version(), "meta": meta, "blocks": blocks})


def write_logged(blocks: list[Node], writer: str, *options: str) -> tuple[str, set[str]]:
    """Return ``blocks`` in the format ``writer``, and the formulas that pandoc could not read."""
    with tempfile.TemporaryDirectory(prefix="nbpress-") as folder:
        log = Path(folder, "log.json")
        written = write(blocks, writer, f"--log={log}", *options)
        entries = json.loads(log.read_text(encoding="utf-8"))
    kind = "CouldNotConvertTeXMath"
    return written, {entry["contents"].strip() for entry in entries if entry["type"] == kind}


@cache
def _api_version() -> list[int]:
    version: list[int] = json.loads(run("", "markdown", "json"))["pandoc-api-version"]
    return version


def read_markdown(texts: list[str], citing: bool = False) -> list[list[Node]]:
    """Return the blocks of each Markdown text, all of them read in one go.

    Pandoc reads them as the cells of a notebook, so an open fence in one cannot swallow the next.
    HTML in them is read as what it shows: tables, images, line breaks, emphasis. With ``citing``,
    `[@key]` is a citation.
    """
    return _in_halves(partial(_read_markdown, citing=citing), texts)


def read_html(texts: list[str]) -> list[list[Node]]:
    """Return the blocks of each piece of HTML, all of them read in one go."""
    return _in_halves(_read_html, texts)


def _in_halves(read: Callable[[list[str]], list[list[Node]]], texts: list[str]) -> list[list[Node]]:
    """Read all texts; one that pandoc or Python cannot handle is shown verbatim."""
    if not texts:
        return []
    try:
        trees = read(texts)
        _check_depth(trees)
        strip_attributes(trees)
        return trees
    except (RecursionError, PandocError):
        if len(texts) == 1:
            return [[code_block(texts[0])]]
        half = len(texts) // 2
        return _in_halves(read, texts[:half]) + _in_halves(read, texts[half:])


def _check_depth(trees: list[list[Node]], spare: int = 100) -> None:
    """Walk the trees with some stack frames to spare, because later walks start deeper."""
    if spare:
        _check_depth(trees, spare - 1)
    else:
        walk(trees, lambda _: None)


def _read_markdown(texts: list[str], citing: bool) -> list[list[Node]]:
    cells = [
        {"cell_type": "markdown", "id": f"p{i}", "metadata": {}, "source": text}
        for i, text in enumerate(texts)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    reader = _CITING if citing else _MARKDOWN
    divisions: list[Any] = json.loads(run(json.dumps(notebook), reader, "json"))["blocks"]
    trees = [division["c"][1] for division in divisions]
    for i, tree in enumerate(trees):
        for element in nodes(tree):
            # Pandoc prefixes attachments with the cell's id; here they keep their own name.
            if element["t"] == "Image" and element["c"][2][0].startswith(f"p{i}-"):
                element["c"][2][0] = "attachment:" + element["c"][2][0].removeprefix(f"p{i}-")
    mixed = [i for i, tree in enumerate(trees) if has_html(tree)]
    for i, blocks in zip(mixed, _by_meaning([trees[i] for i in mixed]), strict=True):
        trees[i] = blocks
    for tree in trees:
        for element in nodes(tree):
            if element["t"] == "Header":
                element["c"][2] = walk(element["c"][2], notes_in_line)
    return trees


def _by_meaning(trees: list[list[Node]]) -> list[list[Node]]:
    """Return trees in which HTML is read by its meaning: pandoc writes them as HTML and reads that.

    What HTML would lose, footnotes among them, takes no part in it.
    """
    if not trees:
        return []
    edge = unique([json.dumps(trees)])
    kept = Kept(edge)
    joined = [
        block
        for tree in trees
        for block in [*walk(tree, kept.take), node("RawBlock", ["html", f"<!--{edge}-->"])]
    ]
    notes = [element for element in kept.nodes if element["t"] == "Note" and has_html(element)]
    for note, blocks in zip(notes, _by_meaning([note["c"] for note in notes]), strict=True):
        note["c"] = blocks
    html = write(joined, "html", "--mathjax", "--syntax-highlighting=none")
    read: list[list[Node]] = walk(_read_html(html.split(f"<!--{edge}-->")[:-1]), kept.give_back)
    return read


def _read_html(texts: list[str]) -> list[list[Node]]:
    """Read each text in a box of its own with an id, because pandoc may close a box too early."""
    name = unique(texts)
    boxes = [f'<div id="{name}-{i}">{tidy(text, mark=name)}</div>' for i, text in enumerate(texts)]
    trees: list[list[Node]] = []
    for block in json.loads(run("".join(boxes), _HTML, "json"))["blocks"]:
        if block["t"] == "Div" and block["c"][0][0] == f"{name}-{len(trees)}":
            trees.append(list(block["c"][1]))
        elif trees:
            trees[-1].append(block)
    if len(trees) != len(texts):
        raise PandocError("pandoc read one text into another")
    for tree in trees:
        separate(tree)
    return [walk(tree, partial(lost, mark=name)) for tree in trees]
