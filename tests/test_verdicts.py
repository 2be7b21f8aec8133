"""The notebooks' answers depend on what was found: each verdict, with its claims both ways."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from nbpress.say.prose import Prose, read_prose

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"

# A cell of prose, a claim, and what the cell says if it holds and if it does not.
VERDICTS = [
    ("2a-answer", "within-truncation", "is enough to explain", "does not explain all"),
    ("2b-answer", "better-than-guessing", "has learned to tell", "this training has failed"),
    ("2d-answer", "stops-early", "Training stops after", "Training never stops early"),
    ("2d-spread", "stop-varies", "one draw from a distribution", "training always ends in"),
    ("2e-count", "fewer-in-each-shuffle", "never as many as in fixed", "not always fewer"),
    ("2e-count", "draw-has-as-many", "the count alone does not tell", "with falls of up to"),
    ("2e-place", "one-place", "One batch stands out", "No batch stands out"),
    ("2e-place", "next-repairs", "The next batch brings it back", "After the next batch it is"),
    ("2e-why", "strongest-pull", "It is the batch after which", "no single pull explains"),
    ("2e-why", "one-sided", "its errors lean to one side", "the errors lean more to one side"),
    ("2e-why", "leaning-pulls", "Errors on one side add up", "only in part"),
    ("2e-why", "fewer-deep-falls", "the scatter of random batches", "deep falls much rarer"),
    ("3d-verdict", "loss-lowest-last", "no serious overfitting", "begins to overfit"),
    ("3d-verdict", "validation-rises-less", "a first, faint sign", "no clear sign"),
    ("3d-verdict", "validation-settles", "do not contradict it", "it still rises"),
    ("4b-why", "weights-less-rough", "A sum of many images is smooth.", "not smoother"),
    ("4b-why", "weights-are-contrasts", "What remains is a contrast", "differs from digit"),
    ("4b-why", "few-images-count", "half of a digit's residuals", ""),
    ("4c-scatter", "scatter-grows", "against small weights they are large", ""),
    ("4d-why", "scaling-changes-nothing", "Not because the weights are", "right, and unscaled"),
    ("4d-why", "weights-are-contrasts", "drives the weights of each digit", ""),
    ("4d-minimum", "minimum-loses-images", "due to the penalty.", "Jitter, then, explains more"),
    ("4d-minimum", "underfits", "**underfitting**", "this is no underfitting"),
    ("4e-why", "norm-falls", "of the weights falls as", "does not fall throughout"),
    ("4e-why", "small-penalties-still-grow", "strongest penalty it has settled", ""),
]


def prose() -> dict[str, Prose]:
    """Return the report's cells of prose by their ids."""
    by_id = {}
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            said = read_prose("".join(cell["source"])) if cell["cell_type"] == "code" else None
            if said:
                by_id[cell["id"]] = said
    return by_id


def said(cell: Prose, **claims: bool) -> str:
    """Return what a cell says with these claims, all others true."""
    values: dict[str, object] = defaultdict(lambda: 1)
    truths = {condition.claim: True for condition in cell.conditions} | claims
    return " ".join(cell.texts["text"].set(values, truths).split())


@pytest.mark.parametrize(("cell", "claim", "holds", "fails"), VERDICTS)
def test_verdict_turns_with_its_claim(cell: str, claim: str, holds: str, fails: str) -> None:
    """The text has one sentence if the claim holds, and another, or none, if it does not."""
    both = [said(prose()[cell], **{claim: truth}) for truth in (True, False)]
    assert [holds in text for text in both] == [True, False]
    if fails:
        assert [fails in text for text in both] == [False, True]


def test_every_verdict_is_tried() -> None:
    """The list above has each claim on which a sentence of the report depends."""
    depends = {(id_, c.claim) for id_, cell in prose().items() for c in cell.conditions}
    assert depends == {(cell, claim) for cell, claim, _, _ in VERDICTS}


def test_explanations_depend_on_what_they_explain() -> None:
    """No paragraph that explains something is printed whatever was found."""
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if "**Why.**" in source or "**Verdict.**" in source or "**Reading.**" in source:
                said_here = read_prose(source)
                assert said_here is not None, cell["id"]
                assert said_here.conditions, cell["id"]
