"""The codes of languages that a report can be in."""

from __future__ import annotations

import re

# ISO 639-1. A language without a code here has one of three letters, in ISO 639-3.
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht "
    "hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky "
    "la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny "
    "oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo "
    "za zh zu".split()
)
# Language, script, region and variants of BCP 47, as in "zh-Hant-TW" or "de-CH-1996".
_TAG = re.compile(
    r"([a-z]{2,3})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*",
    re.IGNORECASE,
)


def checked_language(code: str) -> str:
    """Return a language tag of BCP 47; raise a ValueError for anything else."""
    tag = _TAG.fullmatch(code)
    if not tag or (len(tag[1]) == 2 and tag[1].lower() not in _TWO_LETTERS):
        raise ValueError(f"expected a language code such as en, de or pt-BR; got {code!r:.60}")
    return code
