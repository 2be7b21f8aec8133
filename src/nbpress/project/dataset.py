"""Which data set a report is made on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbpress.errors import PressError


@dataclass(frozen=True)
class DataSet:
    """What the resolver says: which data set, why this one, and the digest of its files."""

    dataset: str
    reason: str
    sha256: str
    files: dict[str, str]
    fallback: bool


def resolve(dataset: str, resolver: str, sources: Iterable[Path]) -> DataSet:
    """Ask the report's resolver, a `module:function` of `sources`, what a data set's name means."""
    module, _, function = resolver.partition(":")
    for folder in sources:
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    # On a full disk Python would leave half a file, and stumble over it the next time.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        function_ = getattr(importlib.import_module(module), function)
    except Exception as error:  # whatever that module does when imported
        raise PressError(
            f"report.yaml: resolver must be 'module:function'; "
            f"got {resolver!r} ({type(error).__name__}: {error})"
        ) from error
    finally:
        sys.dont_write_bytecode = writes
    try:
        answer = function_(dataset)
    except ValueError as error:
        raise PressError(str(error)) from error
    return DataSet(answer.dataset, answer.reason, answer.sha256, answer.files, answer.fallback)
