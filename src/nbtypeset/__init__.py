"""The typesetter: any notebook as accessible PDF through Typst, as Typst, offline HTML and LaTeX.

nbconvert finds the exporters by their names: `jupyter nbconvert --to typst-pdf any.ipynb`. What
one may know of this package without them is `nbtypeset.schema`.
"""
