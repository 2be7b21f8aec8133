"""Turns cells into parts of a document, choosing which representation of an output to show."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from nbtypeset import pandoc
from nbtypeset.beside import PICTURES
from nbtypeset.document import Part
from nbtypeset.markup import hides, shows
from nbtypeset.read.markdown import as_in_jupyter
from nbtypeset.read.texts import MATHS, normal_maths, terminal_text
from nbtypeset.schema import (
    MIME_TYPE,
    NARROW_SVG,
    Caption,
    Derivation,
    Figure,
    Imprint,
    Sentence,
    Table,
    record_of,
)
from nbtypeset.tree import Node, attr, clean, code_block, kind_of, node, own, pairs, para, text

# IPython's names for objects that have no text: "<IPython.core.display.HTML object>".
_SAYS_NOTHING = re.compile(r"<IPython\.[\w.]+(?: object)?(?: at 0x[0-9a-f]+)?>")
ENDINGS = {mime: ending for ending, mime in PICTURES.items()}  # by media type


def collect(
    nb: Any, show_code: bool, imprint: Imprint, pictures: Sequence[str] = tuple(ENDINGS)
) -> list[Part]:
    """Return the notebook's visible parts in order, with all Markdown and HTML read into trees.

    The picture of an output is the first of the formats in ``pictures`` that it has.
    """
    collector = _Collector(show_code, imprint, pictures)
    if imprint.key_results:
        collector.add_results(imprint.key_results)
    for number, cell in enumerate(nb.cells, 1):
        collector.add(number, cell)
    return collector.finish()


class _Collector:
    """Collects the parts, and their texts for pandoc to read in one go."""

    def __init__(self, show_code: bool, imprint: Imprint, pictures: Sequence[str]) -> None:
        self.show_code = show_code
        self.pictures = pictures
        self.imprint = imprint
        self.parts: list[Part] = []
        self.markdown: list[str] = []
        self.html: list[str] = []

    def add(self, number: int, cell: Any) -> None:
        """Add a cell, unless its tags hide it."""
        tags = {tag.replace("_", "-") for tag in cell.metadata.tags}
        if tags & {"remove-cell", "hide-cell"}:
            return
        part = Part(f"cell {number} (id {clean(str(cell.get('id', '?')))})", cell.source)
        part.attachments = dict(_decoded(cell.get("attachments", {})))
        if cell.cell_type == "markdown":
            part.blocks.append(self._markdown(cell.source))
        elif cell.cell_type == "code":
            if self.show_code and cell.source.strip() and not tags & {"remove-input", "hide-input"}:
                part.blocks.append(own("code", [code_block(cell.source, "python")]))
            if not tags & {"remove-output", "hide-output"}:
                part.blocks += self._outputs(cell, part)
        if part.blocks or part.notes:
            self.parts.append(part)

    def add_results(self, sentences: Sequence[str]) -> None:
        """Add the key results as a separate part."""
        source = "\n".join(f"- {sentence}" for sentence in sentences)
        part = Part("key results", source)
        part.blocks.append(own("results", [self._markdown(source)]))
        self.parts.append(part)

    def finish(self) -> list[Part]:
        """Read all texts and put their trees into the parts."""
        read = {
            "markdown": pandoc.read_markdown(self.markdown, citing=bool(self.imprint.bibliography)),
            "html": pandoc.read_html(self.html),
        }

        def expand(blocks: list[Node]) -> list[Node]:
            grown: list[Node] = []
            for block in blocks:
                if kind_of(block) == "unread":
                    source = pairs(block)
                    grown += read[source["form"]][int(source["index"])]
                else:
                    if kind_of(block):
                        block["c"][1] = expand(block["c"][1])
                    grown.append(block)
            return grown

        for part in self.parts:
            part.blocks = expand(part.blocks)
        return self.parts

    def _markdown(self, source: str) -> Node:
        self.markdown.append(normal_maths(as_in_jupyter(clean(source.replace("\r\n", "\n")))))
        return own("unread", [], form="markdown", index=len(self.markdown) - 1)

    def _html(self, source: str) -> Node:
        self.html.append(clean(source))
        return own("unread", [], form="html", index=len(self.html) - 1)

    def _outputs(self, cell: Any, part: Part) -> Iterator[Node]:
        marks = iter(self.imprint.marks.get(str(cell.get("id")), ()))
        judged = self.imprint.judged.get(str(cell.get("id")), ())
        for output in _coalesced(cell.outputs):
            if output.output_type == "stream":
                printed = terminal_text(output.text)
                if printed.strip():
                    yield own("stream", [code_block(printed)], name=output.name)
            elif output.output_type == "error":
                trace = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
                yield own("error", [code_block(terminal_text(trace))])
            elif isinstance(record := record_of(output.data), Sentence):
                sentence = record.sentence or output.data.get("text/markdown", "")
                # From the press: a cell cannot mark itself.
                yield self._claim(sentence, next(marks, None))
            elif isinstance(record, Derivation):
                yield from self._derivation(record, output.data.get("text/markdown", ""), judged)
            elif not isinstance(record, Caption):
                yield from self._rich(record, output, part, cell.get("execution_count"))

    def _claim(self, sentence: str, verdict: str | None) -> Node:
        text = self._markdown(sentence)
        return own("claim", [text], verdict=verdict) if verdict else text

    def _derivation(
        self, record: Derivation, source: str, judged: Sequence[tuple[str, str]]
    ) -> Iterator[Node]:
        if not judged:  # the ✓ below it in JupyterLab is not a mark of the press
            yield self._markdown(source.rpartition("\n\n✓ ")[0] or source)
            return
        formulas = [
            own("judged", [self._markdown(f"$${latex}$$")], verdict=verdict)
            for latex, verdict in judged
        ]
        yield own("derivation", [self._markdown(source), *formulas])
        if any(verdict for _, verdict in judged):
            yield self._claim(record.summary, "proved")

    def _rich(
        self, record: Figure | Table | None, output: Any, part: Part, count: int | None
    ) -> Iterator[Node]:
        if record and (body := self._body(record, output.data, part)):
            caption = own("caption", [self._markdown(record.caption)])
            number = self.imprint.numbers.get(record.label)
            yield own(record.kind, [body, caption], record.label, number=number)
        else:
            yield from self._plain(output, part, count)

    def _body(self, record: Figure | Table, data: Any, part: Part) -> Node | None:
        """Return the picture or table above a caption."""
        if isinstance(record, Table):
            return self._markdown(data.get("text/markdown", ""))
        picture = self._picture(data, part, "figure")
        return _image(picture, record.alt) if picture else None

    def _picture(self, data: Any, part: Part, stem: str) -> str | None:
        """Keep the best picture of an output with its part; return its name there."""
        for mime in self.pictures:
            if data.get(mime):
                name = f"attachment:{stem}-{len(part.attachments)}"
                part.attachments[name] = (ENDINGS.get(mime, "svg"), _bytes(data[mime], mime))
                if narrow := data.get(NARROW_SVG):
                    part.narrow[name] = _bytes(narrow, NARROW_SVG)
                return name
        return None

    def _plain(self, output: Any, part: Part, count: int | None) -> Iterator[Node]:
        data = output.data
        latex = data.get("text/latex", "").strip()
        html = data.get("text/html", "")
        if latex and (latex.startswith("$") or MATHS.fullmatch(latex) or latex[:2] == r"\["):
            yield self._markdown(latex)
        elif "text/markdown" in data:
            yield self._markdown(data["text/markdown"])
        elif picture := self._picture(data, part, "output"):
            metadata = output.metadata
            given = [metadata[mime] for mime in ENDINGS if isinstance(metadata.get(mime), dict)]
            metadata = given[0] if given else metadata
            alt = metadata.get("alt") or f"Output of code cell {'' if count is None else count}"
            width = metadata.get("width")
            pixels = f"{width}px" if isinstance(width, int | float) else None
            yield own("picture", [_image(picture, str(alt), width=pixels)])
        elif html and shows(html):
            yield own("html", [self._html(html)])
        else:
            yield from _as_text(data, part)


def _as_text(data: Any, part: Part) -> Iterator[Node]:
    """Show an output by its text; note what it has besides, because that cannot be shown."""
    result = terminal_text(data.get("text/plain", "")).rstrip()
    if _SAYS_NOTHING.fullmatch(result):
        result = ""
    silent = {"text/plain", MIME_TYPE} | (
        set() if hides(data.get("text/html", "")) else {"text/html"}
    )
    if others := ", ".join(sorted(set(data) - silent)):
        instead = "; only its text is" if result else ""
        part.notes.append(f"output cannot be shown: {others}{instead}")
    if result:
        yield own("result", [code_block(result)])


def _coalesced(outputs: list[Any]) -> Iterator[Any]:
    """Yield outputs; streams of one name that follow one another become one."""
    for name, group in groupby(outputs, lambda output: output.get("name")):  # only streams have one
        if name is None:
            yield from group
        else:
            first, *others = group
            first.text += "".join(output.text for output in others)
            yield first


def _image(name: str, alt: str, **pairs: object) -> Node:
    return para([node("Image", [attr("", **pairs), text(alt), [name, ""]])])


def _decoded(bundles: Any) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for name, bundle in bundles.items():
        for mime, ending in ENDINGS.items():
            if mime in bundle:
                yield f"attachment:{name}", (ending, _bytes(bundle[mime], mime))
                break


def _bytes(value: Any, mime: str) -> bytes:
    if "svg" in mime:
        return str(value).encode()
    try:
        return b64decode(str(value))
    except ValueError:
        return b""
