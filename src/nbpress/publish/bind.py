"""Binds the chapters into one notebook: the current prose, and outputs from the cached runs.

What only the press may state, such as title, numbers and marks, goes into a separate imprint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.files import as_json, digest
from nbpress.project.bibliography import read_bibliography
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project
from nbpress.project.report import Report
from nbpress.publish.cells import Cell
from nbpress.publish.chapter import chapter_cells
from nbpress.publish.complete import check_claims, check_proofs, check_tasks
from nbpress.publish.provenance import Commit, parameters_of, provenance, read_commit
from nbpress.publish.references import names_of, number, resolve_references
from nbpress.run.execute import Execution
from nbpress.run.plan import Plan, are_defaults
from nbpress.say.records import Claim, Derivation, Figure, record_of, records
from nbpress.say.text import TextError, read_text
from nbtypeset.schema import Imprint

_PROVENANCE_TAG = "provenance"
_PICTURES = ("image/svg+xml", "image/png")


@dataclass
class Bound:
    """A bound report: the notebook, its values, and notices that do not stop the build."""

    notebook: dict[str, Any]
    imprint: Imprint  # what only the press may state
    values: dict[str, Any]
    commit: Commit
    names: dict[str, str] = field(default_factory=dict)  # of what texts refer to, by label
    claims: dict[str, bool] = field(default_factory=dict)  # whether they hold
    figures: dict[str, str] = field(default_factory=dict)  # the digest of each picture, by label
    ran_with: dict[str, dict[str, Any]] = field(default_factory=dict)  # parameters, by chapter
    notices: list[str] = field(default_factory=list)


def bind(
    project: Project,
    dataset: DataSet,
    plans: list[Plan],
    execution: Execution,
    *,
    commit: Commit | None = None,
) -> Bound:
    """Bind the chapters of a report.

    Parameters
    ----------
    commit
        The commit that the report names; by default the one that is checked out.

    Raises
    ------
    PressError
        If a task lacks a part, a figure's label is used twice, a reference leads nowhere, or a
        claim that report.yaml lists for the data set is false or missing and all parameters are
        the chapters' own.
    """
    report = project.report
    cells: list[Cell] = []
    recorded: dict[str, dict[str, Any]] = {}
    notices: list[str] = []
    for index, plan in enumerate(plans, start=1):
        run = execution.runs[plan.chapter.name]
        said = execution.said[plan.chapter.name]
        if said.lacking:
            raise PressError(f"{said.lacking[0]}, which no code cell above provides")
        chapter, complaints = chapter_cells(index, plan, run.executed["cells"], said)
        notices += complaints
        cells += chapter
        for key, entry in said.values.items():
            if key in recorded:
                raise PressError(
                    f"{key} is recorded twice, in {recorded[key]['notebook']} and {run.notebook}; "
                    "rename one of them"
                )
            recorded[key] = entry
    marks, judged = _verdicts(cells)
    numbers = number(cells)
    names = names_of(cells, numbers)
    resolved = resolve_references(cells, names)
    check_tasks(report.chapters, cells)
    check_proofs(report.proofs, cells)
    check_claims(report.claims if are_defaults(plans) else {}, dataset.dataset, cells)
    # Last, because the errors above explain better why a value is missing.
    claims = {r.id: r.holds for c in cells for r in records(c) if isinstance(r, Claim)}
    values = {name: entry["value"] for name, entry in sorted(recorded.items())}
    sentences = _key_results(report, values, claims)
    key_results = [resolved(sentence, "report.yaml, key_results") for sentence in sentences]
    commit = commit or read_commit(project.root, report.date)
    ran_with = {plan.chapter.name: parameters_of(plan, execution) for plan in plans}
    for cell in cells:
        if _PROVENANCE_TAG in cell["metadata"].get("tags", ()):
            cell["source"] = provenance(
                dataset, ran_with, commit, report.distribution, project.root
            )
    date = commit.date.isoformat()
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        # nbconvert's own exporters read these three.
        "title": report.title,
        "authors": [{"name": author} for author in report.authors],
        "date": date,
    }
    fallback = f"{dataset.reason.removesuffix('.')}." if dataset.fallback else ""
    imprint = Imprint(
        title=report.title,
        subtitle=report.subtitle,
        authors=report.authors,
        date=date,
        language=report.language,
        course=report.course,
        assignment=report.assignment,
        dataset=dataset.title or dataset.dataset or None,
        notice=" ".join(filter(None, [fallback, _changed(plans, ran_with)])) or None,
        key_results=key_results,
        bibliography=read_bibliography(project.output),
        marks=marks,
        judged=judged,
        numbers={label: target.number for label, target in numbers.items()},
        values=values,
    )
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    parameters = {
        chapter: {name: value for name, (value, _) in each.items()}
        for chapter, each in ran_with.items()
    }
    return Bound(
        notebook=notebook,
        imprint=imprint,
        values=recorded,
        commit=commit,
        names=names,
        claims=claims,
        figures=_figures(cells),
        ran_with=parameters,
        notices=notices,
    )


def _key_results(
    report: Report, values: Mapping[str, Any], claims: Mapping[str, bool]
) -> list[str]:
    """Return the sentences of report.yaml's key results with their values."""
    sentences = []
    for count, source in enumerate(report.key_results, start=1):
        text = read_text(source, of_report=True)
        where = f"report.yaml, key_results, sentence {count}"
        for what, names, known in (
            ("value", [quote.name for quote in text.quotes], values),
            ("claim", [condition.claim for condition in text.conditions], claims),
        ):
            for name in names:
                if name not in known:
                    raise PressError(
                        f"{where}: no chapter has the {what} {name!r}" + did_you_mean(name, known)
                    )
        try:
            sentences.append(" ".join(text.set(values, claims).split()))
        except TextError as error:
            raise PressError(f"{where}: {error.message}") from error
    return list(filter(None, sentences))


