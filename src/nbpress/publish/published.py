"""Publishes one report in several forms, and records them in `report/published.json`.

The forms and `values.json` come from the same runs. The record is written and renamed last: if it
was written but not renamed, the next build completes the interrupted publication.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from nbpress.errors import PressError
from nbpress.files import as_json, aside, digest, read, write
from nbpress.log import say
from nbpress.project.parameters import Parameters

RECORD = "published.json"
VALUES = "values.json"

FORMS = ("report.pdf", "report.html", "report.tex")

# An edited record must not make the press write or delete files that are not its own, or make
# nbconvert import a module named as an exporter.
_Name = Annotated[str, StringConstraints(pattern=r"^report\.(pdf|html|tex)$")]
_File = Annotated[
    str, StringConstraints(pattern=r"^(report\.(pdf|html|tex)|report_files/\w[\w.-]*)$")
]
_Exporter = Annotated[
    str, StringConstraints(pattern=r"^(typst-pdf|report-latex-pdf|offline-html|report-latex)$")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Form(_Strict):
    """One form of the report: how it was rendered, and into which files."""

    exporter: _Exporter
    show_code: bool
    key: str  # the digest of everything it was rendered from
    notes: list[str]
    files: dict[_File, str]  # their SHA-256


class Published(_Strict):
    """The published report, and what it was made from."""

    dataset: str
    reason: str  # why this data set
    fallback: bool = False  # whether it replaces another one that is not available
    sha256: str  # of the data
    parameters: Parameters  # as given
    commit: str  # as a sentence
    date: datetime.date
    values: str  # the SHA-256 of values.json
    claims: dict[str, bool] = {}  # whether they hold
    figures: dict[str, str] = {}  # the SHA-256 of the pictures, by label
    ran_with: dict[str, dict[str, Any]] = {}  # the parameters of each chapter
    forms: dict[_Name, Form]

    def to_bytes(self) -> bytes:
        """Return the content of the record's file."""
        return as_json(self.model_dump(mode="json")).encode()

    def files(self) -> dict[str, str]:
        """Return the SHA-256 of every published file."""
        return {VALUES: self.values} | {
            name: sha for form in self.forms.values() for name, sha in form.files.items()
        }


def read_published(output: Path) -> Published | None:
    """Return the record of the published report; None if there is none.

    Raises
    ------
    PressError
        If it is damaged.
    """
    try:
        return Published.model_validate_json((output / RECORD).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        problem = error.errors()[0]
        where = "".join(f"{part}." for part in problem["loc"]).removesuffix(".")
        message = f"{where}: {problem['msg'].lower()}" if where else problem["msg"]
        raise PressError(
            f"report/{RECORD} is damaged ({message}): make report writes it anew"
        ) from error


def finish(output: Path) -> None:
    """Complete a publication that was killed between its renames; discard one killed before.

    Renaming begins only when everything is written: the record, and every file that it lists,
    each under its own or its temporary name.
    """
    record = read(aside(output / RECORD))
    with contextlib.suppress(ValidationError):
        files = Published.model_validate_json(record or b"").files()
        written = {name: [output / name, aside(output / name)] for name in files}
        if all(files[name] in _digests(paths) for name, paths in written.items()):
            copies = output.glob(".report.*~*.new")  # of the user's files: renamed first
            for path in (*copies, *(aside(output / name) for name in (*files, RECORD))):
                if path.exists():
                    os.replace(path, path.with_name(path.name[1:].removesuffix(".new")))
    for path in (
        *(aside(output / name) for name in (VALUES, *FORMS, RECORD)),
        *output.glob(".report.*~*.new"),
        *(output / "report_files").glob(".*.new"),
    ):
        path.unlink(missing_ok=True)


def _digests(paths: Iterable[Path]) -> list[str]:
    return [digest(content) for path in paths if (content := read(path)) is not None]


def publish(output: Path, files: Mapping[str, bytes], former: Published | None) -> list[Path]:
    """Write all files except those that are unchanged; return the paths of those written.

    Files of the previous publication that are not among them are deleted. A file that the press
    did not write, or that was edited since, is kept beside the new one, as `report.tex~`.
    """
    ours = former.files() if former else {}
    new, kept = {}, {}
    for name, content in files.items():
        there = read(output / name)
        if there == content:
            continue
        new[output / name] = content
        if there is not None and name not in (VALUES, RECORD) and digest(there) != ours.get(name):
            copy = _copy_of(output / name, there)
            say(f"note: report/{name} was edited or not published from here: kept as {copy.name}")
            kept[copy] = there
    write({**kept, **new})
    delete_own(output, {name: sha for name, sha in ours.items() if name not in files})
    return list(new)


def _copy_of(path: Path, content: bytes) -> Path:
    """Return where to keep a file: `report.tex~`, or with a number appended if that is taken."""
    numbers = itertools.chain([""], itertools.count(2))
    copies = (path.with_name(f"{path.name}~{number}") for number in numbers)
    return next(copy for copy in copies if read(copy) in (None, content))


def delete_own(output: Path, files: Mapping[str, str]) -> list[str]:
    """Delete the files that still have the SHA-256 they were published with; return the others."""
    others = []
    for name, sha in files.items():
        content = read(output / name)
        if content is not None and digest(content) == sha:
            (output / name).unlink()
            if "/" in name:
                with contextlib.suppress(OSError):  # it is not empty
                    (output / name).parent.rmdir()
        elif content is not None:
            others.append(name)
    return others
