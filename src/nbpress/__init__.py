"""The press: notebooks in, one report out.

What notebooks call, with a press or without: `figure`, `table`, `answer`, `claim` and `proof`
speak to the report, `prose` sets numbers for a table's cells, `settings` tells
what a parameter of None stands for, `last_report` reads the last report.
"""

from nbpress.say.display import answer, claim, figure, proof, settings, table
from nbpress.say.last import last_report
from nbpress.say.typography import prose

__all__ = ["answer", "claim", "figure", "last_report", "proof", "prose", "settings", "table"]
