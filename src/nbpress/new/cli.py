"""The command `nbpress new`."""

from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path

import click


class _New(click.Command):
    """Takes all arguments after `--from`, up to the next option, as notebooks."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if "--from" in arguments:
            first = arguments.index("--from") + 1
            notebooks = list(takewhile(lambda each: not each.startswith("-"), arguments[first:]))
            pairs = [each for notebook in notebooks for each in ("--from", notebook)]
            rest = arguments[first + len(notebooks) :]
            arguments = [*arguments[: first - 1], *(pairs or ["--from"]), *rest]
        return super().parse_args(context, arguments)


@click.command(cls=_New, epilog="Example: nbpress new my-report --from first.ipynb second.ipynb")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--from", "notebooks", multiple=True, type=click.Path(path_type=Path), metavar="NOTEBOOK …",
    help="Make copies of these notebooks its chapters, in this order.",
)  # fmt: skip
def new(folder: Path, notebooks: tuple[Path, ...]) -> None:
    """Make a project in FOLDER, with two notebooks and everything that `make report` needs.

    With `--from`, its chapters are copies of your own notebooks, without outputs and each with a
    cell of parameters. A list of what is left to do, such as text alternatives for figures, is
    printed and also written to TODO.md.
    """
    from nbpress.new.begin import begin

    sys.stdout.write(begin(folder, notebooks))
