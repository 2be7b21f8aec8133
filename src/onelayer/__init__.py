"""Single-layer networks from scratch: data, models, trainers, derivations, measures, plots."""
