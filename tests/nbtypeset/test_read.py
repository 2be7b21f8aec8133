"""From a notebook's cells to trees."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.odd_notebooks import PIXEL, display, outputs

from nbtypeset.read.collect import collect
from nbtypeset.read.sanitize import sanitized
from nbtypeset.read.texts import normal_maths, terminal_text
from nbtypeset.schema import MIME_TYPE, Caption, Figure, Imprint, Sentence
from nbtypeset.tree import kind_of, pairs


def test_terminal_text_ends_as_a_terminal_would() -> None:
    """Colours are removed, and a progress bar leaves only its last state."""
    assert terminal_text("\x1b[31m10%\r 50%\r100%\x1b[0m\nab\bc") == "100%\nac"


def test_maths_is_found_where_jupyter_finds_it() -> None:
    """Bare environments and spaced dollars are formulas, code is not."""
    assert normal_maths(r"\begin{align}a\end{align}") == r"$$\begin{align}a\end{align}$$"
    assert normal_maths("$ x $ costs $5") == "$x$ costs $5"
    assert normal_maths("`$ x $` and\n```\n$ y $\n```") == "`$ x $` and\n```\n$ y $\n```"


@pytest.mark.parametrize(
    ("wish", "ending"), [(("image/svg+xml", "image/png"), "svg"), (("image/png",), "png")]
)
def test_writer_chooses_the_picture(wish: tuple[str, ...], ending: str) -> None:
    """Of a picture's formats, the first that the writer asks for is kept."""
    output = display(**{"image/svg+xml": "<svg/>"}, image__png=PIXEL)
    (part,) = collect(sanitized(outputs(output)), False, Imprint(), wish)
    assert [kept for kept, _ in part.attachments.values()] == [ending]


def test_claim_takes_its_mark_from_the_press() -> None:
    """A sentence is a claim if the imprint has a verdict for its cell, in order."""
    claim = display(**{MIME_TYPE: Sentence("it holds").to_json(), "text/markdown": "it holds"})
    imprint = Imprint(marks={"odd-0": ["checked"]})
    (part,) = collect(sanitized(outputs(claim, claim)), False, imprint)
    assert [kind_of(block) for block in part.blocks] == ["claim", ""]
    assert pairs(part.blocks[0]) == {"verdict": "checked"}


def test_caption_stands_once() -> None:
    """The caption that JupyterLab shows below a figure comes from the figure itself."""
    figure = display(**{MIME_TYPE: Figure("fig-a", "A dot.", "").to_json(), "image/png": PIXEL})
    shown = display(**{MIME_TYPE: Caption().to_json(), "text/markdown": "**Figure 3:** A dot."})
    (part,) = collect(sanitized(outputs(figure, shown)), False, Imprint())
    assert [kind_of(block) for block in part.blocks] == ["figure"]


@pytest.mark.parametrize(
    "record",
    [
        "text",
        ["figure"],
        {"kind": ["figure"]},
        {"kind": "figure", "label": 5},
        {"kind": "table", "caption": None},
        {"kind": "other"},
    ],
)
def test_malformed_record_is_no_record(record: Any) -> None:
    """An output whose record is malformed is shown as if it had none."""
    output = display(**{MIME_TYPE: record, "text/plain": "shown"})
    (part,) = collect(sanitized(outputs(output)), False, Imprint())
    assert [kind_of(block) for block in part.blocks] == ["result"]
