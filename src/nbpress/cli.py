"""The command line, `nbpress`: what the Makefile's targets call.

Options that are not given are read from the environment (DATASET, ENGINE, CODE, FORCE, PARAMS),
where make puts its variables; no shell ever sees their content.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from nbpress.errors import PressError, disk_error
from nbpress.run.processes import skip_slow_imports

_YES, _NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 after a message that says what is wrong."""
    skip_slow_imports()
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
    except PressError as error:
        sys.stderr.write(f"nbpress: {error}\n")
        return 1
    except BrokenPipeError:
        # Whoever read has seen enough (`nbpress cache | head`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        sys.stderr.write(f"nbpress: {disk_error(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("nbpress: interrupted; the former report is as it was\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbpress", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for name, form, help_text in (
        ("report", "pdf", "execute what is stale and publish report.pdf"),
        ("html", "html", "the same as one web page, report.html"),
        ("tex", "tex", "the same as LaTeX source, report.tex"),
    ):
        report = commands.add_parser(name, help=help_text)
        _add_dataset(report)
        if form == "pdf":
            report.add_argument("--engine", default=_variable("ENGINE", "typst"))
        else:
            report.set_defaults(engine="typst")
        report.add_argument("--code", action="store_true", default=_flag("CODE"), help="show code")
        report.add_argument("--force", action="store_true", default=_flag("FORCE"))
        report.add_argument(
            "--param",
            action="append",
            metavar="NAME=VALUE|FILE.yaml",
            help="a parameter, for every chapter that takes it; or NOTEBOOK.NAME=VALUE",
        )
        report.set_defaults(run=_report, form=form)

    check = commands.add_parser("check", help="execute afresh, compare with the recorded values")
    _add_dataset(check)
    check.add_argument("--record", action="store_true", help="record the values found instead")
    check.set_defaults(run=_check)

    parameters = commands.add_parser("parameters", help="list what a notebook can be given")
    parameters.add_argument("notebook")
    parameters.set_defaults(run=_parameters)

    cache = commands.add_parser("cache", help="list the executed notebooks that are kept")
    cache.add_argument("--prune", action="store_true", help="delete those that are outdated")
    cache.set_defaults(run=_cache)
    return parser


def _report(options: argparse.Namespace) -> None:
    from nbpress.project.project import open_project
    from nbpress.publish.build import Request, build, read_parameters

    words = options.param if options.param is not None else os.environ.get("PARAMS", "")
    build(
        open_project(),
        Request(
            dataset=options.dataset,
            form=options.form,
            engine=options.engine,
            show_code=options.code,
            force=options.force,
            parameters=read_parameters(words),
        ),
    )


def _check(options: argparse.Namespace) -> None:
    from nbpress.project.project import open_project
    from nbpress.publish.build import Request, read_parameters
    from nbpress.publish.check import check

    parameters = read_parameters(os.environ.get("PARAMS", ""))
    request = Request(dataset=options.dataset, parameters=parameters)
    check(open_project(), request, record=options.record)


def _parameters(options: argparse.Namespace) -> None:
    from pathlib import Path

    from nbpress.project.notebooks import read_notebook
    from nbpress.project.project import open_project

    path = Path(options.notebook)
    if not path.is_file():
        project = open_project()
        path = project.notebooks / project.chapter(options.notebook).notebook
    for parameter in read_notebook(path).parameters().values():
        bounds = ", ".join(f"{sign} {bound:g}" for sign, bound in parameter.bounds)
        sys.stdout.write(
            f"{parameter.name}: {parameter.type or 'any'} = {parameter.default!r}"
            + (f"  [{bounds}]" if bounds else "")
            + (f"  {parameter.comment}" if parameter.comment else "")
            + "\n"
        )


def _cache(options: argparse.Namespace) -> None:
    from nbpress.project.project import open_project
    from nbpress.publish.build import locked
    from nbpress.run.cache import RECORDED, Cache

    project = open_project()
    cache = Cache(project)
    if options.prune:
        with locked(project):
            sys.stdout.write(f"{cache.prune()} runs deleted\n")
        return
    for run in cache.all():
        given = {n: v for n, v in run.parameters.items() if n != RECORDED}
        state = "current" if cache.is_current(run) else "outdated"
        sys.stdout.write(
            f"{run.folder.name[:12]}  {state:8}  {run.notebook}  {run.dataset}  "
            f"{run.seconds:.1f} s  {given}\n"
        )


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default=_variable("DATASET", "auto"))


def _variable(name: str, default: str) -> str:
    return os.environ.get(name) or default


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").lower()
    if value not in (*_YES, *_NO):
        raise PressError(f"{name} must be 1 or 0; got {value!r}")
    return value in _YES
