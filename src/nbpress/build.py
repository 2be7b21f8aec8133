"""One build of the report, from what the user asked for to the published files.

Resolve the data set, check the parameters, execute what is stale, bind, render, publish. Nothing
is published unless all of it succeeded; the files are written aside and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.bind import Bound, bind
from nbpress.errors import PressError, did_you_mean
from nbpress.execute import as_json, execute, plan
from nbpress.project import DataSet, Parameters, Project, read_yaml

# By ENGINE: the exporter, by the name of its nbconvert entry point, and the file's ending.
ENGINES = {"typst": ("typst-pdf", "pdf")}


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    dataset: str = "auto"
    engine: str = "typst"
    show_code: bool = False
    force: bool = False
    parameters: Parameters = field(default_factory=dict)


def build(project: Project, request: Request) -> list[Path]:
    """Build and publish the report; return the files written.

    Raises
    ------
    PressError
        Whatever went wrong; files published earlier are then as they were.
    """
    if request.engine not in ENGINES:
        raise PressError(
            f"ENGINE must be one of {', '.join(ENGINES)}; got {request.engine!r}"
            + did_you_mean(request.engine, ENGINES)
        )
    exporter, ending = ENGINES[request.engine]
    start = time.monotonic()
    with locked(project):
        check_writable(project.output)
        dataset, bound, executed = compose(project, request)
        rendered = render(bound, exporter)
        files = {"values.json": as_json(bound.values).encode(), f"report.{ending}": rendered}
        written = publish(project, files)
    ran = f"{executed} of {len(project.report.chapters)} notebooks executed"
    say(
        f"{', '.join(project.relative(path) for path in written)}: {dataset.dataset}, {ran}, "
        f"{time.monotonic() - start:.1f} s"
    )
    return written


def compose(project: Project, request: Request) -> tuple[DataSet, Bound, int]:
    """Execute what is stale and bind; return how many notebooks were executed as well."""
    dataset = project.resolve(request.dataset)
    plans = plan(project, dataset, request.parameters)
    execution = execute(project, dataset, plans, force=request.force, say=say)
    bound = bind(
        project,
        dataset,
        plans,
        execution,
        show_code=request.show_code,
        own_parameters=not request.parameters,
    )
    for notice in bound.notices:
        say(f"note: {notice}")
    path = project.build / "report.ipynb"
    write(path, as_json(bound.notebook).encode())
    return dataset, bound, len(execution.executed)


def render(bound: Bound, exporter_name: str) -> bytes:
    """Render the bound notebook by one of nbconvert's exporters."""
    import nbformat
    from nbconvert.exporters import get_exporter

    exporter = get_exporter(exporter_name)(strict=True)  # type: ignore[no-untyped-call]
    notebook = nbformat.from_dict(bound.notebook)  # type: ignore[no-untyped-call]
    try:
        content, resources = exporter.from_notebook_node(notebook)
    except Exception as error:
        raise PressError(f"the report cannot be rendered: {error}") from error
    for warning in resources.get("nbpress", {}).get("warnings", ()):
        say(f"note: {warning}")
    return content if isinstance(content, bytes) else content.encode()


def publish(project: Project, files: Mapping[str, bytes]) -> list[Path]:
    """Write files beside their places, and when all are written rename them."""
    written = []
    for name, content in files.items():
        path = project.output / name
        aside = path.with_name(f".{name}.new")
        _write_whole(aside, content)
        written.append((aside, path))
    for aside, path in written:
        os.replace(aside, path)
    return [path for _, path in written]


@contextlib.contextmanager
def locked(project: Project) -> Iterator[None]:
    """Let one build at a time work in this project; a second one waits, and says so.

    The kernel drops the lock of a process that dies, so none is left behind.
    """
    import fcntl

    check_writable(project.build)
    with (project.build / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is at work in this folder: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_writable(folder: Path) -> None:
    """Make a folder that the build writes to, or say before any work that it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _disk_error(folder, error) from error


def read_parameters(words: str | list[str]) -> Parameters:
    """Read parameters from `learning_rate=0.1`, `2_logistic_regression.seed=1` and YAML files.

    A name alone goes to every chapter that takes it (the chapter ""); in a YAML file chapters
    may stand above their own parameters, as in `report/parameters/`.
    """
    given: Parameters = {}
    try:
        words = shlex.split(words) if isinstance(words, str) else words
    except ValueError as error:
        raise PressError(f"PARAMS: {error}: {words!r}") from error
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name:
            chapter, _, parameter = name.rpartition(".")
            given.setdefault(chapter, {})[parameter] = value
        elif word.endswith((".yaml", ".yml")):
            content = read_yaml(Path(word))
            if not isinstance(content, dict):
                raise PressError(f"{word}: expected parameters, 'name: value' on each line")
            for key, item in content.items():
                if isinstance(item, dict):
                    given.setdefault(str(key), {}).update(item)
                else:
                    given.setdefault("", {})[str(key)] = item
        else:
            raise PressError(f"PARAMS: expected name=value or a YAML file; got {word!r}")
    return given


def say(line: str) -> None:
    """Tell the user something, at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    _write_whole(aside, content)
    os.replace(aside, path)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file and make sure that it is on the disk, or leave none."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise _disk_error(path.parent, error) from error


def _disk_error(folder: Path, error: OSError) -> PressError:
    remedy: dict[int | None, Any] = {
        errno.ENOSPC: "the disk is full: make room and run it again",
        errno.EDQUOT: "your quota is used up: make room and run it again",
        errno.EFBIG: "a file would grow over the size limit: raise it and run it again",
        errno.EACCES: "you may not write there: change the folder's permissions",
        errno.EROFS: "it is on a read-only file system",
    }
    return PressError(f"cannot write to {folder}: {remedy.get(error.errno, error.strerror)}")
