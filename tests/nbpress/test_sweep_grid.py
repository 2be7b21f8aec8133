"""The grid of a sweep: what settings and `sweeps/NAME.yaml` mean, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import notebook

from nbpress.errors import PressError
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.sweep.grid import MOST_RUNS, Grid, describe, make_grid, read_description

DECLARATIONS = """\
dataset: str = "auto"
seed: int = 0
epochs: int = 5  # ≥ 1
rate: float = 0.1  # > 0, ≤ 1
kind: str = "plain"
exact: bool = True
layers: list[int] = []
label = None
"""


@pytest.fixture
def training(tmp_path: Path) -> Notebook:
    """Return a notebook with parameters of all types."""
    path = tmp_path / "training.ipynb"
    path.write_text(json.dumps(notebook([("parameters", DECLARATIONS)])), "utf-8")
    return read_notebook(path)


def in_settings(training: Notebook, *settings: str) -> Grid:
    """Return the grid that settings on the command line stand for."""
    return make_grid(describe("training", settings), training)


def in_yaml(training: Notebook, *lines: str) -> Grid:
    """Return the grid that the lines of a file stand for, below `notebook:`."""
    path = training.path.with_name("sweep.yaml")
    path.write_text("\n".join(["notebook: training", *lines]), "utf-8")
    return make_grid(read_description(path), training)


def refused(make: Any, training: Notebook, *given: str) -> str:
    """Return the message with which a grid is refused."""
    with pytest.raises(PressError) as error:
        make(training, *given)
    return str(error.value)


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("epochs=1..4", [1, 2, 3, 4]),
        ("epochs=3..3", [3]),
        ("seed=-2..1", [-2, -1, 0, 1]),
        ("epochs=10,2", [10, 2]),
        ("rate=0.5,1,1e-3", [0.5, 1.0, 0.001]),
        ("rate=1..1", [1.0]),
        ("kind=plain,1,a b", ["plain", "1", "a b"]),
        ("exact=true,false", [True, False]),
        ("layers=[2,3],[4, 5],[]", [[2, 3], [4, 5], []]),
        ("kind=:(,x", [":(", "x"]),
        ("kind=:),(x", [":)", "(x"]),
    ],
)
def test_settings_stand_for_values(training: Notebook, setting: str, values: list[Any]) -> None:
    """They are a list, or two ends that both count; values have the parameter's type."""
    name = setting.partition("=")[0]
    points = in_settings(training, setting).points
    assert [json.dumps(point) for point in points] == [json.dumps({name: v}) for v in values]


def test_setting_with_one_value_is_given_to_every_run(training: Notebook) -> None:
    """It is not an axis: a parameter that is not varied does not name a combination."""
    grid = in_settings(training, "rate=0.5", "epochs=1,2", "kind=x")
    assert grid.given == {"rate": 0.5, "kind": "x"}
    assert grid.varied == ["epochs"]
    assert grid.points == [{"epochs": 1}, {"epochs": 2}]


def test_list_is_one_value(training: Notebook) -> None:
    """Commas inside brackets do not separate values."""
    grid = in_settings(training, "layers=[2,3]")
    assert (grid.given, grid.points) == ({"layers": [2, 3]}, [{}])
    assert refused(in_settings, training, "layers=2,3") == (
        "training.ipynb: layers must be list[int]; got 2; write layers=[2]"
    )


def test_value_may_hold_an_equals_sign(training: Notebook) -> None:
    """Only the first equals sign separates."""
    assert in_settings(training, "kind=a=b").given == {"kind": "a=b"}


def test_seeds_in_settings_are_repetitions(training: Notebook) -> None:
    """Wherever the setting stands, runs that differ only in the seed are neighbours."""
    grid = in_settings(training, "seed=0..1", "rate=0.1,0.2")
    assert (grid.varied, grid.repeated) == (["rate"], ["seed"])
    assert [(p["rate"], p["seed"]) for p in grid.points] == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]


