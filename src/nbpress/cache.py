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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from nbpress.errors import PressError
from nbpress.notebooks import Notebook
from nbpress.project import Project

_FORMAT = "1"  # of a run's folder; another one makes every run stale


@dataclass(frozen=True)
class Inputs:
    """What a run depends on: for each part its digest, under a name that a reader understands."""

    parts: Mapping[str, str]

    @property
    def key(self) -> str:
        """The digest of all parts, the run's place in the cache."""
        return digest(json.dumps(self.parts, sort_keys=True))[:32]

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

    @property
    def executed(self) -> dict[str, Any]:
        """The executed notebook."""
        content: dict[str, Any] = json.loads((self.folder / "executed.ipynb").read_bytes())
        return content


class Cache:
    """The runs kept below a project's build folder."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.runs = project.build / "runs"

    def inputs(self, notebook: Notebook, parameters: Mapping[str, Any], data_sha256: str) -> Inputs:
        """Digest what a run of `notebook` with these parameters depends on."""
        parts = {"the cache's format": _FORMAT, "the data set": data_sha256}
        code = [[cell.id, cell.source, "parameters" in cell.tags] for cell in notebook.code]
        parts["its code"] = digest(json.dumps(code))
        for name, value in parameters.items():
            parts[f"parameter {name}"] = digest(json.dumps(value, sort_keys=True))
        parts |= self.modules(notebook.first_party_modules(self.project.sources))
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
        if run is None or run.parts != inputs.parts:
            return None
        loaded = self.modules(self.project.root / name for name in run.loaded)
        return run if loaded == run.loaded else None

    def why_stale(self, notebook: Notebook, inputs: Inputs) -> str:
        """Say why a notebook has to run: what changed since the most similar run of it."""
        former = [run for run in self.all() if run.notebook == notebook.path.name]
        if not former:
            return "it has no run yet"
        same = self._read(self.runs / inputs.key)
        if same is not None:
            now = self.modules(self.project.root / name for name in same.loaded)
            changed = [name for name in now if now[name] != same.loaded[name]]
            return f"{', '.join(changed)} changed" if changed else "its run was asked for again"
        changes = min((inputs.changes(run.parts) for run in former), key=len)
        shown = ", ".join(changes[:3]) + (f" and {len(changes) - 3} more" if changes[3:] else "")
        return f"{shown} changed"

    def keep(self, partial: Path, inputs: Inputs, run: Mapping[str, Any]) -> Run:
        """Move a finished run from `partial` to its place, and return it."""
        executed = digest((partial / "executed.ipynb").read_bytes())
        record = {**run, "parts": dict(inputs.parts), "executed_sha256": executed}
        (partial / "run.json").write_text(json.dumps(record, indent=1), "utf-8")
        place = self.runs / inputs.key
        if place.exists():
            # A folder cannot be replaced in one step: the old run goes aside first. A kill in
            # between leaves no run, never half of one.
            old = partial.with_name(partial.name + "-old")
            os.replace(place, old)
            shutil.rmtree(old, ignore_errors=True)
        os.replace(partial, place)
        kept = self._read(place)
        if kept is None:
            raise OSError(f"{self.project.relative(place)} changed while it was written")
        return kept

    def partial(self, inputs: Inputs) -> Path:
        """Make an empty folder for a run in the making, beside the finished ones."""
        folder = self.runs / f".partial-{inputs.key}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def all(self) -> list[Run]:
        """Return all complete runs, the newest first."""
        if not self.runs.is_dir():
            return []
        folders = [f for f in self.runs.iterdir() if not f.name.startswith(".")]
        folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        return [run for folder in folders if (run := self._read(folder)) is not None]

    def prune(self, keep: Iterable[str] = ()) -> list[Path]:
        """Delete all runs but those with the keys to keep; return what was deleted."""
        kept = set(keep)
        doomed = [f for f in sorted(self.runs.glob("*")) if f.name not in kept]
        doomed += sorted(self.runs.glob(".partial-*"))
        for folder in doomed:
            shutil.rmtree(folder)
        return doomed

    def _read(self, folder: Path) -> Run | None:
        """Read a run; None if anything of it is missing or not as it was written."""
        try:
            record = json.loads((folder / "run.json").read_text("utf-8"))
            run = Run(folder=folder, **record)
            intact = digest((folder / "executed.ipynb").read_bytes()) == run.executed_sha256
        except (OSError, ValueError, TypeError):
            return None
        return run if intact and Inputs(run.parts).key == folder.name else None


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
    waiting = [distribution]
    while waiting:
        name = waiting.pop()
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for text in installed.requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            needed = _normal(requirement.name)
            if needed in found or (
                requirement.marker and not requirement.marker.evaluate({"extra": ""})
            ):
                continue
            try:
                found[needed] = metadata.version(needed)
            except metadata.PackageNotFoundError:
                continue
            waiting.append(needed)
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
