"""Finds out which data set a report uses."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nbpress.errors import PressError, did_you_mean
from nbpress.project.parameters import numbers


@dataclass(frozen=True)
class DataSet:
    """The resolver's answer: which data set to use, why, and the digest of its files."""

    dataset: str
    reason: str
    sha256: str
    files: dict[str, str]
    fallback: bool
    title: str = ""  # in words, if the resolver gives one
    at_most: dict[str, int] = field(default_factory=dict)  # by parameter, if it gives them
    known: list[str] = field(default_factory=list)  # the names of all data sets, likewise

    def refuse_unknown(self, claims: Mapping[str, Iterable[str]]) -> None:
        """Refuse claims about a data set that there is not: they would never be checked."""
        for id_, names in claims.items():
            for name in names:
                if self.known and name not in self.known:
                    raise PressError(
                        f"report.yaml: claims: {id_}: no data set is called {name!r}"
                        + did_you_mean(name, self.known)
                    )

    def refuse_too_large(self, parameters: Mapping[str, Any], notebook: str) -> None:
        """Refuse parameters that ask for more than the data set has."""
        for name, most in self.at_most.items():
            for number in numbers(parameters.get(name)):
                if number > most:
                    raise PressError(
                        f"{notebook}: {name} must be ≤ {most:,} with the data set "
                        f"{self.dataset!r}; got {number:,}"
                    )


_PRESS = ("nbpress", "nbtypeset")  # never forgotten, even in a project that contains them

_OPTIONAL = {"title", "at_most", "known"}
_SHAPE = {name: kind for name, kind in DataSet.__annotations__.items() if name not in _OPTIONAL}
_ANSWER = TypeAdapter(DataSet)

NO_DATA_SET = DataSet("", "", "", {}, False)  # for a report without a resolver


def resolve(dataset: str, resolver: str | None, sources: Iterable[Path]) -> DataSet:
    """Ask the report's resolver, a `module:function` in `sources`, what a data set's name means.

    Without a resolver there is no data set, and only `auto` is accepted.
    """
    if resolver is None:
        if dataset != "auto":
            raise PressError(
                f"DATASET is {dataset!r}, but report.yaml has no resolver, so this report has no "
                "data set: leave DATASET out, or add `resolver: module:function`"
            )
        return NO_DATA_SET
    module, _, function = resolver.partition(":")
    with _imported_afresh(sources):
        try:
            function_ = getattr(importlib.import_module(module), function)
        except Exception as error:  # the module may raise anything when imported
            raise PressError(
                f"report.yaml: resolver must be 'module:function', with the module in one of the "
                f"folders of `sources`; got {resolver!r} ({type(error).__name__}: {error})"
            ) from error
        try:
            answer = function_(dataset)
        except ValueError as error:
            raise PressError(str(error)) from error
        except Exception as error:
            raise _unusable(resolver, f"raised {type(error).__name__}: {error}") from error
    try:
        names = [name for name in DataSet.__annotations__ if hasattr(answer, name)]
        return _ANSWER.validate_python({name: getattr(answer, name) for name in names})
    except ValidationError as error:
        raise _unusable(resolver, f"returned {answer!r}") from error


@contextlib.contextmanager
def _imported_afresh(sources: Iterable[Path]) -> Iterator[None]:
    """Also find modules in `sources`, and forget those imported from there afterwards.

    `nbpress watch` calls the resolver again after each change, so neither an old module nor its
    state may remain.
    """
    folders = [str(folder) for folder in sources]
    path, modules = sys.path[:], set(sys.modules)
    sys.path[:0] = reversed([folder for folder in folders if folder not in path])
    importlib.invalidate_caches()
    # On a full disk Python would leave half a file of bytecode, and fail on it the next time.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode, sys.path[:] = writes, path
        for name in sys.modules.keys() - modules:
            module = sys.modules[name]
            files = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            is_theirs = any(f and f.startswith(f"{folder}/") for f in files for folder in folders)
            if is_theirs and name.partition(".")[0] not in _PRESS:
                del sys.modules[name]


def _unusable(resolver: str, outcome: str) -> PressError:
    shape = ", ".join(f"{name}: {kind}" for name, kind in _SHAPE.items())
    return PressError(
        f"report.yaml: the resolver {resolver} {outcome}; expected an object with the attributes "
        f"{shape}, or a ValueError that says why the data set is not available"
    )