def test_settings_alone_run_the_notebook_once(training: Notebook) -> None:
    """A grid of single values has one point."""
    assert in_settings(training, "epochs=3").points == [{}]


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("{from: 0.2, to: 1, count: 3}", [0.2, 0.6, 1]),
        ("{from: 0.1, to: 0.5, count: 5}", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("{from: 0.9, to: 0.1, count: 5}", [0.9, 0.7, 0.5, 0.3, 0.1]),
        ("{from: 0.001, to: 1, count: 4, scale: log}", [0.001, 0.01, 0.1, 1]),
        ("{from: 1.0e-9, to: 1, count: 10, scale: log}", [10.0**-n for n in range(9, -1, -1)]),
        ("{from: 1, to: 0.01, count: 3, scale: log}", [1, 0.1, 0.01]),
        ("[0.3, 0.1]", [0.3, 0.1]),
        ("1..1", [1]),
    ],
)
def test_axis_in_yaml(training: Notebook, axis: str, values: list[float]) -> None:
    """Ranges include both ends, and numbers as people write them: no 0.30000000000000004."""
    points = in_yaml(training, f"product: {{rate: {axis}}}").points
    assert [repr(point["rate"]) for point in points] == [repr(float(value)) for value in values]


def test_range_of_whole_numbers(training: Notebook) -> None:
    """A range fits an int parameter if all of its numbers are whole."""
    grid = in_yaml(training, "product: {epochs: {from: 1, to: 100, count: 3, scale: log}}")
    assert [repr(point["epochs"]) for point in grid.points] == ["1", "10", "100"]
    broken = refused(in_yaml, training, "product: {epochs: {from: 1, to: 2, count: 3}}")
    assert broken == "training.ipynb: epochs must be int; got 1.5"


def test_parts_of_a_grid(training: Notebook) -> None:
    """Products vary slowest, then zipped lists; repetitions are neighbours."""
    grid = in_yaml(
        training,
        "given: {kind: y}",
        "repeat: {seed: 0..1}",
        "zip: {epochs: [1, 2], rate: [0.1, 0.2]}",
        "product: {exact: [true, false]}",
    )
    assert grid.given == {"kind": "y"}
    assert (grid.varied, grid.repeated) == (["exact", "epochs", "rate"], ["seed"])
    assert [tuple(point.values()) for point in grid.points] == [
        (exact, *pair, seed)
        for exact in (True, False)
        for pair in ((1, 0.1), (2, 0.2))
        for seed in (0, 1)
    ]


def test_zipped_lists_may_hold_a_value_twice(training: Notebook) -> None:
    """Only a complete row must not occur twice."""
    grid = in_yaml(training, "zip: {epochs: [1, 1], rate: [0.1, 0.2]}")
    assert grid.points == [{"epochs": 1, "rate": 0.1}, {"epochs": 1, "rate": 0.2}]
    assert refused(in_yaml, training, "zip: {epochs: [1, 1], rate: [0.1, 0.1]}") == (
        "zip has {'epochs': 1, 'rate': 0.1} twice"
    )


