"""The records that a notebook leaves for its report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbpress.errors import PressError
from nbpress.say.records import Answer, Claim, Proof, Record, from_json, records
from nbtypeset.schema import MIME_TYPE, Figure, Table

RECORDS: list[Record] = [
    Figure("fig-2b", "A caption.", "A line."),
    Table("tab-4", "A caption."),
    Answer("2d", {"stop_step": 546, "more": [1.5, None]}),
    Claim("4e", "norm-falls", "Σ w² falls", True, "Σ w² falls."),
    Proof("1a", "$a = a$."),
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
        {"kind": "proof"},
        {"kind": "table", "label": "t", "x": 1},
        # The typesetter would pass over it, and give its mark to the next claim of the cell.
        {"kind": "proof", "task": "1a", "sentence": 5},
    ],
)
def test_foreign_record_is_refused(content: dict[str, Any]) -> None:
    """A record that the functions of nbpress cannot have written stops the build."""
    with pytest.raises(PressError, match="no record of nbpress"):
        from_json(content)


def test_cell_without_records() -> None:
    """Printed lines, and cells of prose, say nothing to the press."""
    assert records({"cell_type": "markdown"}) == []
    data = {MIME_TYPE: RECORDS[0].to_json(), "text/plain": "x"}
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x"}, {"data": data}]
    assert records({"outputs": outputs}) == [RECORDS[0]]
