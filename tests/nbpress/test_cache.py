"""The cache of executed notebooks."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures.tiny_project import TinyProject

from nbpress.errors import PressError
from nbpress.project.notebook import read_notebook
from nbpress.project.project import open_project
from nbpress.run import cache as cache_module
from nbpress.run import inputs as inputs_module
from nbpress.run.cache import Cache, prune
from nbpress.run.inputs import RECORDED, Inputs, read_inputs
from nbpress.run.observed import declared, digests
from nbpress.run.versions import installed_versions

VERSIONS = {"python": "3.11.0", "helper": "2.0"}


@pytest.fixture
def cache(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Return the empty cache of a project whose installed versions are known."""
    monkeypatch.setattr(inputs_module, "installed_versions", lambda _: VERSIONS)
    return Cache(tiny.root / "build" / "runs", tiny.root)


def inputs(cache: Cache, data: str = "sha", **parameters: Any) -> Inputs:
    """Return what a run of the first chapter depends on."""
    notebook = read_notebook(cache.root / "notebooks" / "1_sums.ipynb")
    return read_inputs(open_project(cache.root), notebook, parameters, data)


def keep(cache: Cache, of: Inputs, observed: tuple[str, ...] = (), **more: Any) -> Path:
    """Keep a run, and return its folder."""
    partial = cache.partial(of)
    (partial / "executed.ipynb").write_text('{"cells": []}', "utf-8")
    record = {
        "notebook": "1_sums.ipynb",
        "dataset": "small",
        "parameters": {},
        "observed": digests(cache.root, observed),
        "written": [],
        "seconds": 1.0,
    }
    return cache.keep(partial, of, {**record, **more}).folder


def reason(cache: Cache, of: Inputs, dataset: str = "small") -> str:
    """Return why a run of the first chapter is stale."""
    return cache.why_stale("1_sums.ipynb", of, dataset)


def test_key_covers_what_outputs_depend_on(cache: Cache) -> None:
    """A key has code, parameters, data set, modules, versions and other chapters' values."""
    assert set(inputs(cache, scale=2.0, **{RECORDED: {"2a.width": 40}}).parts) == {
        "the cache's format",
        "the data set",
        "its code",
        "parameter scale",
        "value 2a.width",
        "src/tiny/__init__.py",
        "src/tiny/sums.py",
        "src/tiny/base.py",
        "version of python",
        "version of helper",
    }


def test_declared_inputs_are_part_of_the_key(cache: Cache, tiny: TinyProject) -> None:
    """Inputs are files, folders with all that they contain, and patterns; no hidden files."""
    for name in ("table.csv", "more/deep/a.bin", "more/.hidden/b", "more/__pycache__/c"):
        path = tiny.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    tiny.edit(
        "report/report.yaml",
        "tasks: {1a: [answer, claim]}",
        'tasks: {1a: [answer, claim]}\n    inputs: [data/table.csv, data/more/, "data/*.txt"]',
    )
    before = inputs(cache)
    assert sorted(name for name in before.files if name.startswith("data/")) == [
        "data/large.txt",
        "data/more/deep/a.bin",
        "data/small.txt",
        "data/table.csv",
    ]
    (tiny.root / "data" / "more" / "deep" / "a.bin").write_text("2")
    (tiny.root / "data" / "new.txt").write_text("2")
    assert inputs(cache).changes(before.parts) == ["data/more/deep/a.bin", "data/new.txt"]
    (tiny.root / "data" / "table.csv").unlink()
    with pytest.raises(PressError, match=r"no file or folder .* inputs 'data/table\.csv'"):
        inputs(cache)


@pytest.mark.parametrize("given", ["../other.csv", "/etc/passwd", "data/../../x"])
def test_declared_inputs_lie_in_the_project(tiny: TinyProject, given: str) -> None:
    """An input whose path leads out of the project is refused before anything runs."""
    tiny.edit("report/report.yaml", "tasks: {1a: [answer, claim]}", f"inputs: [{given}]")
    with pytest.raises(PressError, match=f"inputs must be inside the project; got '{given}'"):
        open_project(tiny.root)


