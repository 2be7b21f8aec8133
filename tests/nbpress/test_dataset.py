"""Which data set a report is made on."""

from __future__ import annotations

import sys

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.dataset import DataSet, resolve


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
    """Its ValueError is the user's message."""
    dataset = resolved(tiny, "auto")
    assert (dataset.dataset, dataset.reason) == ("small", "the small numbers")
    with pytest.raises(PressError, match=r"^no data set 'smal'$"):
        resolved(tiny, "smal")


@pytest.mark.parametrize(
    ("text", "reason"), [("import nothing_at_all", "ModuleNotFoundError"), ("1 +", "SyntaxError")]
)
def test_resolver_that_cannot_be_imported(tiny: TinyProject, text: str, reason: str) -> None:
    """Whatever its module does, the message names report.yaml's key."""
    (tiny.root / "src" / "tiny" / "resolver.py").write_text(text, "utf-8")
    with pytest.raises(PressError, match=f"resolver must be 'module:function'.*{reason}"):
        resolved(tiny, "auto")
