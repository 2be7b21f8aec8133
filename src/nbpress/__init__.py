"""The press: notebooks in, one report out.

What notebooks call, with a press or without: the cell magics `%%answer`, `%%figure` and
`%%derivation`, which `%load_ext nbpress` loads, take prose; `figure`, `table`, `answer` and `claim`
speak to the report from code. `record` records values, `prose` sets numbers for a table's cells,
`settings` says what a parameter of None stands for, `last_report` reads the last report, `results`
the table of a sweep.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbpress.say.display import answer, claim, figure, record, settings, table
from nbpress.say.last import last_report
from nbpress.say.text import prose

__all__ = [
    "answer",
    "claim",
    "figure",
    "last_report",
    "prose",
    "record",
    "results",
    "settings",
    "table",
]


def results(name: str, values: Iterable[str] = ()) -> Any:
    """Return what the runs of a sweep came to, as a DataFrame: a row for each run.

    Its columns are the parameters, the recorded values ("1.accuracy"), and `state`, `attempts`,
    `seconds`, `host`, `key` and `path`; `attrs` tells what the sweep was. With `values`, those
    alone count as values there.

    Raises
    ------
    PressError
        If no sweep of this name has been run, or no run has such a value.
    """
    from nbpress.errors import PressError
    from nbpress.root import REPORT, find_root
    from nbpress.sweep.results import read_table
    from nbpress.sweep.sweep import FOLDER

    root = find_root(Path.cwd())
    if root is None:
        raise PressError(f"{Path.cwd()} lies in no project: no folder above it has {REPORT}")
    return read_table(root / FOLDER / name, values)


def load_ipython_extension(shell: Any) -> None:
    """Load the cell magics: IPython calls this for `%load_ext nbpress`."""
    from nbpress.say.magics import load_magics

    load_magics(shell)
