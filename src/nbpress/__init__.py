"""The press: notebooks in, one report out.

What notebooks call, with a press or without: the cell magics `%%answer` and `%%figure`, which
`%load_ext nbpress` loads, take prose; `figure`, `table`, `answer`, `claim` and `proof` speak to the
report from code. `record` records values, `prose` sets numbers for a table's cells, `settings`
tells what a parameter of None stands for, `last_report` reads the last report.
"""

from typing import Any

from nbpress.say.display import answer, claim, figure, proof, record, settings, table
from nbpress.say.last import last_report
from nbpress.say.text import prose

__all__ = [
    "answer",
    "claim",
    "figure",
    "last_report",
    "proof",
    "prose",
    "record",
    "settings",
    "table",
]


def load_ipython_extension(shell: Any) -> None:
    """Load the cell magics: IPython calls this for `%load_ext nbpress`."""
    from nbpress.say.magics import load_magics

    load_magics(shell)
