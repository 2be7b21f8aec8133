"""Runs a notebook with many combinations of parameters, and keeps the results of every run."""
