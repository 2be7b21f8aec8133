"""Builds the report, from the user's request to the published files.

Resolve the data set, check the parameters, execute what is stale, bind, render, publish. Nothing
is published unless all of it succeeds: files are written under other names first, then renamed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbpress.errors import PressError, did_you_mean
from nbpress.files import as_json, check_writable, digest, read, write
from nbpress.lock import locked
from nbpress.log import say
from nbpress.project.bibliography import wrong_citations
from nbpress.project.dataset import DataSet, resolve
from nbpress.project.parameters import Parameters
from nbpress.project.project import Project
from nbpress.project.texts import doubts, faults
from nbpress.publish.bind import Bound, bind
from nbpress.publish.diff import keep_previous
from nbpress.publish.lint import refuse, refuse_unread, wrong_formulas
from nbpress.publish.provenance import Commit, read_commit
from nbpress.publish.published import (
    FORMS,
    RECORD,
    VALUES,
    Form,
    Published,
    finish,
    publish,
    read_published,
)
from nbpress.publish.render import ENGINES, EXPORTERS, render, render_key
from nbpress.root import NAMES
from nbpress.run.execute import execute
from nbpress.run.plan import plan
from nbpress.say.typography import set_value

_TARGETS = {"report.pdf": "report", "report.html": "html", "report.tex": "tex"}


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    dataset: str = "auto"
    form: str = "report.pdf"
    engine: str = "typst"  # of the PDF
    show_code: bool = False
    force: bool = False
    parameters: Parameters = field(default_factory=dict)


def build(project: Project, request: Request) -> list[Path]:
    """Build and publish the report; return the files written, none if nothing changed.

    Every other published form is rendered again from the same runs, by its own exporter, with
    code shown or hidden as before. A form that was deleted stays deleted.

    Raises
    ------
    PressError
        If anything fails; files published earlier are unchanged then.
    """
    if request.engine not in ENGINES:
        raise PressError(
            f"ENGINE: unknown engine {request.engine!r}" + did_you_mean(request.engine, ENGINES)
        )
    start = time.monotonic()
    with locked(project.build):
        finish(project.output)
        former = _former(project.output)
        forms = {
            name: (form.exporter, form.show_code)
            for name, form in (former.forms if former else {}).items()
            if name != request.form and (project.output / name).exists()
        }
        exporter = EXPORTERS.get(request.form, ENGINES[request.engine])
        forms[request.form] = exporter, request.show_code
        check_writable(project.output, [VALUES, RECORD, *forms])
        dataset = data_set(project, request.dataset)
        exporters = [exporter for exporter, _ in forms.values()]
        bound, executed = compose(
            project, dataset, request.parameters, force=request.force, exporters=exporters
        )
        rendered = None if request.force else former
        published, files = _render_all(project, bound, forms, rendered)
        notes = list(dict.fromkeys(note for form in published.values() for note in form.notes))
        refuse_unread(project, notes, exporters)
        record = published_record(dataset, request.parameters, bound, published)
        # Files are renamed in this order: the record, which lists the others, comes last.
        files = {VALUES: values_of(bound), **files, RECORD: record.to_bytes()}
        replaced = read(project.output / VALUES)
        written = [path for path in publish(project.output, files, former) if path.name != RECORD]
        changes = keep_previous(project, former, replaced, record, files[VALUES])
    for note in notes:
        say(f"note: {note}")
    for name in unknown(project.output, record):
        say(
            f"note: report/{name} was not published by this project and may differ from this "
            f"report: `make {_TARGETS[name]}` replaces it"
        )
    if changes:
        listed = " (`nbpress diff` lists them)" if project.output == project.root / "report" else ""
        say(f"since the last report: {changes} changed{listed}")
    names = ", ".join(project.relative(path) for path in written)
    ran = f"{executed} of {len(project.report.chapters)} notebooks executed"
    facts = [dataset.dataset, ran, f"{time.monotonic() - start:.1f} s"]
    unchanged = f"{project.relative(project.output / request.form)} is unchanged"
    say(f"{names or unchanged}: {', '.join(filter(None, facts))}")
    return written


def data_set(project: Project, name: str) -> DataSet:
    """Return the data set that the report's resolver finds for a name."""
    return resolve(name, project.report.resolver, project.sources)


