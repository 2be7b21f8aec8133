"""Spells signs and texts for Typst's formulas, where some of them are syntax."""

from __future__ import annotations

import json
import unicodedata

BARE = set("=+-*<>!?%@")  # ASCII that is no markup in a formula if it stands alone
LARGE = set("∑∏∐⋃⋂⨁⨂⨀⋁⋀⨆⨄⨅")
INTEGRALS = set("∫∬∭∮∯∰⨌")
BARS = set("|‖∥")  # which can open, close, or neither
ROOTS = set("√∛∜")  # Typst would apply them to what follows
CORNERS = set("⌜⌝⌞⌟⎰⎱")  # delimiters to Typst, though Unicode takes them for symbols
SIGNED = set("−-+±∓")
SPACES = {0.167: "thin", 0.222: "med", 0.278: "thick", 1: "quad", 2: "wide"}
ABOVE = {
    "\u0302": "hat", "\u0303": "tilde", "‾": "macron", "¯": "overline", "\u0307": "dot",
    "\u0308": "dot.double", "\u030c": "caron", "\u0306": "breve", "\u0301": "acute",
    "\u0300": "grave", "\u030a": "circle", "→": "arrow", "\u20d7": "arrow",
    "⏞": "overbrace", "⎴": "overbracket", "⏜": "overparen",
}  # fmt: skip
DIGITS = {"bold": "bold", "double-struck": "bb", "monospace": "mono", "sans-serif": "sans"}
BELOW = {"_": "underline", "⏟": "underbrace", "⎵": "underbracket", "⏝": "underparen"}
NOTED = {"overbrace", "overbracket", "overparen", "underbrace", "underbracket", "underparen"}
STRIKES = {
    "updiagonalstrike": "",
    "downdiagonalstrike": ", inverted: #true",
    "updiagonalstrike downdiagonalstrike": ", cross: #true",
}


SIDES = {"left": ("& ", ""), "right": ("", " &"), "center": ("", "")}  # of what aligns cells


def string(text: str) -> str:
    """Return a string literal."""
    return json.dumps(text, ensure_ascii=False)


def symbol(sign: str) -> str:
    """Return a sign that stands for itself; several letters become a text."""
    if len(sign) != 1:
        return string(sign)
    is_fence = unicodedata.category(sign) in ("Ps", "Pe", "Pi", "Pf")
    is_markup = sign.isascii() and not sign.isalnum() and sign not in BARE
    return f"\\{sign}" if is_markup or is_fence or sign in ROOTS | CORNERS else sign


def joined(pieces: list[str]) -> str:
    """Return pieces side by side; a text gets no spaces, because Typst would print them."""
    line = ""
    for piece in filter(None, pieces):
        is_glued = not line or line.endswith('"') or piece.startswith('"')
        line += piece if is_glued else f" {piece}"
    return line


def space(width: str) -> str:
    """Return a space as wide as one in MathML."""
    size = float(width.removesuffix("em"))
    return SPACES.get(size) or f"#h({size:g}em)"
