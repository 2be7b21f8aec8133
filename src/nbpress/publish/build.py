"""One build of the report, from what the user asked for to the published files.

Resolve the data set, check the parameters, execute what is stale, bind, render, publish. Nothing
is published unless all of it succeeded; the files are written aside and renamed.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbpress.errors import PressError, did_you_mean, disk_error
from nbpress.files import as_json, check_writable, digest, write
from nbpress.log import say
from nbpress.project.dataset import DataSet, resolve
from nbpress.project.parameters import Parameters
from nbpress.project.project import Project
from nbpress.publish.bind import Bound, bind
from nbpress.publish.render import ENGINES, FORMS, render, render_key
from nbpress.root import NUMBERS
from nbpress.run.execute import execute
from nbpress.run.plan import plan

_RECORD = "published.json"


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    dataset: str = "auto"
    form: str = "pdf"  # or html, or tex
    engine: str = "typst"  # of the PDF
    show_code: bool = False
    force: bool = False
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What `build/published.json` records of a report, so that nothing is rendered twice."""

    key: str  # of what it was rendered from
    files: dict[str, str]  # their SHA-256
    notes: list[str]


def build(project: Project, request: Request) -> list[Path]:
    """Build and publish the report; return the files written: none if nothing changed.

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
    exporter = FORMS.get(request.form, ENGINES[request.engine])
    name = f"report.{request.form}"
    start = time.monotonic()
    with locked(project.build):
        check_writable(project.output, ["values.json", name])
        dataset, bound, executed = compose(project, request)
        values = {"values.json": as_json(bound.values).encode()}
        key = render_key(bound, exporter, project.report.distribution)
        former = published(project.build).get(name)
        if former and former.key == key and _are_there(project.output, former.files):
            written, notes = publish(project.output, values), former.notes
        else:
            rendering = render(bound, exporter, name)
            written, notes = publish(project.output, values | rendering.files), rendering.notes
            shas = {file: digest(content) for file, content in rendering.files.items()}
            _record(project.build, name, Published(key, shas, notes))
    for note in notes:
        say(f"note: {note}")
    names = ", ".join(project.relative(path) for path in written)
    ran = f"{executed} of {len(project.report.chapters)} notebooks executed"
    facts = [dataset.dataset, ran, f"{time.monotonic() - start:.1f} s"]
    say(f"{names or f'report/{name} is as it was'}: {', '.join(filter(None, facts))}")
    return written


def compose(project: Project, request: Request) -> tuple[DataSet, Bound, int]:
    """Execute what is stale and bind; return how many notebooks were executed as well."""
    dataset = resolve(request.dataset, project.report.resolver, project.sources)
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
    files = {"build/report.ipynb": bound.notebook, NUMBERS: dict(bound.imprint.numbers)}
    write({project.root / name: as_json(content).encode() for name, content in files.items()})
    return dataset, bound, len(execution.executed)


def publish(output: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write all files, but those that are there already, byte for byte; return those written."""
    new = {
        output / name: content
        for name, content in files.items()
        if not _are_there(output, {name: digest(content)})
    }
    write(new)
    return list(new)


def published(build: Path) -> dict[str, Published]:
    """Read what is recorded of the published reports; nothing if the record is damaged."""
    try:
        content = json.loads((build / _RECORD).read_text("utf-8"))
        return {name: Published(**entry) for name, entry in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


@contextlib.contextmanager
def locked(build: Path) -> Iterator[None]:
    """Let one build at a time work in this project; a second one waits, and says so.

    The kernel drops the lock of a process that dies, so none is left behind.
    """
    import fcntl

    try:
        build.mkdir(exist_ok=True)
        file = (build / "lock").open("a+")
    except OSError as error:
        raise disk_error(error, build) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is at work in this folder: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _are_there(output: Path, files: Mapping[str, str]) -> bool:
    """Return whether the published files are, byte for byte, those with these digests."""
    try:
        return all(digest((output / f).read_bytes()) == sha for f, sha in files.items())
    except OSError:
        return False


def _record(build: Path, name: str, entry: Published) -> None:
    entries = {key: asdict(item) for key, item in {**published(build), name: entry}.items()}
    write({build / _RECORD: as_json(entries).encode()})
