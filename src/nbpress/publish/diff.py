"""Compares two reports: parameters, claims, values and figures, and by how much they differ."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.files import digest, read, write
from nbpress.log import say
from nbpress.project.project import Project
from nbpress.publish.compare import Drift, as_table, compare, plain, read_values, recorded_path
from nbpress.publish.published import RECORD, VALUES, Published, read_published
from nbpress.say.records import task_of

_PREVIOUS, _DEFAULT = "previous", "default"  # in build/
_KINDS = ("parameter", "claim", "figure", "value")


@dataclass(frozen=True)
class State:
    """A report as recorded in its files; without `published`, only its values are known."""

    name: str
    values: Mapping[str, Any]  # entries; those from report/expected/ have tolerances
    published: Published | None = None

    def of(self, kind: str) -> dict[str, Any] | None:
        """Return everything of a kind ("value", "claim", …) by name; None if nothing is known."""
        if kind == "value":
            return plain(self.values)
        if self.published is None or not self.published.ran_with:  # older records lack it
            return None
        if kind == "parameter":
            return {
                f"{chapter}.{name}": value
                for chapter, parameters in self.published.ran_with.items()
                for name, value in parameters.items()
            }
        return dict(self.published.claims if kind == "claim" else self.published.figures)


@dataclass(frozen=True)
class Differences:
    """What differs, by kind, and the kinds that are unknown for one side."""

    drifts: dict[str, list[Drift]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Return the counts: "2 parameters, 3 values"; "" if nothing differs."""
        names = {(kind, _base(drift)) for kind, drifts in self.drifts.items() for drift in drifts}
        counts = Counter(kind for kind, _ in names)
        return ", ".join(
            f"{counts[kind]} {kind}{'s' * (counts[kind] > 1)}" for kind in _KINDS if counts[kind]
        )


def differences(old: State, new: State) -> Differences:
    """Compare two reports exactly, except for values with tolerances in the old one."""
    result = Differences()
    for kind in _KINDS:
        before, after = old.of(kind), new.of(kind)
        if before is None or after is None:
            result.unknown.append(kind)
            continue
        exact = {name: {"value": value} for name, value in before.items()}
        expected = old.values if kind == "value" else exact
        if drifts := list(compare(expected, after)):
            result.drifts[kind] = drifts
    return result


def diff(project: Project, old: str | None, new: str, only: Sequence[str] = ()) -> tuple[str, bool]:
    """Return a table of the differences between two reports, and whether there are any.

    Each is `report`, the published one; `previous`, the last one before it that differed;
    `default`, the last one before it on its data set that was built without parameters; `recorded`,
    the values recorded for its data set; or the path of a values.json, or its folder. `only` are
    kinds, tasks, chapters or names, in which `*` stands for any letters: others are not compared.
    """
    note = ""
    if old is None:
        previous, last = map(read_published, (project.build / _PREVIOUS, project.output))
        old = "previous" if previous and last and previous.dataset == last.dataset else "recorded"
        if previous and last and old == "recorded":
            note = f"the previous report is on {previous.dataset}, so the recorded values are taken"
    states = [_state(project, word) for word in (old, new)]
    result = differences(*states)
    known = {(kind, name) for s in states for kind in _KINDS for name in s.of(kind) or ()}
    for wanted in only:
        if not any(_is_meant(kind, name, wanted) for kind, name in known):
            raise PressError(
                f"--only {wanted}: neither report has such a kind, task, chapter or name"
                + did_you_mean(wanted, [*_KINDS, *(name for _, name in known)])
            )
    rows = [("", "", states[0].name, states[1].name, "difference")]
    for kind in _KINDS:
        for drift in result.drifts.get(kind, ()):
            if only and not any(_is_meant(kind, _base(drift), wanted) for wanted in only):
                continue
            before, after = (_shown(kind, text) for text in (drift.expected, drift.observed))
            rows.append((kind, drift.name, before, after, _size(drift, states[0].values)))
    lines = [*filter(None, [note]), as_table(rows) if rows[1:] else "nothing differs"]
    if result.unknown:
        one = next(state.name for state in states if state.of("claim") is None)
        kinds = ", ".join(f"{kind}s" for kind in result.unknown)
        lines.append(f"{one} has no record of {kinds}, so these are not compared")
    return "\n".join(lines), bool(rows[1:])


