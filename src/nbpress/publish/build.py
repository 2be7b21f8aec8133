"""One build of the report, from what the user asked for to the published files.

Resolve the data set, check the parameters, execute what is stale, bind, render, publish. Nothing
is published unless all of it succeeded; the files are written aside and renamed.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbtypeset
from nbpress.errors import PressError, did_you_mean, disk_error
from nbpress.files import as_json, check_writable, write
from nbpress.project.project import DataSet, Parameters, Project, read_yaml
from nbpress.publish.bind import Bound, bind
from nbpress.run.cache import digest, installed_versions
from nbpress.run.execute import execute
from nbpress.run.plan import plan

# nbconvert's exporters by the names of their entry points: for report.pdf by ENGINE, and for the
# other forms of the report by the file's ending.
ENGINES = {"typst": "typst-pdf", "latex": "report-latex-pdf"}
FORMS = {"html": "offline-html", "tex": "report-latex"}

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
class Rendering:
    """The files of a rendered report by their names in `report/`, and what was said of them."""

    files: dict[str, bytes]
    notes: list[str]


@dataclass(frozen=True)
class Published:
    """What `build/published.json` records of a report: nothing changed, nothing to render."""

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
    with locked(project):
        check_writable(project.output, ["values.json", name])
        dataset, bound, executed = compose(project, request)
        values = {"values.json": as_json(bound.values).encode()}
        key = render_key(project, bound, exporter)
        former = published(project).get(name)
        if former and former.key == key and _are_there(project, former.files):
            written, notes = publish(project, values), former.notes
        else:
            rendering = render(bound, exporter, name)
            written, notes = publish(project, values | rendering.files), rendering.notes
            shas = {file: digest(content) for file, content in rendering.files.items()}
            _record(project, name, Published(key, shas, notes))
    for note in notes:
        say(f"note: {note}")
    names = ", ".join(project.relative(path) for path in written)
    ran = f"{executed} of {len(project.report.chapters)} notebooks executed"
    say(
        f"{names or f'report/{name} is as it was'}: {dataset.dataset}, {ran}, "
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
    write({path: as_json(bound.notebook).encode()})
    return dataset, bound, len(execution.executed)


def render(bound: Bound, exporter_name: str, name: str) -> Rendering:
    """Render the bound notebook by one of nbconvert's exporters.

    The report is the file `name`; LaTeX source comes with the pictures that it needs.
    """
    import nbformat
    from nbconvert.exporters import get_exporter

    exporter = get_exporter(exporter_name)(strict=True)  # type: ignore[no-untyped-call]
    notebook = nbformat.from_dict(bound.notebook)  # type: ignore[no-untyped-call]
    try:
        content, resources = exporter.from_notebook_node(
            notebook, {"nbpress": {"imprint": bound.imprint}}
        )
    except Exception as error:
        raise PressError(f"the report cannot be rendered: {error}") from error
    main = content if isinstance(content, bytes) else content.encode()
    notes = list(map(str, resources.get("nbpress", {}).get("warnings", ())))
    return Rendering({**resources.get("outputs", {}), name: main}, notes)


def render_key(project: Project, bound: Bound, exporter_name: str) -> str:
    """Digest what a rendered report depends on: the notebook, the typesetter and its tools."""
    typesetter = Path(nbtypeset.__file__).parent
    sources = {
        path.relative_to(typesetter).as_posix(): digest(path.read_bytes())
        for path in typesetter.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    versions = installed_versions(project.report.distribution)
    return digest(
        as_json([bound.notebook, asdict(bound.imprint), exporter_name, sources, versions])
    )


def publish(project: Project, files: Mapping[str, bytes]) -> list[Path]:
    """Write all files, but those that are there already, byte for byte; return those written."""
    new = {
        project.output / name: content
        for name, content in files.items()
        if not _are_there(project, {name: digest(content)})
    }
    write(new)
    return list(new)


def published(project: Project) -> dict[str, Published]:
    """Read what is recorded of the published reports; nothing if the record is damaged."""
    try:
        content = json.loads((project.build / _RECORD).read_text("utf-8"))
        return {name: Published(**entry) for name, entry in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


@contextlib.contextmanager
def locked(project: Project) -> Iterator[None]:
    """Let one build at a time work in this project; a second one waits, and says so.

    The kernel drops the lock of a process that dies, so none is left behind.
    """
    import fcntl

    try:
        project.build.mkdir(exist_ok=True)
        file = (project.build / "lock").open("a+")
    except OSError as error:
        raise disk_error(error, project.build) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is at work in this folder: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


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


def _are_there(project: Project, files: Mapping[str, str]) -> bool:
    """Return whether the published files are, byte for byte, those with these digests."""
    try:
        return all(digest((project.output / f).read_bytes()) == sha for f, sha in files.items())
    except OSError:
        return False


def _record(project: Project, name: str, entry: Published) -> None:
    entries = {key: asdict(item) for key, item in {**published(project), name: entry}.items()}
    write({project.build / _RECORD: as_json(entries).encode()})
