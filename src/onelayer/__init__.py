"""Single-layer networks from scratch: data, models, trainers, gradients and plots."""
