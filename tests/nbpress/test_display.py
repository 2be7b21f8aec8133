"""The functions with which a notebook speaks to its report."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from matplotlib.figure import Figure

from nbpress import answer, claim, figure, settings, table
from nbpress.say import memory
from nbpress.say.records import Settings, from_json
from nbpress.say.text import read_text
from nbtypeset.schema import MIME_TYPE


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list that every bundle shown is added to."""
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: bundles.append(bundle))
    return bundles


def a_plot() -> Figure:
    """Return a plot with text, clip paths and markers: what ids are made for in SVG."""
    plot = Figure(figsize=(2, 1))
    plot.add_subplot().plot([0, 1], [1, 0], "o-", label="falls")
    plot.legend()
    return plot


def test_figure_is_shown_as_svg_and_png(shown: list[dict[str, Any]]) -> None:
    """Its record comes with them, and its text alternative for a terminal."""
    figure(a_plot(), "fig-1", "It falls.", "A falling line.")
    bundle, _caption = shown
    assert bundle[MIME_TYPE] == {
        "kind": "figure",
        "label": "fig-1",
        "caption": "It falls.",
        "alt": "A falling line.",
        "values": {},
    }
    assert "<svg" in bundle["image/svg+xml"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "fig-1: A falling line."


def test_same_figure_has_the_same_bytes(shown: list[dict[str, Any]]) -> None:
    """It has no date and no random ids, so that reports can be compared byte for byte."""
    for _ in range(2):
        figure(a_plot(), "fig-1", "It falls.", "A falling line.")
    assert shown[0] == shown[2]
    assert "<dc:date>" not in shown[0]["image/svg+xml"]


def test_figure_is_closed_and_can_be_used(shown: list[dict[str, Any]]) -> None:
    """Otherwise pyplot would show it again at the cell's end; other figures stay open."""
    from matplotlib import pyplot as plt

    plot, other = plt.figure(figsize=(2, 1)), plt.figure()
    figure(plot, "fig-1", "It falls.", "A falling line.")
    assert plt.get_fignums() == [other.number]
    plot.add_subplot().plot([0, 1], [1, 0])
    figure(plot, "fig-1", "It falls.", "A falling line.")
    assert shown[0]["image/svg+xml"] != shown[2]["image/svg+xml"]
    plt.close(other)


@pytest.mark.parametrize(
    "label", ["", "Fig-1", "fig 1", "1-fig", "fig_1", "fig-1\n", "square", "tab-1"]
)
def test_malformed_label_is_refused(label: str) -> None:
    """A label other than `fig-…` would never be numbered, and no reference would find it."""
    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        figure(io.StringIO(), label, "A caption.", "A text.")  # type: ignore[arg-type]


@pytest.mark.parametrize(("caption", "alt"), [("", "A text."), ("A caption.", " \n")])
def test_figure_without_caption_or_alternative_is_refused(caption: str, alt: str) -> None:
    """It is refused before anything is drawn."""
    missing = "caption" if not caption else "alt"
    with pytest.raises(ValueError, match=f"the {missing} of fig-1 must not be empty"):
        figure(io.StringIO(), "fig-1", caption, alt)  # type: ignore[arg-type]


def test_caption_has_the_number_of_the_last_build(
    shown: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown in JupyterLab only; before a first build it has no number."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.yaml").touch()
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)

    def caption() -> str:
        table(["a"], [[1]], "tab-1", "One.")
        assert shown[-1][MIME_TYPE] == {"kind": "caption"}
        return str(shown[-1]["text/markdown"])

    assert caption() == "**Table:** One."
    (tmp_path / "build" / "names.json").write_text('{"tab-1": "Table 3"}', "utf-8")
    assert caption() == "**Table 3:** One."
    del shown[:]
    monkeypatch.setenv("NBPRESS_RUN", "1")
    table(["a"], [[1]], "tab-1", "One.")
    assert [bundle[MIME_TYPE]["kind"] for bundle in shown] == ["table"]


