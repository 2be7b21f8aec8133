r"""Reads a LaTeX formula aloud: as one line of words and Unicode letters, without any LaTeX.

``\frac{\partial C^n}{\partial w_i} = -(y^n - \hat{y}^n) x_i`` becomes "∂C super n over ∂w sub i
equals minus (y super n minus ŷ super n) x sub i". Compound parts are put in parentheses, so that a
listener can tell where a fraction, an index or a root ends.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from nbtypeset.spoken import (
    ACCENT_WORDS,
    ACCENTS,
    LARGE,
    MACROS,
    NOTHING,
    OPERATORS,
    POWERS,
    PREFIXES,
    SKIPPED,
    STYLES,
    symbol,
)

_TOKEN = re.compile(
    r"\\(?:text[a-z]*|mbox|hbox|mathrm|operatorname\*?|begin|end)\s*\{[^{}]*\}"  # words, kept whole
    r"|\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|[^\s\\]",
    re.DOTALL,
)
_COMMENT = re.compile(r"(?<!\\)%.*")


class _Piece(NamedTuple):
    text: str
    kind: str = "atom"  # or: operator, large, fraction, open, close, prefix, line, cell


def readable(latex: str) -> str:
    """Return a formula in words, for a listener.

    Parameters
    ----------
    latex : str
        A formula without its dollar signs, well formed or not.

    Returns
    -------
    str
        Text without backslashes and braces; "formula" if there is nothing to say.
    """
    try:
        said = _join(_Parser(_TOKEN.findall(_COMMENT.sub("", latex))).pieces())
    except RecursionError:  # a thousand open braces are not a formula
        return "formula"
    said = unicodedata.normalize("NFC", re.sub(r"[\\{}]", " ", said))
    said = re.sub(r"\s*[,.]\s*; next line", "; next line", said)
    said = re.sub(r"‖ (.+?) ‖", r"‖\1‖", said)
    said = re.sub(r"\s+([,;.])", r"\1", " ".join(said.split())).strip(" ;,")
    return said or "formula"


class _Parser:
    """A recursive-descent parser over tokens; it reads unknown ones literally."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def pieces(self, end: str = "") -> list[_Piece]:
        """Read up to the token ``end``, or to the last token."""
        pieces: list[_Piece] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token == end or (end == "\\end" and token.startswith(end)):
                break
            if token in "^_'":
                self._script(token, pieces)
            else:
                pieces += self._token(token)
        return pieces

    def _token(self, token: str) -> list[_Piece]:
        if token == "{":
            return self.pieces("}")
        if token in ("}", "~"):
            return []
        if token == "&":
            return [_Piece("", "cell")]
        if token in ("\\\\", "\\cr"):
            self._option()
            return [_Piece(";", "line")]
        if "{" in token and token.endswith("}"):
            name, content = token[1:-1].split("{", 1)
            if name.strip() in ("begin", "end"):
                return self._environment(content) if name.strip() == "begin" else []
            return [_Piece(" ".join(content.split()))]
        if token.startswith("\\"):
            return self._macro(token[1:])
        return [_sign(token)]

    def _macro(self, name: str) -> list[_Piece]:
        if name.removeprefix("d").removeprefix("t").removeprefix("c") in ("frac", "binom"):
            word = "choose" if name.endswith("binom") else "over"
            text = f"{_group(self.argument())} {word} {_group(self.argument())}"
            return [_Piece(text, "fraction")]
        if name == "sqrt":
            degree = self._option()
            root = f"root {degree} of" if degree else "the square root of"
            return [_Piece(f"{root} {_group(self.argument())}")]
        if name in ACCENTS:
            inner = _join(self.argument())
            if len(inner) == 1:
                return [_Piece(unicodedata.normalize("NFC", inner + ACCENTS[name]))]
            return [_Piece(f"({inner}) {ACCENT_WORDS.get(name, name)}")]
        if name in SKIPPED:
            self.argument()
            return []
        if name in NOTHING:
            if name in ("left", "right", "middle") and self._peek() == ".":
                self.at += 1
            return []
        if name in ("overset", "underset", "stackrel"):
            above = _join(self.argument())
            word = "below" if name == "underset" else "above"
            return [*self.argument(), _Piece(f"with {above} {word}")]
        if name in STYLES:
            body = self.argument()
            return [_Piece("ℝ")] if name == "mathbb" and _join(body) == "R" else body
        if name == "not":
            return [_Piece("not", "operator"), *self.argument()]
        if name in ("pmod", "bmod"):
            return [_Piece("modulo", "operator"), *self.argument()]
        return [_sign(MACROS.get(name) or symbol(name))]

    def _environment(self, name: str) -> list[_Piece]:
        if name in ("array", "tabular", "alignat", "alignat*", "alignedat"):
            self.argument()
        body = self.pieces("\\end")
        rows = [row for row in _split(body, "line") if _join(row)]
        cells = "; ".join(", ".join(map(_join, _split(row, "cell"))) for row in rows)
        if "matrix" in name or name == "array":
            return [_Piece(f"the matrix with rows ({cells})")]
        if name in ("cases", "dcases"):
            return [_Piece(f"by cases: ({cells})")]
        return [_Piece("; next line: ".join(map(_join, rows)), "line")]

    def argument(self) -> list[_Piece]:
        """Read the argument of a macro, an index or a power."""
        if self.at >= len(self.tokens):
            return []
        token = self.tokens[self.at]
        self.at += 1
        if len(token) > 1 and token.isdigit():  # x^12 is x^1 2
            self.at -= 1
            self.tokens[self.at] = token[1:]
            token = token[0]
        return self._token(token)

    def _script(self, token: str, pieces: list[_Piece]) -> None:
        script = [_Piece("′")] if token == "'" else self.argument()
        base = pieces.pop() if pieces else _Piece("")
        ends = base.kind in ("close", "fraction")  # what is in parentheses, or will be
        if base.kind == "fraction":
            base = _Piece(f"({base.text})")
        text = _join(script)
        if base.text in LARGE.values() and token == "_":
            limits = "from" if "equals" in text else "over"
            pieces.append(_Piece(f"{base.text} {limits} {text}", "large"))
        elif base.text in LARGE.values() or base.kind == "large":
            pieces.append(_Piece(f"{base.text} to {_group(script)}", "large"))
        elif token == "_":
            pieces.append(base._replace(text=f"{base.text} sub {_script(script)}"))
        elif text in POWERS:
            pieces.append(base._replace(text=f"{base.text} {POWERS[text]}"))
        else:
            raised = ends or base.text in ("e", "exp") or len(script) > 1
            power = raised or text.isdigit() or base.text[-1:].isdigit()
            word = "to the power" if power else "super"
            pieces.append(base._replace(text=f"{base.text} {word} {_script(script)}"))

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _option(self) -> str:
        if self._peek() != "[":
            return ""
        self.at += 1
        return _join(self.pieces("]"))


