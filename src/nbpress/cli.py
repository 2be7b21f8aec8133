"""The command line: `nbpress`, or `python -m nbpress`. The Makefile's targets call it.

Options that are not given are read from environment variables, NBPRESS_DATASET and so on. `make`
sets these from its own command line, so that no shell ever sees their content.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbpress import options as opt
from nbpress.errors import PressError, disk_error
from nbpress.log import keep_traceback, open_closed_streams, say, silence
from nbpress.new import DISTRIBUTION
from nbpress.new.cli import new
from nbpress.project.project import find_project
from nbpress.run.processes import skip_slow_imports
from nbpress.sweep.cli import sweep

if TYPE_CHECKING:
    from nbpress.publish.build import Request
    from nbpress.watch.builder import Job


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or more after an error message."""
    open_closed_streams()
    skip_slow_imports()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with nbpress.make_context("nbpress", arguments) as context:
            nbpress.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader has stopped reading (`nbpress cache | head`); Python would complain at exit.
        silence(sys.stdout)
    except (PressError, OSError) as error:
        keep_traceback(error)
        message = disk_error(error) if isinstance(error, OSError) else error
        say(f"nbpress: {message}")
        return 1
    except (KeyboardInterrupt, click.Abort) as interrupt:
        say(f"nbpress: interrupted; {str(interrupt) or 'the previous report is unchanged'}")
        return 130
    return 0


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: nbpress new my-report",
)
@click.version_option(package_name=DISTRIBUTION)
@click.option("--debug", is_flag=True, envvar="NBPRESS_DEBUG", help="Show tracebacks.")
@click.pass_context
def nbpress(context: click.Context, debug: bool) -> None:
    """Turn notebooks into one report that can be verified."""
    context.obj = debug


_build_options = opt.take(opt.dataset, opt.params, opt.param, opt.code)


@nbpress.command(epilog="Example: nbpress report --param tolerance=0.01")
@opt.take(_build_options, opt.force, opt.engine)
@click.pass_context
def report(context: click.Context, /, **options: Any) -> None:
    """Execute what is stale and publish report.pdf."""
    _build(context, "report.pdf", **options)


@nbpress.command(epilog="Example: nbpress html --code")
@opt.take(_build_options, opt.force)
@click.pass_context
def html(context: click.Context, /, **options: Any) -> None:
    """Publish the same report as one web page, report.html."""
    _build(context, "report.html", **options)


@nbpress.command(epilog="Example: nbpress tex --force")
@opt.take(_build_options, opt.force)
@click.pass_context
def tex(context: click.Context, /, **options: Any) -> None:
    """Publish the same report as LaTeX source, report.tex."""
    _build(context, "report.tex", **options)


def _build(context: click.Context, form: str, **options: Any) -> None:
    from nbpress.project.parameters import read_parameters
    from nbpress.publish.build import build

    request, given = _requested(form, **options)
    parameters = read_parameters(given)
    build(opt.project(context), replace(request, parameters=parameters))


def _requested(
    form: str,
    *,
    dataset: str,
    code: bool,
    param: tuple[str, ...],
    params: str,
    engine: str = "typst",
    force: bool = False,
) -> tuple[Request, str | list[str]]:
    """Return the request for a build, and the parameters as they were given."""
    from nbpress.publish.build import Request

    return Request(dataset, form, engine, code, force), list(param) or params


@nbpress.command(epilog="Example: nbpress watch --form report.html")
@opt.take(_build_options, opt.engine, opt.form)
@click.pass_context
def watch(context: click.Context, /, **options: Any) -> None:
    """Publish the report, and again whenever a file that it depends on is saved."""
    from nbpress.watch.watch import watch as run_watch

    run_watch(_job(context, **options))


@nbpress.command(epilog="Example: nbpress preview --open")
@opt.take(_build_options)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="By default any free port.")
@click.option("--open", "opens", is_flag=True, help="Open it in a browser.")
@click.pass_context
def preview(context: click.Context, /, port: int, opens: bool, **options: Any) -> None:
    """Watch, and serve the report to this machine as a web page that reloads itself."""
    from nbpress.watch.preview import preview as run_preview

    run_preview(_job(context, "report.html", **options), port, opens=opens)


