"""The press: notebooks in, one report out.

Notebooks call these functions, under the press and without it. `%load_ext nbpress` loads the cell
magics `%%answer`, `%%figure` and `%%derivation`, which take prose; `figure`, `table`, `answer` and
`claim` add to the report from code. `record` records values, `prose` formats the numbers in a
table's cells, `settings` states the value used where a parameter is None, `last_report` reads the
last report, and `results` reads the results of a sweep.
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
    """Return the results of a sweep as a DataFrame, with a row for each run.

    Its columns are the parameters, the recorded values ("1.accuracy"), and `state`, `attempts`,
    `seconds`, `host`, `key` and `path`; `attrs` describes the sweep. If `values` are given,
    `attrs["values"]` lists only these.

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
        raise PressError(f"{Path.cwd()} is not in a project: no folder above it has {REPORT}")
    return read_table(root / FOLDER / name, values)


def load_ipython_extension(shell: Any) -> None:
    """Load the cell magics: IPython calls this for `%load_ext nbpress`."""
    from nbpress.say.magics import load_magics

    load_magics(shell)
