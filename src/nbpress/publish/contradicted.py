"""Names the values and claims of a published report that a fresh run contradicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.publish.bind import Bound
from nbpress.publish.compare import compare, plain, read_values
from nbpress.publish.published import RECORD, Published

_MOST_NAMED = 10  # values of which a message tells
OTHER_KIND = "they may have been computed on a processor of another kind, which rounds differently"


def other_values(path: Path, bound: Bound, limits: Mapping[str, Any]) -> str:
    """Return which values in a values.json a fresh run does not give, within recorded tolerances.

    Without `limits`, values that differ at all are listed.
    """
    try:
        values = plain(read_values(path))
    except PressError:
        return ""
    there = {name: {**limits.get(name, {}), "value": value} for name, value in values.items()}
    said = [
        f"\n  {drift.name} is {drift.expected or 'missing'} there and "
        f"{drift.observed or 'missing'} in a fresh run"
        for drift in compare(there, plain(bound.values))
    ]
    if limits and not said:
        return f"\n  every value agrees within its tolerance: {OTHER_KIND}"
    more = [f"\n  and {len(said) - _MOST_NAMED} more"] if said[_MOST_NAMED:] else []
    return "".join(said[:_MOST_NAMED] + more)


def other_claims(published: Published, bound: Bound) -> Iterator[str]:
    """Yield each claim whose verdict in the record is not that of a fresh run."""
    said = {True: "holds", False: "is false", None: "is not made"}
    for name in sorted({*published.claims, *bound.claims}):
        there, here = published.claims.get(name), bound.claims.get(name)
        if there != here:
            published_as, fresh = said[there], said[here]
            yield f"the claim {name!r} {published_as} in report/{RECORD} and {fresh} in a fresh run"
