"""The versions that a report runs with: Python's, and those of packages it may import."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nbpress.errors import PressError, did_you_mean


@cache
def installed_versions(distribution: str | None) -> dict[str, str]:
    """Return Python's version and those of all run-time dependencies, direct and indirect.

    Only the extras named with the distribution count, `report[science]`: a new linter, say, does
    not change results. Without a distribution, every installed package counts.

    Raises
    ------
    PressError
        If the distribution is not installed, or has no such extra.
    """
    if distribution is None:
        every = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
        return {"python": platform.python_version(), **dict(sorted(every.items()))}
    own, extras = _installed(distribution)
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(own, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # conda-forge has the same modules under another name: pypandoc for pypandoc-binary.
            if name.endswith("-binary"):
                waiting.append((name.removesuffix("-binary"), extra))
            continue
        if name != own:
            versions[name] = installed.version
        for text in installed.requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = {(canonicalize_name(requirement.name), e) for e in ("", *requirement.extras)}
            waiting += needed - seen
            seen |= needed
    return {"python": platform.python_version(), **dict(sorted(versions.items()))}


def _installed(distribution: str) -> tuple[str, set[str]]:
    """Return the name and the extras of the distribution that report.yaml names."""
    expected = (
        "expected the name that pyproject.toml gives this project, with the extras that its "
        "notebooks need, `name[extra]`, or no `distribution` at all"
    )
    try:
        requirement = Requirement(distribution)
        installed_one = metadata.distribution(requirement.name)
    except (InvalidRequirement, metadata.PackageNotFoundError) as error:
        raise PressError(
            f"report.yaml: distribution {distribution!r} is not installed; {expected}"
        ) from error
    for extra in requirement.extras:
        known = installed_one.metadata.get_all("Provides-Extra") or ()
        if canonicalize_name(extra) not in map(canonicalize_name, known):
            raise PressError(
                f"report.yaml: distribution {requirement.name!r} has no extra {extra!r}"
                f"{did_you_mean(extra, known)}; {expected}"
            )
    return requirement.name, requirement.extras


def locked_versions(lock: str) -> dict[str, str]:
    """Return the versions that a lock pins, by "==", for this Python and system."""
    pinned: dict[str, str] = {}
    for line in lock.splitlines():
        try:
            requirement = Requirement(line.rstrip("\\ "))
        except InvalidRequirement:  # an option, a comment, or a hash
            continue
        exact = [each.version for each in requirement.specifier if each.operator == "=="]
        if exact and (requirement.marker is None or requirement.marker.evaluate()):
            pinned[canonicalize_name(requirement.name)] = exact[0]
    return pinned
