"""Writes files whole or not at all: under another name first, and renamed once on the disk."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from nbpress.errors import PressError, disk_error


def write(files: Mapping[Path, bytes]) -> None:
    """Write all files under other names beside their own, and rename them when all are written."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(aside(path), content)
    for path in files:
        os.replace(aside(path), path)


def check_writable(folder: Path, names: Iterable[str]) -> None:
    """Make the folder for files of these names; raise an error now if they cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = folder / name
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
            aside(path).write_bytes(b"")
            aside(path).unlink()
    except OSError as error:
        raise disk_error(error) from error


def read(path: Path) -> bytes | None:
    """Return a file's content; None if there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of text or bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def as_json(content: Any) -> str:
    """Return indented, sorted JSON, which people can read and version control can compare."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read_yaml(path: Path) -> Any:
    """Return a YAML file's content (safe subset only)."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise PressError(f"no file {path.name}: expected a YAML file at {path}") from error
    except UnicodeDecodeError as error:
        raise PressError(f"{path.name} is not in UTF-8: save it as UTF-8") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # e.g. a date in month 13
        colon = "mapping values are not allowed" in str(error)
        hint = "\nPut a text that contains ': ' in quotes: title: \"One: two\"" if colon else ""
        raise PressError(f"{path.name} is not YAML: {error}{hint}") from error


def aside(path: Path) -> Path:
    """Return where a file is written before it is renamed."""
    return path.with_name(f".{path.name}.new")


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file and make sure that it is on the disk; leave no file if that fails."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise disk_error(error, path.parent) from error
