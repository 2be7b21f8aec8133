"""The cache of executed notebooks, by content: `build/runs/<key>/`.

A run's key is the digest of everything that its outputs depend on: code cells, parameters, data
set, values of other chapters, the first-party modules it imports, and the installed versions of
the run-time dependencies. Prose and time stamps are not among them. A run is written aside and
renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from nbpress.errors import PressError
from nbpress.project.notebooks import Notebook, read_notebook
from nbpress.project.project import Project

RECORDED = "recorded"  # the parameter that takes other chapters' values

_FORMAT = "2"  # of a run's folder; another one makes every run stale
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class Inputs:
    """What a run depends on: for each part its digest, under a name that a reader understands."""

    parts: Mapping[str, str]

    @property
    def key(self) -> str:
        """The digest of all parts, the run's place in the cache."""
        return _key(self.parts)

    def changes(self, former: Mapping[str, str]) -> list[str]:
        """Name the parts that differ from those of a former run."""
        names = [n for n in {**former, **self.parts} if former.get(n) != self.parts.get(n)]
        return sorted(names, key=lambda name: (name.startswith("version of"), name))


@dataclass(frozen=True)
class Run:
    """A complete run of a notebook, as the cache keeps it."""

    folder: Path
    notebook: str
    dataset: str
    parameters: dict[str, Any]
    parts: dict[str, str]
    loaded: dict[str, str]  # first-party modules really loaded, with their digests
    executed_sha256: str
    seconds: float

    @cached_property
    def executed(self) -> dict[str, Any]:
        """The executed notebook."""
        content: dict[str, Any] = json.loads((self.folder / "executed.ipynb").read_bytes())
        return content

    @property
    def intact(self) -> bool:
        """Whether the executed notebook is as it was written."""
        try:
            content = (self.folder / "executed.ipynb").read_bytes()
        except OSError:
            return False
        return digest(content) == self.executed_sha256