def test_values_may_be_lists(training: Notebook) -> None:
    """An axis of lists gives each run a list."""
    grid = in_yaml(training, "product: {layers: [[], [8, 8]]}")
    assert grid.points == [{"layers": []}, {"layers": [8, 8]}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["epoch=1..3"], "training.ipynb has no parameter 'epoch'; did you mean 'epochs'?"),
        (["epochs=1,a"], "training.ipynb: epochs must be int; got 'a'"),
        (["epochs=1,1.5"], "training.ipynb: epochs must be int; got 1.5"),
        (["exact=1,0"], "training.ipynb: exact must be bool; got 1"),
        (["epochs=0..3"], "training.ipynb: epochs must be ≥ 1; got 0"),
        (["rate=0.5,2"], "training.ipynb: rate must be ≤ 1; got 2.0"),
        (["rate=2"], "training.ipynb: rate must be ≤ 1; got 2.0"),
        (["rate=0.1,nan"], "training.ipynb: rate must be "),
        (["rate=0.1,1e-1"], "rate has the value 0.1 twice"),
        (["epochs=1,2,1"], "epochs has the value 1 twice"),
        (["epochs=1,2", "epochs=3"], "epochs is given twice; write epochs=value,value"),
        (["epochs"], "expected parameter=value,value or parameter=0..4; got 'epochs'"),
        (["=1"], "expected parameter=value,value or parameter=0..4; got '=1'"),
        (["epochs="], "epochs lacks a value: expected epochs=value,value; got 'epochs='"),
        (["epochs=1,,2"], "epochs lacks a value: expected epochs=value,value; got 'epochs=1,,2'"),
        (["epochs=4..1"], "epochs: 4..1 contains no numbers; did you mean 1..4?"),
        (["seed=0..999999999"], "seed: 0..999999999 has more than 100,000 numbers"),
        (["epochs=0.5..3"], "training.ipynb: epochs must be int; got '0.5..3'"),
        (
            ["epochs=1..1000", "seed=0..999"],
            f"the sweep has 1,000,000 runs; the limit is {MOST_RUNS:,}",
        ),
    ],
)
def test_settings_that_are_refused(training: Notebook, settings: list[str], message: str) -> None:
    """The message names the parameter, says what was expected, and what was found."""
    assert refused(in_settings, training, *settings).startswith(message)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["product: {rates: [0.1]}"], "training.ipynb has no parameter 'rates'; did you mean 'r"),
        (["given: {rates: 0.1}"], "training.ipynb has no parameter 'rates'; did you mean 'rate'?"),
        (["product: {epochs: []}"], "epochs: expected a list of values, 0..4 or {from:, to:, "),
        (["product: {epochs: 3}"], "epochs: expected a list of values, 0..4 or {from:, to:, "),
        (["product: {epochs: a..b}"], "epochs: expected a list of values, 0..4 or {from:, to:, "),
        (["product: {epochs: null}"], "epochs: expected a list of values, 0..4 or {from:, to:, "),
        (
            ["zip: {epochs: [1, 2], rate: [0.1]}"],
            "the lists in zip must have equal length; epochs has 2, rate has 1",
        ),
        (
            ["product: {epochs: [1]}", "zip: {epochs: [1]}"],
            "epochs is given in more than one part of the sweep",
        ),
        (
            ["given: {seed: 1}", "repeat: {seed: 0..1}"],
            "seed is given in more than one part of the sweep",
        ),
        (["repeat: {seed: [1, 1]}"], "seed has the value 1 twice"),
        (["product: {rate: [1, 1.0]}"], "rate has the value 1.0 twice"),
        (["products: {epochs: [1]}"], "sweep.yaml: unknown key 'products'; did you mean 'product"),
        (["product: [epochs]"], "sweep.yaml: product: expected a name and a value for each"),
        (["product: {epochs: [1]"], "sweep.yaml is not YAML: "),
        (["notebook: [1]"], "sweep.yaml: notebook: "),
        (["repeat: {seed: 0..99}", "product: {epochs: 1..9999}"], "the sweep has 999,900 runs; "),
        (
            ["product: {rate: {from: 0, to: 1, count: 3, scale: log}}"],
            "rate: a range on a log scale must be above 0; got 0..1",
        ),
        (
            ["product: {rate: {from: 1, to: -1, count: 3, scale: log}}"],
            "rate: a range on a log scale must be above 0; got 1..-1",
        ),
        *(
            ([f"product: {{rate: {axis}}}"], "rate: expected {from: 1, to: 100, count: 3, ")
            for axis in (
                "{from: 0.1, to: 1}",
                "{from: 0.1, count: 3}",
                "{from: a, to: 1, count: 3}",
                "{from: 0.1, to: .inf, count: 3}",
                "{from: .nan, to: 1, count: 3}",
                "{from: 0.1, to: 1, count: 1}",
                "{from: 0.1, to: 1, count: 2.5}",
                "{from: 0.1, to: 1, count: 1000001}",
                "{from: 0.1, to: 1, count: 3, scale: cubic}",
                "{from: 0.1, to: 1, count: 3, step: 2}",
            )
        ),
        (["product: {rate: {from: 0.5, to: 0.5, count: 2}}"], "rate has the value 0.5 twice"),
        (["product: {rate: {from: 0, to: 1, count: 3}}"], "training.ipynb: rate must be > 0; got "),
        (["product: {1: [2]}"], "sweep.yaml: product: expected names before the colons; got 1"),
    ],
)
def test_files_that_are_refused(training: Notebook, lines: list[str], message: str) -> None:
    """The message names file or parameter, says what was expected, and what was found."""
    assert refused(in_yaml, training, *lines).startswith(message)


def test_file_without_a_notebook(tmp_path: Path) -> None:
    """It is refused, because nothing else says what to run."""
    path = tmp_path / "empty.yaml"
    path.write_text("product: {epochs: [1, 2]}")
    with pytest.raises(PressError, match=r"^empty.yaml: notebook is missing$"):
        read_description(path)
    path.write_text("")
    with pytest.raises(PressError, match=r"^empty.yaml: expected the keys `notebook:` and"):
        read_description(path)


@pytest.mark.parametrize(
    "lines", [["given: {label: 2022-01-02}"], ["product: {label: [1, 2022-01-02]}"]]
)
def test_date_is_refused(training: Notebook, lines: list[str]) -> None:
    """YAML reads a date, which a notebook cannot receive, whatever the parameter's type."""
    assert "label must be a number, text" in (message := refused(in_yaml, training, *lines))
    assert "got the date 2022-01-02 (put it in quotes to make it text)" in message
