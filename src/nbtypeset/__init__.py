"""The typesetter: any notebook as accessible PDF through Typst, as Typst, offline HTML and LaTeX.

nbconvert finds the exporters by their names: `jupyter nbconvert --to typst-pdf any.ipynb`. Other
code may use only `nbtypeset.schema`, `nbtypeset.anchors` and `nbtypeset.beside`.
"""