def test_pattern_that_is_none_is_refused(tiny: TinyProject) -> None:
    """An invalid pattern, or one without matches, gives a message of one sentence."""
    with pytest.raises(PressError, match=r"report\.yaml: .*inputs '\*\*x'"):
        declared(tiny.root, ["**x"])


@pytest.mark.parametrize(
    ("old", "new"),
    [("total > 0", "total >= 0"), ('"id": "sum"', '"id": "summe"'), ('"parameters"]', '"params"]')],
)
def test_code_is_part_of_the_key(cache: Cache, tiny: TinyProject, old: str, new: str) -> None:
    """The key also has the ids by which outputs are matched, and the tag of parameters."""
    before = inputs(cache)
    tiny.edit("notebooks/1_sums.ipynb", old, new)
    assert inputs(cache).changes(before.parts) == ["its code"]


def test_order_of_parameters_is_not_part_of_the_key(cache: Cache) -> None:
    """Neither is the order of keys within a parameter."""
    one = inputs(cache, x={"a": 1, "b": 2}, y=1)
    other = inputs(cache, y=1, x={"b": 2, "a": 1})
    assert one.key == other.key


def test_run_that_was_kept_is_found(cache: Cache) -> None:
    """A run is found by its inputs alone, and is complete."""
    of = inputs(cache)
    assert cache.find(of) is None
    keep(cache, of, observed=("src/tiny/plugin.py",))
    stored = cache.find(of)
    assert stored is not None
    assert stored.executed == {"cells": []}
    assert cache.find(inputs(cache, scale=1.0)) is None


def test_run_is_replaced_as_a_whole(cache: Cache) -> None:
    """A second run with the same inputs replaces the first; no temporary file is left."""
    of = inputs(cache)
    keep(cache, of, seconds=1.0)
    folder = keep(cache, of, seconds=2.0)
    assert [run.seconds for run in cache.all()] == [2.0]
    assert list(cache.folder.iterdir()) == [folder]


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _claim_more(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"seconds": 1.0', '"seconds": 2.0'), "utf-8")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("executed.ipynb", _cut),
        ("executed.ipynb", _flip),
        ("executed.ipynb", Path.unlink),
        ("run.json", _cut),
        ("run.json", _flip),
        ("run.json", _claim_more),
        ("run.json", Path.unlink),
        ("run.json", lambda path: path.write_text("[]")),
    ],
)
def test_damaged_run_is_not_found(cache: Cache, name: str, damage: Callable[[Path], Any]) -> None:
    """A damaged run is not found, whatever its damage; the next run takes its place."""
    of = inputs(cache)
    damage(keep(cache, of) / name)
    assert cache.find(of) is None
    assert reason(cache, of) in ("its earlier run is damaged", "it has no run yet")
    keep(cache, of)
    assert cache.find(of) is not None


def test_run_under_another_key_is_not_found(cache: Cache) -> None:
    """A folder that was renamed by hand does not count as a run of other inputs."""
    folder = keep(cache, inputs(cache))
    other = inputs(cache, scale=1.0)
    folder.rename(folder.with_name(other.key))
    assert cache.find(other) is None


@pytest.mark.parametrize(
    ("edit", "verb"), [(lambda path: path.write_text("x"), "changed"), (Path.unlink, "disappeared")]
)
def test_module_loaded_at_run_time_outdates_a_run(
    cache: Cache, edit: Callable[[Path], Any], verb: str
) -> None:
    """A changed module makes a run stale even if the key does not know it."""
    of = inputs(cache)
    keep(cache, of, observed=("src/tiny/plugin.py",))
    edit(cache.root / "src" / "tiny" / "plugin.py")
    assert inputs(cache) == of
    assert cache.find(of) is None
    assert reason(cache, of) == f"src/tiny/plugin.py {verb}"


