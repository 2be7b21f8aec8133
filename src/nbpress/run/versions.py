"""The versions that a report runs with: Python's and those of its distribution's dependencies."""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from nbpress.errors import PressError


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
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(distribution, "")]
    while waiting:
        name, extra = waiting.pop()
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name != distribution:
            versions[name] = installed.version
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
    return {"python": platform.python_version(), **dict(sorted(versions.items()))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