def _job(context: click.Context, form: str, **options: Any) -> Job:
    from nbpress.watch.builder import Job

    return Job(find_project(), *_requested(form, **options), context.obj)


@nbpress.command(epilog="Example: nbpress check --record")
@opt.take(opt.checked_dataset, opt.params, opt.param)
@click.option(
    "--record", is_flag=True, envvar="NBPRESS_RECORD", help="Record these values instead."
)
@click.pass_context
def check(
    context: click.Context, dataset: str, params: str, param: tuple[str, ...], record: bool
) -> None:
    """Execute everything again; compare with the published files and the recorded values."""
    from nbpress.project.parameters import read_parameters
    from nbpress.publish.check import check as run_check

    parameters = read_parameters(list(param) or params)
    run_check(opt.project(context), dataset, parameters, record=record)


@nbpress.command(epilog="Example: nbpress diff previous --only claim --only 2a")
@click.argument("old", required=False)
@click.argument("new", default="report")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if something differs.")
@click.option("--only", multiple=True, help="A kind, task, chapter or name; '*' stands for any.")
@click.pass_context
def diff(
    context: click.Context, old: str | None, new: str, exit_code: bool, only: tuple[str, ...]
) -> None:
    """Say which parameters, claims, values and figures differ between two reports.

    OLD and NEW are `report`, the published one; `previous`, the last one before it that differed;
    `default`, the last one on its data set without parameters; `recorded`, the values recorded for
    it; or the path of a values.json. Without OLD: `previous` on the same data set, else `recorded`.
    """
    from nbpress.publish.diff import diff as run_diff

    text, differs = run_diff(opt.project(context), old, new, only)
    sys.stdout.write(f"{text}\n")
    context.exit(int(exit_code and differs))


@nbpress.command(epilog="Example: nbpress lint")
@click.pass_context
def lint(context: click.Context) -> None:
    """List the faults in the notebooks' texts, without executing anything."""
    from nbpress.publish.lint import lint as run_lint

    run_lint(opt.project(context))


@nbpress.command(epilog="Example: nbpress parameters 2_gravity")
@click.argument("notebook")
@click.pass_context
def parameters(context: click.Context, notebook: str) -> None:
    """List the parameters that a notebook takes."""
    from nbpress.project.notebook import read_notebook

    path = Path(notebook)
    if not path.is_file():
        project = opt.project(context)
        path = project.notebooks / project.chapter(notebook).notebook
    for each in read_notebook(path).parameters().values():
        declared = f"{each.name}: {each.type or 'any'} = {each.default!r}"
        bounds = each.described_bounds()
        parts = [declared, f"[{bounds}]" if bounds else "", each.comment]
        sys.stdout.write("  ".join(filter(None, parts)) + "\n")


@nbpress.command(epilog="Example: nbpress clean")
def clean() -> None:
    """Delete build/ and the published files, once no build is running."""
    from nbpress.publish.clean import clean as run_clean

    run_clean(find_project())


@nbpress.command(epilog="Example: nbpress cache --prune")
@click.option("--prune", is_flag=True, help="Delete the outdated ones.")
@click.pass_context
def cache(context: click.Context, prune: bool) -> None:
    """List the executed notebooks that are kept."""
    from nbpress.lock import locked
    from nbpress.run.cache import Cache, is_current
    from nbpress.run.cache import prune as prune_cache
    from nbpress.run.inputs import RECORDED

    project = opt.project(context)
    runs = Cache(project.build / "runs", project.root)
    if prune:
        with locked(project.build):
            sys.stdout.write(f"{prune_cache(project, runs)} runs deleted\n")
        return
    for run in runs.all():
        given = {name: value for name, value in run.parameters.items() if name != RECORDED}
        state = "current" if is_current(project, runs, run) else "outdated"
        sys.stdout.write(
            f"{run.folder.name[:12]}  {state:8}  {run.notebook}  {run.dataset}  "
            f"{run.seconds:.1f} s  {given}\n"
        )


nbpress.add_command(new)
nbpress.add_command(sweep)