def _changed(plans: list[Plan], ran_with: Mapping[str, Mapping[str, tuple[Any, Any]]]) -> str:
    """Say which parameters differ from those that the data set's report has by default."""
    changed: dict[str, dict[str, list[str]]] = {}  # chapters, by the change and what it replaces
    for plan in plans:
        for name, (value, own) in ran_with[plan.chapter.name].items():
            if name in plan.parameters and value != own:
                now, usual = (json.dumps(each, ensure_ascii=False) for each in (value, own))
                replaced = changed.setdefault(f"{name} = {now}", {})
                replaced.setdefault(usual, []).append(plan.chapter.name)
    said = [
        f"{change}, instead of "
        + ", ".join(f"{usual} in {' and '.join(names)}" for usual, names in replaced.items())
        for change, replaced in changed.items()
    ]
    return f"Changed parameters: {'; '.join(said)}." if said else ""


def _figures(cells: list[Cell]) -> dict[str, str]:
    """Return the digest of each figure's picture by the figure's label."""
    return {
        record.label: digest(as_json({mime: output["data"].get(mime) for mime in _PICTURES}))
        for cell in cells
        for output in cell.get("outputs", ())
        if isinstance(record := record_of(output), Figure)
    }


def _verdicts(
    cells: list[Cell],
) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, str]]]]:
    """Return the verdicts on claims, and formulas with their verdicts, by cell id.

    A claim's cell keeps only the sentence, without its mark.
    """
    marks: dict[str, list[str]] = {}
    judged: dict[str, list[tuple[str, str]]] = {}
    for cell in cells:
        for output in cell.get("outputs", ()):
            record = record_of(output)
            if isinstance(record, Claim):
                marks.setdefault(cell["id"], []).append(record.verdict)
                output["data"]["text/markdown"] = record.sentence
            elif isinstance(record, Derivation):
                judged[cell["id"]] = [
                    (latex, "proved" if kind == "prove" else "") for kind, latex in record.formulas
                ]
    return marks, judged
