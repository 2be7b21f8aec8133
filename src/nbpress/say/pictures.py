"""Turns figures into pictures, and tells which pictures of a notebook show the same figure."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nbtypeset.schema import MIME_TYPE, NARROW_SVG, TEXT_SVG, TYPEFACES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG_DPI = 200
# With these settings `savefig` saves a figure as it is drawn.
_AS_DRAWN = {
    **{"savefig.bbox": None, "savefig.transparent": False},
    **{"savefig.facecolor": "auto", "savefig.edgecolor": "auto"},
}
_FONTS = re.compile(r"\bfont(?:-family)?:([^;\"]*)")
_identities: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_new_identity = itertools.count(1)


def pictures(fig: Figure, salt: str) -> dict[str, str]:
    """Return a figure as SVG and PNG; the same figure and salt give the same bytes.

    The SVG draws letters as paths and needs no fonts. If the typesetter has all typefaces used, a
    second SVG contains the letters as text, so that the PDF can be searched.
    """
    with_letters = _svg(fig, salt, "path")
    png = io.BytesIO()
    with _laid_out(fig):
        with_text = _svg(fig, salt, "none")
        _draw(fig, png, "png", {"Software": None}, _PNG_DPI)
    bundle = {
        "image/svg+xml": with_letters,
        "image/png": base64.b64encode(png.getvalue()).decode("ascii"),
    }
    typefaces = {_first_typeface(fonts) for fonts in _FONTS.findall(with_text)}
    if typefaces and typefaces <= TYPEFACES:
        bundle[TEXT_SVG] = with_text
    if narrow := getattr(fig, "narrow", None):
        bundle[NARROW_SVG] = _svg(narrow, f"{salt}, narrow", "path")
    return bundle


@contextlib.contextmanager
def _laid_out(fig: Figure) -> Iterator[None]:
    """Keep the layout of the last picture: computing it again takes half of a picture's time."""
    if not hasattr(fig, "get_layout_engine"):  # an object that can save itself but is no figure
        yield
        return
    engine = fig.get_layout_engine()
    fig.set_layout_engine("none")
    try:
        yield
    finally:
        fig.set_layout_engine(engine or "none")


def _svg(fig: Figure, salt: str, letters: str) -> str:
    """Return a figure as SVG: with a fixed salt and no date, the bytes are the same each time."""
    import matplotlib as mpl

    svg = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": letters}):
        _draw(fig, svg, "svg", {"Date": None})
    return svg.getvalue()


def _draw(
    fig: Figure, file: Any, format_: str, metadata: dict[str, Any], dpi: float | None = None
) -> None:
    """Write what `savefig` writes, in two thirds of its time: `savefig` draws everything twice."""
    import matplotlib as mpl

    settings: Any = mpl.rcParams
    is_as_drawn = all(settings[name] == value for name, value in _AS_DRAWN.items())
    if not (hasattr(fig, "set_canvas") and is_as_drawn):  # other objects can save themselves too
        fig.savefig(file, format=format_, metadata=metadata, dpi=dpi)
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    own_canvas, own_dpi = fig.canvas, fig.dpi
    try:
        if format_ == "svg":
            canvas: Any = FigureCanvasSVG(fig)
            canvas.print_svg(file, metadata=metadata)
        else:
            canvas = FigureCanvasAgg(fig)
            fig.dpi = dpi or own_dpi
            canvas.print_png(file, metadata=metadata)
    finally:
        fig.dpi = own_dpi
        fig.set_canvas(own_canvas)


def _first_typeface(fonts: str) -> str:
    """Return the first typeface in a style's list; "" if that is a generic family."""
    first = re.search(r"'([^']+)'|[a-z-]+(?=,|$)", fonts.strip())
    return (first[1] or "") if first else ""


def close(fig: Figure) -> None:
    """Close a figure in pyplot, which would show it again when the cell ends; it stays usable."""
    from matplotlib.figure import Figure

    if (pyplot := sys.modules.get("matplotlib.pyplot")) and isinstance(fig, Figure):
        pyplot.close(fig)


def identity(fig: Any) -> dict[str, Any]:
    """Return the metadata that all pictures of one figure share."""
    return {MIME_TYPE: {"figure": _identities.setdefault(fig, next(_new_identity))}}


def identify_pictures(shell: Any) -> None:
    """Have a shell add the figure's identity to every picture of a matplotlib figure.

    The press then recognises a figure that pyplot showed at the end of an earlier cell, and prints
    it only once.
    """
    shell.display_formatter.mimebundle_formatter.for_type_by_name(
        "matplotlib.figure", "Figure", lambda fig, **_: ({}, identity(fig))
    )
