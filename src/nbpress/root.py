"""Where a project begins: the folder that holds `report/report.yaml`."""

from pathlib import Path

REPORT = "report/report.yaml"


def find_root(start: Path) -> Path | None:
    """Return the first folder from `start` upwards that holds a report.yaml; None if none does."""
    return next((f for f in (start, *start.parents) if (f / REPORT).is_file()), None)
