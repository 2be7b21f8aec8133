"""Begins a report: a small one that works, or one around notebooks that there are."""