class Cache:
    """The runs kept below a project's build folder. Whoever writes to it holds the build's lock."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.runs = project.build / "runs"

    def inputs(self, notebook: Notebook, parameters: Mapping[str, Any], data_sha256: str) -> Inputs:
        """Digest what a run of `notebook` with these parameters depends on."""
        parts = {"the cache's format": _FORMAT, "the data set": data_sha256}
        code = [[cell.id, cell.source, "parameters" in cell.tags] for cell in notebook.code]
        parts["its code"] = digest(json.dumps(code))
        for name, value in parameters.items():
            # Values of other chapters are told apart: each is a reason of its own to run again.
            named = (
                {f"value {key}": item for key, item in value.items()}
                if name == RECORDED
                else {f"parameter {name}": value}
            )
            parts |= {key: digest(json.dumps(v, sort_keys=True)) for key, v in named.items()}
        parts |= self.modules(notebook.first_party_modules(self.project.import_path))
        versions = installed_versions(self.project.report.distribution)
        parts |= {f"version of {name}": version for name, version in versions.items()}
        return Inputs(parts)

    def modules(self, paths: Iterable[Path]) -> dict[str, str]:
        """Digest source files, by their path from the root."""
        return {
            self.project.relative(path): digest(path.read_bytes()) if path.is_file() else "missing"
            for path in sorted(paths)
        }

    def find(self, inputs: Inputs) -> Run | None:
        """Return the run of these inputs; None if there is none, or it is damaged or outdated."""
        run = self._read(self.runs / inputs.key)
        return run if run and run.intact and not self._changed_since(run) else None

    def why_stale(self, notebook: Notebook, inputs: Inputs, dataset: str) -> str:
        """Say why a notebook has to run: what changed since the most similar run of it."""
        former = [run for run in self.all() if run.notebook == notebook.path.name]
        same = next((run for run in former if run.folder.name == inputs.key), None)
        if not former:
            return "it has no run yet"
        if same is not None:
            changes = self._changed_since(same)
            return _changed(changes) if changes else "its former run is damaged"
        on_these_data = [run for run in former if run.dataset == dataset]
        if not on_these_data:
            return f"it has no run on {dataset} yet"
        return _changed(min((inputs.changes(run.parts) for run in on_these_data), key=len))

    def keep(self, partial: Path, inputs: Inputs, run: Mapping[str, Any]) -> Run:
        """Move a finished run from `partial` to its place, and return it."""
        executed = digest((partial / "executed.ipynb").read_bytes())
        record = {**run, "parts": dict(inputs.parts), "executed_sha256": executed}
        signed = {**record, "sha256": _signature(record)}
        (partial / "run.json").write_text(json.dumps(signed, indent=1), "utf-8")
        place = self.runs / inputs.key
        if place.exists():
            # A folder cannot be replaced in one step: the old run goes aside first. A kill in
            # between leaves no run, never half of one.
            old = partial.with_name(partial.name + "-old")
            os.replace(place, old)
            _delete(old)
        os.replace(partial, place)
        kept = self._read(place)
        if kept is None or not kept.intact:
            raise PressError(f"{self.project.relative(place)} changed while it was written")
        return kept

    def partial(self, inputs: Inputs) -> Path:
        """Make an empty folder for a run in the making, beside the finished ones."""
        self.runs.mkdir(parents=True, exist_ok=True)
        # A name of its own: a process of a killed build may write to the former one for a moment.
        return Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{inputs.key}-", dir=self.runs))

    def tidy(self) -> None:
        """Delete what builds that were killed have left half-way."""
        for path in self.runs.glob(f"{_PARTIAL}*"):
            _delete(path)

    def all(self) -> list[Run]:
        """Return all runs, the newest first; whether they are intact is not looked at."""
        if not self.runs.is_dir():
            return []
        found = [self._read(folder) for folder in self.runs.iterdir()]
        runs = [run for run in found if run is not None]
        return sorted(runs, key=lambda run: (run.folder / "run.json").stat().st_mtime, reverse=True)

    def is_current(self, run: Run) -> bool:
        """Return whether a build with the run's parameters and data would still use it."""
        if run.notebook not in {chapter.notebook for chapter in self.project.report.chapters}:
            return False
        notebook = read_notebook(self.project.notebooks / run.notebook)
        inputs = self.inputs(notebook, run.parameters, run.parts["the data set"])
        return inputs.key == run.folder.name and self.find(inputs) is not None

    def prune(self) -> int:
        """Delete all runs that no build would use again; return how many."""
        self.tidy()
        kept = {run.folder for run in self.all() if self.is_current(run)}
        doomed = [path for path in self.runs.glob("*") if path not in kept]
        for path in doomed:
            _delete(path)
        return len(doomed)

    def _changed_since(self, run: Run) -> list[str]:
        """Name the modules that a run loaded and that are not what they were."""
        now = self.modules(self.project.root / name for name in run.loaded)
        return [name for name in now if now[name] != run.loaded[name]]

    def _read(self, folder: Path) -> Run | None:
        """Read a run's record; None if anything of it is missing or not as it was written."""
        try:
            record = json.loads((folder / "run.json").read_text("utf-8"))
            signature = record.pop("sha256")
            run = Run(folder=folder, **record)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return run if signature == _signature(record) and folder.name == _key(run.parts) else None


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of text or bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


@cache
def installed_versions(distribution: str) -> dict[str, str]:
    """Return Python's version and those of all run-time dependencies, direct and indirect.

    Extras such as the development tools are left out: a new linter changes no result.
    """
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError as error:
        raise PressError(
            f"report.yaml: distribution {distribution!r} is not installed; "
            "expected the name that pyproject.toml gives this project"
        ) from error
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(distribution, "")]
    while waiting:
        name, extra = waiting.pop()
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name != distribution:
            found[name] = installed.version
        for text in installed.requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = {(_normal(requirement.name), e) for e in ("", *requirement.extras)}
            waiting += needed - seen
            seen |= needed
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _key(parts: Mapping[str, str]) -> str:
    return digest(json.dumps(parts, sort_keys=True))[:32]


def _signature(record: Mapping[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True))


def _changed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return f"{', '.join(names[:3])}{more} changed"


def _delete(path: Path) -> None:
    """Delete a folder, or a file that somebody put in its place; what resists stays for later."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
