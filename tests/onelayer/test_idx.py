import gzip
import os
from pathlib import Path

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from onelayer.errors import DataError
from onelayer.idx import read_idx

# Two images of 3 × 4 pixels, as the bytes of an IDX file.
SMALL = bytes.fromhex("00000803 00000002 00000003 00000004") + bytes(range(24))

uint8_arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=6))
# The file is rewritten for each example, so that one tmp_path for all of them is fine.
one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# ---- The parser of IDX files --------------------------------------------------------------------


@one_folder
@given(values=uint8_arrays, packed=st.booleans())
def test_round_trip(tmp_path: Path, as_idx, values, packed) -> None:
    """What is written as IDX, packed or plain, is read back with its shape and values."""
    content = as_idx(values)
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(content) if packed else content)
    array = read_idx(path)
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, values)


@one_folder
@given(values=uint8_arrays, packed=st.booleans(), data=st.data())
def test_any_truncation(tmp_path: Path, as_idx, values, packed, data) -> None:
    """A file that lacks any number of bytes at its end is an error."""
    content = as_idx(values)
    content = gzip.compress(content) if packed else content
    path = tmp_path / "values"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DataError, match=r"truncated|magic number"):
        read_idx(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "magic number"),
        (b"<html>", "magic number"),
        (b"\0\0\x09\x01" + SMALL[4:], "got 0x00000901"),
        (b"\0\0\x08\x00", "1 to 3 dimensions"),
        (b"\0\0\x08\x04" + bytes(16), "1 to 3 dimensions"),
        (SMALL + b"\0", "appended"),
        (SMALL[:10], "truncated"),
        (bytes.fromhex("00000803 00000000 00000003 00000004"), "at least one"),
        (
            b"\0\0\x08\x03" + b"\xff" * 12,
            "asks for 4294967295 × 4294967295 × 4294967295 values",
        ),
        (gzip.compress(SMALL + b"\0", mtime=0), "appended"),
        (gzip.compress(SMALL, mtime=0) + b"\0", "1 bytes follow"),
        (gzip.compress(SMALL, mtime=0)[:-4], "truncated gzip"),
        (gzip.compress(SMALL, mtime=0)[:-8] + bytes(8), "damaged gzip"),
    ],
)
def test_bad_content(tmp_path: Path, content, message) -> None:
    """Anything but an IDX file of unsigned bytes is an error that names the file."""
    path = tmp_path / "bad-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert "bad-idx3-ubyte.gz" in str(caught.value)


def test_values(tmp_path: Path) -> None:
    """Values are read in C order: the last dimension varies fastest."""
    (tmp_path / "small").write_bytes(SMALL)
    np.testing.assert_array_equal(read_idx(tmp_path / "small"), np.arange(24).reshape(2, 3, 4))


def test_more_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that asks for more than the memory is refused before anything is unpacked."""
    monkeypatch.setattr("onelayer.idx._memory", lambda: 39)
    (tmp_path / "large.gz").write_bytes(gzip.compress(SMALL))
    with pytest.raises(DataError, match="asks for 2 × 3 × 4 values"):
        read_idx(tmp_path / "large.gz")


def test_bomb(tmp_path: Path) -> None:
    """No more is unpacked than the header says: a small file could unpack to gigabytes."""
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(SMALL + bytes(10_000_000)))
    with pytest.raises(DataError, match="got more than 40 bytes"):
        read_idx(tmp_path / "bomb.gz")


def test_pipe(tmp_path: Path) -> None:
    """A pipe is refused, because reading it could wait forever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="must be a regular file"):
        read_idx(tmp_path / "pipe")


def test_no_file(tmp_path: Path) -> None:
    """A missing file is a data error like any other."""
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "nothing")
