"""Reads what exists before anything runs: report.yaml, notebooks, parameters, the data set."""
