"""`nbpress diff`, what a build says of changes, and what the first page says of parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.publish.diff import State, differences
from nbpress.publish.published import read_published


def published(project: TinyProject) -> dict[str, Any]:
    """Return the record of what is published."""
    return json.loads((project.root / "report" / "published.json").read_text("utf-8"))


def test_changes_are_counted_listed_and_on_the_first_page(built: TinyProject) -> None:
    """Changed parameters, claims, values and figures are listed with sizes, and back again."""
    assert built.run("diff").status == 1  # nothing is recorded, and there was no report before
    assert built.run("check", "--record").status == 0
    unknown = "recorded has no record of parameters, claims, figures, so these are not compared"
    assert built.run("diff").out == f"nothing differs\n{unknown}\n"
    first_page = "instead of"
    assert first_page not in built.bound
    built.edit("notebooks/1_sums.ipynb", "total > 0", "total < 10")
    built.edit("report/report.yaml", "positive: [small]", "positive: []")
    result = built.report("--param", "scale=4", "--param", "width=50")
    assert (
        "since the last report: 2 parameters, 1 claim, 1 figure, 3 values changed "
        "(`nbpress diff` lists them)\n"
    ) in result.err
    lines = [line.split() for line in built.run("diff").out.splitlines()]
    assert lines == [
        ["previous", "report", "difference"],
        ["parameter", "1_sums.scale", "2", "4", "+2,", "+100.00%"],
        ["parameter", "2_pictures.width", "40", "50", "+10,", "+25.00%"],
        ["claim", "positive", "holds", "is", "false", "different"],
        ["figure", "fig-2a", "a", "picture", "a", "picture", "different"],
        ["value", "1a.total", "6", "12", "+6,", "+100.00%"],
        ["value", "2a.width", "40", "50", "+10,", "+25.00%"],
        ["value", "3a.words", '"the', "sum", "was", '6"', '"the', "sum", "was", '12"', "different"],
    ]
    for only, rows in (
        (["claim"], [3]),
        (["2a", "1_sums"], [1, 4, 6]),
        (["*a.w*"], [6, 7]),
        (["3a.words", "value"], [5, 6, 7]),
    ):
        shown = built.run("diff", *(word for each in only for word in ("--only", each))).out
        assert [line.split() for line in shown.splitlines()[1:]] == [lines[row] for row in rows]
    assert built.run("diff", "--only", "1_sums.count").out == "nothing differs\n"
    assert "--only 2b: neither report has such a kind" in built.run("diff", "--only", "2b").err
    against_recorded = built.run("diff", "recorded", "--exit-code")
    assert against_recorded.status == 1
    assert "+6, +100.00%, 5e+02 × the tolerance" in against_recorded.out
    assert built.run("diff", "previous", "build/previous").out == "nothing differs\n"
    assert built.run("diff", "report", "report/values.json").out == "nothing differs\n"
    assert built.run("html", "--param", "scale=4", "--param", "width=50").status == 0
    page = (built.root / "report" / "report.html").read_text("utf-8")
    assert (
        "Changed parameters: scale = 4.0, instead of 2.0 in 1_sums; "
        "width = 50, instead of 40 in 2_pictures."
    ) in page
    assert (
        "since the last report" not in built.run("html", "--param=scale=4", "--param=width=50").err
    )
    # A parameter that is given as it is anyway is none that was changed.
    built.run("html", "--param", "scale=2", "--param", "width=40")
    assert "Changed parameters" not in (built.root / "report" / "report.html").read_text("utf-8")


def test_another_data_set_is_not_counted(built: TinyProject) -> None:
    """Every number differs then; the earlier publication is kept nevertheless."""
    assert "since the last report" not in built.report("--dataset", "large").err
    former = json.loads((built.root / "build" / "previous" / "published.json").read_text("utf-8"))
    assert former["dataset"] == "small"
    assert built.run("check", "--record").status == 0
    note = "the previous report is on small, so the recorded values are taken"
    assert built.run("diff").out.splitlines()[0] == note
    built.report("--dataset", "large", "--param", "scale=3")
    out = built.run("diff", "default").out
    assert ["1_sums.scale", "2", "3"] in [line.split()[1:4] for line in out.splitlines()]
    for dataset in ("small", "large"):  # each keeps its own
        kept = built.root / "build" / "default" / dataset / "published.json"
        assert json.loads(kept.read_text("utf-8"))["dataset"] == dataset


@pytest.mark.parametrize(
    ("key", "value"),
    [("claims", {"positive": False}), ("figures", {"fig-2a": "0" * 64}), ("ran_with", {})],
)
def test_edited_record_is_told_from_a_fresh_run(
    built: TinyProject, key: str, value: dict[str, Any]
) -> None:
    """`make check` compares claims, figures and parameters as well."""
    path = built.root / "report" / "published.json"
    path.write_text(json.dumps({**published(built), key: value}), "utf-8")
    built.run("check", "--record")
    result = built.run("check")
    assert result.status == 1
    assert "published.json was damaged or edited after it was recorded" in result.err


def test_record_of_an_older_press_is_read(built: TinyProject) -> None:
    """It has no claims, figures or parameters, and these do not count as changes."""
    content = published(built)
    for key in ("claims", "figures", "ran_with"):
        del content[key]
    (built.root / "report" / "published.json").write_text(json.dumps(content), "utf-8")
    former = read_published(built.root / "report")
    result = differences(State("old", {}, former), State("new", {"a": {"value": 1}}, former))
    assert result.summary() == "1 value"
    assert result.unknown == ["parameter", "claim", "figure"]


@pytest.mark.parametrize("word", ["nowhere.json", "previous", ".."])
def test_nothing_to_compare_with(built: TinyProject, word: str) -> None:
    """The message says what is missing and what else could be compared."""
    result = built.run("diff", word)
    assert result.status == 1
    assert (
        f"there is no report to compare at {word!r}: expected report, previous, default, recorded"
        in result.err
    )


def test_differences_of_values() -> None:
    """A difference within the recorded tolerance does not count; integers may be of any size."""
    recorded = {"a": {"value": 1.0, "relative": 1e-3}, "b": {"value": 10**400}}
    same = State("new", {"a": {"value": 1.0001}, "b": {"value": 10**400}})
    assert differences(State("old", recorded), same).summary() == ""
    other = State("new", {"a": {"value": 1.01}, "b": {"value": 10**400 + 1}})
    assert differences(State("old", recorded), other).summary() == "2 values"


def test_mappings_are_compared_key_by_key() -> None:
    """A key that only one side has counts as a missing value; the others are compared."""
    old = State("old", {"a": {"value": {"2": 0.8, "0.5": 0.9}}})
    new = State("new", {"a": {"value": {"0.5": 0.9, "1": 0.85}}})
    (drifts,) = differences(old, new).drifts.values()
    assert [(d.kind, d.name, d.expected, d.observed) for d in drifts] == [
        ("missing", "a[2]", "0.8", ""),
        ("new", "a[1]", "", "0.85"),
    ]


def test_report_without_parameters_is_kept(built: TinyProject) -> None:
    """`nbpress diff default` compares with it, whatever was published later."""
    for scale in (4, 5):
        built.report("--param", f"scale={scale}")
    for word, scale in (("previous", "4"), ("default", "2")):
        assert ["1_sums.scale", scale, "5"] in [
            line.split()[1:4] for line in built.run("diff", word).out.splitlines()
        ]


def test_edited_values_are_not_replaced_in_silence(built: TinyProject) -> None:
    """Whoever edited them is told."""
    path = built.root / "report" / "values.json"
    path.write_bytes(path.read_bytes() + b" ")
    note = "note: report/values.json had been edited, and was replaced\n"
    assert note in built.report().err
    assert note not in built.report().err


def test_edited_values_have_no_record(built: TinyProject) -> None:
    """The parameters, claims and figures in the record beside them are not used."""
    built.run("check", "--record")
    path = built.root / "report" / "values.json"
    path.write_text(path.read_text("utf-8").replace("6", "7"), "utf-8")
    out = built.run("diff", "recorded").out
    assert "1a.total  6" in out
    assert "has no record of parameters, claims, figures" in out
