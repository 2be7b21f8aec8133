"""The typefaces that a page carries: that of the PDF's text, and one for formulas.

Their files are in fonts/, with their source and licence. The reader's device has to supply a sign
that they lack.
"""

from __future__ import annotations

import base64
from importlib import resources

_TEXT, _FORMULAS = "Libertinus Serif", "STIX Two Math"
# Each face with its file and what else CSS says of it.
_FACES = (
    (_TEXT, "LibertinusSerif-Regular", ""),
    (_TEXT, "LibertinusSerif-Greek", "unicode-range:U+370-3FF;"),
    (_TEXT, "LibertinusSerif-Italic", "font-style:italic;"),
    (_TEXT, "LibertinusSerif-Bold", "font-weight:600 700;"),
    (_FORMULAS, "STIXTwoMath", ""),
)


def font_faces(*, has_formulas: bool) -> str:
    """Return the CSS that holds the faces; that for formulas only where there are any."""
    folder = resources.files("nbtypeset").joinpath("fonts")
    return "".join(
        f'@font-face{{font-family:"{family}";{rest}src:url(data:font/woff;base64,'
        f"{base64.b64encode(folder.joinpath(f'{file}.woff').read_bytes()).decode()})}}\n"
        for family, file, rest in _FACES
        if has_formulas or family != _FORMULAS
    )
