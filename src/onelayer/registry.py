"""The registry of data sets: a file NAME.yaml for each says which files it has and what suits it.

The files for MNIST and the digits ship with this package. Your own are `data/NAME.yaml`, in the
working folder or above it; `data/README.md` says how to write one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from onelayer.errors import DataError

SHIPPED = Path(__file__).parent / "datasets"
POOLS = ("train_images", "train_labels", "test_images", "test_labels")
MODELS = ("logistic", "softmax", "regularised")  # of task 2, task 3, and task 4 with its penalty

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Settings:
    """What suits a model on a data set.

    Attributes
    ----------
    train_size, validation_size : int or None
        Images drawn; None: all there are.
    batch_size : int
        Images per step.
    learning_rate : float
        η > 0, per step.
    late_step : int or None
        The first step of a run's late part; None: the last 45 % of its steps are late.
    loss_ylim, accuracy_ylim : [float, float] or None
        Limits of the axes; None: chosen to fit the curves.
    """

    train_size: int | None = None
    validation_size: int | None = None
    batch_size: int = 32
    learning_rate: float = 0.05
    late_step: int | None = None
    loss_ylim: list[float] | None = None
    accuracy_ylim: list[float] | None = None


@dataclass(frozen=True)
class Description:
    """A data set's file: four IDX files, or one table whose first lines are the training images."""

    title: str
    folder: str  # relative to the file; with `package` relative to an installed package
    train_images: str | None = None
    train_labels: str | None = None
    test_images: str | None = None
    test_labels: str | None = None
    table: str | None = None
    num_train: int | None = None  # images to train on; a table's first lines
    num_test: int | None = None
    package: str | None = None
    variable: str | None = None  # of the environment, which may name another folder
    image_shape: list[int] | None = None
    num_classes: int | None = None  # labels are bytes; by default one more than the largest
    max_value: float = 255
    sha256: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)  # of folders to fetch the files from, in turn
    suits: dict[str, Settings] = field(default_factory=dict)
    name: str = ""
    home: Path = SHIPPED  # the folder that its own file is in

    @property
    def pools(self) -> dict[str, str | None]:
        """The names of the four IDX files, by what they hold."""
        return {pool: getattr(self, pool) for pool in POOLS}

    @property
    def files(self) -> list[str]:
        """The names of its files."""
        return [name for name in (*self.pools.values(), self.table) if name]


def read(name: str) -> Description:
    """Return the description of a data set.

    Raises
    ------
    DataError
        If no data set has this name, or its file has a wrong key or value.
    """
    path = next((path for path in _paths(str(name)) if path.is_file()), None)
    if path is None:
        known = ["auto", *names()]
        close = difflib.get_close_matches(str(name).lower(), known, n=1)
        raise DataError(
            f"dataset must be one of {', '.join(known)}; got {name!r}"
            + (f" (did you mean {close[0]!r}?)" if close else "")
            + ". A data set of your own needs a file data/NAME.yaml (data/README.md)"
        )
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read as YAML: {error}") from error
    try:
        description = _build(Description, content)
        suits = {model: _build(Settings, each) for model, each in description.suits.items()}
        _check(description)
    except ValueError as error:
        raise DataError(f"{path} does not describe a data set: {error}") from error
    return replace(description, suits=suits, name=name, home=path.parent)


def folders_upwards() -> Iterator[Path]:
    """Yield the working folder and those above it, up to the first with a pyproject.toml."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield folder
        if (folder / "pyproject.toml").is_file():
            return


def _paths(name: str) -> Iterator[Path]:
    if _NAME.fullmatch(name):
        yield SHIPPED / f"{name}.yaml"
        yield from (folder / "data" / f"{name}.yaml" for folder in folders_upwards())


def names() -> list[str]:
    """Return the names of all data sets, the shipped ones first."""
    folders = (SHIPPED, *(folder / "data" for folder in folders_upwards()))
    paths = [path for folder in folders for path in sorted(folder.glob("*.yaml"))]
    return list(dict.fromkeys(p.stem for p in paths if _NAME.fullmatch(p.stem) and p.is_file()))


def _build(record: type[_Record], content: Any) -> _Record:
    """Make a record from a file's content; refuse unknown keys, missing ones and wrong values."""
    if not isinstance(content, Mapping):
        raise ValueError(f"expected 'key: value' on each line; got {content!r:.80}")
    known = {each.name: each for each in fields(record) if each.name not in ("name", "home")}  # type: ignore[arg-type]
    for key, value in content.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            raise ValueError(
                f"unknown key {key!r}" + (f"; did you mean {close[0]!r}?" if close else "")
            )
        kind = str(known[key].type).removesuffix(" | None")
        expected, fits = _KINDS[kind]
        if not fits(value):
            raise ValueError(f"{key} must be {expected}; got {value!r:.80}")
    try:
        return record(**content)
    except TypeError as error:
        raise ValueError("it needs a title and a folder") from error


def _check(description: Description) -> None:
    pools, files = description.pools.values(), description.files
    has_table = bool(description.table and description.num_train and description.image_shape)
    if (any(pools) and description.table) or not (all(pools) or has_table):
        raise ValueError(
            f"it must name {', '.join(POOLS)}, or else a table with num_train and image_shape"
        )
    if (description.num_classes or 0) > 256:
        raise ValueError(f"num_classes must be at most 256; got {description.num_classes}")
    for name in files:
        if Path(name).name != name:
            raise ValueError(f"a file must be a name without a folder; got {name!r}")
    if strange := sorted(map(str, description.sha256.keys() - set(files))):
        raise ValueError(f"sha256 names {', '.join(strange)}, not among its files")
    if description.urls and description.sha256.keys() != set(files):
        raise ValueError("urls need the sha256 of every file, since what is fetched is verified")
    if strange := sorted(map(str, description.suits.keys() - set(MODELS))):
        raise ValueError(f"suits must name {', '.join(MODELS)}; got {', '.join(strange)}")


def _is_number(value: object) -> bool:
    # Neither a bool nor infinite nor NaN.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_pair(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(fits, value))


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1


# For each field's type, how an error describes it, and a test for its values.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("text", lambda value: isinstance(value, str) and bool(value)),
    "int": ("a whole number from 1 upwards", _is_count),
    "float": ("a positive number", lambda value: _is_number(value) and value > 0),
    "list[int]": ("two whole numbers, [28, 28]", lambda value: _is_pair(value, _is_count)),
    "list[float]": ("two numbers, [0.9, 1.0]", lambda value: _is_pair(value, _is_number)),
    "list[str]": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    ),
    "dict[str, str]": (
        "SHA-256 by file name, each 64 hexadecimal digits",
        lambda value: (
            isinstance(value, dict)
            and all(re.fullmatch("[0-9a-f]{64}", str(each)) for each in value.values())
        ),
    ),
    "dict[str, Settings]": ("settings by model", lambda value: isinstance(value, dict)),
}
