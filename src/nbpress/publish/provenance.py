"""States where a report comes from: data, commit, parameters, packages and date."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypandoc

from nbpress.errors import PressError
from nbpress.files import digest
from nbpress.project.dataset import NO_DATA_SET, DataSet
from nbpress.project.project import folders_below
from nbpress.run.execute import Execution
from nbpress.run.inputs import RECORDED
from nbpress.run.plan import REFERENCE, Plan
from nbpress.run.versions import installed_versions, locked_versions
from nbpress.say.markdown import pipe_table
from nbpress.say.records import settings

LOCK = "requirements.lock"
_MOST_NAMED = 3  # changed files
# Settings of a repository might have git pass over changes.
_COMPARING = ("-c", "core.fsmonitor=false", "-c", "core.checkStat=default")

# The tools named in the report, by their packages.
_TOOLS = {
    "python": "Python",
    "numpy": "NumPy",
    "matplotlib": "Matplotlib",
    "sympy": "SymPy",
    "papermill": "papermill",
    "nbconvert": "nbconvert",
    "typst": "typst-py",
}


@dataclass(frozen=True)
class Commit:
    """The commit that the report is built from, as a sentence, and the report's date."""

    text: str
    date: datetime.date


def provenance(
    dataset: DataSet,
    ran_with: Mapping[str, Mapping[str, tuple[Any, Any]]],
    commit: Commit,
    distribution: str | None,
    root: Path,
) -> str:
    """Return the data, code, parameters and packages behind the report, as Markdown."""
    files = [[f"`{name}`", _hash(sha256, 32)] for name, sha256 in dataset.files.items()]
    chapters = [
        [f"`{chapter}.ipynb`", parameters]
        for chapter, each in ran_with.items()
        if (parameters := _in_words(each))
    ]
    paragraphs = [
        f"Data set `{dataset.dataset}`: {dataset.reason}",
        pipe_table(["File", "SHA-256"], files),
        commit.text,
        pipe_table(["Chapter", "Parameters"], chapters),
        _versions(root, installed_versions(distribution)),
    ]
    return "\n\n".join(paragraphs[2:] if dataset == NO_DATA_SET else paragraphs)


def _versions(root: Path, installed: Mapping[str, str]) -> str:
    """Name the tools, and the installed packages that differ from the lock."""
    tools = [f"{_TOOLS[name]} {installed[name]}" for name in _TOOLS if name in installed]
    made = f"Made with {', '.join([*tools, f'pandoc {pypandoc.get_pandoc_version()}'])}."
    lock = root / LOCK
    if not lock.is_file():
        return f"{made} Installed versions: {_listed(installed)}."
    content = lock.read_bytes()
    pinned = locked_versions(content.decode())
    packages = {name: version for name, version in installed.items() if name != "python"}
    other = {name: v for name, v in packages.items() if pinned.get(name) != v}
    count = f"{len(packages)} installed packages that this report may depend on"
    said = (
        f"Of the {count}, these differ from the versions that `{LOCK}` pins: {_listed(other)}"
        if other
        else f"The {count} have the versions that `{LOCK}` pins"
    )
    return f"{made} {said}. Its SHA-256 is {_hash(digest(content))}."


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def read_commit(root: Path, date: datetime.date | None) -> Commit:
    """Ask git for the commit; without git or outside a checkout, the text says so.

    The report's date is the given one, else SOURCE_DATE_EPOCH's, the commit's, or today's. Code
    that git was told to pass over counts as a change that is not committed.
    """
    date = date or _epoch_date()

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", *_COMPARING, *arguments],
            cwd=root,
            capture_output=True,
            encoding="utf-8",  # whatever the locale; names of files may be other bytes
            errors="replace",
            check=True,
        ).stdout

    try:
        # If the project is a mere copy inside another checkout, that commit is not its own.
        git("ls-files", "--error-unmatch", "report/report.yaml")
        commit, day = git("log", "-1", "--format=%H %cs").split()
        status = git("status", "--porcelain", "--no-renames", "--untracked-files=all", "-z")
        listed = git("ls-files", "-v", "-z").split("\0")
    except (OSError, subprocess.CalledProcessError, ValueError):
        text = "Code: no git commit is known; this folder is not a git checkout."
        return Commit(text, date or _date(time.time()))
    changed = [entry[3:] for entry in status.split("\0") if entry]  # "?? new.txt"
    changed += [name for name in _passed_over(root, listed) if name not in changed]
    state = (
        f"with changes that are not committed: {_few(changed)}"
        if changed
        else "without uncommitted changes"
    )
    return Commit(
        f"Code: git commit `{commit}` of {day}, {state}.", date or datetime.date.fromisoformat(day)
    )


def _passed_over(root: Path, listed: Sequence[str]) -> Iterator[str]:
    """Yield files that git does not compare, and code that it ignores.

    In a list of git's files, the first letter is lower case or S if a file is not compared.
    """
    files = {entry[2:]: entry[0] for entry in listed if entry}
    yield from (n for n, flag in files.items() if flag not in "HM" and (root / n).exists())
    for folder, names in folders_below(root):
        if folder.is_relative_to(root / "build"):
            continue
        for name in names:
            path = (folder / name).relative_to(root).as_posix()
            path = os.fsencode(path).decode("utf-8", "replace")
            if name.endswith((".py", ".ipynb")) and path not in files:
                yield path


def _few(names: Sequence[str]) -> str:
    """Return the first names of files as code, and the number of all others."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    shown = [re.sub(r"[`\s]", " ", name) for name in names[:_MOST_NAMED]]
    return ", ".join(f"`{name}`" for name in shown) + more


def _epoch_date() -> datetime.date | None:
    """Return the date that SOURCE_DATE_EPOCH gives in seconds since 1970, if it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return _date(int(epoch)) if epoch else None
    except (ValueError, OverflowError, OSError) as error:
        raise PressError(f"SOURCE_DATE_EPOCH must be a number of seconds; got {epoch!r}") from error


def _date(seconds: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()


def parameters_of(plan: Plan, execution: Execution) -> dict[str, tuple[Any, Any]]:
    """Return each parameter's value in a chapter's run, and its value if none were given."""
    chosen = settings(execution.runs[plan.chapter.name].executed["cells"])
    parameters = {}
    for name, parameter in plan.notebook.parameters().items():
        # Values of other chapters and reference values appear in the chapter itself.
        if name not in (RECORDED, REFERENCE):
            ran_with = plan.parameters.get(name, parameter.default)
            # The user does not set the data set as a parameter.
            own = ran_with if name == "dataset" else parameter.default
            parameters[name] = (
                chosen.values.get(name, ran_with),
                chosen.suits.get(name) if own is None else own,
            )
    return parameters


def _in_words(parameters: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(
        f"`{name}` = {json.dumps(value, ensure_ascii=False)}"
        for name, (value, _) in parameters.items()
        if value is not None
    )


def _hash(sha256: str, size: int = 16) -> str:
    """Return a digest in groups, so that lines can break between them."""
    return " ".join(f"`{sha256[i : i + size]}`" for i in range(0, len(sha256), size))
