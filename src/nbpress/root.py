"""Where a project's root is, and the files of the last build that notebooks read."""

from pathlib import Path

REPORT = "report/report.yaml"
PUBLISHED = "report/published.json"  # what the published files were made from
NAMES = "build/names.json"  # of what texts refer to, by label: "Figure 3", "Task 2d"


def find_root(start: Path) -> Path | None:
    """Return the first folder from `start` upwards that has a report.yaml; None if none does."""
    return next((f for f in (start, *start.parents) if (f / REPORT).is_file()), None)
