"""Decides which data set a name means, and locates its files, each verified by SHA-256.

Nothing here needs NumPy, so that `resolve` can answer before any kernel starts. Missing files are
fetched by `onelayer.download`; `onelayer.data` reads them.
"""

import difflib
import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from onelayer.download import MIRRORS, DownloadError, download
from onelayer.errors import DataError

DATASETS = ("auto", "mnist", "digits")

# The names follow one order, so that the digest over all files is the one that
# `sha256sum *.gz | sha256sum` prints in the data's folder.
MNIST = {
    f"{name}-ubyte.gz": sha256
    for name, sha256 in {
        "t10k-images-idx3": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "train-images-idx3": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    }.items()
}
DIGITS = {"digits.csv.gz": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"}

_AGAIN = (
    "Put the published file in its place (data/README.md says where to find it), "
    "or delete it from data/mnist to have it downloaded again."
)


@dataclass(frozen=True)
class Resolved:
    """Which data set is used, why, and the digests that identify it.

    Attributes
    ----------
    dataset : str
        ``"mnist"`` or ``"digits"``.
    reason : str
        One sentence for the report's first page; it holds no path of this machine.
    sha256 : str
        One digest over all files: SHA-256 of the lines ``<sha256>  <name>``, sorted by name.
    files : dict of str to str
        File name to SHA-256.
    fallback : bool
        Whether this is the embedded data set because MNIST could not be had.
    """

    dataset: str
    reason: str
    sha256: str
    files: dict[str, str]
    fallback: bool


def resolve(dataset: str = "auto") -> Resolved:
    """Say which data set `dataset` stands for, having verified (or downloaded) its files.

    MNIST's files are those in the folder that ONELAYER_DATA names, else those in data/mnist of the
    working folder or of one above it; what is missing there is downloaded.

    Parameters
    ----------
    dataset : {"auto", "mnist", "digits"}
        ``mnist`` never falls back. ``auto`` means ``digits`` where MNIST is neither on this
        machine nor can be downloaded, and says so on stderr. Damaged files are an error for both.

    Raises
    ------
    DataError
        Unknown name; ONELAYER_DATA names no folder, or one with part of the files; a wrong
        SHA-256; and for ``mnist`` a failed download.
    """
    return locate(dataset)[0]


def locate(dataset: str = "auto") -> tuple[Resolved, Path]:
    """Return what `resolve` does, and the folder that holds the files."""
    if dataset not in DATASETS:
        close = difflib.get_close_matches(str(dataset).lower(), DATASETS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(f"dataset must be one of {', '.join(DATASETS)}; got {dataset!r}{hint}")
    if dataset == "digits":
        return _locate_digits("The embedded UCI digits, as asked for.", fallback=False)
    try:
        folder, origin = _find_mnist()
    except DownloadError as error:
        if dataset == "mnist":
            raise
        sys.stderr.write(
            f"\n{'!' * 78}\n{error}\n\nThe embedded UCI digits (8 × 8 pixels) are used INSTEAD OF "
            f"MNIST.\n{'!' * 78}\n\n"
        )
        because = f"because MNIST was neither found nor could be downloaded ({error.why})"
        return _locate_digits(f"The embedded UCI digits, {because}", fallback=True)
    files = _verify(folder, MNIST, _AGAIN)
    return Resolved(
        "mnist",
        f"MNIST, its four files verified by SHA-256, from {origin}.",
        _digest(files),
        files,
        False,
    ), folder


def _locate_digits(reason: str, *, fallback: bool) -> tuple[Resolved, Path]:
    # scikit-learn's folder is enough: importing the package would take most of a second.
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("the digits ship with scikit-learn, which is not installed: `make setup`")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    files = _verify(folder, DIGITS, "Install scikit-learn again.")
    return Resolved("digits", reason, _digest(files), files, fallback), folder


def _find_mnist() -> tuple[Path, str]:
    """Return the folder with all four files, and its description; download what is missing."""
    root = _root()
    named = os.environ.get("ONELAYER_DATA", "").strip()
    if named:
        folder = root / Path(named).expanduser()
        try:
            absent, similar = _look(folder)
        except OSError as error:
            raise DataError(
                f"ONELAYER_DATA must name a folder that can be read; got {folder} "
                f"({error.strerror}). Correct it, or unset it to use data/mnist."
            ) from error
        if not absent:
            return folder, "the folder that ONELAYER_DATA names"
        if similar:
            raise DataError(
                f"ONELAYER_DATA names {folder}, where these files are missing: {', '.join(absent)}."
                f"\nFound there: {', '.join(similar)}. Add or rename files so that all four are "
                "there, packed by gzip as published; or unset ONELAYER_DATA."
            )
    folder = root / "data" / "mnist"
    try:
        absent, similar = _look(folder)
    except FileNotFoundError:
        absent, similar = list(MNIST), []
    except OSError as error:
        raise DataError(f"{folder} must be a folder that can be read ({error.strerror})") from error
    if absent:
        # What is there must be good before anything is fetched: damage is never papered over.
        _verify(folder, {name: MNIST[name] for name in MNIST if name not in absent}, _AGAIN)
        setting = os.environ.get("ONELAYER_MIRRORS")
        mirrors = MIRRORS if setting is None else setting.split()
        try:
            download({name: MNIST[name] for name in absent}, folder, mirrors)
        except DownloadError as error:
            stray = [name for name in similar if name not in MNIST]
            hint = f"\nMisnamed, perhaps: {', '.join(stray)} in that folder." if stray else ""
            raise DownloadError(f"{error}{hint}", error.why) from error
    return folder, "data/mnist"


def _root() -> Path:
    """Return the first folder upwards with data/mnist or pyproject.toml, else the working folder.

    Relative paths start there, and downloads land in its data/mnist.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "data" / "mnist").is_dir() or (folder / "pyproject.toml").is_file():
            return folder
    return here


def _look(folder: Path) -> tuple[list[str], list[str]]:
    """Return which of the four files are absent, and the files with a name similar to theirs."""
    names = {path.name for path in folder.iterdir() if path.exists()}
    return [name for name in MNIST if name not in names], sorted(n for n in names if "ubyte" in n)


def _verify(folder: Path, checksums: dict[str, str], remedy: str) -> dict[str, str]:
    """Return name to SHA-256 of the files in `folder`, or raise on the first wrong one."""
    for name, expected in checksums.items():
        try:
            with (folder / name).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
                file.seek(0)
                packed = file.read(2) == b"\x1f\x8b"
        except OSError as error:
            raise DataError(f"{folder / name} cannot be read: {error.strerror}") from error
        if actual != expected:
            cause = (
                "a download that was cut off, or a file that another program packed again"
                if packed
                else "a web page, or unpacked data, saved under this name: it is not a gzip file"
            )
            raise DataError(
                f"{folder / name} has the wrong SHA-256:\n  expected {expected}\n"
                f"  found    {actual} ({size:,} bytes)\nLikely cause: {cause}. {remedy}"
            )
    return dict(checksums)


def _digest(files: dict[str, str]) -> str:
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
