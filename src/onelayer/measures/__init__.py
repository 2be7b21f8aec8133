"""Measured quantities that the answers rely on: for runs, epochs, predictions and weights."""

from onelayer.measures.epochs import (
    BatchErrors,
    Dip,
    Pulls,
    accuracy_by_batch,
    correlation,
    dip,
    pulls,
    thinned,
)
from onelayer.measures.predicted import Predictions, predictions, share_of_half_the_residuals
from onelayer.measures.runs import (
    Late,
    LossSummary,
    Spikes,
    is_falling,
    is_late,
    late,
    loss_summary,
    settled_step,
    spikes,
    standard_error,
)
from onelayer.measures.weights import roughness, squared_norm

__all__ = [
    "BatchErrors",
    "Dip",
    "Late",
    "LossSummary",
    "Predictions",
    "Pulls",
    "Spikes",
    "accuracy_by_batch",
    "correlation",
    "dip",
    "is_falling",
    "is_late",
    "late",
    "loss_summary",
    "predictions",
    "pulls",
    "roughness",
    "settled_step",
    "share_of_half_the_residuals",
    "spikes",
    "squared_norm",
    "standard_error",
    "thinned",
]
