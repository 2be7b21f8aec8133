"""The commands and grids that the explorer writes, read by the programs that repeat them."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nbpress.errors import PressError
from nbpress.project.notebook import read_notebook
from nbpress.project.parameters import read_parameters
from nbpress.sweep.grid import Description, make_grid
from onelayer.data import load
from onelayer.explore.choice import choose
from onelayer.explore.commands import grid, report_command

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


@pytest.fixture(scope="module")
def digits():
    """Return the data set that comes with the project."""
    return load("digits")


def points(text):
    """Return what the sweep of a file would run, checked against the notebook's parameters."""
    content = yaml.safe_load(text)
    assert content["notebook"] == "../notebooks/explore.ipynb"
    made = make_grid(
        Description.model_validate(content), read_notebook(NOTEBOOKS / "explore.ipynb")
    )
    return [made.given | point for point in made.points]


@pytest.mark.parametrize(
    ("given", "chapter", "extra"),
    [
        ({}, "3_softmax_regression", {}),
        ({"classes": (4, 9)}, "2_logistic_regression", {"classes": [4, 9]}),
        ({"l2_lambda": 1e-5}, "4_regularization", {"l2_lambdas": [1e-5]}),
    ],
)
def test_report(digits, given, chapter, extra):
    """The command names the chapter on this model, and values that the chapter accepts."""
    choice = choose(digits, learning_rate=2e-5, seed=7, train_size=900, **given)
    make, report, dataset, params = shlex.split(report_command(choice))
    assert (make, report, dataset) == ("make", "report", "DATASET=digits")
    parameters = read_parameters(params.removeprefix("PARAMS="))
    ((named, values),) = parameters.items()
    assert named == chapter
    checked = read_notebook(NOTEBOOKS / f"{chapter}.ipynb").checked(values)
    assert checked == {
        "seed": 7, "train_size": 900, "batch_size": 16, "learning_rate": 2e-5, "num_epochs": 50,
        **extra,
    }  # fmt: skip


@pytest.mark.parametrize("num_epochs", [1, 2, 1000])
@pytest.mark.parametrize("given", [{}, {"classes": (4, 9)}, {"l2_lambda": 2.5e-5}])
def test_no_command_is_refused(digits, given, num_epochs):
    """A command is shown if the chapter takes its values, and otherwise the reason."""
    choice = choose(digits, num_epochs=num_epochs, **given)
    text = report_command(choice)
    if given.get("classes") and num_epochs == 1:
        reason = "2_logistic_regression needs num_epochs ≥ 2; got 1"
        assert text == f"# make report would refuse these settings: {reason}"
        with pytest.raises(PressError, match="num_epochs must be ≥ 2; got 1"):
            read_notebook(NOTEBOOKS / "2_logistic_regression.ipynb").checked({"num_epochs": 1})
    else:
        ((chapter, values),) = read_parameters(
            shlex.split(text)[-1].removeprefix("PARAMS=")
        ).items()
        checked = read_notebook(NOTEBOOKS / f"{chapter}.ipynb").checked(values)
        assert checked["num_epochs"] == num_epochs


def test_report_says_what_it_leaves_out(digits):
    """What a chapter does not take stands in a comment above the command."""
    text = report_command(choose(digits, shuffle=False, sampling="first/last", classes=(1, 2)))
    assert text.splitlines()[:2] == [
        "# 2_logistic_regression does not take shuffle: false",
        '# 2_logistic_regression does not take sampling: "first/last"',
    ]
    penalised = report_command(choose(digits, classes=(1, 2), l2_lambda=0.1))
    assert "# 2_logistic_regression does not take l2_lambda: 0.1" in penalised
    assert "#" not in report_command(choose(digits, l2_lambda=0.1))


@pytest.mark.parametrize("learning_rate", [1e-5, 2.5e-5, 1e22])
def test_grid_of_one(digits, learning_rate):
    """One choice is run as it is, with five seeds."""
    made = points(grid([choose(digits, learning_rate=learning_rate)]))
    assert [point["seed"] for point in made] == [0, 1, 2, 3, 4]
    assert {point["learning_rate"] for point in made} == {learning_rate}


def test_grid_of_several(digits):
    """Kept runs stand side by side, each once; seeds are repeated, not varied."""
    choices = [
        choose(digits),
        choose(digits, learning_rate=0.7),
        choose(digits, learning_rate=0.7, seed=3),
        choose(digits, learning_rate=0.7, classes=(2, 3)),
    ]
    made = points(grid(choices))
    assert [(point["learning_rate"], point["classes"]) for point in made[::5]] == [
        (0.1, None),
        (0.7, None),
        (0.7, [2, 3]),
    ]
    assert len(made) == 15


def test_grid_is_about_one_data_set(digits):
    """Choices on another data set than the last choice's are left out."""
    other = replace(choose(digits, learning_rate=0.7), dataset="mnist")
    text = grid([other, choose(digits)])
    assert "dataset: digits" in text
    assert "0.7" not in text
    assert "zip" not in text