def test_table_is_shown_as_markdown(shown: list[dict[str, Any]]) -> None:
    """A `|` in a cell does not end the cell."""
    table(["a", "b"], [[1, "|x|"]], "tab-1", "Two.")
    assert shown[0]["text/markdown"] == "| a | b |\n| --- | --- |\n| 1 | \\|x\\| |"


def test_ragged_table_is_refused() -> None:
    """Each row must have as many cells as the header."""
    with pytest.raises(ValueError, match="must have 2 cells; got \\[1\\]"):
        table(["a", "b"], [[1]], "tab-1", "Two.")


def test_answer_shows_a_sentence_and_records_its_values(shown: list[dict[str, Any]]) -> None:
    """Values are formatted in the sentence and exact in the record, quoted or not."""
    text = "It stops after {{ step:, }} of {{ all }} steps."
    answer("2d", text, step=np.int64(1546), all=9, more=[1.5])
    (bundle,) = shown
    assert bundle["text/markdown"] == "It stops after 1,546 of 9 steps."
    assert bundle[MIME_TYPE]["values"] == {"step": 1546, "all": 9, "more": [1.5]}
    assert json.loads(json.dumps(bundle[MIME_TYPE])) == bundle[MIME_TYPE]


def test_answer_records_numpy_exactly(shown: list[dict[str, Any]]) -> None:
    """NumPy scalars, arrays and mappings become plain numbers, digit for digit."""
    third = np.float64(1) / 3
    answer("1a", "", x=third, w=np.eye(2), by={0.5: (np.float32(0.5), True, None)})
    values = shown[0][MIME_TYPE]["values"]
    assert values == {
        "x": 1 / 3,
        "w": [[1.0, 0.0], [0.0, 1.0]],
        "by": {"0.5": [0.5, True, None]},
    }
    assert type(values["x"]) is float
    assert math.isclose(values["x"], third, rel_tol=0)


def test_value_that_cannot_be_recorded_is_one_sentence() -> None:
    """IPython shows no traceback of the press's own code."""
    for value, message in ((float("nan"), "x must be a finite number"), (object(), "got object")):
        with pytest.raises(TypeError, match=message) as refused:
            answer("1a", "", x=value)
        assert refused.value._render_traceback_() == [str(refused.value)]  # type: ignore[attr-defined]


def test_answer_without_a_quoted_value_is_refused() -> None:
    """The message names the value and its line."""
    with pytest.raises(ValueError, match="line 1: 'yes' is neither recorded for task 1a"):
        answer("1a", "{{ yes:.2f }} and {{ y }}", y=1)


def test_value_of_another_task_is_named_with_its_task(shown: list[dict[str, Any]]) -> None:
    """Values belong to a task; the message says which one has it."""
    answer("9z", "", elsewhere=1)
    message = "neither recorded for task 1a nor a variable; task 9z has it: did you mean another"
    with pytest.raises(ValueError, match=message):
        answer("1a", "{{ elsewhere }}")


