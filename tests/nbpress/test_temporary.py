"""Folders for files that are useless after a build."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nbpress.errors import PressError
from nbpress.run import temporary
from nbpress.run.temporary import delete_abandoned, private_folder, temporary_files


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder for temporary files; its path is as short as it must be."""
    monkeypatch.setattr(temporary, "_parents", lambda: [tmp_path])
    monkeypatch.setattr(temporary, "_LONGEST", len(os.fsencode(tmp_path)))
    return tmp_path


def test_private_folder_goes_when_its_block_ends(parent: Path) -> None:
    """Its content goes with it, and nobody else can look into it."""
    with private_folder() as folder:
        (folder / "file").touch()
        assert folder.parent == parent
        assert folder.stat().st_mode & 0o077 == 0
    assert list(parent.iterdir()) == []


def test_temporary_files_are_made_in_a_private_folder(parent: Path) -> None:
    """Whoever asks Python for one, in this process, gets it there."""
    former = tempfile.gettempdir()
    with temporary_files(), tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parents[1] == parent
    assert tempfile.gettempdir() == former
    assert list(parent.iterdir()) == []


def test_folders_of_the_dead_are_swept_and_no_others(parent: Path) -> None:
    """A folder is known by its lock, which dies with its process."""
    kills_itself = (
        "import os, sys, pathlib\n"
        "from nbpress.run import temporary\n"
        "temporary._parents = lambda: [pathlib.Path(sys.argv[1])]\n"
        "with temporary.private_folder() as folder:\n"
        "    (folder / 'kernel-ipc-1').touch()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", kills_itself, str(parent)], check=False)
    (left,) = parent.iterdir()
    foreign = parent / "nbpress-foreign"  # somebody's folder of such a name
    foreign.mkdir()
    elsewhere = parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (parent / "nbpress-link").symlink_to(elsewhere)
    with private_folder() as living:
        delete_abandoned()
        assert not left.exists()
        assert {living, foreign, elsewhere} < set(parent.iterdir())
        assert (elsewhere / "lock").exists()


def test_folder_with_too_long_a_path_is_refused(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sockets in it could not be reached."""
    monkeypatch.setattr(temporary, "_LONGEST", len(os.fsencode(parent)) - 1)
    with pytest.raises(PressError, match="too long for a kernel's sockets: set TMPDIR"):
        private_folder().__enter__()
