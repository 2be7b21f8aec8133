"""A sweep's journal: the state of each run, in an SQLite database that survives any kill.

It alone decides what is left to do when a sweep is started again. A change is stored when the call
returns, or at the end of a block of changes that belong together. Only a process that holds the
sweep's lock may write to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbpress.errors import PressError

WAITING, RUNNING, DONE, FAILED, LOST = "waiting", "running", "done", "failed", "lost"

_VERSION = 1
_COLUMNS = {"values": "said"}  # VALUES is a word of SQL's own
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    point TEXT PRIMARY KEY,     -- its parameters, as JSON with sorted names
    position INTEGER,           -- in the grid; NULL: no longer in it
    key TEXT NOT NULL,          -- the digest of everything it depends on
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    kills INTEGER NOT NULL DEFAULT 0,  -- how often the process that ran it was killed
    started REAL,               -- seconds since 1970
    seconds REAL,
    host TEXT,
    said TEXT NOT NULL DEFAULT '{}',      -- its values, as JSON
    observed TEXT NOT NULL DEFAULT '{}',  -- what it read, with digests
    error TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL DEFAULT ''         -- of the executed notebook, from the root
);
"""


@dataclass(frozen=True)
class Entry:
    """A run in the journal."""

    parameters: dict[str, Any]
    key: str
    state: str = WAITING
    attempts: int = 0
    kills: int = 0
    started: float | None = None
    seconds: float | None = None
    host: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)  # what it read and wrote
    error: str = ""
    path: str = ""

    @property
    def point(self) -> str:
        """The name of the run."""
        return point_of(self.parameters)


def point_of(parameters: Mapping[str, Any]) -> str:
    """Return the name of a run with these parameters."""
    return json.dumps(parameters, sort_keys=True)


class DamagedJournal(PressError):
    """A journal is damaged; it was not changed."""


class NewerJournal(PressError):
    """A journal has a version that this nbpress cannot read; it was not changed."""


class Journal:
    """The journal of one sweep; a damaged one is moved aside, and a new one is started.

    Finished runs are then found again among the executed notebooks.

    Parameters
    ----------
    reading
        Whether only to read it, without the lock; a damaged journal is refused then.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self.path = path
        self._are_together = False
        self.damaged: Path | None = None  # where a damaged one was moved
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise _refused(path, error) from error
            if reading:
                raise _damaged(path) from error
            self.damaged = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            os.replace(path, self.damaged)
            for beside in (f"{path}-journal", f"{path}-wal", f"{path}-shm"):
                Path(beside).unlink(missing_ok=True)
            self._database = _open(path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def fact(self, name: str) -> Any:
        """Return a fact that was noted about the sweep itself; None if there is none."""
        query = "SELECT value FROM facts WHERE name = ?"
        with self._reading():
            row = self._database.execute(query, [name]).fetchone()
        return json.loads(row[0]) if row else None

    def note(self, facts: Mapping[str, Any]) -> None:
        """Note facts about the sweep itself."""
        with self._writing():
            self._database.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in facts.items()],
            )

    def entries(self) -> list[Entry]:
        """Return the runs of the grid, in its order."""
        query = (
            "SELECT point, said, observed, key, state, attempts, kills, started, seconds, host,"
            " error, path FROM runs WHERE position IS NOT NULL ORDER BY position"
        )
        with self._reading():
            cursor = self._database.execute(query)
            rows = cursor.fetchall()
        names = [column[0] for column in cursor.description[3:]]
        return [
            Entry(
                parameters=json.loads(point),
                values=json.loads(said),
                observed=json.loads(observed),
                **dict(zip(names, plain, strict=True)),
            )
            for point, said, observed, *plain in rows
        ]

    def lay_out(self, points: Iterable[tuple[str, str]]) -> None:
        """Set the grid to these points and keys; runs no longer in the grid are kept."""
        with self._writing():
            self._database.execute("UPDATE runs SET position = NULL")
            self._database.executemany(
                "INSERT INTO runs (point, position, key, state) VALUES (?, ?, ?, 'waiting')"
                " ON CONFLICT (point) DO UPDATE SET position = excluded.position",
                [(point, position, key) for position, (point, key) in enumerate(points)],
            )

    def change(self, points: Iterable[str], **changes: Any) -> None:
        """Change fields of some runs' entries."""
        columns = {_COLUMNS.get(name, name): value for name, value in changes.items()}
        values = [json.dumps(v) if isinstance(v, dict) else v for v in columns.values()]
        assignments = ", ".join(f"{name} = ?" for name in columns)
        with self._writing():
            self._database.executemany(
                f"UPDATE runs SET {assignments} WHERE point = ?",
                [(*values, point) for point in points],
            )

    def update(self, entry: Entry, **changes: Any) -> Entry:
        """Change fields of a run's entry; return the new one."""
        self.change([entry.point], **changes)
        return replace(entry, **changes)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Store the changes made in the block at its end, all or none: storing each is slow."""
        with self._writing():
            self._are_together = True
            try:
                yield
            finally:
                self._are_together = False

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading(), contextlib.nullcontext() if self._are_together else self._database:
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _refused(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path) from error


def _open(path: Path) -> sqlite3.Connection:
    """Open a journal, or make one."""
    database = sqlite3.connect(path, timeout=30)
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise NewerJournal(
                f"{path} has version {version}, from a newer nbpress; this one reads version "
                f"{_VERSION}: update nbpress, or remove the sweep "
                f"(`nbpress sweep rm {path.parent.name}`)"
            )
        (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        if not version:
            with database:
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")
        try:
            database.execute("SELECT count(*) FROM runs, facts").fetchone()
        except sqlite3.OperationalError as error:  # no such table
            raise sqlite3.DatabaseError(error) from error
    except BaseException:
        database.close()
        raise
    return database


def _damaged(path: Path) -> DamagedJournal:
    return DamagedJournal(
        f"{path} is damaged: start the sweep again with its grid; finished runs are found among "
        "the executed notebooks"
    )


def _refused(path: Path, error: sqlite3.OperationalError) -> PressError:
    remedy = "make room" if "full" in str(error) else "see to it that it can be read and written"
    return PressError(f"cannot read or write {path}: {error}; {remedy}, and run it again")
