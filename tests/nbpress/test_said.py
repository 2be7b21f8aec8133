"""What a chapter says: its current prose, filled with the values that a run recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import notebook as as_json

from nbpress.errors import PressError
from nbpress.project.notebook import Cell, Notebook
from nbpress.run.said import Said
from nbpress.say.records import Answer, Claim, Figure, Values
from nbtypeset.schema import MIME_TYPE, Record

CELLS = [
    ("a", "n = 1"),
    ("b", "nbpress.record(...)"),
    ("c", "%%answer 2d\nAfter {{ n }} of {{ steps }}."),
    ("d", "m = n"),
    ("e", "n = 2"),
    ("f", "nbpress.claim(...)"),
    ("g", "%%figure fig-2d fig\nA.\nAlt: B."),
]
RECORDS: dict[str, list[Record]] = {
    "b": [Values("2d", {"steps": 546})],
    "c": [Answer("2d", {"n": 1, "steps": 546})],
    "f": [Claim("2d", "up", "it rises", True, "It rises.", {"slope": 0.5})],
    "g": [Figure("fig-2d", "A.", "B.")],
}


def said(
    cells: list[tuple[str, str]],
    records: dict[str, list[Record]] = RECORDS,
    ran: list[tuple[str, str]] = CELLS,
) -> Said:
    """Return what cells say after a run of others that recorded this."""
    executed = as_json(ran)["cells"]
    for cell in executed:
        cell["outputs"] = [
            {"data": {MIME_TYPE: record.to_json()}} for record in records.get(cell["id"], [])
        ]
    now = tuple(Cell(id_, "code", source, ()) for id_, source in cells)
    return Said(Notebook(Path("2.ipynb"), now, {}), executed)


def changed(**sources: str) -> list[tuple[str, str]]:
    """Return the cells with other sources."""
    return [(id_, sources.get(id_, source)) for id_, source in CELLS]


def texts(result: Said) -> dict[str, str]:
    """Return the answers."""
    return {id_: text for id_, (_, text) in result.prose.items() if text}


def test_prose_is_set_as_it_stands_now() -> None:
    """It has the recorded values; values.json has these and those that are quoted now."""
    result = said(changed(c="%%answer 2d\nIt took {{ steps }}, at {{ slope }}."))
    assert result.lacking == ["2.ipynb, cell 3, quotes slope"]
    result = said(changed(c="%%answer 2d\nIt took {{ steps:, }}."))
    assert texts(result) == {"c": "It took 546."}
    assert {name: entry["value"] for name, entry in result.values.items()} == {
        "2d.steps": 546,
        "2d.slope": 0.5,
    }
    assert result.values["2d.steps"] == {"value": 546, "notebook": "2.ipynb", "cell": "b"}


def test_caption_and_alternative_are_set_anew() -> None:
    """The texts of the run are not printed."""
    result = said(changed(g="%%figure fig-2d fig\nOf {{ steps }}.\nAlt: Now."))
    assert result.prose["g"][0] == Figure("fig-2d", "Of 546.", "Now.", {"steps": 546})


def test_sentence_turns_with_its_claim() -> None:
    """It does so whatever the text said when the run was made."""
    source = "%%answer 2d\nIt {{ if up }}rises{{ else }}falls{{ end }}."
    cells = [*changed(), ("h", source)]
    assert texts(said(cells))["h"] == "It rises."
    fallen = RECORDS | {"f": [Claim("2d", "up", "it rises", False, "It does not.")]}
    assert texts(said(cells, fallen))["h"] == "It falls."


@pytest.mark.parametrize("before", ["c", "d", "e"])
def test_answer_that_is_moved_finds_its_values(before: str) -> None:
    """It does so if no code cell in between may change a variable that it quotes."""
    new = ("new", "%%answer 2d\n{{ n }}")
    cells = list(CELLS)
    cells.insert([cell[0] for cell in CELLS].index(before), new)
    assert texts(said(cells))["new"] == "1"


@pytest.mark.parametrize("before", ["a", "b", "f"])
def test_variable_that_may_be_another_there_is_not_known(before: str) -> None:
    """A fresh run might find another value, or none."""
    cells = list(CELLS)
    cells.insert([cell[0] for cell in CELLS].index(before), ("new", "%%answer 2d\n{{ n }}"))
    index = [cell[0] for cell in cells].index("new") + 1
    assert said(cells).lacking == [f"2.ipynb, cell {index}, quotes n"]


@pytest.mark.parametrize(
    ("code", "value", "is_known"),
    [
        ("print(n)", 1, False),  # __str__ may change anything
        ("show(n)", [1], False),  # it may append to it
        ("train(2)", 1, False),  # it may assign to a global variable
        ("nbpress.record('1a', m=train(2))", 1, False),
        ("nbpress.record('1a', m=2)", 1, False),
        ("for _ in steps: pass", 1, False),  # a generator
        ("m = [*steps]", 1, False),
        ("m, k = steps", 1, False),
        ("m = model.trained", 1, False),  # a property
        ("m = models[0]", 1, False),
        ("m = model + 1", 1, False),
        ("m = model < 1", 1, False),
        ("m = f'{model}'", 1, False),
        ("if model: pass", 1, False),
        ("model", 1, False),  # which is shown
        ("import m", 1, False),
        ("class A: pass", 1, False),
        ("m = {model: 1}", 1, False),  # __hash__
        ("m = 2; k = [m, (m, 'x')]; l: int = 1", 1, True),
        ("m: n = 1", 1, True),
        ("n: int = 1", 1, False),
        ("m: model.trained = 1", 1, False),
        ("def f(x: int = 2, *y, z=3) -> int: return train()", 1, True),
        ("def f(x=train()): pass", 1, False),
        ("def f(*, x=train()): pass", 1, False),
        ("def f(x: model.trained): pass", 1, False),
        ("def f() -> model.trained: pass", 1, False),
        ("async def f(): pass", 1, False),
        ("m.append(2)", [1], False),  # another name for the same list
        ("m += [2]", [1], False),
        ("m[...] = 2", 1, False),  # an array without dimensions
        ("m.real = 2", 1, False),
        ("@train\ndef f(): pass", 1, False),
        ("def f(): pass", 1, True),
        ("n += 1", 1, False),
        ("for n in range(3): pass", 1, False),
        ("import m as n", 1, False),
        ("import n.deep", 1, False),
        ("from m import *", 1, False),
        ("def n(): pass", 1, False),
        ("with f() as (a, n): pass", 1, False),
        ("del n", 1, False),
        ("exec(code)", 1, False),
        ("with f: pass", 1, False),
        ("%run other.py", 1, False),
        ("nn = 2", 1, True),
    ],
)
def test_code_that_may_change_a_variable(code: str, value: object, is_known: bool) -> None:
    """It counts if it stands between recording and quoting."""
    cells = [("a", "%%answer 1a\n{{ n }}"), ("b", code)]
    new = [*cells, ("c", "%%answer 1a\nIt is {{ n }}.")]
    assert bool(said(new, {"a": [Answer("1a", {"n": value})]}, ran=cells).lacking) is not is_known


def test_variable_has_the_value_of_its_position() -> None:
    """Where a call lies between two recordings, each counts at its own position alone."""
    ran = [
        ("a", "n = 3"),
        ("b", "%%answer 1a\n{{ n }}"),
        ("c", "train()"),
        ("d", "%%answer 1b\n{{ n }}"),
    ]
    records: dict[str, list[Record]] = {
        "b": [Answer("1a", {"n": 3})],
        "d": [Answer("1b", {"n": 5})],
    }
    assert texts(said(ran, records, ran)) == {"b": "3", "d": "5"}
    below = [ran[0], ran[2], ("d", "%%answer 1a\n{{ n }}")]
    assert texts(said(below, records, ran)) == {"d": "5"}


def test_what_is_recorded_further_down_is_not_known() -> None:
    """As in a fresh run, neither a value nor a claim is known before it is made."""
    new = [("new", "%%answer 2d\n{{ steps }} {{ if up }}up{{ end }}"), *CELLS]
    assert said(new).lacking == [
        "2.ipynb, cell 1, depends on the claim up",
        "2.ipynb, cell 1, quotes steps",
    ]


def test_recorded_value_comes_before_the_variable() -> None:
    """That holds within a task; another task's name means the variable, if there is one."""
    records = RECORDS | {"b": [Values("2d", {"n": 7, "steps": 546})]}
    records["c"] = [Answer("2d", {"n": 7, "steps": 546})]
    assert texts(said(CELLS, records))["c"] == "After 7 of 546."
    other = said([*CELLS, ("new", "%%answer 3a\n{{ n }}")], records)
    assert other.lacking == ["2.ipynb, cell 8, quotes n"]


def test_name_with_two_values_is_refused() -> None:
    """It is refused within one task; the same value twice is allowed."""
    twice: dict[str, list[Any]] = RECORDS | {"f": [Values("2d", {"steps": 546})]}
    assert said(CELLS, twice).values["2d.steps"]["cell"] == "b"
    twice["f"] = [Values("2d", {"steps": 547})]
    with pytest.raises(PressError, match=r"2d\.steps has two values, 546 .* b and 547 in f"):
        said(CELLS, twice)


def test_value_that_its_format_cannot_set_is_refused() -> None:
    """The message has notebook, cell and line."""
    with pytest.raises(
        PressError, match=r"2\.ipynb, cell 3, line 2: steps is 546, which does not fit"
    ):
        said(changed(c="%%answer 2d\n{{ steps:s }}"))
