"""The fault suite: whatever happens to a build, nothing broken is published or kept.

After each fault the former report is unchanged byte for byte, no process is left, and the next
build gives the same as a build without the fault. `make test-faults` runs it.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from fixtures.tiny_project import COMMAND, GATED, Result, TinyProject

from nbpress.run.cache import Cache
from nbpress.sweep.journal import Entry, Journal

pytestmark = pytest.mark.faults

BROKEN = Path(__file__).parent / "fixtures" / "broken"
DEADLINE = 60  # seconds that anything may take before a test gives up
MOMENTS = 5  # at which a build is killed, for each way to kill it and each kind of kernels
GOLDEN = 0.618034  # its multiples, modulo 1, spread evenly however many there are


def edit(project: TinyProject) -> None:
    """Make every chapter stale."""
    project.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    project.edit("src/tiny/drawing.py", "<rect", '<rect fill="red"')


@pytest.fixture(scope="session")
def former(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Return a project whose report is published."""
    project = TinyProject(tmp_path_factory.mktemp("former") / "tiny").write()
    project.report()
    return project


class Course:
    """What an undisturbed build of the edited project publishes, and how long it takes."""

    def __init__(self, project: TinyProject) -> None:
        edit(project)
        start = time.monotonic()
        project.report("--force")
        self.seconds = time.monotonic() - start
        self.published = project.published()


@pytest.fixture(scope="session")
def course(former: TinyProject, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Build the edited project undisturbed."""
    folder = tmp_path_factory.mktemp("course") / "tiny"
    return Course(TinyProject(shutil.copytree(former.root, folder)))


@pytest.fixture
def project(former: TinyProject, tmp_path: Path) -> TinyProject:
    """Return a copy of the project with the former report."""
    return TinyProject(shutil.copytree(former.root, tmp_path / "tiny"))


@pytest.fixture
def edited(project: TinyProject) -> TinyProject:
    """Return the same with all chapters stale."""
    edit(project)
    return project


def processes(project: TinyProject) -> list[psutil.Process]:
    """Return the processes that work in the project's folder, or for it."""
    running = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            inside = Path(process.cwd()).is_relative_to(project.root)
            if inside or process.environ().get("NBPRESS_ROOT") == str(project.root):
                running.append(process)
    return running


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; give up at the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.01)


def assert_sound(project: TinyProject) -> None:
    """Find no process left, and nothing in the cache that is not whole."""
    until(lambda: not processes(project))
    cache = Cache(project.root / "build" / "runs", project.root)
    folders = [path for path in cache.folder.iterdir() if not path.name.startswith(".")]
    runs = cache.all()
    assert {run.folder for run in runs} == set(folders)
    assert all(run.intact for run in runs)


def assert_recovers(project: TinyProject, expected: dict[str, bytes]) -> None:
    """Build again: it gives what an undisturbed build gives, and leaves no stray files."""
    project.report()
    assert project.published() == expected
    assert_sound(project)
    left = [path.name for path in project.root.rglob(".*") if path.name.startswith(".")]
    assert left == []
    assert project.report().executed == {}


def assert_failed(result: Result, *parts: str) -> None:
    """Find one clear message, and no traceback."""
    assert result.status == 1
    assert "nbpress: " in result.err
    assert "Traceback (most recent call last):\n  File" not in result.err
    for part in parts:
        assert part in result.err


def started(project: TinyProject) -> subprocess.Popen[str]:
    """Start a build, and return when a cell of the first chapter waits at its gate."""
    project.edit_cell("1_sums.ipynb", "sum", GATED)
    process = project.start("report")

    def at_the_gate() -> bool:
        progress = list(project.root.glob("build/runs/.partial-*/progress"))
        return process.poll() is not None or any(p.read_text() == "5 7" for p in progress)

    until(at_the_gate)
    return process


