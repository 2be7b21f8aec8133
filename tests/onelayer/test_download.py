import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onelayer import download, registry
from onelayer.data import load
from onelayer.download import DownloadError
from onelayer.locate import resolve


def contents(folder: Path) -> dict[str, bytes]:
    """Read all that is in `folder`."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---- Mirrors that deliver, and mirrors that do not ----------------------------------------------


def test_good_mirror(
    project, mirror, files, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files come byte for byte, nothing else is left, and nobody sees a bar without a tty."""
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    dataset = load("auto")
    assert dataset.train_images.shape == (60, 12)
    assert contents(project / "data" / "mnist") == files
    assert capfd.readouterr().err.count("\n") == 1


def test_downloaded_once(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloaded files are used from then on, and the report describes them no differently."""
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    first = resolve("auto")
    asked = len(mirror.asked)
    assert resolve("auto") == first
    assert len(mirror.asked) == asked


def test_declared_encoding(project, mirror, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a mirror declares .gz as an encoding, the files are not unpacked on the way."""
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("encoded"))
    resolve("mnist")
    assert contents(project / "data" / "mnist") == files


@pytest.mark.parametrize("behaviour", ["missing", "wrong", "cut", "silent", "stall", "drip"])
def test_next_mirror(behaviour, project, mirror, files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one mirror does wrong, the next one delivers."""
    monkeypatch.setattr(download, "SECONDS", 0.5)
    urls = f"{mirror.url(behaviour)} {mirror.url('good')}/"
    monkeypatch.setenv("ONELAYER_MIRRORS", urls)
    assert resolve("mnist").dataset == "mnist"
    assert contents(project / "data" / "mnist") == files


def test_refused_connection(project, mirror, nobody, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror where nobody listens is skipped."""
    monkeypatch.setenv("ONELAYER_MIRRORS", f"{nobody} {mirror.url('good')}")
    assert resolve("mnist").dataset == "mnist"


@pytest.mark.parametrize(
    ("behaviour", "what"),
    [
        ("missing", "HTTP 404"),
        ("wrong", r"wrong bytes.*expected [0-9a-f]+ but got [0-9a-f]+\s"),
        ("cut", "cut off"),
        ("silent", r"no answer within 0\.3 s"),
        ("stall", r"stalled for 0\.3 s after 10 bytes"),
        ("drip", "too slow: sent .* bytes"),
    ],
)
def test_all_failed(
    behaviour, what, project, mirror, nobody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no mirror delivers, the error says what each did, and nothing is left behind."""
    monkeypatch.setattr(download, "SECONDS", 0.3)
    monkeypatch.setenv("ONELAYER_MIRRORS", f"{nobody} {mirror.url(behaviour)}")
    with pytest.raises(DownloadError, match=rf"(?s){nobody}\s.*refused.*{behaviour}.*{what}"):
        resolve("mnist")
    assert contents(project / "data" / "mnist") == {}


@pytest.mark.parametrize("behaviour", ["silent", "stall", "drip"])
def test_slow_mirror_is_left(behaviour, project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that was too slow once is not asked again."""
    monkeypatch.setattr(download, "SECONDS", 0.3)
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url(behaviour))
    resolved = resolve("auto")
    assert resolved.reason.endswith("(no mirror answered fast enough)")
    assert len(mirror.asked) == 1


def test_second_attempt(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks once costs a second attempt, not the data set."""
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("flaky"))
    assert resolve("mnist").dataset == "mnist"
    assert len(mirror.asked) == 8


def test_good_files_are_kept(project, mirror, files, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_endless_body(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that sends more than any of the files has cannot fill the disk."""
    monkeypatch.setattr(download, "LARGEST", 20)
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    with pytest.raises(DownloadError, match="sent more than 20 bytes"):
        resolve("mnist")


def test_full_disk(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing can be written, auto falls back and says so; no mirror is blamed."""

    def no_space(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pooch.retrieve", no_space)
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    assert resolve("auto").reason.endswith("(its folder cannot be written to)")
    with pytest.raises(DownloadError, match=r"No space left"):
        resolve("mnist")


def test_permissions(project, mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may read what was downloaded, as they may read the rest of the project."""
    monkeypatch.setenv("ONELAYER_MIRRORS", mirror.url("good"))
    resolve("mnist")
    for path in (project / "data" / "mnist").iterdir():
        assert path.stat().st_mode & 0o777 == 0o644


def test_two_processes(project, mirror, files) -> None:
    """Two processes that download at the same time both get the data set."""
    code = (
        "import sys; from pathlib import Path; from onelayer import locate, registry; "
        "registry.SHIPPED = Path(sys.argv[1]); print(locate.resolve('mnist').sha256)"
    )
    # The mirror answers only when both processes have asked for the same file.
    environment = os.environ | {"ONELAYER_MIRRORS": mirror.url("together")}
    command = [sys.executable, "-c", code, str(registry.SHIPPED)]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    digests = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert digests[0] == digests[1] == resolve("mnist").sha256
    assert contents(project / "data" / "mnist") == files
