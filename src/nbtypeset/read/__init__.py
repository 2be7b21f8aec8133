"""From a notebook's cells to a tree."""
