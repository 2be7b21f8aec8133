"""A sweep's journal: what is written is read again, and what is damaged is put aside."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbpress.errors import PressError
from nbpress.sweep.journal import DONE, FAILED, RUNNING, WAITING, Entry, Journal, point_of

POINTS = [{"rate": 0.1, "seed": seed} for seed in range(3)]
GRID = [(point_of(point), f"key {index}") for index, point in enumerate(POINTS)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the place of a journal that has a grid and notes of how its runs have ended."""
    path = tmp_path / "sweeps" / "mine" / "journal.sqlite"
    with Journal(path) as journal:
        journal.note({"description": {"notebook": "a.ipynb"}, "dataset": "ünder"})
        journal.lay_out(GRID)
        journal.change([GRID[0][0]], state=DONE, values={"1a.x": 0.1 + 0.2, "1a.y": "ä"}, seconds=2)
        journal.change([GRID[1][0]], state=FAILED, attempts=2, kills=1, error="cell 3\nraised")
    return path


def test_what_is_written_is_read_again(path: Path) -> None:
    """Parameters, values and facts come back as they were, numbers to the last digit."""
    with Journal(path) as journal:
        assert journal.damaged is None
        assert journal.fact("description") == {"notebook": "a.ipynb"}
        assert journal.fact("dataset") == "ünder"
        assert journal.fact("nothing") is None
        first, second, third = journal.entries()
    assert first == Entry(
        POINTS[0], "key 0", state=DONE, values={"1a.x": 0.1 + 0.2, "1a.y": "ä"}, seconds=2
    )
    assert second == Entry(
        POINTS[1], "key 1", state=FAILED, attempts=2, kills=1, error="cell 3\nraised"
    )
    assert third == Entry(POINTS[2], "key 2", state=WAITING)


def test_point_is_named_whatever_the_order_of_its_parameters() -> None:
    """A grid written in another order has the same runs."""
    assert point_of({"a": 1, "b": 2}) == point_of({"b": 2, "a": 1})
    assert point_of({"a": 1}) != point_of({"a": 1.0})


def test_update_returns_what_is_then_in_the_journal(path: Path) -> None:
    """The entry in memory and the one on the disk stay the same."""
    with Journal(path) as journal:
        entry = journal.entries()[2]
        changed = journal.update(entry, state=RUNNING, attempts=1, observed={"read": {"a": "b"}})
        assert changed == journal.entries()[2]
    with Journal(path) as journal:
        assert journal.entries()[2] == changed


def test_grid_laid_out_anew(path: Path) -> None:
    """Runs keep their results, whether they stay, leave or come back."""
    with Journal(path) as journal:
        before = journal.entries()
        journal.lay_out([(point_of({"rate": 1.0}), "new"), GRID[1]])
        assert [entry.parameters for entry in journal.entries()] == [{"rate": 1.0}, POINTS[1]]
        assert journal.entries()[1] == before[1]
        journal.lay_out(GRID)
        assert journal.entries() == before


