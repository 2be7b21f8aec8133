"""Reads IDX, the format that MNIST is published in, trusting nothing that a file claims."""

import math
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import DataError
from onelayer.files import read_regular

_HEADER_BYTES = 16  # of the longest header: the magic number and three sizes


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
        If it is not a regular file, its gzip data are damaged, its magic number is wrong, or its
        header asks for more than this machine's memory or for more or fewer bytes than there are.

    Notes
    -----
    The format is Yann LeCun's, from the page that published MNIST. No memory is allocated for the
    sizes that a header claims, and no more is unpacked than they imply.
    """
    content = read_regular(Path(path))
    is_packed = content.startswith(b"\x1f\x8b")
    header = _unpack(content, _HEADER_BYTES, path)[0] if is_packed else content[:_HEADER_BYTES]
    num_dimensions = header[3] if len(header) > 3 else 0
    start = 4 + 4 * num_dimensions
    if header[:3] != b"\0\0\x08" or not 1 <= num_dimensions <= 3:
        raise DataError(
            f"{path} must start with the magic number 0x000008 and 1 to 3 dimensions, as IDX files "
            f"of unsigned bytes do; got 0x{header[:4].hex()}. Is it another kind of file?"
        )
    sizes = [int.from_bytes(header[i : i + 4], "big") for i in range(4, start, 4)]
    shape, size = " × ".join(map(str, sizes)), start + math.prod(sizes)
    if size > _memory():
        raise DataError(
            f"{path} asks for {shape} values, {size / 2**30:,.0f} GiB; this machine's memory has "
            f"{_memory() / 2**30:,.0f} GiB. Is its header damaged?"
        )
    rest = 0
    if is_packed:
        content, rest = _unpack(content, size, path)
    if len(content) + rest != size or 0 in sizes:
        count = f"more than {size:,}" if rest else f"{len(content):,}"
        raise DataError(
            f"{path} must have {start} bytes of header and {shape} values (at least one); got "
            f"{count} bytes. It is truncated, or something was appended: fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _unpack(packed: bytes, size: int, path: str | Path) -> tuple[bytes, int]:
    """Return the first `size` bytes, and whether (1 or 0) more follow; verify what ends there."""
    unpacker = zlib.decompressobj(wbits=31)  # 31: gzip, with its checksum and length verified
    try:
        content = unpacker.decompress(packed, size)
        rest = 0 if unpacker.eof else len(unpacker.decompress(unpacker.unconsumed_tail, 1))
    except zlib.error as error:
        raise DataError(f"{path} is damaged gzip data ({error}): fetch it again") from error
    if not unpacker.eof and not rest:
        raise DataError(f"{path} is truncated gzip data: fetch it again")
    if unpacker.unused_data:
        raise DataError(
            f"{path} must be one gzip stream; {len(unpacker.unused_data):,} bytes follow it: "
            "fetch it again"
        )
    return content, rest


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
