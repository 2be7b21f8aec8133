"""The records that a notebook leaves for its report, each in an output of a cell.

A record is stored under `MIME_TYPE` in a displayed output, beside the visible picture or
Markdown. The typesetter's schema defines the fields that a document needs; only the press uses
the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from nbpress.errors import PressError
from nbtypeset import schema
from nbtypeset.anchors import TASK, TASK_WORDS
from nbtypeset.schema import MIME_TYPE, Caption, Record

LABEL = r"(?:fig|tab|eq)-[a-z0-9-]+"  # has one spelling everywhere
NAME = r"[a-z0-9][a-z0-9-]*"  # of a claim


@dataclass(frozen=True)
class Figure(schema.Figure):
    """A figure, and the values that its caption and its text alternative quote."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.alt, str):  # plain text, in which line breaks have no meaning
            object.__setattr__(self, "alt", " ".join(self.alt.split()))

    @property
    def task(self) -> str:
        """The task that the label names."""
        return task_of(self.label)


@dataclass(frozen=True)
class Table(schema.Table):
    """A table, and the values that its caption quotes."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The task that the label names."""
        return task_of(self.label)


@dataclass(frozen=True)
class Values(Record):
    """Values of a task that a notebook records, quoted or not."""

    kind: ClassVar[str] = "values"
    task: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Answer(Record):
    """A passage of prose, and the values that it quotes."""

    kind: ClassVar[str] = "answer"
    task: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings(Record):
    """The values used where a parameter is None, and those that suit the data set."""

    kind: ClassVar[str] = "settings"
    values: Mapping[str, Any] = field(default_factory=dict)
    suits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim(Record):
    """A statement about the data, and whether it holds; `sentence` is what is printed."""

    kind: ClassVar[str] = "claim"
    task: str
    id: str
    text: str
    holds: bool
    sentence: str
    values: Mapping[str, Any] = field(default_factory=dict)  # that its sentence quotes

    @property
    def verdict(self) -> str:
        """The name of its mark in `nbtypeset.schema.VERDICTS`."""
        return "checked" if self.holds else "otherwise"


@dataclass(frozen=True)
class Derivation(Record):
    """A derivation that a prover has accepted: the formulas it read, and what it proved."""

    kind: ClassVar[str] = "derivation"
    task: str
    formulas: Sequence[Sequence[str]]  # the class and the LaTeX of each
    results: Sequence[str]  # equalities, in LaTeX
    summary: str
    values: Mapping[str, Any] = field(default_factory=dict)


_KINDS: dict[str, type[Record]] = {
    type_.kind: type_
    for type_ in (Figure, Table, Caption, Values, Answer, Settings, Claim, Derivation)
}


def from_json(content: Mapping[str, Any]) -> Record:
    """Return the record that `to_json` wrote; refuse anything that it cannot have written."""
    given = dict(content)
    try:
        record = _KINDS[given.pop("kind")](**given)
        for each in fields(record):
            if each.type == "str" and not isinstance(getattr(record, each.name), str):
                raise TypeError(f"{each.name} must be text; got {getattr(record, each.name)!r}")
        for name in ("values", "suits"):
            if not isinstance(getattr(record, name, {}), dict):
                raise TypeError(f"{name} must be a mapping")
        return record
    except (KeyError, TypeError) as error:
        raise PressError(
            f"a cell shows {MIME_TYPE} that is not a record of nbpress: {error}; "
            "show it with nbpress's functions"
        ) from error


def record_of(output: Mapping[str, Any]) -> Record | None:
    """Return the record in an output, if it has one."""
    content = output.get("data", {}).get(MIME_TYPE)
    return None if content is None else from_json(content)


def records(cell: Mapping[str, Any]) -> list[Record]:
    """Return the records in the outputs of a code cell; those of another cell do not count."""
    if cell.get("cell_type", "code") != "code":
        return []
    return [record for o in cell.get("outputs", ()) if (record := record_of(o)) is not None]


def settings(cells: Iterable[dict[str, Any]]) -> Settings:
    """Return all settings that an executed notebook recorded."""
    values: dict[str, Any] = {}
    suits: dict[str, Any] = {}
    for cell in cells:
        for record in records(cell):
            if isinstance(record, Settings):
                values |= record.values
                suits |= record.suits
    return Settings(values, suits)


def validate_label(kind: type[Figure | Table], label: str) -> None:
    """Refuse a label that no reference could name."""
    start = f"{kind.kind[:3]}-"
    if not (label.startswith(start) and re.fullmatch(LABEL, label)):
        raise ValueError(
            f"a {kind.kind}'s label must be {start!r} and then lower-case letters, digits and "
            f"hyphens, '{start}2b'; got {label!r}"
        )


def task_of(label: str) -> str:
    """Return the task that a label names, "2b" for `fig-2b` and `fig-2b-zoom`; "" if none."""
    name = label.partition("-")[2].partition("-")[0]
    task = name.upper() if name.isalpha() else name
    return task if re.fullmatch(TASK, task) else ""


def validate_claim(id_: str) -> None:
    """Refuse a claim's id that report.yaml could not list."""
    if not re.fullmatch(NAME, id_):
        raise ValueError(
            f"a claim's id must have only lower-case letters, digits and hyphens, 'norm-falls'; "
            f"got {id_!r}"
        )


def validate_task(task: str) -> str:
    """Return the name of a task; refuse one that no heading could have."""
    if not re.fullmatch(TASK, task):
        raise ValueError(
            f"a task's name must be like '2d', '2' or, for an appendix, 'A'; got {task!r}"
        )
    return task


def misplaced(kind: str, named: str, task: str) -> str:
    """Return the message for a part of a task that is under another task's heading, or none."""
    return (
        f"the {kind} of task {named} is under {f'task {task}' if task else 'no task'}; move it "
        f"below the heading '## {heading_of(named)} …' (or {', '.join(TASK_WORDS[1:-1])})"
    )


def heading_of(task: str) -> str:
    """Return how a task's heading begins by default, "Task 2d"."""
    return f"{'Appendix' if task.isupper() else 'Task'} {task}"
