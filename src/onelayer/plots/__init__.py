"""The report's figures: each function takes numbers and returns a Figure at its printed size.

Where both are drawn, training is blue and solid, validation vermilion and dashed. The rest of the
look is in `onelayer.style`, which any plot can use: `plt.style.use("onelayer.style.report")`. The
colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/). pyplot is not used, so there is no
global state.
"""

from onelayer.plots.counts import accuracy_by_batch, confusion, squared_norms, stop_distribution
from onelayer.plots.curves import (
    accuracies_by_lambda,
    accuracy_curves,
    loss_curves,
    validation_accuracies,
)
from onelayer.plots.images import captioned_images, weight_images
from onelayer.plots.look import BLUE, GREY, STYLE, TRAINING, VALIDATION, VERMILION

__all__ = [
    "BLUE",
    "GREY",
    "STYLE",
    "TRAINING",
    "VALIDATION",
    "VERMILION",
    "accuracies_by_lambda",
    "accuracy_by_batch",
    "accuracy_curves",
    "captioned_images",
    "confusion",
    "loss_curves",
    "squared_norms",
    "stop_distribution",
    "validation_accuracies",
    "weight_images",
]
