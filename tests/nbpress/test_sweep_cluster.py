"""Sweeps on a real Dask cluster, over TLS: two workers that share no folder with the sweep."""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.sweep import remote
from nbpress.sweep.cluster import ClusterWorkers

TLS = Path(__file__).parents[1] / "fixtures" / "tls"  # a certificate for tests alone
DASK = Path(sys.executable).with_name("dask")
GRID = ("1_sums", "count=1..6", "scale=1,2")
DEADLINE = 60


def secured(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which Dask speaks TLS and nothing else."""
    prefix = "DASK_DISTRIBUTED__COMM__"
    certificate, key = str(TLS / "certificate.pem"), str(TLS / "key.pem")
    settings = {"REQUIRE_ENCRYPTION": "true", "TLS__CA_FILE": certificate}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"TLS__{role}__CERT": certificate, f"TLS__{role}__KEY": key}
    return {**environment, **{f"{prefix}{name}": value for name, value in settings.items()}}


class Cluster:
    """A scheduler and workers that can be added."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.processes: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"tls://127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        self.start("scheduler", "--host=127.0.0.1", f"--port={port}", "--no-dashboard")

    def start(self, what: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a scheduler or a worker, and wait until it says that it is there."""
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [DASK, what, "--protocol=tls", *arguments],
                env={**self.environment, **environment},
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        ready = {"scheduler": "Scheduler at", "worker": "Registered to"}[what]
        until(lambda: ready in log.read_text("utf-8"))
        return process

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Add a worker."""
        arguments = (self.address, "--nthreads=1", "--no-dashboard", "--host=127.0.0.1")
        return self.start("worker", *arguments, **environment)

    def close(self) -> None:
        """End them all."""
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Return a project whose resolver finds its data sets wherever it is imported from."""
    tiny = TinyProject(tmp_path_factory.mktemp("swept") / "tiny").write()
    data = f'Path({str(tiny.root / "data")!r}) / f"{{name}}.txt"'
    tiny.edit("src/tiny/resolver.py", 'Path(__file__).parents[2] / "data" / f"{name}.txt"', data)
    return tiny


@pytest.fixture(scope="module")
def cluster(project: TinyProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two workers."""
    started = Cluster(tmp_path_factory.mktemp("cluster"), secured(project.environment()))
    try:
        started.worker()
        started.worker()
        yield started
    finally:
        started.close()


def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def table(project: TinyProject, name: str) -> list[dict[str, str]]:
    """Return a sweep's results, without what depends on where they come from."""
    with (project.root / "sweeps" / name / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for column in ("attempts", "seconds", "host", "path"):
            del row[column]
    return rows


def test_values_are_those_of_this_machine_whatever_dies(
    project: TinyProject, cluster: Cluster
) -> None:
    """A worker that is killed in the middle costs one more attempt, and no other run anything."""
    environment = secured({})
    command = ("sweep", *GRID, "--name", "cluster", "--scheduler", cluster.address)
    process = project.start(*command, env={**project.environment(), **environment})
    log = cluster.folder / "1.log"
    workers = [psutil.Process(p.pid).children()[-1] for p in cluster.processes[1:]]
    assert process.stderr
    while "[3/12]" not in process.stderr.readline():
        assert process.poll() is None
    workers[0].kill()
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    assert "sweeps/cluster/results.csv: 12 of 12 runs done" in err
    assert project.run("sweep", *GRID, "--name", "here").status == 0
    assert table(project, "cluster") == table(project, "here")
    until(lambda: log.read_text("utf-8").count("Registered to") == 2)  # a new one is in its place


def test_file_that_nobody_declared_is_named(project: TinyProject, cluster: Cluster) -> None:
    """The worker does not have it; once it is declared, it is sent."""
    (project.root / "data" / "more.csv").write_text("7\n")
    cell = "total = float(open('../data/more.csv').read()) + scale"
    content = (project.root / "notebooks" / "1_sums.ipynb").read_text("utf-8")
    project.edit_cell("1_sums.ipynb", "sum", cell)
    command = ("sweep", "1_sums", "scale=1,2", "--name", "file", "--scheduler", cluster.address)
    try:
        result = project.run(*command, **secured({}))
        assert result.status == 1
        assert "FAILED: it reads data/more.csv, which is not the same on" in result.err
        assert "nbpress: 2 of 2 runs failed" in result.err
        assert "list it under `inputs`" in result.err
        name = "notebook: 1_sums.ipynb"
        project.edit("report/report.yaml", name, f"{name}\n    inputs: [data/more.csv]")
        result = project.run(*command, **secured({}))
        assert result.status == 0, result.err
        assert [row["1a.total"] for row in table(project, "file")] == ["8.0", "9.0"]
    finally:
        (project.root / "notebooks" / "1_sums.ipynb").write_text(content, "utf-8")


def test_worker_with_other_packages_gets_no_second_run(
    project: TinyProject, cluster: Cluster, tmp_path: Path
) -> None:
    """It is named, and the others do the work."""
    for path in (project.root / "site").glob("*.dist-info/METADATA"):
        other = tmp_path / path.parent.name
        other.mkdir()
        text = path.read_text("utf-8").replace("Version: 2.0", "Version: 2.1")
        (other / "METADATA").write_text(text, "utf-8")
    press = project.environment()["PYTHONPATH"].split(os.pathsep)[1]
    process = cluster.worker(PYTHONPATH=os.pathsep.join([str(tmp_path), press]))
    try:
        command = ("sweep", *GRID, "--name", "sick", "--scheduler", cluster.address)
        result = project.run(*command, **secured({}))
        assert result.status == 0, result.err
        refusal = "versions of packages are installed: helper 2.1 instead of 2.0; it runs again"
        assert result.err.count(refusal) == 1
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_full_disk_of_a_worker_is_no_fault_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker refuses runs and says why, as one does that has other packages."""

    def run_in(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(remote, "_compare_versions", lambda _: None)
    monkeypatch.setattr(remote, "_run_in", run_in)
    assert "the disk is full" in remote.run_there(cast("remote.Parcel", None)).refused


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("raise ValueError('it: is away')", "it: is away"),
        ("raise SystemExit('no colon')", "no colon"),
        ("import os; os.kill(os.getpid(), 9)", "exit status -9"),
    ],
)
def test_data_set_that_a_worker_cannot_resolve(
    command: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a reason to give, however the resolver ended."""
    monkeypatch.setattr(remote, "_RESOLVE", command)
    with pytest.raises(PressError) as refusal:
        remote._data_set("mine", "module:function", (), reason)
    assert str(refusal.value) == f"its data set 'mine' cannot be resolved: {reason}"


def test_worker_that_dies_with_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run is lost: Dask itself would wait for ever for another worker to repeat it."""

    class Task:
        status = "finished"

        def add_done_callback(self, settle: Callable[[Any], None]) -> None:
            settle(self)

        def result(self, timeout: float | None = None) -> Any:
            assert timeout is not None
            raise TimeoutError

        def cancel(self, **_: Any) -> None:
            pass

    client = SimpleNamespace(
        scheduler_info=lambda **_: {"workers": ["tls://127.0.0.1:2"]},
        submit=lambda *_, **__: Task(),
        close=lambda **_: None,
        dashboard_link="",
    )
    monkeypatch.setattr("distributed.Client", lambda *_, **__: client)
    pack = cast("Callable[[Any], remote.Parcel]", lambda _: None)
    with ClusterWorkers("tls://127.0.0.1:1", pack) as workers:
        assert workers.free() == 1
        future = workers.submit(cast("Any", None))
        assert isinstance(future.exception(timeout=DEADLINE), BrokenExecutor)
        assert workers.host(future) == "tls://127.0.0.1:2"
        assert workers.free() == 1


def test_cluster_elsewhere_needs_tls(project: TinyProject) -> None:
    """Without TLS, anyone in between could run code on the workers."""
    command = ("sweep", *GRID, "--name", "elsewhere", "--scheduler")
    result = project.run(*command, "tcp://192.0.2.1:8786")
    assert result.status == 1
    assert "tcp://192.0.2.1:8786 is neither TLS nor on this machine" in result.err


def test_scheduler_that_does_not_answer_is_named(project: TinyProject) -> None:
    """Nothing is lost: the sweep can continue elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    result = project.run("sweep", *GRID, "--name", "silent", "--scheduler", address)
    assert result.status == 1
    assert f"no scheduler answers at {address}" in result.err
    assert "Traceback" not in result.err
