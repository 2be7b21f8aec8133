"""Runs a notebook on another machine: what is sent there, and what comes back.

A worker needs the installed packages and the data set, but no shared folder.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, disk_error
from nbpress.files import digest
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project
from nbpress.run import worker
from nbpress.run.attempt import Attempt
from nbpress.run.environment import kernel_environment
from nbpress.run.forked import serving
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.observed import Observation, digests
from nbpress.run.observer import identity
from nbpress.run.temporary import delete_abandoned, private_folder
from nbpress.run.versions import installed_versions

_RESOLVE = """
import sys
from pathlib import Path
from nbpress.project.dataset import resolve
print(resolve(*sys.argv[1:3], [Path(source) for source in sys.argv[3:]]).sha256)
"""


@dataclass(frozen=True)
class Parcel:
    """A job for a machine that has none of its files; all names are relative to the root."""

    job: worker.Job
    files: dict[str, bytes]
    folder: str  # the notebook's
    sources: list[str]
    modules: list[str]  # for the fork server
    versions: dict[str, str]
    distribution: str | None
    resolver: str | None
    dataset: str
    sha256: str


@dataclass(frozen=True)
class Delivery:
    """What comes back from the other machine."""

    outcome: worker.Outcome
    host: str
    executed: bytes | None = None  # the notebook
    refused: str = ""  # why this machine cannot run any job
    digests: dict[str, str] = field(default_factory=dict)  # of the files read there


def pack(
    project: Project,
    dataset: DataSet,
    attempt: Attempt,
    modules: list[str],
    read_before: Iterable[str],
) -> Parcel:
    """Collect everything that a run needs.

    These are the sources with the other files of their packages, the files that its chapter
    declares, and those that earlier runs have read.
    """
    root, job = project.root, attempt.job("")
    sources = project.source_files() | {
        path
        for top in project.sources
        for path in top.rglob("*")
        if not any(
            part[0] == "." or part == "__pycache__" for part in path.parts[len(root.parts) :]
        )
    }
    names = {project.relative(path) for path in sources}
    names |= {*attempt.stale.inputs.files, *read_before}
    return Parcel(
        job=job,
        files={name: (root / name).read_bytes() for name in names if (root / name).is_file()},
        folder=os.path.relpath(job.folder, root),
        sources=[os.path.relpath(source, root) for source in job.sources],
        modules=modules,
        versions=installed_versions(project.report.distribution),
        distribution=project.report.distribution,
        resolver=project.report.resolver,
        dataset=dataset.dataset,
        sha256=dataset.sha256,
    )


def run_there(parcel: Parcel) -> Delivery:
    """Run a parcel's notebook in a private folder on this machine, the worker's."""
    import socket

    host = socket.gethostname()
    try:
        _compare_versions(parcel)
        delete_abandoned()  # folders left by killed workers
        with private_folder() as root:
            return replace(_run_in(root, parcel), host=host)
    except (PressError, OSError) as error:  # such as a full disk
        refusal = error if isinstance(error, PressError) else disk_error(error)
        return Delivery(worker.Outcome(0, None), host, refused=str(refusal))


def _run_in(root: Path, parcel: Parcel) -> Delivery:
    for name, sent in parcel.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(sent)
    folder, partial = root / parcel.folder, root / "build" / "run"
    for made in (folder, partial):
        made.mkdir(parents=True, exist_ok=True)
    sources = [root / source for source in parcel.sources]
    if parcel.resolver and parcel.sha256:
        sent_files = sorted(parcel.files.items())
        files = digest("".join(f"{name} {digest(sent)}" for name, sent in sent_files))
        sha256 = _data_set(parcel.dataset, parcel.resolver, tuple(sources), files)
        if sha256 != parcel.sha256:
            raise PressError(f"its data set {parcel.dataset!r} has other content")
    build, server = _equipment(tuple(parcel.modules))
    former = dict(os.environ)
    try:
        job = replace(
            parcel.job,
            partial=partial,
            folder=folder,
            sources=sources,
            root=root,
            build=build,
            server=server,
        )
        outcome = worker.run(job)
    finally:
        os.environ.clear()
        os.environ.update(former)
    executed = partial / "executed.ipynb"
    content = executed.read_bytes() if executed.is_file() else None
    read = digests(root, outcome.observation.read, outcome.observation.written)
    loaded = [
        os.path.relpath(file, root)
        for file in outcome.observation.loaded
        if Path(file).is_relative_to(root)
    ]
    observation = replace(outcome.observation, loaded=loaded)
    return Delivery(replace(outcome, observation=observation), "", content, digests=read)


def unpack(root: Path, delivery: Delivery, partial: Path) -> worker.Outcome:
    """Put what came back where a run on this machine would have left it.

    A file that was read there counts as read here if its content is the same; if it differs, or
    was missing there but exists here, the run fails.
    """
    outcome = delivery.outcome
    if delivery.executed is not None:
        (partial / "executed.ipynb").write_bytes(delivery.executed)
    there = outcome.observation
    here = digests(root, there.read, there.written)
    read: dict[str, Any] = {}
    for name, before in there.read.items():
        if here[name] == delivery.digests.get(name) or name in there.written:
            stands = before is not None and not name.endswith("/") and (root / name).is_file()
            read[name] = identity((root / name).stat()) if stands else before
        elif outcome.failure is None or before is None:
            what = "lists" if name.endswith("/") else "reads"
            failure = (
                f"it {what} {name}, which is not the same on {delivery.host}: list it under "
                "`inputs` of its chapter in report.yaml, so that it is sent there"
            )
            return replace(outcome, failure=failure, observation=Observation())
    loaded = [str(root / name) for name in there.loaded]
    return replace(outcome, observation=replace(there, loaded=loaded, read=read))


@functools.cache
def _equipment(modules: tuple[str, ...]) -> tuple[Path, str]:
    """Return this process's folder for Matplotlib's fonts, and the socket of its fork server."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    build = stack.enter_context(private_folder())
    prepare_matplotlib(build)
    return build, stack.enter_context(serving(kernel_environment(build, build, []), modules))


_seen: dict[tuple[str, str, str], str] = {}


def _data_set(dataset: str, resolver: str, sources: tuple[Path, ...], files: str) -> str:
    """Return the digest of this machine's data set, as found by the sources that were sent.

    A separate process imports them, because in this one those of an earlier run would remain.
    `files` is the digest of the sources.
    """
    if (dataset, resolver, files) not in _seen:
        command = [sys.executable, "-c", _RESOLVE, dataset, resolver, *map(str, sources)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            last = answer.stderr.strip().rpartition("\n")[2]
            reason = last.partition(": ")[2] or last or f"exit status {answer.returncode}"
            raise PressError(f"its data set {dataset!r} cannot be resolved: {reason}")
        _seen[dataset, resolver, files] = answer.stdout.strip()
    return _seen[dataset, resolver, files]


def _compare_versions(parcel: Parcel) -> None:
    here = installed_versions(parcel.distribution)
    wrong = [
        f"{name} {here.get(name, 'is missing')} instead of {version}"
        for name, version in parcel.versions.items()
        if here.get(name) != version
    ]
    if wrong:
        raise PressError(f"other versions of packages are installed: {', '.join(wrong[:3])}")
