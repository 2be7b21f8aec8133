"""The press: notebooks in, one report out.

A notebook needs five functions of it, which also work without the press: `figure`, `table`,
`answer`, `claim` and `proof`.
"""

from nbpress.say.display import answer, claim, figure, last_values, proof, table
from nbpress.say.typography import prose

__all__ = ["answer", "claim", "figure", "last_values", "proof", "prose", "table"]