def parts(project: TinyProject) -> dict[str, psutil.Process]:
    """Return the processes of the chapter that waits at the gate, when the others are done."""

    def by_role() -> dict[str, list[psutil.Process]]:
        in_notebooks, server = [], []
        for process in processes(project):
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(project.root / "notebooks"):
                    in_notebooks.append((process, " ".join(process.cmdline())))
                elif "fork_server" in " ".join(process.cmdline()):
                    server.append(process)
        return {
            "worker": [p for p, line in in_notebooks if "multiprocessing" in line],
            "kernel": [p for p, line in in_notebooks if "multiprocessing" not in line],
            "keeper": [p for p in server if p.ppid() in {s.pid for s in server}],
            "server": [p for p in server if p.ppid() not in {s.pid for s in server}],
        }

    until(lambda: len(by_role()["kernel"]) == 1 and len(by_role()["keeper"]) <= 1)
    return {name: each[0] for name, each in by_role().items() if each}


# ---- Killed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kernels", ["fresh", "forked"])
@pytest.mark.parametrize("whom", ["group", "build"])
def test_killed_build(
    former: TinyProject,
    course: Course,
    tmp_path: Path,
    whom: str,
    kernels: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed at any moment, alone or with its workers, it leaves nothing broken."""
    monkeypatch.setenv("NBPRESS_KERNELS", kernels)
    before = former.published()
    seconds, hits = course.seconds, 0
    while hits < MOMENTS:
        project = TinyProject(shutil.copytree(former.root, tmp_path / "tiny"))
        edit(project)
        process = project.start("report")
        try:
            process.wait(seconds * (hits * GOLDEN % 1))
            seconds *= 0.9  # it was quicker than the one that was measured
        except subprocess.TimeoutExpired:
            (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
            hits += 1
        process.communicate(timeout=DEADLINE)
        for name, content in project.published().items():
            assert content in (before[name], course.published[name])
        assert_sound(project)
        assert_recovers(project, course.published)
        shutil.rmtree(project.root)


@pytest.mark.parametrize("kernels", ["fresh", "forked"])
@pytest.mark.parametrize("name", ["kills_its_kernel", "hangs", "raises", "exits"])
def test_chapter_that_does_not_run_to_its_end(
    project: TinyProject, name: str, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead kernel, time-out, exception or exit publishes nothing, and is shown."""
    monkeypatch.setenv("NBPRESS_KERNELS", kernels)
    before = project.published()
    chapter = project.root / "notebooks" / "1_sums.ipynb"
    whole = chapter.read_text("utf-8")
    if name == "hangs":
        project.edit("report/report.yaml", "cell_timeout: 60", "cell_timeout: 5")
    shutil.copy(BROKEN / f"{name}.ipynb", chapter)
    result = project.run("report")
    reasons = {
        "kills_its_kernel": ("did not finish: its kernel died",),
        "hangs": ("took more than 5 s, the limit of a cell", "    waiting"),
        "raises": ("raised KeyError: 'seven'", "    reading the numbers"),
        "exits": ("raised SystemExit: 0",),
    }
    assert_failed(result, "1_sums.ipynb: cell 5 (broken) ", *reasons[name])
    kept = json.loads((project.root / "build" / "failed" / "1_sums.ipynb").read_text("utf-8"))
    ran = {cell["id"]: cell.get("execution_count") for cell in kept["cells"]}
    assert ran["imports"]
    assert not ran["answer"]
    assert project.published() == before
    assert_sound(project)
    chapter.write_text(whole, "utf-8")
    assert_recovers(project, before)


@pytest.mark.parametrize(
    ("victim", "kernels"),
    [
        *itertools.product(["kernel", "worker"], ["fresh", "forked"]),
        *itertools.product(["keeper", "server"], ["forked"]),
    ],
)
def test_process_killed_from_outside(
    project: TinyProject, victim: str, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user or the system, out of memory, kills it; in the end no temporary file is left."""
    temporary = Path(tempfile.mkdtemp())
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("NBPRESS_KERNELS", kernels)
    before = project.published()
    whole = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    process = started(project)
    dies = parts(project)
    forking = {"server", "keeper"} if kernels == "forked" else set()
    assert dies.keys() == {"kernel", "worker", *forking}
    dies[victim].kill()
    if victim == "server":  # others see to the kernel, which is none the worse for it
        assert dies["kernel"].is_running()
        dies["kernel"].kill()
    _, err = process.communicate(timeout=DEADLINE)
    assert_failed(Result(process.returncode, "", err), "1_sums.ipynb: ", "did not finish: its ")
    assert project.published() == before
    assert_sound(project)
    assert len(list(temporary.iterdir())) == (victim == "worker")
    (project.root / "notebooks" / "1_sums.ipynb").write_text(whole, "utf-8")
    project.report("--force")
    assert_recovers(project, before)
    temporary.rmdir()


@pytest.mark.parametrize("whom", ["group", "build"])
def test_interrupted_build(project: TinyProject, whom: str) -> None:
    """Ctrl-C ends the build at once, with its kernels, in one line."""
    before = project.published()
    whole = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    process = started(project)
    (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "nbpress: interrupted; the previous report is unchanged"
    assert "Traceback" not in err
    assert project.published() == before
    assert_sound(project)
    (project.root / "notebooks" / "1_sums.ipynb").write_text(whole, "utf-8")
    assert_recovers(project, before)


def test_lack_of_memory(project: TinyProject) -> None:
    """Lack of memory in a cell gives one sentence, and nothing is published."""
    before = project.published()
    whole = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n"
    project.edit_cell("1_sums.ipynb", "sum", limit + "total = len(bytearray(2**34))")
    result = project.run("report")
    assert_failed(result, "1_sums.ipynb: cell 5 (sum) ran out of memory (MemoryError): free some")
    assert "Traceback" not in result.err
    assert project.published() == before
    (project.root / "notebooks" / "1_sums.ipynb").write_text(whole, "utf-8")
    assert_recovers(project, before)


# ---- Disks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 500, 2000, 5000, 8000, 12000])
def test_file_size_limit(edited: TinyProject, course: Course, size: int) -> None:
    """It acts like a full disk for any file: lock, run, notebook, PDF."""
    before = edited.published()
    process = edited.start(
        "report", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    _, err = process.communicate(timeout=DEADLINE)
    assert_failed(Result(process.returncode, "", err), "over the size limit")
    assert edited.published() == before
    assert_sound(edited)
    assert_recovers(edited, course.published)


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount something at a folder; skip where that is not allowed."""
    command = ["mount", *options, str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [16, 48, 64])
def test_full_disk(edited: TinyProject, course: Course, kilobytes: int) -> None:
    """The build folder lies on a disk that is really full."""
    before = edited.published()
    build = edited.root / "build"
    with mounted(build, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"):
        result = edited.run("report")
        assert_failed(result, "the disk is full: make room and run it again")
        assert edited.published() == before
        subprocess.run(["mount", "-o", "remount,size=100m", str(build)], check=True)
        assert_recovers(edited, course.published)


@pytest.mark.parametrize("name", ["report", "build"])
def test_read_only_folder(edited: TinyProject, course: Course, name: str) -> None:
    """It is reported before any chapter runs."""
    before = edited.published()
    folder = edited.root / name
    with mounted(folder, "--bind", "-o", "ro", str(folder)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        result = edited.run("report")
        assert_failed(result, "it is on a read-only file system")
        assert result.executed == {}
        assert edited.published() == before
    assert_recovers(edited, course.published)


def test_read_only_shared_memory(edited: TinyProject, course: Course) -> None:
    """It is named; processes have their semaphores there."""
    before = edited.published()
    read_only = "mount --bind /dev/shm /dev/shm && mount -o remount,bind,ro /dev/shm"
    unshare = ["unshare", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, read_only]).returncode:
        pytest.skip("mounting is not allowed here")
    done = subprocess.run(
        [*unshare, f'{read_only} && exec "$@"', "sh", *COMMAND, "report"],
        cwd=edited.root,
        env=edited.environment(),
        capture_output=True,
        text=True,
    )
    assert_failed(Result(done.returncode, "", done.stderr), "make /dev/shm writable")
    assert edited.published() == before
    assert_recovers(edited, course.published)


@pytest.mark.parametrize("name", ["report.pdf", "values.json"])
def test_folder_in_place_of_an_output(edited: TinyProject, course: Course, name: str) -> None:
    """It is reported before any chapter runs, and nothing else is replaced."""
    before = edited.published()
    (edited.root / "report" / name).unlink()
    (edited.root / "report" / name).mkdir()
    result = edited.run("report")
    assert_failed(result, "there is a folder where a file should be")
    assert result.executed == {}
    (edited.root / "report" / name).rmdir()
    (edited.root / "report" / name).write_bytes(before[name])
    assert edited.published() == before
    assert_recovers(edited, course.published)


# ---- The cache ------------------------------------------------------------------------------


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"nothing" * (path.stat().st_size // 7))


@pytest.mark.parametrize("damage", [_truncate, _flip, _empty, Path.unlink])
@pytest.mark.parametrize("name", ["executed.ipynb", "run.json"])
def test_damaged_cache(project: TinyProject, name: str, damage: Callable[[Path], None]) -> None:
    """Only damaged runs are executed again."""
    before = project.published()
    for run in Cache(project.root / "build" / "runs", project.root).all():
        if run.notebook == "2_pictures.ipynb":
            damage(run.folder / name)
    assert list(project.report().executed) == ["2_pictures"]
    assert project.published() == before
    assert_recovers(project, before)


def test_left_overs_of_killed_builds(project: TinyProject) -> None:
    """The next build deletes them."""
    before = project.published()
    partial = project.root / "build" / "runs" / ".partial-0123-abc"
    partial.mkdir()
    (partial / "executed.ipynb").write_text('{"cells": [')
    (project.root / "report" / ".report.pdf.new").write_bytes(b"%PDF")
    (project.root / "report" / ".values.json.new").write_bytes(b"{")
    (project.root / "build" / ".report.ipynb.new").write_bytes(b"{")
    assert_recovers(project, before)


def test_half_published_report(edited: TinyProject, course: Course) -> None:
    """If a build is killed between two renames, the next one renames the rest."""
    values = edited.published()["values.json"]
    edited.report()
    (edited.root / "report" / "values.json").write_bytes(values)
    assert_recovers(edited, course.published)


# ---- Everything at once ---------------------------------------------------------------------


def test_two_builds_at_once(edited: TinyProject, course: Course) -> None:
    """One executes everything, the other nothing."""
    both = [edited.start("report") for _ in range(2)]
    said = [process.communicate(timeout=DEADLINE)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(len(Result(0, "", err).executed) for err in said) == [0, 3]
    assert sum("another build is running" in err for err in said) == 1
    assert_recovers(edited, course.published)


@pytest.mark.parametrize("seconds", [0, 2**31 - 1, 2**33])
def test_times_in_past_and_future(project: TinyProject, course: Course, seconds: int) -> None:
    """An edit counts whatever the times are; times without an edit do not."""
    sources = [*project.root.rglob("src/**/*.py"), *project.root.rglob("notebooks/*")]
    for path in sources:
        os.utime(path, (seconds, seconds))
    assert project.report().executed == {}
    edit(project)
    for path in sources:
        os.utime(path, (seconds, seconds))
    assert len(project.report().executed) == 3
    assert_recovers(project, course.published)


def test_module_edited_while_it_runs(project: TinyProject) -> None:
    """Outputs from an unknown version of a module are not kept."""
    before = project.published()
    whole = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    process = started(project)
    project.edit("src/tiny/base.py", "STEP = 1", "STEP = 3")
    (project.root / "gate").touch()
    _, err = process.communicate(timeout=DEADLINE)
    assert_failed(
        Result(process.returncode, "", err), "src/tiny/base.py changed while it ran: run it again"
    )
    assert project.published() == before
    assert_sound(project)
    project.edit("src/tiny/base.py", "STEP = 3", "STEP = 1")
    (project.root / "notebooks" / "1_sums.ipynb").write_text(whole, "utf-8")
    assert_recovers(project, before)


def test_notebook_saved_while_it_runs(project: TinyProject) -> None:
    """One state of it is published; the next build has the other."""
    before = project.published()
    whole = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    process = started(project)
    (project.root / "notebooks" / "1_sums.ipynb").write_text(whole, "utf-8")
    (project.root / "gate").touch()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert project.values["1a.total"] == 1
    assert "while not pathlib" in project.bound
    assert_recovers(project, before)


# ---- Sweeps -----------------------------------------------------------------------------------

# Says which runs were executed, whatever the journal says; waits at the gate at one point.
TRACED = """\
import pathlib, time
with open({log!r}, "a") as file:
    print(count, file=file)
while count in {gated} and not pathlib.Path("../gate").exists():
    time.sleep(0.02)
total = sums.total(count, scale) / 7
"""
TWELVE = ("sweep", "1_sums", "count=1..12")


class Swept:
    """A project whose first notebook is swept: which runs were executed, what the journal says."""

    def __init__(self, root: Path, gated: int = 0) -> None:
        self.project = TinyProject(root / "tiny").write()
        self.log = root / "executed"
        self.log.touch()
        source = TRACED.format(log=str(self.log), gated=[gated])
        self.project.edit_cell("1_sums.ipynb", "sum", source)
        self.cache = Cache(self.project.root / "build/sweeps/1_sums/runs", self.project.root)

    @property
    def executed(self) -> list[int]:
        """The counts at which the notebook was begun, in that order."""
        return [int(line) for line in self.log.read_text().split()]

    @property
    def entries(self) -> dict[int, Entry]:
        """What the journal says, by count; nothing if there is none."""
        path = self.project.root / "sweeps" / "1_sums" / "journal.sqlite"
        if not path.exists():
            return {}
        with Journal(path) as journal:
            assert journal.damaged is None
            return {entry.parameters["count"]: entry for entry in journal.entries()}

    @property
    def states(self) -> dict[int, str]:
        """The state of each run."""
        return {count: entry.state for count, entry in self.entries.items()}

    @property
    def values(self) -> dict[int, float]:
        """The values in the table."""
        with (self.project.root / "sweeps" / "1_sums" / "results.csv").open() as file:
            return {int(row["count"]): float(row["1a.total"]) for row in csv.DictReader(file)}

    @property
    def kept(self) -> set[int]:
        """The counts of which a whole executed notebook is there."""
        return {run.parameters["count"] for run in self.cache.all() if run.intact}

    def at_the_gate(self, process: subprocess.Popen[str], count: int) -> None:
        """Wait until the run of this count has begun."""
        until(lambda: process.poll() is not None or count in self.executed)
        assert process.poll() is None

    def wait_also_at(self, count: int) -> None:
        """Have the run of one more count wait at the gate."""
        self.project.edit("notebooks/1_sums.ipynb", "count in [", f"count in [{count}, ")

    def open_gate(self) -> None:
        """Let the run go on that waits."""
        (self.project.root / "gate").touch()

    def workers(self, busy: bool = True) -> list[psutil.Process]:
        """Return the processes in which notebooks run, those that run one now, or all."""
        running = []
        for process in processes(self.project):
            with contextlib.suppress(psutil.Error):
                is_worker = "multiprocessing.spawn" in " ".join(process.cmdline())
                is_busy = process.cwd() == str(self.project.root / "notebooks")
                if is_worker and (is_busy or not busy):
                    running.append(process)
        return running

    def assert_sound(self) -> None:
        """Find no process left, and no executed notebook that is not whole."""
        until(lambda: not processes(self.project))
        folders = list(self.cache.folder.glob("[!.]*"))
        assert len(self.kept) == len(folders)

    def assert_finished(self, count: int) -> None:
        """Find every run done with the right value, nothing lying about, and nothing to do."""
        self.assert_sound()
        assert self.states == dict.fromkeys(range(1, count + 1), "done")
        assert self.values == {n: 2.0 * sum(range(n)) / 7 for n in range(1, count + 1)}
        left = [p.name for p in self.project.root.rglob(".*") if p.name.startswith(".")]
        assert left == []
        before = self.executed
        assert self.project.run("sweep", "1_sums").status == 0
        assert self.executed == before


@pytest.fixture
def swept(tmp_path: Path) -> Swept:
    """Return a project whose sweep waits at the second of its runs."""
    return Swept(tmp_path, gated=2)


@pytest.fixture(scope="session")
def sweep_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Return how long an undisturbed sweep takes; its values are the right ones."""
    undisturbed = Swept(tmp_path_factory.mktemp("swept"))
    start = time.monotonic()
    assert undisturbed.project.run(*TWELVE).status == 0
    seconds = time.monotonic() - start
    undisturbed.assert_finished(12)
    assert sorted(undisturbed.executed) == list(range(1, 13))
    return seconds


@pytest.mark.parametrize("whom", ["group", "client"])
def test_killed_sweep(sweep_seconds: float, tmp_path: Path, whom: str) -> None:
    """Runs that were done are not executed again; all others are, with the same values."""
    seconds, hits = sweep_seconds, 0
    while hits < MOMENTS:
        swept = Swept(tmp_path)
        process = swept.project.start(*TWELVE)
        try:
            process.wait(seconds * (hits * GOLDEN % 1))
            seconds *= 0.9
        except subprocess.TimeoutExpired:
            (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
            hits += 1
        process.communicate(timeout=DEADLINE)
        swept.assert_sound()
        before, executed = swept.entries, swept.executed
        done = {count for count, entry in before.items() if entry.state == "done"}
        assert done <= swept.kept  # and one whose note was not written may be there too
        assert sum(entry.state == "running" for entry in before.values()) <= 2
        unfinished = set(range(1, 13)) - done - swept.kept
        assert swept.project.run(*TWELVE).status == 0
        assert sorted(swept.executed[len(executed) :]) == sorted(unfinished)
        for count, entry in swept.entries.items():
            former = before.get(count)
            if count in done:
                assert entry == former
            else:
                attempts = former.attempts if former else 0
                assert entry.attempts == attempts + (count in unfinished)
        swept.assert_finished(12)
        shutil.rmtree(swept.project.root)
        swept.log.unlink()


@pytest.mark.parametrize("kernels", ["fresh", "forked"])
def test_worker_of_a_sweep_killed(
    swept: Swept, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run is executed again in a new process; no other run is."""
    monkeypatch.setenv("NBPRESS_KERNELS", kernels)
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "1")
    swept.at_the_gate(process, 2)
    (worker,) = swept.workers()
    worker.kill()
    until(lambda: process.poll() is not None or swept.executed.count(2) == 2)
    swept.open_gate()
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert "count=2: its process was killed; it runs again\n" in err
    assert sorted(swept.executed) == [1, 2, 2, 3, 4]
    assert {n: (e.attempts, e.kills) for n, e in swept.entries.items()} == {
        1: (1, 0),
        2: (2, 1),
        3: (1, 0),
        4: (1, 0),
    }
    swept.assert_finished(4)


def test_one_of_two_workers_killed(swept: Swept) -> None:
    """The run in the other process continues."""
    swept.wait_also_at(3)
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "2")
    swept.at_the_gate(process, 2)
    swept.at_the_gate(process, 3)
    first, second = swept.workers()
    first.kill()
    until(lambda: len(swept.executed) == 4)
    assert second.is_running()
    swept.open_gate()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert sorted(entry.attempts for entry in swept.entries.values()) == [1, 1, 1, 2]
    swept.assert_finished(4)


def test_idle_worker_of_a_sweep_killed(swept: Swept) -> None:
    """No run is blamed for it: the next one gets a new process."""
    process = swept.project.start("sweep", "1_sums", "count=1..3", "--workers", "2")
    swept.at_the_gate(process, 2)
    until(lambda: [*swept.states.values()].count("done") == 2)
    (busy,) = swept.workers()
    (idle,) = set(swept.workers(busy=False)) - {busy}
    idle.kill()
    until(lambda: not idle.is_running())
    busy.kill()
    until(lambda: process.poll() is not None or swept.executed.count(2) == 2)
    swept.open_gate()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert {n: (e.attempts, e.kills) for n, e in swept.entries.items()} == {
        1: (1, 0),
        2: (2, 1),
        3: (1, 0),
    }
    swept.assert_finished(3)


def test_run_that_kills_its_process_each_time(tmp_path: Path) -> None:
    """After three kills it has failed; the others are done, and --retry tries it again."""
    swept = Swept(tmp_path)
    kills = (
        "import contextlib, os, time, psutil\n"
        "for process in psutil.process_iter() if count == 2 else []:\n"
        "    with contextlib.suppress(psutil.Error):\n"
        "        is_worker = 'multiprocessing.spawn' in ' '.join(process.cmdline())\n"
        "        if is_worker and process.cwd() == os.getcwd():\n"
        "            process.kill()\n"
        "            time.sleep(60)\n"
    )
    source = TRACED.format(log=str(swept.log), gated=[])
    swept.project.edit_cell("1_sums.ipynb", "sum", source + kills)
    result = swept.project.run("sweep", "1_sums", "count=1..4", "--workers", "1")
    assert_failed(result, "1 of 4 runs failed", "count=2: FAILED: its process was killed 3 times")
    assert swept.states == {1: "done", 2: "failed", 3: "done", 4: "done"}
    assert swept.entries[2].attempts == 3
    assert sorted(swept.executed) == [1, 2, 2, 2, 3, 4]
    swept.assert_sound()
    assert swept.project.run("sweep", "1_sums").status == 1
    assert len(swept.executed) == 6
    assert swept.project.run("sweep", "1_sums", "--retry").status == 1
    assert swept.executed.count(2) == 6
    assert swept.entries[2].attempts == 6


def read_until(process: subprocess.Popen[str], part: str) -> None:
    """Read what a command says until it has said this."""
    assert process.stderr is not None
    assert any(part in line for line in iter(process.stderr.readline, ""))


def test_interrupted_sweep(swept: Swept) -> None:
    """After one Ctrl-C, current runs finish, nothing new starts, and the rest is for later."""
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "1")
    swept.at_the_gate(process, 2)
    os.killpg(process.pid, signal.SIGINT)
    read_until(
        process, "Ctrl-C: waiting for the current runs to finish; Ctrl-C again stops at once"
    )
    assert swept.states[2] == "running"
    swept.open_gate()
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "count=2: done" in err
    assert err.splitlines()[-1] == ("nbpress: interrupted; the same command continues the sweep")
    assert swept.states == {1: "done", 2: "done", 3: "waiting", 4: "waiting"}
    assert swept.executed == [1, 2]
    swept.assert_sound()
    assert swept.project.run("sweep", "1_sums").status == 0
    assert sorted(swept.executed) == [1, 2, 3, 4]
    swept.assert_finished(4)


@pytest.mark.parametrize("kernels", ["fresh", "forked"])
def test_sweep_interrupted_twice(
    swept: Swept, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends at once, with its kernels; interrupted runs are executed again later."""
    monkeypatch.setenv("NBPRESS_KERNELS", kernels)
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "1")
    swept.at_the_gate(process, 2)
    os.killpg(process.pid, signal.SIGINT)
    read_until(
        process, "Ctrl-C: waiting for the current runs to finish; Ctrl-C again stops at once"
    )
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert swept.states == {1: "done", 2: "waiting", 3: "waiting", 4: "waiting"}
    swept.assert_sound()
    swept.open_gate()
    assert swept.project.run("sweep", "1_sums").status == 0
    assert sorted(swept.executed) == [1, 2, 2, 3, 4]
    swept.assert_finished(4)


def test_two_clients_of_a_sweep(swept: Swept) -> None:
    """The second one waits, and then finds everything done."""
    arguments = ("sweep", "1_sums", "count=1..4")
    first = swept.project.start(*arguments)
    swept.at_the_gate(first, 2)
    second = swept.project.start(*arguments)
    read_until(second, "waiting for it to end")
    swept.open_gate()
    said = [process.communicate(timeout=DEADLINE)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert "4 are done\n" in said[1]
    assert sorted(swept.executed) == [1, 2, 3, 4]
    swept.assert_finished(4)


def test_looking_at_a_sweep_at_work(swept: Swept) -> None:
    """`show` and `ls` do not wait, and do not disturb it."""
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "1")
    swept.at_the_gate(process, 2)
    assert "1_sums  1 of 4 runs done, 1 running, 2 waiting" in swept.project.run("sweep", "ls").out
    assert swept.project.run("sweep", "show", "1_sums").status == 0
    swept.open_gate()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    swept.assert_finished(4)


def test_report_beside_a_sweep(swept: Swept) -> None:
    """Each has its own lock, so a report can be built while a sweep runs."""
    process = swept.project.start("sweep", "1_sums", "count=1..4", "--workers", "1")
    swept.at_the_gate(process, 2)
    swept.project.report()
    swept.open_gate()
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert swept.states == dict.fromkeys(range(1, 5), "done")


def test_module_edited_while_a_sweep_runs(swept: Swept) -> None:
    """It stops at once and keeps no run of an unknown version; later, all use the new one."""
    process = swept.project.start("sweep", "1_sums", "count=1..3", "--workers", "1")
    swept.at_the_gate(process, 2)
    swept.project.edit("src/tiny/base.py", "STEP = 1", "STEP = 2")
    swept.open_gate()
    _, err = process.communicate(timeout=DEADLINE)
    why = "src/tiny/base.py changed while it ran: run it again; what is done is kept"
    assert_failed(Result(process.returncode, "", err), why)
    assert swept.states == {1: "done", 2: "waiting", 3: "waiting"}
    assert swept.project.run("sweep", "1_sums").status == 0
    assert swept.values == {n: 2.0 * sum(range(0, n, 2)) / 7 for n in (1, 2, 3)}
    assert sorted(swept.executed) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("folder", ["build", "sweeps"])
@pytest.mark.parametrize("kilobytes", [16, 32, 48, 80])
def test_full_disk_of_a_sweep(tmp_path: Path, folder: str, kilobytes: int) -> None:
    """The sweep says so, for notebooks or journal; with room, it continues and all is right."""
    swept = Swept(tmp_path)
    full = swept.project.root / folder
    full.mkdir()
    with mounted(full, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"):
        result = swept.project.run("sweep", "1_sums", "count=1..5")
        if result.status:
            assert_failed(result, "disk is full", "make room")
        else:
            assert folder == "sweeps"
        swept.assert_sound()
        there = swept.kept
        executed = swept.executed
        subprocess.run(["mount", "-o", "remount,size=100m", str(full)], check=True)
        assert swept.project.run("sweep", "1_sums", "count=1..5").status == 0
        assert not there & set(swept.executed[len(executed) :])
        swept.assert_finished(5)


@pytest.mark.parametrize("damage", [_truncate, _empty, Path.unlink, _overwrite])
def test_journal_damaged_in_mid_sweep(swept: Swept, damage: Callable[[Path], None]) -> None:
    """The sweep says so; started again, it repeats no completed run."""
    arguments = ("sweep", "1_sums", "count=1..4")
    process = swept.project.start(*arguments, "--workers", "1")
    swept.at_the_gate(process, 2)
    damage(swept.project.root / "sweeps" / "1_sums" / "journal.sqlite")
    swept.open_gate()
    _, err = process.communicate(timeout=DEADLINE)
    if process.returncode:
        assert_failed(Result(process.returncode, "", err), "journal.sqlite")
    until(lambda: not processes(swept.project))
    assert swept.kept >= {1}
    executed, kept = swept.executed, swept.kept
    assert swept.project.run(*arguments).status == 0
    assert sorted(swept.executed[len(executed) :]) == sorted({1, 2, 3, 4} - kept)
    assert swept.executed.count(1) == 1
    assert swept.values.keys() == {1, 2, 3, 4}
