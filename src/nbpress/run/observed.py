"""Digests of what a run was observed to read, to be compared with a later state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbpress.errors import PressError
from nbpress.files import digest
from nbpress.run.observer import ProjectFiles, identity

ABSENT = "absent"

_OVERWRITTEN = "overwritten"  # by the notebook that had read it: never equal to a later state
_UNSEEN = "a file that could not be observed"


@dataclass(frozen=True)
class Observation:
    """What a kernel's observer reports; see `nbpress.run.observer.Observer`."""

    loaded: list[str] = field(default_factory=list)  # the files of its modules
    read: dict[str, Any] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    reread: list[str] = field(default_factory=list)  # made by the notebook, then read
    troubles: list[str] = field(default_factory=list)


def read_observation(file: Path) -> Observation:
    """Read an observation from its JSON."""
    return Observation(**json.loads(file.read_text("utf-8")))


def digests(root: Path, names: Iterable[str], without: Collection[str] = ()) -> dict[str, str]:
    """Return the current digests of files, and of folders by the names in them.

    Parameters
    ----------
    without
        Names, relative to the root, to ignore in folders.
    """
    files = ProjectFiles(root)
    return {name: _state(files, name, without) for name in names}


def after_run(
    root: Path,
    observation: Observation,
    modules: Mapping[str, str],
    known: Mapping[str, str],
) -> tuple[dict[str, str], list[str]]:
    """Return the digests of what a run loaded and read, and the names of what changed meanwhile.

    A file that the notebook itself overwrote after reading it does not count as changed: it is
    recorded so that it differs from every later state, and the notebook runs again each time.

    Parameters
    ----------
    modules
        The digests of all modules that could be imported, at the start of the run.
    known
        The digests of the files in its key.
    """
    files = set(observation.loaded)
    loaded = {name: sha for name, sha in modules.items() if str(root / name) in files}
    before_run = {**loaded, **known}
    after = digests(root, before_run)
    changed = [name for name, sha in before_run.items() if after[name] != sha]
    now = digests(root, observation.read, observation.written)
    for name, before in observation.read.items():
        if _is_as_before(root / name, name, before, now[name], observation.written):
            continue
        if name in observation.written:
            now[name] = _OVERWRITTEN
        else:
            changed.append(name)
    unseen = {_UNSEEN: "unknown"} if observation.troubles else {}
    made = digests(root, observation.reread)
    return {**now, **made, **unseen, **loaded}, list(dict.fromkeys(changed))


def declared(root: Path, patterns: Iterable[str]) -> dict[str, str]:
    """Return the digests of the files that a chapter declares as `inputs`."""
    return digests(
        root, (path.relative_to(root).as_posix() for path in declared_files(root, patterns))
    )


def changes_since(root: Path, read: Mapping[str, str], written: Collection[str]) -> str:
    """Say in a line what has changed since a run read it; "" if nothing has."""
    now = digests(root, read, written)
    changed = [name for name in now if now[name] != read[name]]
    return describe(changed, read, now) if changed else ""


def describe(names: list[str], before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say in a line what changed, appeared or disappeared: `data/a.csv, data/b.csv changed`."""
    verbs = {_verb(before.get(name), now.get(name)) for name in names}
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return f"{', '.join(names[:3])}{more} {verbs.pop() if len(verbs) == 1 else 'changed'}"


def _verb(before: str | None, now: str | None) -> str:
    return {before: "appeared", now: "disappeared"}.get(ABSENT, "changed")


def _state(files: ProjectFiles, name: str, without: Collection[str]) -> str:
    path = Path(files.root, name)
    try:
        if name.endswith("/"):
            return _digest_of_names(name, files.names(name), without)
        if not path.is_file():  # reading a pipe would block
            return ABSENT
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return "unreadable"


def _is_as_before(path: Path, name: str, before: Any, now: str, written: Collection[str]) -> bool:
    if before is None or now == ABSENT:
        return (before is None) == (now == ABSENT)
    if name.endswith("/"):
        return _digest_of_names(name, before, written) == now
    return identity(path.stat()) == before


def _digest_of_names(folder: str, names: Iterable[str], without: Collection[str]) -> str:
    prefix = folder.removeprefix("./")
    return f"names {digest(json.dumps([n for n in names if prefix + n not in without]))}"


def declared_files(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Yield the files that patterns match, including those in folders that they match.

    Raises
    ------
    PressError
        If a pattern matches nothing.
    """
    files = ProjectFiles(root)
    for pattern in patterns:
        literal = root / pattern
        try:
            matches = [literal] if literal.exists() else sorted(root.glob(pattern))
        except (ValueError, NotImplementedError) as error:  # `**x`
            raise PressError(f"report.yaml: the inputs {pattern!r}: {error}") from error
        if not matches:
            raise PressError(
                f"report.yaml: no file or folder in the project matches the inputs {pattern!r}"
            )
        for match in matches:
            for path in [match] if match.is_file() else sorted(match.rglob("*")):
                is_hidden = any(part.startswith(".") for part in path.relative_to(match).parts)
                counts = not is_hidden and files.name(str(path)) is not None
                if path.is_file() and (counts or path == match):
                    yield path
