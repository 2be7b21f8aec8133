"""Lets notebooks read the last report, and the reference values that it is compared with."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.files import read_yaml
from nbpress.root import NAMES, PUBLISHED, find_root
from nbpress.say.markdown import is_labelled, numbered, set_references
from nbpress.say.records import heading_of


def last_report() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the values of the last report, `{"2d.stop_step": 546, …}`, and reference values.

    The latter come from `report/reference.yaml`, for the report's data set. Without a report, both
    are empty.

    Raises
    ------
    PressError
        If the press runs the notebook, whose results must not depend on an earlier build.
    """
    if in_press():
        raise PressError(
            "last_report is for notebooks that run without the press: a chapter gets the values of "
            "others as `recorded`, those that `needs` lists for it in report.yaml"
        )
    values, published = last_build("report/values.json"), last_build(PUBLISHED)
    root = find_root(Path.cwd())
    figures = (
        reference_figures(root / "report" / "reference.yaml", published["dataset"])
        if root and published
        else []
    )
    return {name: entry["value"] for name, entry in values.items()}, figures


def last_build(name: str) -> dict[str, Any]:
    """Return the content of a JSON file that the last build wrote; {} if there is none."""
    root = find_root(Path.cwd())
    path = root / name if root else None
    if path is None or not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def reference_figures(path: Path, dataset: str) -> list[dict[str, Any]]:
    """Return the reference values for a data set, from `report/reference.yaml`."""
    if not path.is_file():
        return []
    content = read_yaml(path) or {}
    figures = content.get(dataset, []) if isinstance(content, dict) else None
    if not isinstance(figures, list) or not all(isinstance(figure, dict) for figure in figures):
        raise PressError(f"report/{path.name}: expected a list of values under each data set")
    return figures


def in_press() -> bool:
    """Return whether the press runs the notebook; its runs must not depend on earlier builds."""
    return "NBPRESS_RUN" in os.environ


def as_last_numbered(text: str) -> str:
    """Return a text with the last build's numbers in its references; unchanged under the press."""
    if in_press():
        return text
    return set_references(text, _as_last_numbered)


def _as_last_numbered(reference: re.Match[str]) -> str:
    if not is_labelled(reference):
        return reference[0]
    target = reference["target"]
    return numbered(reference, {target: last_name(target)})


def last_name(label: str) -> str:
    """Return a label's name in the last build, "Figure 3"; without a number if it had none."""
    kind, _, name = label.partition("-")
    kinds = {"fig": "Figure", "tab": "Table", "eq": "Equation", "task": heading_of(name)}
    return str(last_build(NAMES).get(label, kinds[kind]))
