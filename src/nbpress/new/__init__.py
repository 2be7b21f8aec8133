"""Begins a report: a small one that works, or one around notebooks that there are."""

DISTRIBUTION = "onelayer-report"  # whose wheel brings the press, by its name in pyproject.toml
