"""Training and build, each beside its peers: `make bench` writes what they cost to results.md."""