def test_what_an_answer_of_code_quotes_is_recorded(
    shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text further down finds that value, even if the variable has changed since."""
    variables = {"steps_taken": 1}
    monkeypatch.setattr(memory, "_variables", lambda: variables)
    answer("9", "{{ steps_taken }}")
    variables["steps_taken"] = 2
    assert memory.recall("9", [read_text("{{ steps_taken }}")]) == {"steps_taken": 1}
    assert memory.recall("8", [read_text("{{ steps_taken }}")]) == {"steps_taken": 2}


def test_caption_that_quotes_needs_a_task() -> None:
    """The values are recorded under the task that the label names."""
    with pytest.raises(ValueError, match="line 1: the label must name the values' task"):
        table(["a"], [[1]], "tab-all", "Of {{ n }}.")


def test_value_that_json_cannot_hold_is_refused() -> None:
    """The message names the value."""
    with pytest.raises(TypeError, match="x must be a number, text, list or mapping; got object"):
        answer("1a", "", x=object())


def test_value_may_have_any_name(shown: list[dict[str, Any]]) -> None:
    """It may even have the name of one of the function's own arguments."""
    answer("1a", "{{ task }} of {{ text }}", task=1, text=2)
    assert shown[0]["text/markdown"] == "1 of 2"
    assert shown[0][MIME_TYPE]["values"] == {"task": 1, "text": 2}


@pytest.mark.parametrize("value", [math.nan, [1, -math.inf], {"a": np.array([np.nan])}])
def test_number_that_json_cannot_hold_is_refused(value: Any) -> None:
    """NaN and infinity are refused; the message says what to give instead."""
    with pytest.raises(
        TypeError, match=r"must be a finite number, because JSON has no -?(nan|inf);"
    ):
        answer("1a", "", x=value)


@pytest.mark.parametrize("task", ["", "a1", "2D", "2 d"])
def test_malformed_task_is_refused(task: str) -> None:
    """A task has a name like '2d' or 'A'."""
    with pytest.raises(ValueError, match="a task's name must be like"):
        answer(task, "")


def test_claim_is_stated_only_if_it_holds(shown: list[dict[str, Any]]) -> None:
    """Otherwise the report says what was found instead and who expected the claim."""
    claim("4e", "falls", "it falls", np.bool_(True))
    claim("4e", "falls", "it falls", False, otherwise="it rises")
    claim("4e", "falls", "it falls", False)
    claim("4e", "falls", "it falls", False, "it rises", by="the report of 2022")
    assert [bundle["text/markdown"] for bundle in shown] == [
        "✓ Checked by machine: it falls.",
        "✗ Found instead: it rises; we expected that it falls.",
        "✗ Found instead: it is not so that it falls.",
        "✗ Found instead: it rises; the report of 2022 expected that it falls.",
    ]
    assert [bundle[MIME_TYPE]["holds"] for bundle in shown] == [True, False, False, False]


@pytest.mark.parametrize("id_", ["", "Falls", "norm falls", "-falls"])
def test_malformed_claim_is_refused(id_: str) -> None:
    """Claims have ids of small letters, digits and hyphens, by which report.yaml lists them."""
    with pytest.raises(ValueError, match="a claim's id must have only lower-case letters"):
        claim("4e", id_, "it falls", True)


def test_settings_are_shown_and_recorded(shown: list[dict[str, Any]]) -> None:
    """They are shown as text to the notebook's reader, and recorded for the provenance."""
    settings(batch_size=np.int64(16), late_step=None)
    (bundle,) = shown
    assert bundle["text/plain"] == "batch_size = 16, late_step = None"
    assert from_json(bundle[MIME_TYPE]) == Settings({"batch_size": 16, "late_step": None})


@pytest.mark.parametrize("holds", [[False], [True], (x for x in ()), float("nan"), 1, str.count])
def test_only_a_truth_can_be_claimed(shown: list[dict[str, Any]], holds: object) -> None:
    """A value that is only truthy, such as a list or a forgotten `all`, gets no mark."""
    with pytest.raises(TypeError, match=r"must be True or False; got .*all\(…\) or any\(…\)"):
        claim("1a", "x", "it holds", holds)
    assert shown == []


@pytest.mark.parametrize("holds", [True, np.bool_(True), np.array(1) > 0, sympy.true])
def test_truths_of_numpy_and_sympy_can_be_claimed(
    shown: list[dict[str, Any]], holds: object
) -> None:
    """Their booleans count like Python's."""
    claim("1a", "x", "it holds", holds)
    assert shown[0][MIME_TYPE]["holds"] is True


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (np.float64(1) < 2, "", "True"),
        (225, "x", "e1"),
        (0x1E5, "x", "1e5"),
        (1_500_000, ".1e", "1.5 × 10⁶"),
        (np.float64(-1.8e-7), ".1e", "−1.8 × 10⁻⁷"),
        (np.array([0.5, 2]), ".1f", "0.5 and 2.0"),
    ],
)
def test_numbers_are_set_whatever_their_type(
    shown: list[dict[str, Any]], value: object, spec: str, text: str
) -> None:
    """Only a number in exponent notation has an exponent."""
    answer("1a", f"{{{{ x:{spec} }}}}" if spec else "{{ x }}", x=value)
    assert shown[0]["text/markdown"].replace("\u00a0", " ") == text
