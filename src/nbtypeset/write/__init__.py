"""Writes a tree as Typst, HTML and LaTeX."""
