"""Sweeps: one notebook run with many parameters, and the summary of what the runs recorded."""
