"""A small stand-in for MNIST, a project to run in, and a mirror that misbehaves on demand."""

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml

from onelayer import registry
from onelayer.data import Dataset


def _as_idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


@pytest.fixture(scope="session")
def as_idx() -> Callable[[np.ndarray], bytes]:
    """Return the function that writes an array as IDX, not packed."""
    return _as_idx


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty project the current directory, with no mirror and no data set."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONELAYER_MIRRORS", "")
    monkeypatch.delenv("ONELAYER_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path


@pytest.fixture
def files(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """Let four small files be MNIST: 60 training and 30 test images of 4 × 3 pixels."""
    rng = np.random.RandomState(0)
    contents = {}
    for name in registry.read("mnist").files:
        num_images = 60 if name.startswith("train") else 30
        values = (
            rng.randint(0, 256, (num_images, 4, 3))
            if "images" in name
            else np.arange(num_images) % 10
        )
        contents[name] = gzip.compress(_as_idx(values), mtime=0)
    shipped = tmp_path_factory.mktemp("datasets")
    for path in registry.SHIPPED.iterdir():
        content = yaml.safe_load(path.read_text("utf-8"))
        if path.stem == "mnist":
            content["sha256"] = {
                name: hashlib.sha256(content).hexdigest() for name, content in contents.items()
            }
            content |= {"num_train": 60, "num_test": 30}
        (shipped / path.name).write_text(yaml.safe_dump(content), "utf-8")
    monkeypatch.setattr(registry, "SHIPPED", shipped)
    return contents


@pytest.fixture
def dataset() -> Dataset:
    """Return 100 training and 50 test images of 2 × 3 pixels; pixel 0 is the image's number."""
    pools = {}
    for pool, num_images in (("train", 100), ("test", 50)):
        images = np.zeros((num_images, 6), np.uint8)
        images[:, 0] = np.arange(num_images)
        pools[f"{pool}_images"] = images
        pools[f"{pool}_labels"] = (np.arange(num_images) % 10).astype(np.uint8)
    return Dataset(
        name="made-up",
        image_shape=(2, 3),
        max_value=255,
        num_classes=10,
        **pools,
    )


class Mirror(ThreadingHTTPServer):
    """A server that offers `files` in one folder per behaviour: /good/, /stall/ and so on."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []
        self.over = threading.Event()  # lets those who stall go when the test ends
        self.both = threading.Barrier(2)

    def url(self, behaviour: str) -> str:
        """Return the address of the folder where the server behaves like this."""
        return f"http://127.0.0.1:{self.server_port}/{behaviour}"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        behaviour, name = self.path.strip("/").split("/")
        content = self.server.files[name]
        try:
            getattr(self, f"_{behaviour}")(content)
        except ConnectionError:
            self.close_connection = True  # the client left, as it should

    def _header(self, length: int, status: int = 200, **more: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for key, value in more.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def _good(self, content: bytes) -> None:
        self._header(len(content))
        self.wfile.write(content)

    def _encoded(self, content: bytes) -> None:
        self._header(len(content), Content_Encoding="gzip")
        self.wfile.write(content)

    def _together(self, content: bytes) -> None:
        self.server.both.wait(timeout=30)
        self._good(content)

    def _missing(self, content: bytes) -> None:
        self._header(0, status=404)

    def _wrong(self, content: bytes) -> None:
        self._good(b"<html>Please log in</html>")

    def _cut(self, content: bytes) -> None:
        self._header(len(content))
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def _flaky(self, content: bytes) -> None:
        first = self.server.asked.count(self.path) == 1
        (self._cut if first else self._good)(content)

    def _silent(self, content: bytes) -> None:
        self.server.over.wait(30)

    def _stall(self, content: bytes) -> None:
        self._header(len(content))
        self.wfile.write(content[:10])
        self.server.over.wait(30)

    def _drip(self, content: bytes) -> None:
        self._header(len(content))
        for byte in content:
            if self.server.over.wait(0.05):
                break
            self.wfile.write(bytes([byte]))


@pytest.fixture
def mirror(files: dict[str, bytes]) -> Iterator[Mirror]:
    """Run a mirror on loopback; at the address `mirror.url("stall")` it stalls."""
    with Mirror(files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> Iterator[str]:
    """Return an address on loopback where nobody listens."""
    with socket.socket() as bound:  # bound, so that nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