def keep_previous(
    project: Project,
    former: Published | None,
    replaced: bytes | None,
    record: Published,
    values: bytes,
) -> str:
    """Keep the record and the values that a new report has replaced, if they differ.

    They are also kept as `default` if they were built without parameters. Return a summary of the
    differences, "" if there are none or the data set is another.
    """
    dataset = former.dataset if former else record.dataset
    folders = [project.build / _PREVIOUS, _default(project, dataset)]
    for folder in folders:
        for left_over in folder.glob(".*.new"):  # of a build that was killed
            left_over.unlink(missing_ok=True)
    if former is None or replaced is None:
        return ""
    if digest(replaced) != former.values:
        say(f"note: report/{VALUES} had been edited, and was replaced")
        return ""
    old = State("", json.loads(replaced), former)
    changes = differences(old, State("", json.loads(values), record)).summary()
    if changes or former.dataset != record.dataset:
        for folder in folders[: 1 if former.parameters else 2]:
            write({folder / VALUES: replaced, folder / RECORD: former.to_bytes()})
    return changes if former.dataset == record.dataset else ""


def _state(project: Project, word: str) -> State:
    if word == "recorded":
        published = read_published(project.output)
        path = recorded_path(project.output, published.dataset if published else "")
        if not path.exists():
            raise PressError(
                f"no values are recorded in {project.relative(path)}: record them with "
                "`nbpress check --record`"
            )
        return State(word, read_values(path))
    last = read_published(project.output)
    folders = {
        "report": project.output,
        "previous": project.build / _PREVIOUS,
        "default": _default(project, last.dataset if last else ""),
    }
    path = folders.get(word, Path(word))
    path = path / VALUES if path.is_dir() or word in folders else path
    if not path.is_file():
        raise PressError(
            f"there is no report to compare at {word!r}: expected report, previous, default, "
            "recorded, or the path of a values.json"
        )
    published = read_published(path.parent)
    # If the file was edited, the record beside it no longer describes it.
    known = published if published and digest(read(path) or b"") == published.values else None
    return State(word, read_values(path), known)


def _default(project: Project, dataset: str) -> Path:
    """Return where the last report on a data set that was built without parameters is kept."""
    return project.build / _DEFAULT / dataset


def _shown(kind: str, text: str) -> str:
    if kind == "figure" and text:
        return "a picture"
    return {"true": "holds", "false": "is false"}.get(text, text) if kind == "claim" else text


def _base(drift: Drift) -> str:
    return drift.name.partition("[")[0]


def _is_meant(kind: str, name: str, wanted: str) -> bool:
    """Return whether `wanted` is this kind, the task or the chapter of this name, or a pattern."""
    task = task_of(name) if kind == "figure" else name.rpartition(".")[0]
    return wanted in (kind, task) or fnmatchcase(name, wanted)


def _size(drift: Drift, recorded: Mapping[str, Any]) -> str:
    """Return how far two numbers differ: absolute, relative, and in multiples of the tolerance."""
    if drift.kind != "drifted":
        return drift.kind
    if drift.change is None:
        return "different"
    was, now = drift.change
    try:
        parts = [f"{now - was:+.3g}"]
    except OverflowError:
        return "different"
    if was:
        parts.append(f"{(now - was) / abs(was):+.2%}")
    entry = recorded.get(_base(drift), {})
    allowed = max(entry.get("relative", 0.0) * max(abs(was), abs(now)), entry.get("absolute", 0.0))
    if allowed and math.isfinite(allowed):
        parts.append(f"{abs(now - was) / allowed:.2g} × the tolerance")
    return ", ".join(parts)
