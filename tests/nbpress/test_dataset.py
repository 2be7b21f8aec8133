"""Which data set a report is made on."""

from __future__ import annotations

import sys

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.dataset import NO_DATA_SET, DataSet, resolve


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the tiny project's modules: each test has its own copy of them."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiny"]:
        monkeypatch.delitem(sys.modules, name)


def resolved(tiny: TinyProject, dataset: str) -> DataSet:
    """Ask the tiny project's resolver."""
    return resolve(dataset, "tiny.resolver:resolve", [tiny.root / "src"])


def test_resolver_tells_which_data_set(tiny: TinyProject) -> None:
    """A ValueError of the resolver is shown to the user."""
    dataset = resolved(tiny, "auto")
    assert (dataset.dataset, dataset.reason) == ("small", "the small numbers")
    with pytest.raises(PressError, match=r"^no data set 'smal'$"):
        resolved(tiny, "smal")


def test_resolver_may_know_a_title(tiny: TinyProject) -> None:
    """The title is the data set's name in words; it may be missing."""
    assert resolved(tiny, "auto").title == ""
    tiny.edit("src/tiny/resolver.py", "dataset=name,", "dataset=name, title='Small numbers',")
    assert resolved(tiny, "auto").title == "Small numbers"


def test_resolver_may_bound_parameters(tiny: TinyProject) -> None:
    """What asks for more than the data have is refused before a notebook runs, also in a sweep."""
    tiny.edit("src/tiny/resolver.py", "dataset=name,", "dataset=name, at_most={'width': 99},")
    for chosen in (("report", "--param", "width=100"), ("sweep", "2_pictures", "width=50,100")):
        result = tiny.run(*chosen)
        assert result.status == 1
        message = "2_pictures.ipynb: width must be ≤ 99 with the data set 'small'; got 100"
        assert result.err.strip().endswith(message)
        assert not list(tiny.root.glob("build/**/*.ipynb"))
    tiny.edit("src/tiny/resolver.py", "{'width': 99}", "{'width': 'few'}")
    assert "the resolver tiny.resolver:resolve returned" in tiny.run("report").err


def test_resolver_may_know_all_data_sets(tiny: TinyProject) -> None:
    """A claim that is to hold on a data set that there is not would never be checked."""
    tiny.edit("report/report.yaml", "positive: [small]", "positive: [small, lagre]")
    tiny.edit("src/tiny/resolver.py", "dataset=name,", "dataset=name, known=['small', 'large'],")
    result = tiny.run("report")
    message = "report.yaml: claims: positive: no data set is called 'lagre'; did you mean 'large'?"
    assert (result.status, result.err) == (1, f"nbpress: {message}\n")


@pytest.mark.parametrize(
    ("text", "reason"), [("import nothing_at_all", "ModuleNotFoundError"), ("1 +", "SyntaxError")]
)
def test_resolver_that_cannot_be_imported(tiny: TinyProject, text: str, reason: str) -> None:
    """The message names the key in report.yaml, whatever the module does."""
    (tiny.root / "src" / "tiny" / "resolver.py").write_text(text, "utf-8")
    with pytest.raises(PressError, match=f"resolver must be 'module:function'.*{reason}"):
        resolved(tiny, "auto")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("return None", "returned None; expected an object with the attributes dataset: str, "),
        ("return SimpleNamespace(dataset=dataset)", "returned namespace(dataset='auto'); expected"),
        (
            "return SimpleNamespace(dataset=1, reason='', sha256='', files={}, fallback=False)",
            "returned namespace(dataset=1",
        ),
        ("return 1 / 0", "raised ZeroDivisionError: division by zero; expected"),
    ],
)
def test_resolver_that_does_not_answer(tiny: TinyProject, code: str, outcome: str) -> None:
    """The message says what is wrong with the answer, and what an answer looks like."""
    (tiny.root / "src" / "tiny" / "resolver.py").write_text(
        f"from types import SimpleNamespace\n\ndef resolve(dataset):\n    {code}\n", "utf-8"
    )
    with pytest.raises(PressError) as error:
        resolved(tiny, "auto")
    assert f"the resolver tiny.resolver:resolve {outcome}" in str(error.value)


def test_report_without_a_resolver_has_no_data_set() -> None:
    """Asking for a data set is then an error."""
    assert resolve("auto", None, []) is NO_DATA_SET
    with pytest.raises(PressError, match=r"DATASET is 'mnist', but report\.yaml has no resolver"):
        resolve("mnist", None, [])
