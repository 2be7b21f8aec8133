"""A plot whose letters are too small in print gives a warning."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib as mpl
import pytest
from fixtures.odd_notebooks import display, outputs
from matplotlib.figure import Figure
from PIL import Image

from nbtypeset.exporters import TypstPDFExporter


def plot(ending: str, width: float, **settings: Any) -> bytes:
    """Return a plot of this width in inches, drawn by Matplotlib with letters of 10 points."""
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, 4))
        figure.subplots().plot([1, 2])
        drawn = io.BytesIO()
        figure.savefig(drawn, format=ending)
    return drawn.getvalue()


def warnings_on(**data: Any) -> list[str]:
    """Return the warnings on an output in a PDF, without the cell's name."""
    _, resources = TypstPDFExporter().from_notebook_node(outputs(display(**data)))
    return [each.partition(": ")[2] for each in resources["nbpress"]["warnings"]]


@pytest.mark.parametrize("fonts", ["none", "path"])
def test_smallest_letters_are_measured_in_svg(fonts: str) -> None:
    """They may be texts or outlines."""
    drawn = {w: plot("svg", w, **{"svg.fonttype": fonts}).decode() for w in (7, 18)}
    (warning,) = warnings_on(**{"image/svg+xml": drawn[18]})
    assert "shrunk to 34 % of its size, its smallest letters to 3.4 pt" in warning
    assert warnings_on(**{"image/svg+xml": drawn[7]}) == []


def test_plot_in_pixels_is_judged_by_its_scale() -> None:
    """How large its letters are is not known; a photograph has none."""
    encoded = {w: base64.b64encode(plot("png", w)).decode() for w in (8, 18)}
    (warning,) = warnings_on(image__png=encoded[18])
    assert "shrunk to 34 % of its size, its letters may be too small to read" in warning
    assert warnings_on(image__png=encoded[8]) == []
    photograph = io.BytesIO()
    Image.new("RGB", (3000, 1000), "red").save(photograph, "PNG")
    assert warnings_on(image__png=base64.b64encode(photograph.getvalue()).decode()) == []
