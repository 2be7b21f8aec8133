"""Turns a plan into complete runs: keys, cache, workers, kernels."""
