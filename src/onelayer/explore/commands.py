"""Settings found by hand, written so that a machine can repeat them: a command and a sweep file.

The names in them are those of the notebooks' parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from onelayer.explore.choice import Choice

# Which settings the chapters take; they fix all others. `make report` takes the data set.
_EVERYWHERE = ("seed", "train_size", "validation_size", "batch_size", "learning_rate", "num_epochs")
_CHAPTERS: dict[str, tuple[str, ...]] = {
    "2_logistic_regression": ("classes", *_EVERYWHERE),
    "3_softmax_regression": _EVERYWHERE,
    "4_regularization": (*_EVERYWHERE, "l2_lambdas"),
}
_LEAST = {"2_logistic_regression": {"num_epochs": 2}}  # where a chapter needs more than a run
_FIXED: dict[str, Any] = {"shuffle": True, "sampling": "stochastic", "l2_lambda": 0.0}


def report_command(choice: Choice) -> str:
    """Return the command that makes the report with these settings in the chapter on this model.

    Comments above it name the settings that the chapter does not take. If the chapter would refuse
    them, a comment says why instead.
    """
    chapter = (
        "2_logistic_regression"
        if choice.classes
        else "4_regularization"
        if choice.l2_lambda
        else "3_softmax_regression"
    )
    values = asdict(choice) | ({"l2_lambdas": [choice.l2_lambda]} if choice.l2_lambda else {})
    for name, least in _LEAST.get(chapter, {}).items():
        if values[name] < least:
            return (
                f"# make report would refuse these settings: {chapter} needs {name} ≥ {least}; "
                f"got {values[name]}"
            )
    given = [
        f"{chapter}.{name}={_plain(values[name])}"
        for name in _CHAPTERS[chapter]
        if values[name] is not None
    ]
    ignored = [
        f"# {chapter} does not take {name}: {_plain(values[name])}\n"
        for name, usual in _FIXED.items()
        if values[name] != usual
        and not (name == "l2_lambda" and "l2_lambdas" in _CHAPTERS[chapter])
    ]
    return f'{"".join(ignored)}make report DATASET={choice.dataset} PARAMS="{" ".join(given)}"'


def grid(choices: Sequence[Choice]) -> str:
    """Return the text of `sweeps/NAME.yaml`, which runs the choices, each with five seeds.

    Settings in which the choices differ stand side by side in lists (`zip`), the others once.
    Choices on another data set than the last choice's are left out.
    """
    choices = [each for each in choices if each.dataset == choices[-1].dataset]
    unseeded = [
        {name: value for name, value in asdict(each).items() if name not in ("dataset", "seed")}
        for each in choices
    ]
    distinct = [each for i, each in enumerate(unseeded) if each not in unseeded[:i]]
    varied = [name for name in distinct[0] if any(d[name] != distinct[0][name] for d in distinct)]
    given = [f"  {n}: {_plain(v)}" for n, v in distinct[0].items() if n not in varied]
    zipped = [f"  {n}: [{', '.join(_plain(d[n]) for d in distinct)}]" for n in varied]
    if zipped:
        zipped.insert(0, "zip:  # side by side; below `product:` each value would meet every other")
    return "\n".join(
        [
            "# Written by notebooks/explore.ipynb, which it runs with each of these settings.",
            "notebook: ../notebooks/explore.ipynb",
            f"dataset: {choices[-1].dataset}",
            "given:",
            *given,
            *zipped,
            "repeat: {seed: 0..4}",
            "",
        ]
    )


def _plain(value: Any) -> str:
    """Write a value as YAML, without spaces."""
    text = json.dumps(value, separators=(",", ":"), default=np.generic.item)
    # 1e-05 is a number in JSON, but text in YAML.
    return re.sub(r"(?<![\w.])(\d+)e", r"\1.0e", text)
