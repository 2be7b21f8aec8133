import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from onelayer import registry
from onelayer.download import DownloadError
from onelayer.errors import DataError
from onelayer.locate import resolve


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """Write `files` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


# ---- Which data set is used, and why ------------------------------------------------------------


def test_mnist_in_the_named_folder(project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative ONELAYER_DATA is resolved against the project's root, from any folder."""
    put(project / "elsewhere", files)
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
    resolved = resolve("auto")
    assert (resolved.dataset, resolved.fallback) == ("mnist", False)
    assert resolved.reason == (
        "MNIST handwritten digits, its four files verified by SHA-256, from a local folder."
    )
    assert resolved.files == registry.read("mnist").sha256


def test_mnist_in_the_project(project, files) -> None:
    """Files in data/mnist need no setting and no network."""
    put(project / "data" / "mnist", files)
    assert resolve("mnist").reason == (
        "MNIST handwritten digits, its four files verified by SHA-256, from data/mnist."
    )


def test_title(project) -> None:
    """A data set has its name in words, whatever name it was asked for by."""
    assert resolve("auto").title == resolve("digits").title == "The embedded UCI digits"


def test_digest(project, files) -> None:
    """The digest over all files is that of sha256sum's lines, sorted by name."""
    put(project / "data" / "mnist", files)
    lines = "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)
    )
    assert resolve("mnist").sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_digits_need_nothing(project) -> None:
    """The embedded digits need no files, no network, and no import of scikit-learn."""
    code = "import sys; from onelayer.data import load; load('digits'); " + (
        "sys.exit('sklearn' in sys.modules or 'requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    resolved = resolve("digits")
    assert (resolved.dataset, resolved.fallback) == ("digits", False)


def test_auto_falls_back_loudly(project, capsys: pytest.CaptureFixture[str]) -> None:
    """Without MNIST and mirrors, auto means the digits; it says why, without any path."""
    resolved = resolve("auto")
    assert (resolved.dataset, resolved.fallback) == ("digits", True)
    assert resolved.reason == (
        "The embedded UCI digits, because MNIST was not found and could not be downloaded "
        "(no mirror is set)"
    )
    assert "INSTEAD OF MNIST" in capsys.readouterr().err


def test_mnist_never_falls_back(project) -> None:
    """A data set asked for by name is used, or there is an error."""
    with pytest.raises(DownloadError, match=r"(?s)no mirror is set.*ONELAYER_DATA"):
        resolve("mnist")


def test_unknown_name(project) -> None:
    """An unknown data set's error lists the valid ones and the closest."""
    with pytest.raises(DataError, match=r"auto, digits, mnist.*did you mean 'mnist'"):
        resolve("MNITS")


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_named_folder_must_exist(dataset, project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONELAYER_DATA that names no folder is an error, even where data/mnist is complete."""
    put(project / "data" / "mnist", files)
    monkeypatch.setenv("ONELAYER_DATA", "typo")
    with pytest.raises(DataError, match="ONELAYER_DATA must name a folder"):
        resolve(dataset)


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_named_folder_without_mnist(
    dataset, project, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named folder without the files is an error, even where data/mnist has them."""
    put(project / "elsewhere", {"notes.txt": b""})
    put(project / "data" / "mnist", files)
    monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
    with pytest.raises(DataError, match=r"(?s)files are missing: .*nothing like them"):
        resolve(dataset)


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
def test_incomplete_named_folder(dataset, project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named folder with three of the files is an error that names the fourth."""
    missing, *others = files
    put(project / "elsewhere", {name: files[name] for name in others})
    monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
    with pytest.raises(DataError, match=rf"missing: {missing}\.\nFound there: {min(others)}"):
        resolve(dataset)


def test_misnamed_files(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that other tools give to MNIST's files are an error, not a fall-back."""
    put(project / "elsewhere", {"train-images.idx3-ubyte": b""})
    monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
    with pytest.raises(DataError, match=r"Found there: train-images\.idx3-ubyte"):
        resolve("auto")


@pytest.mark.parametrize("dataset", ["auto", "mnist"])
@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda content: content[:-1], "cut off"),
        (lambda content: content + b"\0", "packed"),
        (lambda content: gzip.decompress(content), "not a gzip file"),
    ],
)
def test_wrong_bytes(damage, cause, dataset, project, files) -> None:
    """A damaged file is an error with both hashes and the likely cause, never a fall-back."""
    name = "train-labels-idx1-ubyte.gz"
    put(project / "data" / "mnist", files | {name: damage(files[name])})
    with pytest.raises(DataError, match=f"{name} has the wrong SHA-256") as caught:
        resolve(dataset)
    assert registry.read("mnist").sha256[name] in str(caught.value)
    assert hashlib.sha256(damage(files[name])).hexdigest() in str(caught.value)
    assert cause in str(caught.value)


def test_damage_is_found_before_downloading(
    project, mirror, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one file damaged and the others missing nothing is fetched and nothing replaced."""
    name = next(iter(files))
    folder = put(project / "data" / "mnist", {name: b"damaged"})
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    with pytest.raises(DataError, match="wrong SHA-256"):
        resolve("auto")
    assert mirror.asked == []
    assert [path.read_bytes() for path in folder.iterdir()] == [b"damaged"]


def test_folder_instead_of_file(project, files) -> None:
    """A folder under a file's name is an error that names it."""
    folder = put(project / "data" / "mnist", files)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    (folder / "train-labels-idx1-ubyte.gz").mkdir()
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz cannot be read"):
        resolve("auto")


def test_misnamed_files_are_mentioned(project, files) -> None:
    """When data/mnist has files with other tools' names, the failed download mentions them."""
    put(project / "data" / "mnist", {"train-images.idx3-ubyte": b""})
    with pytest.raises(DownloadError, match=r"Misnamed, perhaps: train-images\.idx3-ubyte"):
        resolve("mnist")


def test_no_folder(project) -> None:
    """A file where a folder of the data's path should be is an error, not a fall-back."""
    (project / "data").touch()
    with pytest.raises(DataError, match=r"data/mnist must be a folder"):
        resolve("auto")


# ---- Where data/mnist is looked for, and where downloads land -----------------------------------


def test_folder_above(project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data/mnist of a folder above serves a notebook, with or without a pyproject.toml."""
    folder = put(project / "data" / "mnist", files)
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    assert resolve("mnist").folder == folder
    (project / "pyproject.toml").unlink()
    assert resolve("mnist").folder == folder


def test_nearest_folder(project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data/mnist of the working folder comes before that of a folder above."""
    put(project / "data" / "mnist", files)
    nearest = put(project / "inner" / "data" / "mnist", files)
    monkeypatch.chdir(project / "inner")
    assert resolve("mnist").folder == nearest


def test_other_projects_are_left_alone(project, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search upwards ends at a pyproject.toml: there the project ends."""
    put(project / "data" / "mnist", files)
    (project / "inner" / "notebooks").mkdir(parents=True)
    (project / "inner" / "pyproject.toml").touch()
    monkeypatch.chdir(project / "inner" / "notebooks")
    assert resolve("auto").fallback


def test_downloads_land_in_the_project(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder of the project, files are downloaded into the project's data/mnist."""
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    assert resolve("mnist").folder == project / "data" / "mnist"


def test_downloads_without_a_project(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any project, files are downloaded into data/mnist of the working folder."""
    (project / "pyproject.toml").unlink()
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    assert resolve("mnist").folder == project / "inner" / "data" / "mnist"
