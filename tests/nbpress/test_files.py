"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbpress.files import write


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """No temporary file is left beside it."""
    path = tmp_path / "new" / "file"
    write({path: b"one"})
    write({path: b"other"})
    assert path.read_bytes() == b"other"
    assert list(path.parent.iterdir()) == [path]


def test_none_is_replaced_unless_all_are_written(tmp_path: Path) -> None:
    """Files that belong together are replaced together."""
    first, second = tmp_path / "first", tmp_path / "folder" / "second"
    write({first: b"old"})
    (tmp_path / "folder").touch()
    with pytest.raises(FileExistsError):
        write({first: b"new", second: b"new"})
    assert first.read_bytes() == b"old"
