import gzip
from pathlib import Path

import numpy as np
import pytest
import yaml

from onelayer import registry
from onelayer.data import load
from onelayer.errors import DataError
from onelayer.locate import resolve
from onelayer.registry import Settings

LETTERS = {
    "title": "Letters",
    "folder": "letters",
    "train_images": "train-images.idx",
    "train_labels": "train-labels.idx",
    "test_images": "test-images.idx.gz",
    "test_labels": "test-labels.idx",
    "suits": {"softmax": {"learning_rate": 0.5}},
}


@pytest.fixture
def letters(project: Path, as_idx):
    """Return a function that registers a data set of 26 classes of 5 × 3 pixels, as changed."""

    def register(arrays=(), **changes):
        rng = np.random.RandomState(0)
        content = {
            "train_images": rng.randint(0, 256, (40, 5, 3)),
            "train_labels": np.arange(40) % 26,
            "test_images": rng.randint(0, 256, (30, 5, 3)),
            "test_labels": np.arange(30) % 26,
        } | dict(arrays)
        folder = project / "data" / "letters"
        folder.mkdir(parents=True, exist_ok=True)
        for pool, array in content.items():
            name = LETTERS[pool]
            packed = gzip.compress if name.endswith(".gz") else bytes
            (folder / name).write_bytes(packed(as_idx(array)))
        (project / "data" / "letters.yaml").write_text(yaml.safe_dump(LETTERS | changes), "utf-8")
        return folder

    return register


def test_own_data_set(project, letters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four IDX files of any size and a YAML file are a data set, from any folder below."""
    letters()
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    dataset = load("letters")
    assert dataset.num_classes == 26
    assert dataset.image_shape == (5, 3)
    assert dataset.train_images.shape == (40, 15)
    assert resolve("letters").reason == (
        "Letters, its four files not verified: no SHA-256 given, from data/letters."
    )


def test_what_a_data_set_states_bounds_parameters(project, letters) -> None:
    """The numbers of images and of classes do, where the file states them."""
    letters()
    assert resolve("letters").at_most == {}
    assert {"letters", "mnist", "digits"} <= set(resolve("letters").known)
    letters(num_train=40, num_classes=26)
    assert resolve("letters").at_most == {"train_size": 40, "batch_size": 40, "classes": 25}
    digits = {"train_size": 1437, "batch_size": 1437, "validation_size": 360, "classes": 9}
    assert resolve("digits").at_most == digits


def test_settings_come_from_the_file_unless_given() -> None:
    """Given values win; the others come from the data set's file, or are defaults."""
    dataset = load("digits")
    assert dataset.settings("logistic").learning_rate == 0.2
    assert dataset.settings("logistic", learning_rate=0.3, batch_size=None) == Settings(
        batch_size=16, learning_rate=0.3, loss_ylim=[0.0, 0.4], accuracy_ylim=[0.85, 1.0]
    )
    with pytest.raises(DataError, match="model must be one of logistic, softmax, regularised"):
        dataset.settings("linear")


def test_a_new_data_set_leaves_the_others_alone(project, letters) -> None:
    """Registering a data set does not change how the others are resolved."""
    before = resolve("digits")
    letters()
    assert resolve("digits") == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tittle": "Letters"}, "unknown key 'tittle'; did you mean 'title'"),
        ({"title": 3}, "title must be text; got 3"),
        ({"train_images": None, "table": "x.csv"}, "it must name train_images"),
        ({"test_images": "../x.idx"}, "a name without a folder"),
        ({"sha256": {"other": "0" * 64}}, "sha256 names other, not among its files"),
        ({"sha256": {"train-images.idx": "0"}}, "64 hexadecimal digits"),
        ({"urls": ["http://127.0.0.1/"]}, "urls need the sha256 of every file"),
        ({"suits": {"linear": {}}}, "suits must name logistic, softmax, regularised; got linear"),
        ({"suits": {"softmax": {"rate": 1}}}, "unknown key 'rate'"),
        ({"num_classes": 10**12}, "num_classes must be at most 256; got 1000000000000"),
        ({"max_value": float("inf")}, "max_value must be a positive number; got inf"),
        ({"suits": {1: {}}}, "suits must name logistic, softmax, regularised; got 1"),
        ({"suits": {"softmax": {"batch_size": 0}}}, "batch_size must be a whole number from 1"),
        ({"suits": {"softmax": {"loss_ylim": [1]}}}, "loss_ylim must be two numbers"),
    ],
)
def test_bad_description(letters, changes, message) -> None:
    """A wrong entry in a data set's file is refused, with file, key and what is allowed."""
    letters(**{key: value for key, value in changes.items() if value is not None})
    path = Path("data/letters.yaml")
    content = {k: v for k, v in (LETTERS | changes).items() if v is not None}
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load("letters")
    assert "letters.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "changes", "message"),
    [
        ({"test_images": np.zeros((30, 3, 5))}, {}, "test_images must be of 5 × 3 .*got 3 × 5"),
        ({}, {"image_shape": [3, 5]}, "train_images must be of 3 × 5 pixels; got 5 × 3"),
        ({"train_labels": np.arange(40) % 27}, {"num_classes": 26}, "between 0 and 25.*got 26"),
        ({"train_labels": np.arange(30) % 26}, {}, "same length; got 40 and 30.*swapped"),
        ({}, {"train_images": "train-labels.idx"}, "images and labels swapped"),
        ({}, {"folder": "~nobody-here/x"}, "~ must be the home of a user; got '~nobody-here/x'"),
        ({}, {"num_test": 31}, "num_test must be .*letters.yaml says 31, its files hold 30"),
        ({}, {"num_train": 20}, "num_train must be .*letters.yaml says 20, its files hold 40"),
        ({}, {"train_labels": "missing.idx"}, "still missing: missing.idx"),
    ],
)
def test_files_that_do_not_fit(letters, arrays, changes, message) -> None:
    """Files whose shapes, lengths or classes do not fit together are refused."""
    letters(arrays, **changes)
    with pytest.raises(DataError, match=f"(?s){message}"):
        load("letters")


