import errno
import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onelayer import download
from onelayer.data import load
from onelayer.download import DataError, DownloadError, project_root, resolve

Files = dict[str, bytes]


def put(folder: Path, files: Files) -> Path:
    """Write `files` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> Files:
    """Read all that is in `folder`."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestResolve:
    """Which data set is used, and why."""

    def test_mnist_in_the_named_folder(self, project, files, monkeypatch):
        """A relative ONELAYER_DATA is resolved against the project's root, from any folder."""
        put(project / "elsewhere", files)
        (project / "notebooks").mkdir()
        monkeypatch.chdir(project / "notebooks")
        monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
        resolved = resolve("auto")
        assert (resolved.dataset, resolved.fallback) == ("mnist", False)
        assert resolved.reason == (
            "MNIST, its four files verified by SHA-256, from the folder that ONELAYER_DATA names."
        )
        assert resolved.files == download.MNIST

    def test_mnist_in_the_project(self, project, files):
        """Files in data/mnist need no setting and no network."""
        put(project / "data" / "mnist", files)
        assert (
            resolve("mnist").reason == "MNIST, its four files verified by SHA-256, from data/mnist."
        )

    def test_digest(self, project, files):
        """The digest over all files is that of sha256sum's lines, sorted by name."""
        put(project / "data" / "mnist", files)
        lines = "".join(
            f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)
        )
        assert resolve("mnist").sha256 == hashlib.sha256(lines.encode()).hexdigest()

    def test_digits_need_nothing(self, project):
        """The embedded digits are there without files, network, or the import of scikit-learn."""
        code = "import sys; from onelayer.data import load; load('digits'); " + (
            "sys.exit('sklearn' in sys.modules or 'requests' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        resolved = resolve("digits")
        assert (resolved.dataset, resolved.fallback) == ("digits", False)

    def test_auto_falls_back_loudly(self, project, capsys):
        """Without MNIST and mirrors, auto means the digits; it says why, without any path."""
        resolved = resolve("auto")
        assert (resolved.dataset, resolved.fallback) == ("digits", True)
        assert resolved.reason == (
            "The embedded UCI digits, because MNIST was neither found nor could be downloaded "
            "(no mirror is set)"
        )
        assert "INSTEAD OF MNIST" in capsys.readouterr().err

    def test_mnist_never_falls_back(self, project):
        """A data set that was asked for by name is that one or an error."""
        with pytest.raises(DownloadError, match=r"no mirror is set.*ONELAYER_DATA"):
            resolve_flat("mnist")

    def test_unknown_name(self, project):
        """An unknown data set's error lists the valid ones and the closest."""
        with pytest.raises(DataError, match=r"auto, mnist, digits.*did you mean 'mnist'"):
            resolve("MNITS")

    @pytest.mark.parametrize("dataset", ["auto", "mnist"])
    def test_named_folder_must_exist(self, dataset, project, files, monkeypatch):
        """ONELAYER_DATA that names no folder is an error, even where data/mnist is complete."""
        put(project / "data" / "mnist", files)
        monkeypatch.setenv("ONELAYER_DATA", "typo")
        with pytest.raises(DataError, match="ONELAYER_DATA must name a folder"):
            resolve(dataset)

    def test_named_folder_without_mnist(self, project, files, monkeypatch):
        """A named folder that has nothing to do with MNIST is passed over."""
        put(project / "elsewhere", {"notes.txt": b""})
        put(project / "data" / "mnist", files)
        monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
        assert (
            resolve("auto").reason == "MNIST, its four files verified by SHA-256, from data/mnist."
        )

    @pytest.mark.parametrize("dataset", ["auto", "mnist"])
    def test_incomplete_named_folder(self, dataset, project, files, monkeypatch):
        """A named folder with three of the files is an error that names the fourth."""
        missing, *others = files
        put(project / "elsewhere", {name: files[name] for name in others})
        monkeypatch.setenv("ONELAYER_DATA", "elsewhere")
        with pytest.raises(DataError, match=rf"missing: {missing}\.\nFound there: {others[0]}"):
            resolve(dataset)

    def test_misnamed_files(self, project, monkeypatch):
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
    def test_wrong_bytes(self, damage, cause, dataset, project, files):
        """A damaged file is an error with both hashes and the likely cause, never a fall-back."""
        name = "train-labels-idx1-ubyte.gz"
        put(project / "data" / "mnist", files | {name: damage(files[name])})
        with pytest.raises(DataError, match=f"{name} has the wrong SHA-256") as caught:
            resolve(dataset)
        assert download.MNIST[name] in str(caught.value)
        assert hashlib.sha256(damage(files[name])).hexdigest() in str(caught.value)
        assert cause in str(caught.value)

    def test_damage_is_found_before_downloading(self, project, mirror, files, monkeypatch):
        """With one file damaged and the others missing nothing is fetched and nothing replaced."""
        name = next(iter(files))
        folder = put(project / "data" / "mnist", {name: b"damaged"})
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        with pytest.raises(DataError, match="wrong SHA-256"):
            resolve("auto")
        assert mirror.asked == []
        assert contents(folder) == {name: b"damaged"}

    def test_folder_instead_of_file(self, project, files):
        """A folder under a file's name is an error that names it."""
        folder = put(project / "data" / "mnist", files)
        (folder / "train-labels-idx1-ubyte.gz").unlink()
        (folder / "train-labels-idx1-ubyte.gz").mkdir()
        with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz cannot be read"):
            resolve("auto")


def resolve_flat(dataset: str) -> download.Resolved:
    """Resolve with any error's message on one line, so that one pattern can span it."""
    try:
        return resolve(dataset)
    except DownloadError as error:
        raise DownloadError(str(error).replace("\n", " | "), error.why) from error


class TestProjectRoot:
    """What relative paths are relative to."""

    def test_nearest_above(self, project, monkeypatch):
        """The root is the nearest folder upwards with report/report.yaml or pyproject.toml."""
        inner = project / "inner" / "notebooks"
        inner.mkdir(parents=True)
        monkeypatch.chdir(inner)
        assert project_root() == project
        (project / "inner" / "pyproject.toml").touch()
        assert project_root() == project / "inner"


class TestDownload:
    """Mirrors that deliver, and mirrors that do not."""

    def test_good_mirror(self, project, mirror, files, monkeypatch, capfd):
        """Files come byte for byte, nothing else is left, and nobody sees a bar without a tty."""
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        dataset = load("auto")
        assert dataset.train_images.shape == (60, 12)
        assert contents(project / "data" / "mnist") == files
        assert capfd.readouterr().err.count("\n") == 1

    def test_found_the_next_time(self, project, mirror, monkeypatch):
        """What was downloaded is used from then on, and is described by the same words."""
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        first = resolve("auto")
        asked = len(mirror.asked)
        assert resolve("auto") == first
        assert len(mirror.asked) == asked

    def test_declared_encoding(self, project, mirror, files, monkeypatch):
        """A mirror that declares .gz as an encoding does not get the files unpacked on the way."""
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("encoded"))
        resolve("mnist")
        assert contents(project / "data" / "mnist") == files

    @pytest.mark.parametrize("behaviour", ["missing", "wrong", "cut", "silent", "stall", "drip"])
    def test_next_mirror(self, behaviour, project, mirror, files, monkeypatch):
        """Whatever one mirror does wrong, the next one delivers."""
        monkeypatch.setattr(download, "SECONDS", 0.5)
        urls = f"{mirror.url(behaviour)} {mirror.url('good')}/"
        monkeypatch.setenv("ONELAYER_MIRRORS", urls)
        assert resolve("mnist").dataset == "mnist"
        assert contents(project / "data" / "mnist") == files

    def test_refused_connection(self, project, mirror, nobody, monkeypatch):
        """A mirror where nobody listens is passed over."""
        monkeypatch.setenv("ONELAYER_MIRRORS", f"{nobody} {mirror.url('good')}")
        assert resolve("mnist").dataset == "mnist"

    @pytest.mark.parametrize(
        ("behaviour", "what"),
        [
            ("missing", "HTTP 404"),
            ("wrong", "wrong bytes.*expected [0-9a-f]+ but got [0-9a-f]+ "),
            ("cut", "cut off"),
            ("silent", r"no answer within 0\.3 s"),
            ("stall", r"stalled for 0\.3 s after 10 bytes"),
            ("drip", "too slow: sent .* bytes"),
        ],
    )
    def test_all_failed(self, behaviour, what, project, mirror, nobody, monkeypatch):
        """When no mirror delivers, the error says what each did, and nothing is left behind."""
        monkeypatch.setattr(download, "SECONDS", 0.3)
        monkeypatch.setenv("ONELAYER_MIRRORS", f"{nobody} {mirror.url(behaviour)}")
        with pytest.raises(DownloadError, match=f"{nobody} .*refused.*{behaviour}.*{what}"):
            resolve_flat("mnist")
        assert contents(project / "data" / "mnist") == {}

    @pytest.mark.parametrize("behaviour", ["silent", "stall", "drip"])
    def test_slow_mirror_is_left(self, behaviour, project, mirror, monkeypatch):
        """A mirror that made us wait once is asked for nothing more."""
        monkeypatch.setattr(download, "SECONDS", 0.3)
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url(behaviour))
        resolved = resolve("auto")
        assert resolved.reason.endswith("(no mirror answered, or not fast enough)")
        assert len(mirror.asked) == 1

    def test_second_attempt(self, project, mirror, monkeypatch):
        """A connection that breaks once costs a second attempt, not the data set."""
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("flaky"))
        assert resolve("mnist").dataset == "mnist"
        assert len(mirror.asked) == 8

    def test_good_files_are_kept(self, project, mirror, files, monkeypatch):
        """One file that no mirror has does not cost the other three, and only it is missing."""
        name = "train-images-idx3-ubyte.gz"
        good = {other: content for other, content in files.items() if other != name}
        mirror.files = good | {name: b"something else"}
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        with pytest.raises(DownloadError, match=f"still missing: {name}\n"):
            resolve("mnist")
        assert contents(project / "data" / "mnist") == good
        mirror.asked.clear()
        mirror.files = files
        assert resolve("mnist").dataset == "mnist"
        assert mirror.asked == [f"/good/{name}"]

    def test_endless_body(self, project, mirror, monkeypatch):
        """A mirror that sends more than any of the files has cannot fill the disk."""
        monkeypatch.setattr(download, "LARGEST", 20)
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        with pytest.raises(DownloadError, match="sent more than 20 bytes"):
            resolve("mnist")

    def test_misnamed_files_are_mentioned(self, project, files):
        """When data/mnist has files with other tools' names, the failed download mentions them."""
        put(project / "data" / "mnist", {"train-images.idx3-ubyte": b""})
        with pytest.raises(DownloadError, match=r"Misnamed, perhaps: train-images\.idx3-ubyte"):
            resolve("mnist")

    def test_no_folder(self, project):
        """A file where a folder of the data's path should be is an error, not a fall-back."""
        (project / "data").touch()
        with pytest.raises(DataError, match=r"data/mnist must be a folder"):
            resolve("auto")

    def test_full_disk(self, project, mirror, monkeypatch):
        """Where nothing can be written, auto falls back and says so; no mirror is blamed."""

        def no_space(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("pooch.retrieve", no_space)
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        assert resolve("auto").reason.endswith("(data/mnist cannot be written to)")
        with pytest.raises(DownloadError, match=r"No space left"):
            resolve("mnist")

    def test_permissions(self, project, mirror, monkeypatch):
        """Others may read what was downloaded, as they may read the rest of the project."""
        monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
        resolve("mnist")
        for path in (project / "data" / "mnist").iterdir():
            assert path.stat().st_mode & 0o777 == 0o644

    def test_two_processes(self, project, mirror, files):
        """Two processes that download at the same time both get the data set."""
        code = (
            "import json, sys; from onelayer import download; "
            "download.MNIST = json.loads(sys.argv[1]); print(download.resolve('mnist').sha256)"
        )
        # The mirror answers only when both processes have asked for the same file.
        environment = os.environ | {"ONELAYER_MIRRORS": mirror.url("together")}
        command = [sys.executable, "-c", code, json.dumps(download.MNIST)]
        processes = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        digests = [process.communicate(timeout=60)[0].strip() for process in processes]
        assert [process.returncode for process in processes] == [0, 0]
        assert digests[0] == digests[1] == resolve("mnist").sha256
        assert contents(project / "data" / "mnist") == files
