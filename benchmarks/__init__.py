"""Training and build, compared with their peers: `make bench` writes the costs to results.md."""