def test_changed_file(letters) -> None:
    """A file other than the registered one is refused; without SHA-256 the digest is new."""
    folder = letters()
    before = resolve("letters").sha256
    content = bytearray((folder / "train-labels.idx").read_bytes())
    content[-1] ^= 1
    (folder / "train-labels.idx").write_bytes(content)
    assert resolve("letters").sha256 != before
    letters(sha256={"train-labels.idx": "0" * 64})
    with pytest.raises(DataError, match="wrong SHA-256"):
        resolve("letters")


def test_another_data_set_under_mnists_names(project, files, as_idx) -> None:
    """For intact IDX files that are not MNIST's, the message says how to register them."""
    folder = project / "data" / "mnist"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    shirts = gzip.compress(as_idx(np.ones((60, 4, 3))), mtime=0)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(shirts)
    with pytest.raises(DataError, match=r"another data set under the file names of MNIST") as error:
        resolve("auto")
    assert "register it in data/NAME.yaml" in str(error.value)


@pytest.mark.parametrize("name", ["../mnist", "a/b", "", "MNIST"])
def test_names_are_no_paths(project, name) -> None:
    """A name that could lead elsewhere is no name of a data set."""
    with pytest.raises(DataError, match="dataset must be one of auto, digits, mnist"):
        registry.read(name)


@pytest.mark.parametrize("text", ["title: 2020-13-45", "title: !!int x", "[" * 5000])
def test_what_yaml_cannot_read_is_a_sentence(letters, text) -> None:
    """Any error of the YAML reader becomes one message."""
    letters()
    Path("data/letters.yaml").write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"letters\.yaml cannot be read as YAML"):
        load("letters")


def test_only_names_that_can_be_asked_for_are_offered(letters) -> None:
    """Files with invalid names, and folders, are not data sets."""
    letters()
    Path("data/AUTO.yaml").touch()
    Path("data/folder.yaml").mkdir()
    with pytest.raises(DataError, match="must be one of auto, digits, mnist, letters; got 'AUTO'"):
        load("AUTO")
