"""Says what is probably wrong with a formula that no exporter can read."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from functools import cache

# Of amsmath, which pylatexenc does not list.
_AMS = frozenset(
    "tfrac dfrac cfrac tbinom dbinom operatorname overset underset substack boxed xrightarrow "
    "xleftarrow lVert rVert lvert rvert middle limits nolimits dotsc dotsb eqref".split()
)


def likely_cause(formula: str) -> str:
    """Return what a formula lacks or misspells; "" if nothing is obvious."""
    opened = Counter(re.findall(r"(?<!\\)[{}]", formula))
    if opened["{"] != opened["}"]:
        return f"a {'}' if opened['{'] > opened['}'] else '{'} is missing"
    begun, ended = (
        Counter(re.findall(rf"\\{word}\s*\{{(\w+\*?)\}}", formula)) for word in ("begin", "end")
    )
    for name in begun - ended:
        return rf"\end{{{name}}} is missing"
    for name in re.findall(r"\\([A-Za-z]+)", formula):
        if name not in _macros() and (close := difflib.get_close_matches(name, _macros(), 1, 0.75)):
            return rf"\{name} is unknown (did you mean \{close[0]}?)"
    return ""


@cache
def _macros() -> frozenset[str]:
    from pylatexenc.latex2text import get_default_latex_context_db as shown
    from pylatexenc.latexwalker import get_default_latex_context_db as walked

    contexts = (walked(), shown())
    macros = (each.d[name]["macros"] for each in contexts for name in each.category_list)
    return _AMS.union(*macros)