def compose(
    project: Project,
    dataset: DataSet,
    parameters: Parameters,
    *,
    force: bool = False,
    commit: Commit | None = None,
    exporters: Iterable[str] = (),
) -> tuple[Bound, int]:
    """Execute what is stale and bind; return the result and how many notebooks were executed.

    Before anything executes, it refuses texts that have faults or that `exporters` cannot typeset.
    """
    with ThreadPoolExecutor(1) as aside:  # a notebook that was edited takes git's filter a second
        asked = aside.submit(lambda: commit or read_commit(project.root, project.report.date))
        dataset.refuse_unknown(project.report.claims)
        plans = plan(project, dataset, parameters)
        notebooks = [plan.notebook for plan in plans]
        refuse([*faults(notebooks), *wrong_citations(notebooks, project.output)])
        if placeholders := project.report.placeholders:
            named = set_value(placeholders, "")
            say(f"note: report/report.yaml: replace {named} with the authors' names")
        if doubtful := doubts(notebooks):
            more = f", and {len(doubtful) - 1} more (`nbpress lint`)" if doubtful[1:] else ""
            say(f"note: {doubtful[0]}{more}")
        execution = execute(
            project,
            dataset,
            plans,
            force=force,
            say=say,
            before=lambda: refuse(wrong_formulas(notebooks, exporters)),
        )
        bound = bind(project, dataset, plans, execution, commit=asked.result())
        for notice in bound.notices:
            say(f"note: {notice}")
        files = {"report.ipynb": bound.notebook, Path(NAMES).name: bound.names}
        write({project.build / name: as_json(content).encode() for name, content in files.items()})
    return bound, len(execution.executed)


def values_of(bound: Bound) -> bytes:
    """Return the content of values.json."""
    return as_json(bound.values).encode()


def published_record(
    dataset: DataSet, parameters: Parameters, bound: Bound, forms: Mapping[str, Form]
) -> Published:
    """Return the record of a published report."""
    return Published(
        dataset=dataset.dataset,
        reason=dataset.reason,
        fallback=dataset.fallback,
        sha256=dataset.sha256,
        parameters=parameters,
        commit=bound.commit.text,
        date=bound.commit.date,
        values=digest(values_of(bound)),
        claims=bound.claims,
        figures=bound.figures,
        ran_with=bound.ran_with,
        forms=dict(forms),
    )


def render_form(
    project: Project,
    bound: Bound,
    name: str,
    exporter: str,
    show_code: bool,
    former: Form | None = None,
) -> tuple[Form, dict[str, bytes]]:
    """Render a form, unless its files exist already; return its record and its files."""
    bound = replace(bound, imprint=replace(bound.imprint, show_code=show_code))
    key = render_key(bound, exporter, project.report.distribution)
    if former and former.key == key and name in former.files:
        there = {file: read(project.output / file) or b"" for file in former.files}
        if {file: digest(content) for file, content in there.items()} == former.files:
            return former, there
    rendering = render(bound, exporter, name)
    shas = {file: digest(content) for file, content in rendering.files.items()}
    form = Form(exporter=exporter, show_code=show_code, key=key, notes=rendering.notes, files=shas)
    return form, rendering.files


def unknown(output: Path, record: Published | None) -> list[str]:
    """Return the forms in `report/` that are not recorded as published."""
    known = record.forms if record else {}
    return [name for name in FORMS if (output / name).exists() and name not in known]


def _former(output: Path) -> Published | None:
    """Return the record of the published report; if it is damaged, say so and do without it."""
    try:
        return read_published(output)
    except PressError as error:
        say(f"note: {error}")
        return None


def _render_all(
    project: Project,
    bound: Bound,
    forms: Mapping[str, tuple[str, bool]],
    former: Published | None,
) -> tuple[dict[str, Form], dict[str, bytes]]:
    """Render every form; the last one is the one requested."""
    published: dict[str, Form] = {}
    files: dict[str, bytes] = {}
    for name, (exporter, show_code) in forms.items():
        known = former.forms.get(name) if former else None
        try:
            published[name], rendered = render_form(
                project, bound, name, exporter, show_code, known
            )
        except PressError as error:
            if name == list(forms)[-1]:
                raise
            raise PressError(
                f"{error}\nreport/{name} (by {exporter}) must match the other forms, so nothing is "
                f"published: fix the cause, or delete report/{name}"
            ) from error
        files |= rendered
    return published, files
