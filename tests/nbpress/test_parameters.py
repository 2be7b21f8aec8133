"""Parameters: how they are declared, what they take, and how they are given."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import notebook

from nbpress.errors import PressError
from nbpress.project.declarations import declarations
from nbpress.project.notebook import Notebook, read_notebook
from nbpress.project.parameters import Parameter, read_parameters


def written(folder: Path, *cells: tuple[str, str]) -> Notebook:
    """Write a notebook of these cells, and read it."""
    path = folder / "some.ipynb"
    path.write_text(json.dumps(notebook(list(cells))), "utf-8")
    return read_notebook(path)


def parameter(folder: Path, declaration: str) -> Parameter:
    """Return the one parameter that is declared."""
    (declared,) = written(folder, ("parameters", declaration)).parameters().values()
    return declared


@pytest.mark.parametrize(
    ("declaration", "type_", "default", "bounds", "comment"),
    [
        ("x: float = 0.05  # > 0, per step", "float", 0.05, ((">", 0),), "per step"),
        ("x: float = 0.5  # ≥ 0, ≤ 1, share", "float", 0.5, (("≥", 0), ("≤", 1)), "share"),
        (
            "x: float = 1  # >= -1e-3; < 2.5 metres",
            "float",
            1,
            (("≥", -1e-3), ("<", 2.5)),
            "metres",
        ),
        ("x: list[int] = [  # > 0\n    1,\n]  # a, b", "list[int]", [1], ((">", 0),), "a, b"),
        ("x: int = -3  # a -> 2, <b>", "int", -3, (), "a -> 2, <b>"),
        ("x: list[float] = []  # ≥ 0", "list[float]", [], (("≥", 0),), ""),
        ("x: float | None = None  # > 0", "float | None", None, ((">", 0),), ""),
        ("x: list[int] = [1]  # len>=1, > 0, kg", "list[int]", [1], (("len ≥", 1), (">", 0)), "kg"),
        ("x: list[int] = [1]  # distinct kinds", "list[int]", [1], (), "distinct kinds"),
        ("x: list[int] = [1]  # length 1", "list[int]", [1], (), "length 1"),
        ("x = 3  # images", "int", 3, (), "images"),
        ("x = True", "bool", True, (), ""),
        ("x = 'a#b'", "str", "a#b", (), ""),
        ("x = None", "", None, (), ""),
        ("x = None  # > 0", "", None, ((">", 0),), ""),
        ("x = (0, (1, 2))  # ≥ 0, m", "list", [0, [1, 2]], (("≥", 0),), "m"),
        ("x: list[int] = (1, 2)", "list[int]", [1, 2], (), ""),
        ("x = {1: (2,)}", "dict", {"1": [2]}, (), ""),
        ("x: int = 9  # ≥ 1, 2 per class", "int", 9, (("≥", 1),), "2 per class"),
        (
            "x: int = 9  # <b>a</b> <-> b, <https://a.b/?c=d>",
            "int",
            9,
            (),
            "<b>a</b> <-> b, <https://a.b/?c=d>",
        ),
    ],
)
def test_parameter_is_declared_by_annotation_default_and_comment(
    tmp_path: Path, declaration: str, type_: str, default: Any, bounds: Any, comment: str
) -> None:
    """These give type, default, bounds and unit; without an annotation the default has the type."""
    assert parameter(tmp_path, declaration) == Parameter("x", type_, default, bounds, comment)


@pytest.mark.parametrize(
    "comment",
    [
        "a factor > 0",
        "of ≥ 2 kinds",
        "> 0, below ≤ one",
        "> 1/2",
        "0 < x < 1",
        "=> 1",
        "> 1_0",
        "two, len = 2",
        "two, distinct",
        "increasing limits, increasing; metres",
        "≥ 1,000, images",
        "> 1 000",
        "> 1\u202f000",
        "> 0,5",
        "≥ 0, ≤ 1,000",
        "< train_size",
        "> zero",
        "x <- 3",
        "len(x) = 1",
        "one, Len = 1",
        "one, length = 1",
        "the kinds are distinct.",
        "strictly Increasing",
        "(distinct)",
        "in increasing order",
        "increasing/decreasing",
        "≠ 0",
        "!= 0",
        "≧ 1",
        "＞ 1",
        "∈ [0, 1]",
    ],
)
def test_bound_that_would_not_be_read_is_refused(tmp_path: Path, comment: str) -> None:
    """Anywhere in the cell, such a bound would be believed but not enforced."""
    for declaration in (f"x: float = 0.5  # {comment}", f"# {comment}\nx: float = 0.5"):
        with pytest.raises(PressError, match=r"cell 1: .* seems to contain a bound.* put bounds"):
            parameter(tmp_path, declaration)


@pytest.mark.parametrize(
    ("declaration", "given", "value"),
    [
        ("x: float = 0.5", 2, 2.0),
        ("x: float = 0.5", "1e-3", 1e-3),
        ("x: int = 1", "2", 2),
        ("x: bool = True", "false", False),
        ("x: bool = True", "False", False),
        ("x: str = ''", "12", "12"),
        ("x: list[int] = []", "[2, 3]", [2, 3]),
        ("x: list[float] = []", "(0, 1.5)", [0.0, 1.5]),
        ("x: dict = {}", "{'a': 1}", {"a": 1}),
        ("x: float | None = None", "None", None),
        ("x: float | None = None", "0.5", 0.5),
        ("x = 0.5", "2", 2.0),
        ("x = None", "2", 2),
        ("x = None", (1, (2, 3)), [1, [2, 3]]),
        ("x = None", {1: 2}, {"1": 2}),
        ("x: dict[int, float] = {}", {1: 2}, {"1": 2.0}),
        ("x: Optional[str] = None", "2022", "2022"),
        ("x: Optional[str] = None", "{1,2}", "{1,2}"),
        ("x: Optional[str] = None", "None", None),
        ("x: int | str = 1", "2022", 2022),
        ("x = None", "two", "two"),
    ],
)
def test_value_becomes_the_declared_type(
    tmp_path: Path, declaration: str, given: Any, value: Any
) -> None:
    """That holds for the command line and for YAML; an int may stand for a float."""
    checked = parameter(tmp_path, declaration).check(given)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ("x: int = 1", "1.0", "x must be int; got 1.0; write x=1"),
        ("x: int = 1", "1e3", "x must be int; got 1000.0; write x=1000"),
        ("x: float = 1.0", "0,1", "x must be float; got (0, 1); with a decimal point it is x=0.1"),
        (
            "x: float = 1.0",
            "0.1,seed=2",
            "x must be float; got '0.1,seed=2'; write a blank, and no comma, between parameters",
        ),
        ("x: int = 1", True, "x must be int; got True"),
        ("x: int = 1", "one", "x must be int; got 'one'"),
        ("x: float = 1", "True", "x must be float; got True"),
        ("x: float = 1", None, "x must be float; got None"),
        ("x: bool = True", 1, "x must be bool; got 1"),
        ("x: str = ''", 1, "x must be str; got 1"),
        ("x: list[int] = []", "2", "x must be list[int]; got 2; write x=[2]"),
        ("x: list[int] = []", [1, 2.5], "x must be list[int]; got [1, 2.5]"),
        ("x: list[int] = []", "[a]", "x must be list[int]; got '[a]'"),
        ("x: list[float] = []  # ≥ 0", [1, -1], "x must be ≥ 0; got -1.0"),
        ("x: list[list[int]] = []  # ≥ 0", [[1], [-1]], "x must be ≥ 0; got -1"),
        ("x: dict[str, int] = {}  # ≥ 0", {"a": -1}, "x must be ≥ 0; got -1"),
        ("x: list[int] = [2]  # ≥ 0, len ≥ 1", "[]", "x must have len ≥ 1; got []"),
        ("x: list[int] = [0, 2]  # len = 2, ≥ 0", "[3]", "x must have len = 2; got [3]"),
        (
            "x: list[int] = [1]  # ≥ 0, distinct",
            "[2, 3, 2]",
            "x must have distinct items; got [2, 3, 2]",
        ),
        (
            "x: list[str] = []  # Distinct; names",
            ["a", "a"],
            "x must have distinct items; got ['a', 'a']",
        ),
        (
            "x: list[float] = []  # increasing, m",
            "[1, 3, 2]",
            "x must have increasing items; got [1.0, 3.0, 2.0]",
        ),
        (
            "x: Optional[list[int]] = None  # increasing",
            [1, 1],
            "x must have increasing items; got [1, 1]",
        ),
        ("x: str = 'a'  # len ≤ 2", "abc", "x must have len ≤ 2; got 'abc'"),
        ("x: Optional[list[int]] = None  # len = 2", [1], "x must have len = 2; got [1]"),
        ("x: Optional[int] = None", "b", "x must be int or None; got 'b'"),
        ("x: float = 1  # > 0", "0", "x must be > 0; got 0.0"),
        ("x: float = 1  # > 0", float("nan"), "x must be > 0; got nan"),
        ("x = 1  # < 5", 5, "x must be < 5; got 5"),
        ("x = 1", 0.5, "x must be int; got 0.5"),
        ("x = None  # > 0", "-1", "x must be > 0; got -1"),
        ("x = None  # len = 2", [1], "x must have len = 2; got [1]"),
        ("x = None  # distinct", [1, 1], "x must have distinct items; got [1, 1]"),
        ("x = (0.1, 0.2)  # > 0, len = 2", "(-1, 2)", "x must be > 0; got -1"),
        ("x = (0.1, 0.2)  # > 0, len = 2", [1, 2, 3], "x must have len = 2; got [1, 2, 3]"),
        (
            "x = None  # > 0",
            "a",
            "x must be a number, or a list or dict of numbers, for '> 0'; got 'a'",
        ),
        ("x = None  # len = 2", 5, "x must be a list, dict or text, for 'len = 2'; got 5"),
        ("x = None  # distinct", "a", "x must be a list, for 'distinct'; got 'a'"),
        ("x: int = 0  # ≤ 4294967295", "4294967296", "x must be ≤ 4294967295; got 4294967296"),
        ("x: Optional[str] = None", 2022, "x must be str or None; got 2022"),
    ],
)
def test_wrong_value_is_refused_by_name(
    tmp_path: Path, declaration: str, given: Any, message: str
) -> None:
    """A bool is no int, a text no number; bounds hold for each item of a list."""
    with pytest.raises(PressError) as error:
        parameter(tmp_path, declaration).check(given)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("declaration", "given", "outcome"),
    [
        ("x: list = []  # increasing", '[1, "a"]', "have increasing items; got [1, 'a']"),
        ("x: list = []  # increasing", [1, None], "have increasing items; got [1, None]"),
        ("x = None", date(2022, 1, 2), "got the date 2022-01-02 (put it in quotes"),
        ("x: str = ''", date(2022, 1, 2), "be str; got the date 2022-01-02 (put it in quotes"),
        ("x = None", [date(2022, 1, 2)], "got [datetime.date(2022, 1, 2)]"),
        (
            "x = None",
            "{1,2}",
            "be a number, text, True, False, None, or a list or dict of these; got",
        ),
        ("x = None", {1, 2}, "got {1, 2}"),
        ("x = None", {(1, 2): 3}, "got {(1, 2): 3}"),
        ("x = None", float("nan"), "be finite; got nan"),
        ("x = None", "1e999", "be finite; got inf"),
        ("x = None", [10**5000], "got a value that is too large to print"),
        ("x = None", "\ud800", r"got '\ud800'"),
        pytest.param("x: int = 1", "-" * 6000, "be int; got '---", id="signs"),
        ("x: int = 1", "{[]: 1}", "be int; got '{[]: 1}'"),
        pytest.param("x: list[int] = []", 10**5000, "got a value that is too large", id="digits"),
        pytest.param("x: list[int] = []", "a" * 500, "be list[int]; got 'aaaa", id="letters"),
    ],
)
def test_value_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, declaration: str, given: Any, outcome: str
) -> None:
    """Items that cannot be compared, or what JSON cannot hold, end in no traceback."""
    with pytest.raises(PressError) as error:
        parameter(tmp_path, declaration).check(given)
    assert str(error.value).startswith("x must ")
    assert outcome in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (
            "x: int = 1  # len = 1",
            "the bound 'len = 1' of x is for a list, dict or text, but x is int",
        ),
        ("x: Optional[float] = None  # len ≥ 1", "but x is Optional[float]: change the bound or"),
        ("x: int | None = None  # len ≥ 1", "is for a list, dict or text, but x is int | None"),
        ("x: str = 'ab'  # increasing", "the bound 'increasing' of x is for a list, but x is str"),
        ("x: dict[str, list[int]] = {}  # distinct", "'distinct' of x is for a list"),
        ("x = 3  # distinct", "but x is int"),
        (
            "x: str = 'a'  # > 0",
            "the bound '> 0' of x is for a number, or a list or dict of numbers",
        ),
        ("x: list[str] = []  # > 0", "but x is list[str]"),
        (
            "x: dict[int] = {}",
            "x: a type must be made of int, float, bool, str, list, dict, such as",
        ),
        ("x: list[int, str] = []", "got 'list[int, str]'"),
        ("x: int[str] = 1", "got 'int[str]'"),
        ("x: dict[str, int, int] = {}", "got 'dict[str, int, int]'"),
        ("x: None | None = 1", "the default of x must be None | None; got 1"),
        ("x = {1, 2}", "the default of x must be a number, text, True, False, None, or a list"),
        ("x = 1e999", "the default of x must be finite; got inf"),
        ("x = {[]: 1}", "the default of x must be a literal; got {[]: 1}"),
        pytest.param(f"x = {'-' * 600}1", "must be a literal; got ----", id="600 signs"),
        pytest.param(f"x = {'-' * 6000}1", "is nested too deeply", id="6000 signs"),
    ],
)
def test_declaration_that_means_nothing_is_refused(
    tmp_path: Path, declaration: str, message: str
) -> None:
    """A bound that no value could have, a type that is none, a default that JSON cannot hold."""
    with pytest.raises(PressError, match=f"some.ipynb, cell 1.*{re.escape(message)}"):
        parameter(tmp_path, declaration)


@pytest.mark.parametrize("comment", ["increasing, distinct", "distinct; ≥ 0, increasing"])
def test_increasing_items_are_distinct(tmp_path: Path, comment: str) -> None:
    """Of the two words the stronger holds, whichever comes last."""
    limits = parameter(tmp_path, f"x: list[int] = []  # {comment}")
    assert limits.order == "increasing"
    for refused in ([2, 1], [1, 1]):
        with pytest.raises(PressError, match="x must have increasing items"):
            limits.check(refused)


def test_bounds_of_a_declaration_may_stand_on_several_lines(tmp_path: Path) -> None:
    """The comment of one line does not run into that of the next."""
    kinds = parameter(tmp_path, "x: list[int] = [  # distinct\n    1,\n]  # metres")
    assert (kinds.order, kinds.comment) == ("distinct", "metres")


def test_default_is_what_json_gives_back(tmp_path: Path) -> None:
    """A default that is a tuple equals the list that is given for it."""
    limits = parameter(tmp_path, "x = (0, 10)")
    assert limits.default == [0, 10]
    assert limits.is_default(limits.check("(0, 10)"))
    assert not limits.is_default(limits.check([0, 11]))


def test_order_of_items_is_declared_after_or_before_bounds(tmp_path: Path) -> None:
    """It is kept apart from the bounds, and described beside them."""
    for comment in ("≥ 0, len = 2, increasing, metres", "increasing; ≥ 0, len = 2, metres"):
        declared = parameter(tmp_path, f"x: Optional[list[float]] = None  # {comment}")
        assert declared.described_bounds() == "≥ 0, len = 2, increasing"
        assert declared.comment == "metres"
        assert declared.check([0, 1]) == [0.0, 1.0]


def test_only_literal_assignments_are_parameters(tmp_path: Path) -> None:
    """Other lines of the cell, and other cells, declare nothing."""
    mixed = written(
        tmp_path,
        ("parameters", "x: int = 1\nprint(x)\nx.y = 2\nz: int\n%matplotlib inline"),
        ("code", "w: int = 1"),
    )
    assert list(mixed.parameters()) == ["x"]
    assert list(written(tmp_path, ("code", "w: int = 1")).parameters()) == []


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ("", {}),
        ("a=1 b=x", {"": {"a": "1", "b": "x"}}),
        ("a='x y'", {"": {"a": "x y"}}),
        ("a=[1, 2] b=3", {"": {"a": "[1, 2]", "b": "3"}}),
        ("'a=[1, 2]' 2_b.a=", {"": {"a": "[1, 2]"}, "2_b": {"a": ""}}),
        (["a=x y", "b=z=1"], {"": {"a": "x y", "b": "z=1"}}),
        ("=1", None),
        ("a", None),
    ],
)
def test_parameters_are_read_from_settings(settings: str | list[str], given: Any) -> None:
    """A string is split as a shell does it; a list of settings is taken as it is."""
    if given is None:
        with pytest.raises(PressError, match="PARAMS: expected name=value or a YAML file"):
            read_parameters(settings)
    else:
        assert read_parameters(settings) == given


def test_parameters_are_read_from_yaml(tmp_path: Path) -> None:
    """Later settings override earlier ones; a list at the top is refused."""
    path = tmp_path / "some.yaml"
    path.write_text("a: 1\n2_b: {a: 2.5, c: [x]}\n", "utf-8")
    assert read_parameters([str(path), "a=3"]) == {"": {"a": "3"}, "2_b": {"a": 2.5, "c": ["x"]}}
    path.write_text("2_b: {1: 2}\n", "utf-8")
    assert read_parameters([str(path)]) == {"2_b": {"1": 2}}
    path.write_text("- a\n", "utf-8")
    with pytest.raises(PressError, match="expected parameters"):
        read_parameters([str(path)])
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(PressError, match=r"^some\.yaml is not in UTF-8: save it as UTF-8$"):
        read_parameters([str(path)])


def test_unclosed_bracket_is_one_sentence() -> None:
    """The sentence is that of Python's parser."""
    with pytest.raises(PressError, match="the cell: line 1 is not Python"):
        list(declarations("count: int = (3", "the cell"))


