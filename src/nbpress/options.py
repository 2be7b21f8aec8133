"""The options that commands share; most can also be set by variables such as NBPRESS_DATASET."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from nbpress.log import keep_log
from nbpress.project.project import Project, open_project
from nbpress.publish.published import FORMS

Command = Callable[..., Any]

dataset = click.option(
    "--dataset", envvar="NBPRESS_DATASET", default="auto", show_default=True, metavar="NAME",
    help="The data set.",
)  # fmt: skip
checked_dataset = click.option(
    "--dataset", envvar="NBPRESS_DATASET", default="", metavar="NAME",
    help="The data set; by default that of the published report.",
)  # fmt: skip
params = click.option(
    "--params", envvar="NBPRESS_PARAMS", default="", metavar="TEXT",
    help="Parameters in one string: 'learning_rate=0.1 seed=2'.",
)  # fmt: skip
param = click.option(
    "--param", multiple=True, metavar="NAME=VALUE|FILE.yaml",
    help="A parameter for every chapter that has it, NOTEBOOK.NAME=VALUE for one; or a file.",
)  # fmt: skip
code = click.option("--code", is_flag=True, envvar="NBPRESS_CODE", help="Show the code.")
force = click.option("--force", is_flag=True, envvar="NBPRESS_FORCE", help="Execute everything.")
engine = click.option(
    "--engine", envvar="NBPRESS_ENGINE", default="typst", show_default=True,
    help="What typesets the PDF: typst or latex.",
)  # fmt: skip
form = click.option(
    "--form", type=click.Choice(FORMS), envvar="NBPRESS_FORM", default="report.pdf",
    show_default=True, help="What to publish after each save.",
)  # fmt: skip


def take(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give a command options, in the order in which its help lists them."""
    return lambda command: reduce(lambda given, option: option(given), reversed(options), command)


def project(context: click.Context) -> Project:
    """Open the project that a command works on, and start its log."""
    opened = open_project()
    keep_log(opened.build / "nbpress.log", debug=context.obj)
    return opened
