"""The words for mathematical signs and macros that are read aloud."""

from __future__ import annotations

import functools

# Words for relations and operators; a fraction beside one of these needs no parentheses.
OPERATORS = {
    "=": "equals", "+": "plus", "-": "minus", "−": "minus", "<": "is less than",
    ">": "is greater than", "≤": "is at most", "≥": "is at least", "≠": "is not equal to",
    "≈": "is approximately", "∼": "is distributed as", "∝": "is proportional to",
    "≡": "is identical to", "±": "plus or minus", "∓": "minus or plus", "→": "to", "↦": "maps to",
    "⇒": "implies", "⇔": "if and only if", "∈": "in", "∉": "not in", "⊂": "subset of",
    "⊆": "subset of or equal to", "∪": "union", "∩": "intersection", "×": "times", "·": "times",
    "⋅": "times", "∗": "star", "∘": "composed with", "⊙": "elementwise times", "≔": "is defined as",
    "∧": "and", "∨": "or", "∣": "given", "|": "|", ",": ",", ";": ";", ":": ":", "/": "divided by",
    "≪": "is much less than", "≫": "is much greater than", "←": "becomes", "⟵": "becomes",
    "⟶": "to", "⟹": "implies", "⟺": "if and only if",
}  # fmt: skip
LARGE = {"∑": "sum", "∏": "product", "∫": "integral", "⋃": "union", "⋂": "intersection",
          "lim": "limit", "max": "maximum", "min": "minimum", "argmax": "arg max",
          "argmin": "arg min"}  # fmt: skip
MACROS = {
    "ne": "≠", "neq": "≠", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "to": "→", "mid": "∣",
    "cdot": "·", "times": "×", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "vert": "|",
    "lvert": "|", "rvert": "|", "sum": "∑", "prod": "∏", "int": "∫", "implies": "⇒", "iff": "⇔",
    "top": "⊤", "prime": "′", "colon": ":", "coloneqq": "≔", "lbrace": "{", "rbrace": "}",
    "langle": "⟨", "rangle": "⟩", "dots": "…", "ldots": "…", "cdots": "…", "vdots": "…",
    "ddots": "…", "argmax": "argmax", "argmin": "argmin", "R": "ℝ", "mapsto": "↦", "odot": "⊙",
    "sim": "∼", "approx": "≈", "propto": "∝", "leftarrow": "←", "gets": "←", "ast": "∗",
    "%": "percent", "#": "number", "$": "$", "_": "_", "infty": "∞", "partial": "∂", "nabla": "∇",
    "star": "∗", "epsilon": "ϵ", "backslash": "backslash",
}  # fmt: skip
ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
            "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7", "dot": "\u0307",
            "ddot": "\u0308", "check": "\u030c"}  # fmt: skip
ACCENT_WORDS = {"widehat": "hat", "widetilde": "tilde", "overline": "bar"}
NOTHING = set(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle "
    "textstyle scriptstyle limits nolimits nonumber notag quad qquad hfill mathopen mathclose "
    ", ; : ! >".split()
) | {" "}
STYLES = set(
    "underbrace overbrace boxed mathbf mathbb mathcal boldsymbol mathit mathsf mathtt mathfrak bm "
    "substack cancel pmb".split()
)
SKIPPED = {"hspace", "vspace", "label", "tag", "tag*", "color", "phantom", "hphantom", "vphantom"}
POWERS = {"2": "squared", "3": "cubed", "T": "transposed", "⊤": "transposed",
           "⊺": "transposed", "′": "prime", "∗": "star"}  # fmt: skip
PREFIXES = ("∂", "∇", "Δ", "¬")


@functools.cache
def symbol(name: str) -> str:
    """Return the character that a macro stands for, or the macro's name if there is none."""
    from pylatexenc.latex2text import get_default_latex_context_db

    spec = get_default_latex_context_db().get_macro_spec(name)
    shown = getattr(spec, "simplify_repl", None)
    return shown if isinstance(shown, str) and shown and "%" not in shown else name
