"""A figure as pictures, and which pictures of a notebook show the same figure."""

from __future__ import annotations

import base64
import io
import itertools
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nbtypeset.schema import MIME_TYPE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG_DPI = 200
_identities: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_new_identity = itertools.count(1)


def pictures(fig: Figure, salt: str) -> dict[str, str]:
    """Return a figure as SVG and PNG; the same figure and salt give the same bytes."""
    import matplotlib as mpl

    svg, png = io.StringIO(), io.BytesIO()
    # Fixed salt and no date: the same figure gives the same bytes. Paths need no fonts to print.
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        fig.savefig(svg, format="svg", metadata={"Date": None})
    fig.savefig(png, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return {
        "image/svg+xml": svg.getvalue(),
        "image/png": base64.b64encode(png.getvalue()).decode("ascii"),
    }


def close(fig: Figure) -> None:
    """Take a figure from pyplot, which would show it again when the cell ends; it stays usable."""
    from matplotlib.figure import Figure

    if (pyplot := sys.modules.get("matplotlib.pyplot")) and isinstance(fig, Figure):
        pyplot.close(fig)


def identity(fig: Any) -> dict[str, Any]:
    """Return the metadata that all pictures of one figure have in common."""
    return {MIME_TYPE: {"figure": _identities.setdefault(fig, next(_new_identity))}}


def identify_pictures(shell: Any) -> None:
    """Give every picture of a matplotlib figure that a shell displays the figure's identity.

    What pyplot showed at the end of an earlier cell is then known to the press, which prints a
    figure once.
    """
    shell.display_formatter.mimebundle_formatter.for_type_by_name(
        "matplotlib.figure", "Figure", lambda fig, **_: ({}, identity(fig))
    )
