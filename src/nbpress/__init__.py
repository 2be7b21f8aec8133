"""The press: notebooks in, one report out.

A notebook needs four functions of it, which also work without the press: `figure`, `table`,
`answer` and `claim`.
"""

from nbpress.display import answer, claim, figure, last_values, table

__all__ = ["answer", "claim", "figure", "last_values", "table"]
