"""A figure as pictures: the same bytes each time, and letters that can be searched for."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import style
from matplotlib.figure import Figure

from nbpress.say.pictures import pictures
from nbtypeset.schema import NARROW_SVG, TEXT_SVG


def drawn(label: str = "λ = 2", **settings: str) -> dict[str, str]:
    """Return the pictures of a figure in the report's style, but for these settings."""
    with style.context("onelayer.style.report"), mpl.rc_context(settings):
        figure = Figure()
        figure.gca().set_xlabel(label)
        return pictures(figure, "fig-1")


def test_letters_are_drawn_and_written() -> None:
    """One SVG needs no typeface; the other uses the report's and has searchable text."""
    bundle = drawn()
    assert "<text" not in bundle["image/svg+xml"]
    assert "λ = 2</text>" in bundle[TEXT_SVG]
    families = set(re.findall(r"font-family: '([^']+)'", bundle[TEXT_SVG]))
    assert families == {"Libertinus Serif"}


@pytest.mark.parametrize(
    "settings",
    [{}, {"savefig.bbox": "tight"}, {"savefig.facecolor": "0.5"}, {"savefig.transparent": True}],
)
def test_pictures_are_those_of_savefig(settings: dict[str, Any]) -> None:
    """The bytes are equal, also with own colours and layout; canvas and size stay."""
    with style.context("onelayer.style.report"), mpl.rc_context(settings):
        figures = [Figure(facecolor="0.9", dpi=120) for _ in range(2)]
        for each in figures:
            each.gca().set(xlabel="x", ylabel="y", title="A figure")
    ours, theirs = figures
    canvas, svg, png = ours.canvas, io.StringIO(), io.BytesIO()
    with mpl.rc_context({**settings, "svg.hashsalt": "fig-1"}):
        bundle = pictures(ours, "fig-1")
        theirs.savefig(svg, format="svg", metadata={"Date": None})
        theirs.set_layout_engine("none")
        theirs.savefig(png, format="png", dpi=200, metadata={"Software": None})
    assert (ours.canvas, ours.dpi) == (canvas, 120)
    assert bundle["image/svg+xml"] == svg.getvalue()
    assert base64.b64decode(bundle["image/png"]) == png.getvalue()


@pytest.mark.parametrize(
    ("label", "settings"),
    [
        ("a", {"font.family": "DejaVu Sans"}),
        ("a", {"font.family": "sans-serif"}),
        ("a", {"font.family": "STIXGeneral"}),
        (r"$\sum_k w^2$", {}),  # formulas are in STIX
    ],
)
def test_letters_in_other_typefaces_are_drawn_alone(label: str, settings: dict[str, str]) -> None:
    """As text, their look would be unknown where the typeface is missing."""
    assert set(drawn(label, **settings)) == {"image/svg+xml", "image/png"}


def test_figure_may_have_another_one_for_narrow_screens() -> None:
    """It is drawn as well, in the same bytes each time."""
    bundles = []
    for _ in range(2):
        figure = Figure()
        figure.narrow = Figure(figsize=(1, 1))  # type: ignore[attr-defined]
        bundles.append(pictures(figure, "fig-1"))
    assert 'width="72pt"' in bundles[0][NARROW_SVG]
    assert bundles[0] == bundles[1]


def test_same_figure_gives_the_same_bytes() -> None:
    """Each of its pictures has the same bytes."""
    assert drawn() == drawn()
