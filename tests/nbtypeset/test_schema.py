"""Records of what can be typeset."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from nbtypeset.schema import MIME_TYPE, Figure, Sentence, Table, record_of


@pytest.mark.parametrize(
    "record", [Figure("fig-a", "A *caption*.", "A dot."), Table("tab-a", "Rows."), Sentence("x.")]
)
def test_record_survives_json(record: Figure | Table | Sentence) -> None:
    """What is written to an output is read from it again."""
    assert record_of({MIME_TYPE: record.to_json(), "text/plain": ""}) == record


def test_missing_text_is_empty() -> None:
    """A record may lack a text; unknown texts are ignored."""
    record = {"kind": "figure", "label": "fig-a", "task": "2b"}
    assert Figure.from_json(record) == Figure("fig-a", "", "")


@pytest.mark.parametrize(
    "record",
    [
        None,
        5,
        "figure",
        [],
        {},
        {"kind": None},
        {"kind": ["claim"]},
        {"kind": "figure", "alt": 5},
        {"kind": "claim", "sentence": ["x"]},
    ],
)
def test_malformed_record_is_none(record: Any) -> None:
    """Foreign notebooks raise nothing."""
    assert record_of({MIME_TYPE: record}) is None
    assert record_of({}) is None


def test_schema_is_light() -> None:
    """The schema imports the standard library alone: kernels load it with every notebook."""
    program = (
        "import sys; before = set(sys.modules); import nbtypeset.schema;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.decode().split() == ["nbtypeset"]
