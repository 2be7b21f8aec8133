"""Patterns of the digits in prose that are no typed numbers: those of years and dates."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_YEAR = r"(?<![\w.,])[*_]{0,2}(?:19|20)\d\d[*_]{0,2}(?!\w|[.,]\d|\s?[%‰°×])"

# What shows that a number counts something: "1999 steps", "2000 training images".
_VERBS = r"(?:was|has|does|this|its|is|as|us|thus|always|perhaps|towards)\b"
_PLURAL = rf"[*_]*\s+(?!{_VERBS})[a-z-]+s\b"
_COUNTED = (
    r"[*_]*\s+(?:(?!(?:the|these|those|all|both|some|most|no|any|and|or|its|our|with|had|we|it)\b)"
    r"[a-z-]+\s+)?(?:epochs|examples|images|iterations|parameters|people|pixels|points|rows|runs|"
    r"samples|seconds|seeds|steps|times|weights)\b"
)

DATE = re.compile(
    r"\b\d{4}-\d\d(?:-\d\d)?\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
    rf"|\b(?:\d{{1,2}}\.?\s+)?{_MONTH}(?:\s+\d{{1,2}}\b)?,?(?:\s+{_YEAR}(?!{_PLURAL}|{_COUNTED}))?"
)
# After "of", "where" or "when" a verb may follow the year: "the report of 2022 quotes".
YEAR = re.compile(
    rf"\b(?:of|where|when)\s+{_YEAR}(?!{_COUNTED})"
    rf"|(?:\b(?:in|since|until|from|by|year|the|this|that|a|our|its|their)\s+|[(]|(?=[*_]))"
    rf"{_YEAR}(?:\s*(?:and|or|to|–|-|/)\s*{_YEAR})*(?!{_PLURAL}|{_COUNTED})",
    re.IGNORECASE,
)
