"""Reads IDX, the format that MNIST is published in, trusting nothing that a file claims."""

import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import DataError

_LARGEST = 2**28  # bytes, unpacked; MNIST's largest file has 47 MB


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with one to three dimensions, packed by gzip or plain.

    Parameters
    ----------
    path : str or Path
        The file. A header is two zero bytes, the type (0x08), the number of dimensions, and each
        dimension's size as a big-endian 32-bit number; the values follow in C order.

    Returns
    -------
    uint8 array, read-only, of the header's shape.

    Raises
    ------
    DataError
        Damaged gzip data, wrong magic number, or more or fewer bytes than the header implies.

    Notes
    -----
    The format is Yann LeCun's, from the page that published MNIST. Nothing is allocated by the
    sizes that a header claims.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if content.startswith(b"\x1f\x8b"):
        content = _unpack(content, path)
    num_dimensions = content[3] if len(content) > 3 else 0
    if content[:3] != b"\0\0\x08" or not 1 <= num_dimensions <= 3:
        raise DataError(
            f"{path} must start with the magic number 0x000008 and 1 to 3 dimensions, as IDX files "
            f"of unsigned bytes do; got 0x{content[:4].hex()}. Is it another kind of file?"
        )
    start = 4 + 4 * num_dimensions
    sizes = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(sizes) or 0 in sizes:
        shape = " × ".join(map(str, sizes))
        raise DataError(
            f"{path} must have {start} bytes of header and {shape} values (at least one); got "
            f"{len(content):,} bytes. It is truncated, or something was appended: fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _unpack(packed: bytes, path: str | Path) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # 31: gzip, with its checksum and length verified
    try:
        content = unpacker.decompress(packed, _LARGEST)
    except zlib.error as error:
        raise DataError(f"{path} is damaged gzip data ({error}): fetch it again") from error
    if unpacker.unconsumed_tail:
        raise DataError(f"{path} must unpack to at most {_LARGEST:,} bytes; it has more")
    if not unpacker.eof:
        raise DataError(f"{path} is truncated gzip data: fetch it again")
    if unpacker.unused_data:
        raise DataError(
            f"{path} must be one gzip stream; {len(unpacker.unused_data):,} bytes follow it: "
            "fetch it again"
        )
    return content
