"""Decides which data set a name means, and locates its files, each verified by SHA-256.

Nothing here needs NumPy, so that `resolve` can answer before any kernel starts. Missing files are
fetched by `onelayer.download`; `onelayer.data` reads them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from onelayer import registry
from onelayer.download import DownloadError, download
from onelayer.errors import DataError
from onelayer.files import read_regular
from onelayer.registry import Description

_COUNTS = {1: "file", 4: "four files"}


@dataclass(frozen=True)
class Resolved:
    """Which data set is used, why, and the digests that identify it.

    Attributes
    ----------
    dataset : str
        ``"mnist"``, ``"digits"``, or the name of one of your own.
    title : str
        The data set in words, for the report's first page.
    reason : str
        One sentence for the report's first page; it contains no path of this machine.
    sha256 : str
        One digest over all files: SHA-256 of the lines ``<sha256>  <name>``, sorted by name.
    files : dict of str to str
        File name to SHA-256.
    fallback : bool
        Whether this is the embedded data set because MNIST was not available.
    description : Description
        What its file in the registry says.
    folder : Path
        Where its files are.
    """

    dataset: str
    title: str
    reason: str
    sha256: str
    files: dict[str, str]
    fallback: bool
    description: Description
    folder: Path

    @property
    def known(self) -> list[str]:
        """The names of all data sets."""
        return registry.names()

    @property
    def at_most(self) -> dict[str, int]:
        """The largest value of a parameter that the data allow, for those that are known."""
        num_classes = self.description.num_classes
        known = {
            "train_size": self.description.num_train,
            "batch_size": self.description.num_train,
            "validation_size": self.description.num_test,
            "classes": num_classes and num_classes - 1,
        }
        return {name: most for name, most in known.items() if most is not None}


def resolve(dataset: str = "auto") -> Resolved:
    """Say which data set `dataset` stands for, having verified (or downloaded) its files.

    MNIST's files are those in the folder that ONELAYER_DATA names, else those in data/mnist of the
    working folder or of one above it; what is missing there is downloaded.

    Parameters
    ----------
    dataset : str
        A name in the registry, which is never replaced by another; or ``auto``, which means
        ``mnist``, or ``digits`` if MNIST is neither on this machine nor can be downloaded, and
        then says so on stderr. Damaged files are an error for both.

    Raises
    ------
    DataError
        If the name is unknown, ONELAYER_DATA names no folder or one without the files, a SHA-256
        is wrong, or files are missing and cannot be downloaded.
    """
    if dataset == "auto":
        try:
            return resolve("mnist")
        except DownloadError as error:
            digits = resolve("digits")
            sys.stderr.write(
                f"\n{'!' * 78}\n{error}\n\nThe embedded UCI digits (8 × 8 pixels) are used "
                f"INSTEAD OF MNIST.\n{'!' * 78}\n\n"
            )
            because = f"because MNIST was not found and could not be downloaded ({error.why})"
            reason = f"{digits.description.title}, {because}"
            return replace(digits, reason=reason, fallback=True)
    description = registry.read(dataset)
    title = description.title
    if description.package:
        folder, reason = _packaged(description), f"{title}, as asked for."
    else:
        folder, origin = _find(description)
        verified = "verified by SHA-256" if description.sha256 else "not verified: no SHA-256 given"
        reason = f"{title}, its {_COUNTS[len(description.files)]} {verified}, from {origin}."
    files = _verify(folder, description, description.files)
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.items()))
    sha256 = hashlib.sha256(lines.encode()).hexdigest()
    return Resolved(dataset, title, reason, sha256, files, False, description, folder)


def _packaged(description: Description) -> Path:
    """Return the folder in an installed package without importing it, which takes a second."""
    spec = importlib.util.find_spec(str(description.package))
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"{description.title} ship with the package {description.package}, which is not "
            "installed: `make setup`, or elsewhere install onelayer-report[science]"
        )
    return Path(spec.submodule_search_locations[0]) / description.folder


def _find(description: Description) -> tuple[Path, str]:
    """Return the folder with all files, and its description; download what is missing."""
    root = _root()
    named = os.environ.get(description.variable or "", "").strip()
    if named:
        folder = root / _expanded(named)
        absent, similar = _look(folder, description, f"{description.variable} must name a folder")
        if absent:
            raise DataError(
                f"{description.variable} names {folder}, where these files are missing: "
                f"{', '.join(absent)}.\nFound there: {', '.join(similar) or 'nothing like them'}. "
                "Add or rename files so that all are there, packed by gzip as published; or unset "
                f"{description.variable}. Another data set is chosen by its name: data/README.md."
            )
        return folder, "a local folder"
    home = root / "data" if description.home == registry.SHIPPED else description.home
    folder = home / _expanded(description.folder)
    origin = os.path.relpath(folder, home.parent)
    if origin.startswith(".."):
        origin = f"the folder that data/{description.name}.yaml names"
    absent, similar = _look(folder, description, f"{origin} must be a folder", may_be_missing=True)
    if absent:
        # Existing files must be intact before anything is fetched: damage is never hidden.
        _verify(folder, description, [name for name in description.files if name not in absent])
        setting = os.environ.get("ONELAYER_MIRRORS")
        mirrors = description.urls if setting is None else setting.split()
        if not description.sha256:
            mirrors = []
        try:
            download({name: description.sha256.get(name, "") for name in absent}, folder, mirrors)
        except DownloadError as error:
            stray = [name for name in similar if name not in description.files]
            hints = [f"{description.title}: {error}"]
            if description.variable:
                hints.append(f"{description.variable} may name another folder that has them.")
            if stray:
                hints.append(f"Misnamed, perhaps: {', '.join(stray)} in that folder.")
            raise DownloadError("\n".join(hints), error.why) from error
    return folder, origin


def _root() -> Path:
    """Return the first folder upwards with data/mnist or pyproject.toml, else the working folder.

    Relative paths start there, and downloads land in its data/mnist.
    """
    for folder in registry.folders_upwards():
        if (folder / "data" / "mnist").is_dir() or (folder / "pyproject.toml").is_file():
            return folder
    return Path.cwd()


def _expanded(folder: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise DataError(f"a folder's ~ must be the home of a user; got {folder!r}") from error


def _look(
    folder: Path, description: Description, expected: str, *, may_be_missing: bool = False
) -> tuple[list[str], list[str]]:
    """Return which of the files are absent, and the files there with a similar name."""
    try:
        names = {path.name for path in folder.iterdir() if path.exists()}
    except FileNotFoundError as error:
        if may_be_missing:
            return description.files, []
        raise DataError(f"{expected} that exists; got {folder}") from error
    except OSError as error:
        raise DataError(f"{expected} that can be read; got {folder} ({error.strerror})") from error
    absent = [name for name in description.files if name not in names]
    return absent, sorted(name for name in names if "ubyte" in name or "idx" in name)


def _verify(folder: Path, description: Description, names: list[str]) -> dict[str, str]:
    """Return the SHA-256 of each file in `folder` by name, or raise on the first wrong one."""
    return {name: _sha256(folder / name, description) for name in sorted(names)}


def _sha256(path: Path, description: Description) -> str:
    content = read_regular(path)
    actual = hashlib.sha256(content).hexdigest()
    expected = description.sha256.get(path.name, actual)
    if actual == expected:
        return actual
    raise DataError(
        f"{path} has the wrong SHA-256:\n  expected {expected}\n  found    {actual} "
        f"({len(content):,} bytes)\n{_likely_cause(content, path, description)}"
    )


def _likely_cause(content: bytes, path: Path, description: Description) -> str:
    again = f"put the published file in its place, or delete it from {path.parent.name} to have it"
    again += " downloaded again." if description.urls else " reported as missing."
    unpacker = zlib.decompressobj(wbits=31)
    try:
        is_idx = unpacker.decompress(content, 2**28).startswith(b"\0\0\x08")
    except zlib.error:
        is_idx = False
    if is_idx and unpacker.eof and not unpacker.unused_data:
        return (
            f"It is an intact IDX file, so this is another data set under the file names of "
            f"{description.title} (or its file, packed anew). Another data set needs a name of its "
            "own: register it in data/NAME.yaml, as data/README.md says, and choose "
            f"DATASET=NAME. For {description.title}, {again}"
        )
    if content.startswith(b"\x1f\x8b"):
        cause = "a download that was cut off, or a file that another program packed again"
    else:
        cause = "a web page, or unpacked data, saved under this name: it is not a gzip file"
    return f"Likely cause: {cause}. Remedy: {again}"
