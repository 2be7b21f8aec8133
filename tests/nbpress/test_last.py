from __future__ import annotations

from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject

from nbpress import last_report
from nbpress.errors import PressError
from nbpress.say.last import reference_figures


def test_last_report_is_the_published_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its values and figures are found from any folder below; without a report, none are."""
    monkeypatch.chdir(tmp_path)
    assert last_report() == ({}, [])
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.yaml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert last_report() == ({}, [])
    (tmp_path / "report" / "values.json").write_text('{"1a.x": {"value": 2}}', "utf-8")
    (tmp_path / "report" / "published.json").write_text('{"dataset": "large"}', "utf-8")
    (tmp_path / "report" / "reference.yaml").write_text("large: [{task: 1a}]", "utf-8")
    assert last_report() == ({"1a.x": 2}, [{"task": "1a"}])


def test_last_report_is_refused_in_runs_of_the_press(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that read an earlier build would never be stale, and could not be verified."""
    monkeypatch.setenv("NBPRESS_RUN", "1")
    with pytest.raises(PressError, match="a chapter gets the values of others as `recorded`"):
        last_report()


def test_reference_figures_are_those_of_the_data_set(tiny: TinyProject) -> None:
    """A data set that report/reference.yaml lacks has none; malformed content is refused."""
    path = tiny.root / "report" / "reference.yaml"
    assert reference_figures(path, "small") == []
    path.write_text("large:\n  - {task: 1a, expected: 3}\n", "utf-8")
    assert reference_figures(path, "large") == [{"task": "1a", "expected": 3}]
    assert reference_figures(path, "small") == []
    path.write_text("large: 3\n", "utf-8")
    with pytest.raises(PressError, match=r"report/reference\.yaml: expected a list"):
        reference_figures(path, "large")