@pytest.mark.parametrize("comment", ["> −1", "⩾ 1", "between 0 and 1, < −3"])
def test_bounds_in_other_signs_are_refused(comment: str) -> None:
    """Whatever looks like a bound to a reader is either read or refused."""
    with pytest.raises(PressError, match="seems to contain a bound"):
        list(declarations(f"count: int = 3  # {comment}", "the cell"))


@pytest.mark.parametrize("value", ["1e999", float("nan"), [[1]]])
def test_what_is_no_number_is_no_parameter(value: object) -> None:
    """Infinity, NaN and lists are refused."""
    (count,) = declarations("count: float = 3.0  # > 0", "the cell")
    with pytest.raises(PressError, match="count must be"):
        count.check(value)


def test_parameter_is_given_once(tmp_path: Path) -> None:
    """Of two values nobody knows which is meant; one after a file replaces the file's."""
    path = tmp_path / "some.yaml"
    path.write_text("seed: 1", "utf-8")
    assert read_parameters([str(path), "seed=2"]) == {"": {"seed": "2"}}
    with pytest.raises(PressError, match="PARAMS: seed is given twice: 1 and 2"):
        read_parameters("seed=1 rate=3 seed=2")


def test_spaces_beside_the_sign_are_named() -> None:
    """The usual remedy, to quote what has spaces, would not help."""
    with pytest.raises(PressError, match=r"got 'rate' \(without spaces beside the '='\)"):
        read_parameters("rate = 2")
    with pytest.raises(PressError, match=r"got 'n' \(quote one that has spaces"):
        read_parameters("n seed=2")


def test_yaml_that_holds_itself_is_refused(tmp_path: Path) -> None:
    """An alias within its own anchor is refused."""
    (tmp_path / "mine.yaml").write_text("count: &a [*a]", "utf-8")
    given = read_parameters([str(tmp_path / "mine.yaml")])
    (count,) = declarations("count: list = []", "the cell")
    with pytest.raises(PressError, match="count must be list"):
        count.check(given[""]["count"])


def test_a_list_may_have_spaces_in_it() -> None:
    """Python and `nbpress parameters` print lists in this way."""
    given = read_parameters("4_x.l2_lambdas=[2, 0.2, 0.5] seed=1 names=[['a', 'b'], []]")
    assert given == {
        "4_x": {"l2_lambdas": "[2, 0.2, 0.5]"},
        "": {"seed": "1", "names": "[[a, b], []]"},
    }


def test_bracket_that_is_not_closed_is_named() -> None:
    """The rest of the line would otherwise count as a part of the list."""
    with pytest.raises(PressError, match=r"^PARAMS: a bracket is not closed: 'x=\[0\.2 y=3'$"):
        read_parameters("x=[0.2 y=3")
    assert read_parameters("x=[0.2, 1] y=3") == {"": {"x": "[0.2, 1]", "y": "3"}}