def _sign(sign: str) -> _Piece:
    if sign in LARGE:
        return _Piece(LARGE[sign], "large")
    if sign in OPERATORS:
        return _Piece(OPERATORS[sign], "operator")
    if sign in PREFIXES:
        return _Piece(sign, "prefix")
    if sign in ("(", "[", "⟨"):
        return _Piece(sign, "open")
    if sign in (")", "]", "⟩"):
        return _Piece(sign, "close")
    return _Piece(sign)


def _group(pieces: list[_Piece]) -> str:
    """Return the text of an argument, in parentheses if it has several parts."""
    text = _join(pieces)
    solid = [p for p in pieces if p.kind != "prefix"]
    bare = len(solid) <= 1 and not (solid and solid[0].kind == "fraction")
    return text if bare else f"({text})"


def _script(pieces: list[_Piece]) -> str:
    """Return the text of an index or power, in parentheses if it is longer than a word."""
    text = _join(pieces)
    enclosed = re.fullmatch(r"\([^()]*\)", text)
    return f"({text})" if " " in text and not enclosed else text


def _split(pieces: list[_Piece], kind: str) -> list[list[_Piece]]:
    rows: list[list[_Piece]] = [[]]
    for piece in pieces:
        if piece.kind == kind and piece.text in ("", ";"):
            rows.append([])
        else:
            rows[-1].append(piece)
    return rows


def _join(pieces: list[_Piece]) -> str:
    pieces = [p for p in pieces if p.text or p.kind == "fraction"]
    said = ""
    free = ("operator", "line", "open", "close")
    for index, piece in enumerate(pieces):
        before = pieces[index - 1].kind if index else "operator"
        after = pieces[index + 1].kind if index + 1 < len(pieces) else "operator"
        text = piece.text
        if piece.kind == "fraction" and not (
            before in free and before != "close" and after in free and after != "open"
        ):
            text = f"({text})"
        if piece.kind == "large":
            text += " of"
        glued = not said or before in ("open", "prefix") or piece.kind == "close"
        said += text if glued else f" {text}"
    return said
