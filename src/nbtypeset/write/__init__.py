"""From a tree to Typst, HTML and LaTeX."""
