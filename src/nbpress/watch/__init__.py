"""Rebuilds the report whenever something that it depends on is saved."""
