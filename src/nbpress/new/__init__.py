"""Starts a new report: a small working example, or one made from existing notebooks."""

DISTRIBUTION = "onelayer-report"  # the name in pyproject.toml of the package with the press