def test_change_is_in_the_journal_when_the_call_returns(path: Path) -> None:
    """It is there even if the process dies the next moment."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom nbpress.sweep.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "journal.change([journal.entries()[2].point], state='done')\nos.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)])
    with Journal(path) as journal:
        assert [entry.state for entry in journal.entries()] == [DONE, FAILED, DONE]


def test_changes_that_belong_together_are_stored_together(path: Path) -> None:
    """Others see none of them before the block ends, and never if it ends with an error."""

    def states() -> list[str]:
        with Journal(path, reading=True) as journal:
            return [entry.state for entry in journal.entries()]

    def fail(journal: Journal) -> None:
        with journal.together():
            journal.change([GRID[2][0]], state=RUNNING)
            raise ZeroDivisionError

    with Journal(path) as journal:
        with pytest.raises(ZeroDivisionError):
            fail(journal)
        assert states() == [DONE, FAILED, WAITING]
        with journal.together():
            journal.update(journal.entries()[1], state=WAITING)
            journal.change([GRID[2][0]], state=DONE)
            assert [entry.state for entry in journal.entries()] == [DONE, WAITING, DONE]
            assert states() == [DONE, FAILED, WAITING]
        assert states() == [DONE, WAITING, DONE]
        journal.change([GRID[1][0]], state=DONE)
        assert states() == [DONE, DONE, DONE]


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _cut_off(path: Path) -> None:
    os.truncate(path, 50)


def _put_garbage_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))


def _write_text(path: Path) -> None:
    path.write_text("state,values\n" * 1000)


def _drop_a_table(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE runs")
    database.close()


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _cut_off,
        _put_garbage_in_the_middle,
        _write_text,
        _drop_a_table,
    ],
)
def test_damaged_journal(path: Path, damage: Callable[[Path], None]) -> None:
    """It is kept under another name, and a new one works."""
    damage(path)
    content = path.read_bytes()
    with Journal(path) as journal:
        assert journal.damaged is not None
        assert journal.damaged.read_bytes() == content
        assert journal.damaged.name.startswith("journal.sqlite.damaged-")
        assert journal.entries() == []
        journal.lay_out(GRID)
    with Journal(path) as journal:
        assert journal.damaged is None
        assert [entry.parameters for entry in journal.entries()] == POINTS


def test_empty_file_is_an_empty_journal(path: Path) -> None:
    """A process killed before its first change leaves such a file."""
    path.write_bytes(b"")
    with Journal(path) as journal:
        assert journal.entries() == []
        journal.lay_out(GRID)
        assert len(journal.entries()) == 3


def test_folder_in_place_of_a_journal(path: Path) -> None:
    """It is refused and left as it is."""
    path.unlink()
    (path / "inside").mkdir(parents=True)
    with pytest.raises(PressError, match=r"cannot read or write \S+journal\.sqlite: "):
        Journal(path)
    assert (path / "inside").is_dir()


def test_journal_of_a_newer_version(path: Path) -> None:
    """It is refused and left as it is; the message says what to do."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    content = path.read_bytes()
    message = r"version 2, from a newer nbpress; this one reads version 1: update nbpress, or"
    with pytest.raises(PressError, match=message):
        Journal(path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_journal_that_somebody_else_writes_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless transaction is an error with a message; the journal is not put aside."""
    patient = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: patient(path, timeout=0.01))
    with Journal(path) as journal:
        other = patient(path)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(PressError, match="database is locked"):
            journal.lay_out(GRID)
        with pytest.raises(PressError, match="database is locked"):
            Journal(path)
        other.rollback()
        other.close()
        journal.lay_out(GRID)
    assert [file.name for file in path.parent.iterdir()] == ["journal.sqlite"]


def test_read_only_folder(path: Path) -> None:
    """Its journal can be read; a change is refused with a message."""
    mount = (
        f"mount --bind {path.parent} {path.parent} && mount -o remount,bind,ro {path.parent} && "
        'exec "$@"'
    )
    unshare = ["unshare", "--mount", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, mount, "sh", "true"]).returncode
    ):
        pytest.skip("mounting is not allowed here")
    script = (
        "import sys\nfrom pathlib import Path\nfrom nbpress.errors import PressError\n"
        "from nbpress.sweep.journal import Journal\n"
        "with Journal(Path(sys.argv[1])) as journal:\n"
        "    print(len(journal.entries()))\n"
        "    try:\n        journal.lay_out([])\n"
        "    except PressError as error:\n        print(error)\n"
        "    print(len(journal.entries()))\n"
    )
    done = subprocess.run(
        [*unshare, mount, "sh", sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
    )
    first, error, last = done.stdout.splitlines()
    assert (first, last) == ("3", "3")
    assert error.startswith(f"cannot read or write {path}: ")
