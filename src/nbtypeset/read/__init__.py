"""Reads a notebook's cells into a tree."""
