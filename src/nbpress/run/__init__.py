"""From a plan to complete runs: keys, cache, workers, kernels."""
