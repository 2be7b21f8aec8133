"""The sweeps that come with the project, from their descriptions to their summaries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from test_report import copy_of_project, nbpress

ROOT = Path(__file__).parents[1]
FEWER = {  # points enough for every part of the summary
    "penalty": {"l2_lambda": [1.0e-5, 0.001], "learning_rate": [0.03, 1.0]},
    "stopping": {"batch_size": [8, 32], "shuffle": [False, True]},
}


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml")))
def test_sweep_and_its_summary(name: str, tmp_path: Path) -> None:
    """Each run records its values, and the sweep's summary says what they teach."""
    project = copy_of_project(tmp_path)
    shutil.copytree(ROOT / "sweeps", project / "sweeps", ignore=shutil.ignore_patterns("*.sqlite"))
    file = project / "sweeps" / f"{name}.yaml"
    description = yaml.safe_load(file.read_text("utf-8"))
    assert description["product"].keys() == FEWER[name].keys()
    description |= {"product": FEWER[name], "repeat": {"seed": "0..1"}}
    file.write_text(yaml.safe_dump(description), "utf-8")
    result = nbpress(project, "sweep", "run", "--report", name)
    assert result.returncode == 0, result.stderr
    results = project / "sweeps" / name
    assert "8 of 8 runs done" in result.stderr
    assert (results / "report.pdf").read_bytes().startswith(b"%PDF")
    published = json.loads((results / "published.json").read_text("utf-8"))
    assert published["claims"]
    assert f"{name}_summary" in result.stderr
