"""Names that prose quotes but no code makes, found without running the code."""

from __future__ import annotations

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.project.names import unknown_names
from nbpress.project.notebook import read_notebook


def faults(tiny: TinyProject, answer: str, code: str = "total = 1") -> list[tuple[int, str]]:
    """Return the faults of an answer below some code, with their lines."""
    tiny.edit_cell("1_sums.ipynb", "sum", code)
    tiny.edit_cell("1_sums.ipynb", "answer", f"%%answer 1a\n{answer}")
    notebook = read_notebook(tiny.root / "notebooks" / "1_sums.ipynb")
    return [(line, message) for _, line, message in unknown_names(notebook)]


def test_misspelt_names_are_told_with_their_lines(tiny: TinyProject) -> None:
    """Unknown values and claims are named, each with the name that was probably meant."""
    answer = "It is {{ total }},\nor {{ totl:g }}{{ if postive }}, above 0{{ end }}."
    assert faults(tiny, answer) == [
        (3, "'totl' is neither recorded nor a variable; did you mean 'total'?"),
        (3, "no claim 'postive' is made; did you mean 'positive'?"),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import nbpress as nb\nnb.claim('1a', 'large', 'it is large', True)",
        "from nbpress import claim as says\nsays('1a', 'large', 'it is large', True)",
        "from nbpress import *\nclaim('1a', 'large', 'it is large', True)",
    ],
)
def test_claim_is_known_however_it_is_imported(tiny: TinyProject, code: str) -> None:
    """An answer may depend on it."""
    assert faults(tiny, "{{ if large }}So it is.{{ end }}", code) == []


@pytest.mark.parametrize(
    "code",
    [
        "(x := 1)",
        "for x in range(3): pass",
        "import math as x",
        "def x(): pass",
        "nbpress.record('1a', x=1)",
        "nbpress.record('1a', **{'x': 1})",
        "with open('f') as x: pass",
    ],
)
def test_names_that_code_makes(tiny: TinyProject, code: str) -> None:
    """Names are found in whatever way code makes them."""
    assert faults(tiny, "{{ x }}", code) == []
    assert faults(tiny, "{{ y }}", code) == [(2, "'y' is neither recorded nor a variable")]


@pytest.mark.parametrize(
    "code",
    [
        "exec('x = 1')",
        "from math import *",
        "nbpress.record('1a', **found)",
        "%run other.py",
        "globals()['x'] = 1",
    ],
)
def test_names_that_may_come_from_elsewhere(tiny: TinyProject, code: str) -> None:
    """Nothing is reported then: it would be a guess."""
    assert faults(tiny, "{{ x }}", code) == []


def test_claims_whose_names_are_computed(tiny: TinyProject) -> None:
    """Nothing is reported about claims then."""
    code = "name = 'other'\nnbpress.claim('1a', name, 'so', True)"
    assert faults(tiny, "{{ if third }}So.{{ end }}", code) == []


def test_build_stops_before_anything_runs(tiny: TinyProject) -> None:
    """All mistakes are reported at once."""
    tiny.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\nThe sum is {{ totl:g }}.")
    result = tiny.run("report")
    assert result.status == 1
    assert result.executed == {}
    assert "1_sums.ipynb, cell 6, line 2: 'totl' is neither recorded nor a variable" in result.err
