"""The commands `nbpress sweep …`."""

from __future__ import annotations

import sys
from typing import Any

import click

from nbpress import options as opt


class _SweepGroup(click.Group):
    """Treats anything that is not a subcommand as the sweep to run."""

    def resolve_command(self, context: click.Context, arguments: list[str]) -> Any:
        if arguments and arguments[0] not in self.commands:
            arguments = ["run", *arguments]
        return super().resolve_command(context, arguments)

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if arguments and arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"):
            arguments = ["run", *arguments]
        return super().parse_args(context, arguments)


@click.group(cls=_SweepGroup, epilog="Example: nbpress sweep 2_gravity tolerance=0.01,0.02")
def sweep() -> None:
    """Run a notebook over a grid of parameters: NOTEBOOK NAME=VALUE,… or NAME=FIRST..LAST.

    `nbpress sweep NAME` runs sweeps/NAME.yaml. A sweep that was stopped continues where it left
    off. Finished runs are repeated only if code, data or files that they read have changed.
    """


@sweep.command("run", epilog="Example: nbpress sweep run 2_gravity num_swings=8..12 --report")
@click.argument("target", envvar="NBPRESS_SWEEP")
@click.argument("grid", nargs=-1)
@click.option("--name", default="", help="The sweep's name; by default the notebook's.")
@opt.dataset
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one per core.")
@click.option(
    "--scheduler",
    envvar="DASK_SCHEDULER_ADDRESS",
    default="",
    metavar="tls://…",
    help="Run on the workers of this Dask cluster.",
)
@click.option("--insecure", is_flag=True, help="Allow a cluster elsewhere without TLS.")
@click.option("--retry", is_flag=True, help="Also repeat the runs that failed.")
@click.option("--report", "reports", is_flag=True, help="Publish a summary at the end.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation, even for many runs.")
@click.pass_context
def sweep_run(
    context: click.Context,
    /,
    target: str,
    grid: tuple[str, ...],
    workers: int | None,
    **options: Any,
) -> None:
    """Run a sweep, or the rest of it."""
    from nbpress.sweep.commands import run_sweep

    try:
        run_sweep(opt.project(context), target, grid, workers=workers or 0, **options)
    except (KeyboardInterrupt, click.Abort) as error:
        raise KeyboardInterrupt("the same command continues the sweep") from error


@sweep.command("show", epilog="Example: nbpress sweep show 2_gravity --best 2a.gravity")
@click.argument("name")
@click.option("--best", default="", metavar="VALUE", help="Rank by this value, highest first.")
@click.option("--lowest", is_flag=True, help="Rank the lowest first.")
@click.option("--value", multiple=True, metavar="NAME", help="Show this value.")
@click.option("--where", multiple=True, metavar="PARAMETER=VALUE,…", help="Show only these runs.")
@click.pass_context
def sweep_show(context: click.Context, /, name: str, **options: Any) -> None:
    """Print the results: the parameters that differ, and each value with its spread."""
    from nbpress.sweep.show import show

    sys.stdout.write(f"{show(opt.project(context), name, **options)}\n")


@sweep.command("ls", epilog="Example: nbpress sweep ls")
@click.pass_context
def sweep_ls(context: click.Context) -> None:
    """List the sweeps."""
    from nbpress.sweep.show import ls

    sys.stdout.write(f"{ls(opt.project(context))}\n")


@sweep.command("rm", epilog="Example: nbpress sweep rm 2_gravity")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def sweep_rm(context: click.Context, name: str, yes: bool) -> None:
    """Delete what a sweep made; sweeps/NAME.yaml and files of your own are kept."""
    from nbpress.sweep.show import rm

    rm(opt.project(context), name, yes=yes)


@sweep.command("report", epilog="Example: nbpress sweep report 2_gravity --value 2a.gravity")
@click.argument("name")
@click.option("--value", multiple=True, metavar="NAME", help="Show this value.")
@opt.engine
@click.pass_context
def sweep_report(context: click.Context, /, name: str, value: tuple[str, ...], engine: str) -> None:
    """Publish a summary as PDF and web page, from sweeps/NAME_summary.ipynb or a template."""
    from nbpress.sweep.report import report_sweep

    report_sweep(opt.project(context), name, engine, value)
