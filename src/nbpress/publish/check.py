"""`nbpress check`: execute everything again; compare with the published and recorded results.

Fresh runs with the same data set and parameters must give the published files byte for byte, and
every value in `report/expected/<data set>.json` within its tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nbpress.errors import PressError
from nbpress.files import as_json, digest, read, write
from nbpress.lock import locked
from nbpress.log import say
from nbpress.project.dataset import DataSet
from nbpress.project.parameters import Parameters
from nbpress.project.project import Project
from nbpress.publish.bind import Bound
from nbpress.publish.build import (
    compose,
    data_set,
    published_record,
    render_form,
    unknown,
    values_of,
)
from nbpress.publish.compare import (
    drift_table,
    plain,
    read_values,
    record_command,
    recorded,
    recorded_path,
)
from nbpress.publish.contradicted import OTHER_KIND, other_claims, other_values
from nbpress.publish.provenance import Commit, read_commit
from nbpress.publish.published import RECORD, VALUES, Published, read_published
from nbpress.publish.trust import delete_forgeable, edited, unverified
from nbpress.publish.varying import last_runs, varying
from nbpress.run.plan import are_defaults, plan

_REMEDY = (
    "If the report is your own, publish it again: make report FORCE=1. "
    "If it was handed in to you, do not: that would replace it."
)


def check(project: Project, dataset: str, parameters: Parameters, *, record: bool = False) -> None:
    """Execute every chapter again; compare with the published files and the recorded values.

    Parameters
    ----------
    dataset, parameters
        What to check; by default those of the published report. Published files are compared only
        if they were made with these, and are never changed.
    record
        Record the data set's values instead of comparing; tolerances set by hand are kept.

    Raises
    ------
    PressError
        If anything differs; the message lists all of it.
    """
    if record and parameters:
        raise PressError("RECORD records values for the default parameters only: unset PARAMS")
    with locked(project.build):
        delete_forgeable(project)
        published, faults = _published(project.output)
        if faults and not published and not record:  # there is nothing to compare with
            raise PressError("\n".join([*faults, _REMEDY]))
        if published and not (dataset or parameters or record):
            parameters = published.parameters
        data = data_set(project, dataset or (published and published.dataset) or "auto")
        origin = data
        verifies = published and not record and _made_with(published, project, data, parameters)
        if published and verifies:
            say(f"checking what is published: {_title(published)}")
            for name in edited(project.output, published):
                say(
                    f"report/{name} differs from what was published: a fresh run shows what it "
                    "should be"
                )
            data = replace(data, reason=published.reason, fallback=published.fallback)
            # With the commit that the report names, so that it is not the commit that differs.
            commit = Commit(published.commit, project.report.date or published.date)
            before = last_runs(project, data.dataset)
            bound, _ = compose(project, data, published.parameters, force=True, commit=commit)
            if differs := [*_verify(published, project, data, bound)]:
                faults += differs
                if not any(OTHER_KIND in each for each in differs):
                    faults += varying(before, last_runs(project, data.dataset))
            if faults:
                faults.append(_REMEDY)
        elif parameters:
            raise PressError(
                f"no report on {data.dataset} with these PARAMS is published to compare with: "
                "run `make report` with the same DATASET and PARAMS first"
            )
        else:
            if not record:
                what = f"another report ({_title(published)})" if published else "nothing"
                say(f"{what} is published: comparing values only, not files")
            bound, _ = compose(project, data, {}, force=True)
    path = recorded_path(project.output, data.dataset)
    observed, source = plain(bound.values), project.relative(path)
    expected = read_values(path)
    if record:
        write({path: as_json(recorded(observed, expected)).encode()})
        say(f"{source}: {len(observed)} values recorded")
        return
    remedy = record_command(data.dataset)
    if published and parameters and not are_defaults(plan(project, data, parameters)):
        source, remedy = f"report/{VALUES}", "If the new values are right, publish again."
        path = project.output / VALUES
        # If the file is damaged, that is reported already.
        intact = digest(read(path) or b"") == published.values
        expected = recorded(plain(read_values(path)), {}) if intact else {}
    elif not expected:
        missing = f"no values are recorded in {source}. {remedy}"
        if not verifies:  # nothing at all could be compared
            faults.append(missing)
        elif not faults:
            say(f"note: {missing}")
    if expected and (drifts := drift_table(expected, observed, source, remedy)):
        faults.append(drifts)
    if faults:
        raise PressError("\n".join(faults))
    if expected:
        alone = "" if published and verifies else "; no published file was compared"
        say(f"{data.dataset or 'report'}: {len(observed)} values agree with {source}{alone}")
    if published and verifies:
        files = [name for name in published.files() if (project.output / name).exists()]
        say(f"{', '.join(files)}: identical to what a fresh run gives")
        for fact in unverified(published, origin, project):
            say(f"note: not verified: {fact}")


def _published(output: Path) -> tuple[Published | None, list[str]]:
    """Return the record of the published report, and what is wrong with it."""
    try:
        published = read_published(output)
    except PressError as error:
        return None, [str(error)]
    return published, [
        f"report/{name} exists, but report/{RECORD} does not list it"
        for name in unknown(output, published)
    ]


def _made_with(
    published: Published, project: Project, data: DataSet, parameters: Parameters
) -> bool:
    """Return whether the published report was made with a data set and parameters."""
    if data.dataset != published.dataset:
        return False
    if parameters == published.parameters:
        return True
    # The same value may be written differently, as 0.10, or given in a file.
    return plan(project, data, parameters) == plan(project, data, published.parameters)


def _verify(published: Published, project: Project, data: DataSet, bound: Bound) -> Iterator[str]:
    """Yield a message for each published file that differs from its record or the fresh runs."""
    if data.sha256 != published.sha256:
        yield f"the files of the data set {data.dataset} have changed since"
    forms = dict(published.forms)
    fresh = {VALUES: values_of(bound)}
    for name, form in published.forms.items():
        if not (project.output / name).exists():
            yield f"report/{name} was deleted since it was published"
            continue
        try:
            again, files = render_form(project, bound, name, form.exporter, form.show_code)
        except PressError as error:
            yield f"report/{name}: {error}"
            continue
        # The key covers the typesetter's sources, which may change without changing the files.
        forms[name] = again.model_copy(update={"key": form.key})
        fresh |= files
    now = read_commit(project.root, project.report.date).text
    commits = f"it names {published.commit!r}, but this is {now!r}"
    sound = True
    for name, content in fresh.items():
        there = read(project.output / name)
        if there == content:
            continue
        sound = False
        is_edited = there is not None and digest(there) != published.files().get(name)
        details = ""
        if name == VALUES and there is not None:
            limits = {} if is_edited else read_values(recorded_path(project.output, data.dataset))
            details = other_values(project.output / VALUES, bound, limits)
        if there is None:
            yield f"report/{name} is missing"
        elif is_edited:
            yield f"report/{name} was damaged or edited after it was published{details}"
        else:
            yield (
                f"report/{name} is not what a fresh run gives: notebooks, code or tools have "
                "changed since, or results vary from run to run"
                + (f" ({commits})" if now != published.commit else "")
                + details
            )
    yield from other_claims(published, bound)
    if sound and published_record(data, published.parameters, bound, forms) != published:
        yield f"report/{RECORD} was damaged or edited after it was recorded"
    elif sound and now != published.commit:
        say(f"note: only the commit differs: {commits}")


def _title(published: Published) -> str:
    """Return a name for the published report: its data set and parameters."""
    given = [
        f"{chapter}.{name}={value}".removeprefix(".")
        for chapter, values in published.parameters.items()
        for name, value in values.items()
    ]
    return " ".join(filter(None, [published.dataset, *given])) or "the report"
