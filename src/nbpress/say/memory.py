"""Remembers, in the kernel, what a notebook has recorded so far, for texts below to quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbpress.errors import did_you_mean, suggestion
from nbpress.say.text import Text, TextError
from nbpress.say.typography import plain

claims: dict[str, bool] = {}  # whether they hold, by id
_values: dict[str, dict[str, Any]] = {}  # by task and name


def remember(task: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep values of a task; return them converted for JSON."""
    recorded = {name: plain(name, value) for name, value in values.items()}
    _values.setdefault(task, {}).update(recorded)
    return recorded


def recall(task: str, texts: Iterable[Text]) -> dict[str, Any]:
    """Return the values that texts of a task quote: recorded ones, else the notebook's variables.

    Raises
    ------
    TextError
        If a value does not exist, or a claim was not made above.
    """
    recorded, variables = _values.get(task, {}), _variables()
    quoted: dict[str, Any] = {}
    for text in texts:
        for condition in text.conditions:
            if condition.claim not in claims:
                hint = did_you_mean(condition.claim, claims)
                raise TextError(condition.line, f"no claim {condition.claim!r} is made above{hint}")
        for quote in text.quotes:
            if not task:
                raise TextError(quote.line, "the label must name the values' task, like 'fig-2b'")
            if quote.name in recorded:
                quoted[quote.name] = recorded[quote.name]
            elif quote.name in variables:
                try:
                    quoted[quote.name] = plain(quote.name, variables[quote.name])
                except TypeError as error:
                    raise TextError(quote.line, str(error)) from error
            else:
                hint = suggestion(quote.name, [*recorded, *variables])
                if others := [other for other, values in _values.items() if quote.name in values]:
                    hint = f"; task {others[0]} has it: did you mean another task?"
                raise TextError(
                    quote.line,
                    f"{quote.name!r} is neither recorded for task {task} nor a variable{hint}",
                )
    return quoted


def _variables() -> Mapping[str, Any]:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.user_ns if shell else {}
