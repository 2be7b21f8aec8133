"""Where a project begins, and what notebooks read there of the last build."""

from pathlib import Path

REPORT = "report/report.yaml"
PUBLISHED = "report/published.json"  # what the published files were made from
NUMBERS = "build/numbers.json"  # of figures and tables, by label


def find_root(start: Path) -> Path | None:
    """Return the first folder from `start` upwards that holds a report.yaml; None if none does."""
    return next((f for f in (start, *start.parents) if (f / REPORT).is_file()), None)
