"""The records that a notebook leaves for its report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbpress.errors import PressError
from nbpress.say.records import (
    Answer,
    Claim,
    Derivation,
    Figure,
    Settings,
    Table,
    Values,
    from_json,
    records,
    settings,
    task_of,
)
from nbtypeset.schema import MIME_TYPE, Record

RECORDS: list[Record] = [
    Figure("fig-2b", "A caption.", "A line."),
    Table("tab-4", "A caption."),
    Values("2d", {"stop_step": 546}),
    Figure("fig-2b", "A caption of 3.", "A line.", {"num": 3}),
    Answer("2d", {"stop_step": 546, "more": [1.5, None]}),
    Claim("4e", "norm-falls", "Σ w² falls", True, "Σ w² falls."),
    Derivation("1a", [["define", "a := b"], ["prove", "a = b"]], ["a = b"], "One.", {"n": 3}),
]


@pytest.mark.parametrize("record", RECORDS)
def test_record_survives_json(record: Record) -> None:
    """What is read is what was written."""
    assert from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "seal"},
        {"kind": "derivation"},
        {"kind": "proof", "task": "1a", "sentence": "$a = a$."},
        {"kind": "table", "label": "t", "x": 1},
        {"kind": "answer", "task": "1a", "values": [1]},
        {"kind": "settings", "suits": [1]},
        # The typesetter would pass over these, and give their marks to the next claim of the cell.
        {
            **{"kind": "claim", "task": "1a", "id": "x", "text": "it holds", "holds": True},
            "sentence": 5,
        },
        {"kind": "derivation", "task": "1a", "formulas": [], "results": [], "summary": 5},
    ],
)
def test_foreign_record_is_refused(content: dict[str, Any]) -> None:
    """A record that the functions of nbpress cannot have written stops the build."""
    with pytest.raises(PressError, match="not a record of nbpress"):
        from_json(content)


def test_cell_of_markdown_has_no_records() -> None:
    """What its outputs say, no code has said."""
    output = {"data": {MIME_TYPE: Settings({"rate": 0.5}).to_json()}}
    for kind, values in (("code", {"rate": 0.5}), ("markdown", {}), ("raw", {})):
        assert settings([{"cell_type": kind, "outputs": [output]}]).values == values


def test_cell_without_records() -> None:
    """Printed lines and prose cells say nothing to the press."""
    assert records({"cell_type": "markdown"}) == []
    data = {MIME_TYPE: RECORDS[0].to_json(), "text/plain": "x"}
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x"}, {"data": data}]
    assert records({"outputs": outputs}) == [RECORDS[0]]


@pytest.mark.parametrize(
    ("label", "task"),
    [("fig-2b", "2b"), ("fig-4b-zoom", "4b"), ("tab-4", "4"), ("tab-a", "A"), ("fig-all-2b", "")],
)
def test_label_names_its_task(label: str, task: str) -> None:
    """What a caption quotes is recorded under that task."""
    assert task_of(label) == task
