"""Says what is probably wrong with a formula that no exporter can read."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from functools import cache

# Macros that exporters read, and pylatexenc does not list.
_READ = frozenset(
    "tfrac dfrac cfrac tbinom dbinom binom genfrac operatorname overset underset substack boxed "
    "xrightarrow xleftarrow xRightarrow xLeftarrow xLeftrightarrow xleftrightarrow xmapsto "
    "xhookrightarrow xhookleftarrow lVert rVert lvert rvert lbrack rbrack llbracket rrbracket "
    "middle left right big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm "
    "biggm Biggm limits nolimits dotsc dotsb eqref begin end bm boldsymbol pmb cal rm bf it tt sf "
    "cancel bcancel xcancel color textcolor phantom hphantom vphantom smash mathclap mathnormal "
    "mathop mathrel mathring mathstrut strut mod bmod pmod pod over choose brace brack notag "
    "nonumber tag enspace enskip thinspace medspace thickspace negthinspace negmedspace hspace "
    "kern mkern mskip displaystyle textstyle scriptstyle scriptscriptstyle colon coloneqq iff "
    "implies impliedby gets to lt gt ne neg land lor models Pr Re Im arg deg det dim gcd hom ker "
    "lg sec csc cot coth dddot ddddot iiiint imath jmath stackrel utilde hline".split()
)
# Macros that LaTeX or MathJax knows, and no exporter can set.
_UNSUPPORTED = frozenset(
    "Bbb atop cancelto cdotp ce class cline colorbox enclose fbox fcolorbox hdashline hfill href "
    "ldotp mathbin mathchoice mathllap mathrlap mathopen mathclose mathord mathpunct mathinner "
    "newline overarc overgroup prescript raisebox rule sfrac sideset sout stackbin textnormal "
    "unicode varinjlim varliminf varlimsup varprojlim vcenter verb xlongequal".split()
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
    names = re.findall(r"\\([A-Za-z]+)", formula)
    for name in names:
        if name in _UNSUPPORTED:
            return rf"\{name} is not supported"
    for name in names:
        if name not in _macros() and (close := difflib.get_close_matches(name, _macros(), 1, 0.75)):
            return rf"\{name} is unknown (did you mean \{close[0]}?)"
    return ""


@cache
def _macros() -> frozenset[str]:
    from pylatexenc.latex2text import get_default_latex_context_db as shown
    from pylatexenc.latexwalker import get_default_latex_context_db as walked

    contexts = (walked(), shown())
    macros = (each.d[name]["macros"] for each in contexts for name in each.category_list)
    return _READ.union(*macros)
