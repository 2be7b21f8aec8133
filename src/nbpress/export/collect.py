"""From notebook cells to parts of a document: which of a cell's many faces is shown, and how."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from nbpress.export import pandoc
from nbpress.export.document import Part
from nbpress.export.texts import MATHS, normal_maths, terminal_text
from nbpress.export.tree import Node, attr, clean, code_block, div, kind_of, node, pairs, para, text

NBPRESS = "application/vnd.nbpress+json"
_IMAGES = {
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}


_VERDICT = re.compile(r"^\s*[✓✗][^:\n]*:\s*")


def collect(nb: Any, show_code: bool) -> list[Part]:
    """Return the notebook's visible parts in order, all Markdown and HTML read into trees."""
    collector = _Collector(show_code)
    for number, cell in enumerate(nb.cells, 1):
        collector.add(number, cell)
    return collector.finish()


class _Collector:
    """Gathers parts and, to be read by pandoc in one go, the texts they are made of."""

    def __init__(self, show_code: bool) -> None:
        self.show_code = show_code
        self.language = ""
        self.parts: list[Part] = []
        self.markdown: list[str] = []
        self.html: list[str] = []

    def add(self, number: int, cell: Any) -> None:
        """Add a cell, unless its tags hide it."""
        tags = {t.replace("_", "-") for t in cell.metadata.get("tags", [])}
        if tags & {"remove-cell", "hide-cell"}:
            return
        part = Part(f"cell {number} (id {clean(str(cell.get('id', '?')))})", cell.source)
        part.attachments = dict(_decoded(cell.get("attachments", {})))
        if cell.cell_type == "markdown":
            part.blocks.append(self._markdown(cell.source))
        elif cell.cell_type == "code":
            if self.show_code and cell.source.strip() and not tags & {"remove-input", "hide-input"}:
                part.blocks.append(div("code", [code_block(cell.source, "python")]))
            if not tags & {"remove-output", "hide-output"}:
                part.blocks += self._outputs(cell.outputs, part, cell.get("execution_count"))
        if part.blocks:
            self.parts.append(part)

    def finish(self) -> list[Part]:
        """Read all texts and put their trees in their places."""
        read = {
            "markdown": pandoc.read_markdown(self.markdown),
            "html": pandoc.read_html(self.html),
        }

        def expand(blocks: list[Node]) -> list[Node]:
            grown: list[Node] = []
            for block in blocks:
                if kind_of(block) == "unread":
                    where = pairs(block)
                    grown += read[where["form"]][int(where["index"])]
                else:
                    if block["t"] == "Div":
                        block["c"][1] = expand(block["c"][1])
                    grown.append(block)
            return grown

        for part in self.parts:
            part.blocks = expand(part.blocks)
        return self.parts

    def _markdown(self, source: str) -> Node:
        self.markdown.append(normal_maths(clean(source.replace("\r\n", "\n"))))
        return div("unread", [], form="markdown", index=len(self.markdown) - 1)

    def _html(self, source: str) -> Node:
        self.html.append(clean(source))
        return div("unread", [], form="html", index=len(self.html) - 1)

    def _outputs(self, outputs: list[Any], part: Part, count: int | None) -> Iterator[Node]:
        for output in _coalesced(outputs):
            if output.output_type == "stream":
                words = terminal_text(output.text)
                if words.strip():
                    yield div("stream", [code_block(words)], name=output.name)
            elif output.output_type == "error":
                trace = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
                yield div("error", [code_block(terminal_text(trace))])
            else:
                yield from self._rich(output, part, count)

    def _rich(self, output: Any, part: Part, count: int | None) -> Iterator[Node]:
        data = output.data
        told = data.get(NBPRESS)
        told = told if isinstance(told, dict) else {}
        kind = told.get("kind")
        if kind == "figure":
            yield from self._figure(data, told, part)
        elif kind == "table":
            table = self._markdown(_joined(data.get("text/markdown", "")))
            caption = div("caption", [self._markdown(str(told.get("caption", "")))])
            yield div(
                "table", [table, caption], str(told.get("label", "")), number=told.get("number")
            )
        elif kind in ("claim", "answer"):
            words = _joined(data.get("text/markdown") or told.get("text") or "")
            if kind == "claim":  # the mark and the words before it are the template's
                words = _VERDICT.sub("", words)
            verdict = "checked" if told.get("holds", True) else "otherwise"
            verdict = "proved" if told.get("proved") else verdict
            yield div(str(kind), [self._markdown(words)], verdict=verdict, task=told.get("task"))
        else:
            yield from self._plain(output, part, count)

    def _figure(self, data: Any, told: dict[str, Any], part: Part) -> Iterator[Node]:
        picture = _picture(data, part, str(told.get("label") or "figure"))
        if picture is None:
            yield self._markdown(_joined(data.get("text/plain", "")))
            return
        caption = div("caption", [self._markdown(str(told.get("caption", "")))])
        image = para([node("Image", [attr(), text(str(told.get("alt", ""))), [picture, ""]])])
        yield div("figure", [image, caption], str(told.get("label", "")), number=told.get("number"))

    def _plain(self, output: Any, part: Part, count: int | None) -> Iterator[Node]:
        data = output.data
        latex = _joined(data.get("text/latex", "")).strip()
        html = _joined(data.get("text/html", ""))
        if latex and (latex.startswith("$") or MATHS.fullmatch(latex) or latex[:2] == r"\["):
            yield self._markdown(latex)
        elif "text/markdown" in data:
            yield self._markdown(_joined(data["text/markdown"]))
        elif picture := _picture(data, part, "output"):
            about = next(
                (output.metadata[m] for m in _IMAGES if isinstance(output.metadata.get(m), dict)),
                output.metadata,
            )
            alt = about.get("alt") or f"Output of code cell {'' if count is None else count}"
            size = {k: f"{about[k]}px" for k in ("width",) if isinstance(about.get(k), int | float)}
            image = node("Image", [attr("", (), **size), text(str(alt)), [picture, ""]])
            yield div("picture", [para([image])])
        elif html and _shows(html):
            yield div("html", [self._html(html)])
        elif words := terminal_text(_joined(data.get("text/plain", ""))).rstrip():
            yield div("result", [code_block(words)])


def _coalesced(outputs: list[Any]) -> Iterator[Any]:
    last: Any = None
    for output in outputs:
        if last is not None and output.output_type == "stream" == last.output_type:
            if output.name == last.name:
                last.text += output.text
                continue
        if last is not None:
            yield last
        last = output
    if last is not None:
        yield last


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _shows(html: str) -> bool:
    """Say whether something of the HTML is left to read once its scripts are gone."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(pandoc.tidy(html), "html.parser")
    return bool(soup.get_text(strip=True) or soup.find("img"))


def _decoded(bundles: Any) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for name, bundle in bundles.items():
        for mime, ending in _IMAGES.items():
            if mime in bundle:
                yield f"attachment:{name}", (ending, _bytes(bundle[mime], mime))
                break


def _picture(data: Any, part: Part, stem: str) -> str | None:
    """Keep the best image of an output with its part, and return the name it goes by there."""
    for mime, ending in _IMAGES.items():
        if data.get(mime):
            name = f"attachment:{stem}-{len(part.attachments)}"
            part.attachments[name] = (ending, _bytes(data[mime], mime))
            return name
    return None


def _bytes(value: Any, mime: str) -> bytes:
    if mime == "image/svg+xml":
        return _joined(value).encode()
    try:
        return b64decode(_joined(value))
    except ValueError:
        return b""