def test_reason_is_what_changed_since_the_most_similar_run(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs on the same data set are compared; versions come last; at most three are named."""
    assert reason(cache, inputs(cache)) == "it has no run yet"
    keep(cache, inputs(cache, scale=1.0))
    keep(cache, inputs(cache, scale=2.0, count=1, exact=False))
    assert reason(cache, inputs(cache, scale=2.0)) == "parameter scale changed"
    assert reason(cache, inputs(cache, "other"), "large") == "it has no run on large yet"
    monkeypatch.setattr(
        inputs_module, "installed_versions", lambda _: {"python": "3.12.0", "aaa": "1", "bbb": "2"}
    )
    assert reason(cache, inputs(cache, scale=3.0)) == (
        "parameter scale, version of aaa, version of bbb and 2 more changed"
    )


def test_tidying_deletes_half_made_runs_alone(cache: Cache) -> None:
    """What a killed build has left, in folders and in files, is deleted."""
    folder = keep(cache, inputs(cache))
    cache.partial(inputs(cache))
    (cache.folder / ".partial-file").touch()
    cache.tidy()
    assert list(cache.folder.iterdir()) == [folder]


def test_pruning_keeps_what_a_build_would_use(cache: Cache, tiny: TinyProject) -> None:
    """Useful runs of every data set and parameter set stay; all others are deleted."""
    current = [
        keep(cache, inputs(cache, data=data, scale=scale), parameters={"scale": scale})
        for data in ("one", "other")
        for scale in (1.0, 2.0)
    ]
    keep(cache, inputs(cache), notebook="0_gone.ipynb")
    (keep(cache, inputs(cache, scale=3.0)) / "run.json").unlink()
    (cache.folder / "notes.txt").touch()
    assert prune(open_project(cache.root), cache) == 3
    assert sorted(cache.folder.iterdir()) == sorted(current)
    tiny.edit("src/tiny/base.py", "1", "2")
    assert prune(open_project(cache.root), cache) == 4


def test_runs_that_were_not_used_for_longest_go_first(cache: Cache) -> None:
    """Runs are deleted until the rest fits; those of the present report always stay."""
    folders = [keep(cache, inputs(cache, scale=scale)) for scale in (1.0, 2.0, 3.0, 4.0)]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder / "run.json", (10**9 - age, 10**9 - age))
    runs = {run.folder: run for run in cache.all()}
    cache.mark_used(runs[folders[1]])
    size = sum(path.stat().st_size for path in folders[0].iterdir())
    cache.trim(10 * size, [])
    assert sorted(cache.folder.iterdir()) == sorted(folders)
    (cache.folder / "of-a-former-format").mkdir()
    (cache.folder / "of-a-former-format" / "run.json").write_text(" " * size, "utf-8")
    cache.trim(4 * size + size // 2, [])
    assert sorted(cache.folder.iterdir()) == sorted(folders)
    cache.trim(2 * size + size // 2, [runs[folders[0]]])
    assert sorted(cache.folder.iterdir()) == sorted([folders[0], folders[1]])
    cache.trim(0, [runs[folders[0]]])
    assert list(cache.folder.iterdir()) == [folders[0]]


def test_kill_while_a_run_is_deleted_leaves_a_whole_cache(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is moved aside in one step; the next build deletes what lies aside."""

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    folder = keep(cache, inputs(cache))
    monkeypatch.setattr(cache_module, "_delete", killed)
    with pytest.raises(KeyboardInterrupt):
        cache.remove(folder)
    monkeypatch.undo()
    assert not folder.exists()
    cache.tidy()
    assert list(cache.folder.iterdir()) == []


def test_empty_cache_can_be_listed_and_pruned(cache: Cache) -> None:
    """Before the first build there is no folder, and that is no error."""
    assert cache.all() == []
    assert prune(open_project(cache.root), cache) == 0


class _Installed:
    """Some distributions, by name: version, and what they require."""

    def __init__(self, **distributions: tuple[str, list[str]]) -> None:
        self.distributions = distributions

    def __call__(self, name: str) -> Any:
        if name not in self.distributions:
            raise metadata.PackageNotFoundError(name)
        version, requires = self.distributions[name]
        headers = {"get_all": lambda _: re.findall('extra == "(.*?)"', " ".join(requires))}
        return SimpleNamespace(
            version=version, requires=requires, metadata=SimpleNamespace(**headers)
        )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Return a function that says which versions are found where these are installed."""

    def versions(
        distribution: str = "report", **distributions: tuple[str, list[str]]
    ) -> dict[str, str]:
        monkeypatch.setattr(metadata, "distribution", _Installed(**distributions))
        found_versions = installed_versions.__wrapped__(distribution)
        found_versions.pop("python")
        return found_versions

    return versions


def test_versions_are_those_of_run_time_dependencies(
    installed: Callable[..., dict[str, str]],
) -> None:
    """Direct, indirect and circular dependencies and extras count; development tools do not."""
    assert installed(
        report=("1", ["a>=1", 'linter; extra == "dev"', 'b; python_version < "3"', "gone", "(?)"]),
        a=("1.2", ["c[fast]", "a"]),
        b=("2.0", []),
        c=("3.0", ['d; extra == "fast"', 'e; extra == "slow"', "a"]),
        d=("4.0", []),
        e=("5.0", []),
        linter=("6.0", []),
    ) == {"a": "1.2", "c": "3.0", "d": "4.0"}


def test_versions_of_the_extras_that_are_named_count(
    installed: Callable[..., dict[str, str]],
) -> None:
    """`report[science]` counts that extra and no other; unknown extras are refused."""
    distributions = {
        "report": ("1", ["a", 'sums; extra == "science"', 'linter; extra == "dev"']),
        "a": ("2", []),
        "sums": ("3", ["more"]),
        "more": ("4", []),
        "linter": ("5", []),
    }
    assert installed(**distributions) == {"a": "2"}
    assert installed("report[Science]", **distributions) == {"a": "2", "more": "4", "sums": "3"}
    with pytest.raises(PressError, match=r"no extra 'scince'; did you mean 'science'\?"):
        installed("report[scince]", **distributions)
    with pytest.raises(PressError, match=r"distribution 'report\[' is not installed"):
        installed("report[", **distributions)


def test_versions_of_this_report_have_those_of_its_science() -> None:
    """SymPy and scikit-learn are an extra, and stay in the keys of the report that needs them."""
    root = Path(__file__).parents[2]
    distribution = open_project(root).report.distribution
    assert {"sympy", "mpmath", "scikit-learn"} <= installed_versions(distribution).keys()
    assert not {"sympy", "scikit-learn", "ruff"} & installed_versions("onelayer-report").keys()


def test_version_of_a_module_that_conda_names_otherwise(
    installed: Callable[..., dict[str, str]],
) -> None:
    """Where pypandoc_binary is required, conda-forge's pypandoc counts."""
    required = ("1", ["pypandoc_binary>=1.15"])
    assert installed(report=required, pypandoc=("1.15", [])) == {"pypandoc": "1.15"}


def test_without_a_distribution_everything_installed_counts() -> None:
    """It is then unknown what a notebook may import."""
    versions = installed_versions(None)
    assert versions["numpy"] == metadata.version("numpy")
    assert versions["ruff"] == metadata.version("ruff")  # although it is a development tool
    assert "python" in versions


def test_distribution_that_is_not_installed_is_refused(
    installed: Callable[..., dict[str, str]],
) -> None:
    """Its dependencies would be unknown."""
    with pytest.raises(PressError, match="distribution 'report' is not installed"):
        installed()
    with pytest.raises(PressError, match="distribution '' is not installed"):
        installed_versions("")


def test_run_that_is_deleted_while_runs_are_listed(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left out: `nbpress cache` and the watch look without the build's lock."""
    lost, there = (keep(cache, inputs(cache, scale=scale)) for scale in (1.0, 2.0))
    key_of = cache_module.key_of

    def delete(parts: dict[str, str]) -> str:
        if (key := key_of(parts)) == lost.name:
            shutil.rmtree(lost)
        return key

    monkeypatch.setattr(cache_module, "key_of", delete)
    assert [run.folder for run in cache.all()] == [there]


def test_record_can_be_read_by_people(cache: Cache) -> None:
    """run.json names every part of the key."""
    folder = keep(cache, inputs(cache, scale=1.0))
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert "parameter scale" in record["parts"]
