"""Executing: what is checked before a kernel starts, and what happens if one fails."""

from __future__ import annotations

import json
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import GATED, TinyProject

from nbpress.errors import PressError
from nbpress.project.dataset import DataSet
from nbpress.project.parameters import Parameters
from nbpress.project.project import Project, open_project
from nbpress.run import inputs as inputs_module
from nbpress.run import worker
from nbpress.run.cache import Cache
from nbpress.run.execute import Execution, execute
from nbpress.run.matplotlib_config import prepare_matplotlib
from nbpress.run.observed import Observation
from nbpress.run.plan import Plan, plan
from nbpress.say.records import Answer
from nbtypeset.schema import MIME_TYPE

BROKEN = Path(__file__).parents[1] / "fixtures" / "broken"
DATA = DataSet("small", "the small numbers", "sha", {}, False)
DEADLINE = 60  # seconds that anything may take before a test gives up


@pytest.fixture
def project(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return the tiny project, with installed versions that are known."""
    monkeypatch.setattr(inputs_module, "installed_versions", lambda _: {"helper": "2.0"})
    return open_project(tiny.root)


class Pretence(Executor):
    """Runs no kernel: returns an outcome for each job at once, and notes its parameters."""

    def __init__(self, **outcomes: str | Exception) -> None:
        self.outcomes = outcomes  # by chapter, where it is no success
        self.jobs: dict[str, worker.Job] = {}
        self.meanwhile: Any = lambda: None
        self.seconds: dict[str, float] = {}  # by chapter, where it is not one

    def submit(self, function: Any, job: worker.Job) -> Future[worker.Outcome]:  # type: ignore[override]
        """Pretend to execute."""
        title = "".join(job.notebook["cells"][0]["source"])
        name = {"# Sums": "1_sums", "# Pictures": "2_pictures", "# Summary": "3_summary"}[title]
        self.jobs[name] = job
        content = json.loads(json.dumps(job.notebook))
        task, values = {
            "1_sums": ("1a", {"total": 6.0}),
            "2_pictures": ("2a", {"width": 40}),
            "3_summary": ("3a", {"words": "six"}),
        }[name]
        data = {MIME_TYPE: Answer(task, values).to_json()}
        content["cells"][5]["outputs"] = [{"output_type": "display_data", "data": data}]
        (job.partial / "executed.ipynb").write_text(json.dumps(content), "utf-8")
        self.meanwhile()
        future: Future[worker.Outcome] = Future()
        outcome = self.outcomes.get(name)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            plugin = job.sources[0] / "tiny" / "plugin.py"
            observation = Observation(loaded=[str(plugin), "/elsewhere/os.py"])
            seconds = self.seconds.get(name, 1.0)
            future.set_result(worker.Outcome(seconds, outcome, observation))
        return future


def run(project: Project, executor: Executor, given: Parameters | None = None) -> Execution:
    """Pretend to execute all chapters."""
    plans = plan(project, DATA, given or {})
    return execute(project, DATA, plans, say=lambda _: None, executor=executor)


def refusal(project: Project, executor: Executor) -> str:
    """Return why the chapters cannot be executed."""
    with pytest.raises(PressError) as error:
        run(project, executor)
    return str(error.value)


def parameters(plans: list[Plan]) -> dict[str, dict[str, Any]]:
    """Return the parameters with which each chapter is to run."""
    return {plan.chapter.name: plan.parameters for plan in plans}


def test_parameters_come_from_user_and_press(project: Project) -> None:
    """Parameters for one chapter override those for all."""
    large = DataSet("large", "", "sha", {}, False)
    given = {"": {"scale": "3", "count": "7"}, "1_sums": {"scale": 4}}
    assert parameters(plan(project, large, {"": {"scale": "3"}})) == {
        "1_sums": {"scale": 3.0, "dataset": "large"},
        "2_pictures": {"dataset": "large"},
        "3_summary": {},
    }
    assert parameters(plan(project, large, given))["1_sums"] == {
        "count": 7,
        "scale": 4.0,
        "dataset": "large",
    }


def test_default_that_is_given_makes_nothing_run_again(project: Project) -> None:
    """It is no parameter of the run, whichever way it is written."""
    assert run(project, Pretence()).executed
    given = {"": {"scale": "2"}, "1_sums": {"count": 3}}
    assert run(project, Pretence(), given).executed == []
    assert run(project, Pretence(), {"": {"scale": "2.5"}}).executed != []


def test_reference_figures_are_about_the_reports_own_parameters(
    project: Project, tiny: TinyProject
) -> None:
    """With any other parameter there are none to compare with, so none can be missing."""
    tiny.edit_cell("3_summary.ipynb", "parameters", "recorded: dict = {}\nreference: list = []")
    figures = [{"task": "1a", "expected": 6}]
    (project.output / "reference.yaml").write_text(json.dumps({DATA.dataset: figures}), "utf-8")
    assert parameters(plan(project, DATA, {}))["3_summary"] == {"reference": figures}
    for given in ({"": {"scale": 3}}, {"1_sums": {"scale": 3}}):
        assert parameters(plan(project, DATA, given))["3_summary"] == {"reference": []}
    for given in ({"": {"scale": 2}}, {"1_sums": {}}):
        assert parameters(plan(project, DATA, given))["3_summary"] == {"reference": figures}


def test_chapter_that_needs_values_must_take_them(project: Project, tiny: TinyProject) -> None:
    """A missing parameter for them is found before anything executes."""
    tiny.edit_cell("3_summary.ipynb", "parameters", "other: int = 1")
    with pytest.raises(PressError, match=r"3_summary\.ipynb needs values of other chapters, so"):
        plan(project, DATA, {})


def test_needed_values_are_handed_over(project: Project) -> None:
    """Values are handed over when the chapter that records them is done."""
    executor = Pretence()
    result = run(project, executor)
    assert sorted(result.executed) == ["1_sums", "2_pictures", "3_summary"]
    assert executor.jobs["3_summary"].parameters == {"recorded": {"1a.total": 6.0}}
    assert result.values()["1a.total"] == 6.0


def test_finished_runs_are_kept_when_another_fails(project: Project) -> None:
    """Dependants of the failed chapter do not start; the others are not executed again."""
    message = refusal(project, Pretence(**{"1_sums": "cell 5 (sum) raised KeyError: 7"}))
    assert message == (
        "1_sums.ipynb: cell 5 (sum) raised KeyError: 7\n\n"
        "What was executed is kept in build/failed/1_sums.ipynb; the previous report is unchanged."
    )
    executor = Pretence()
    assert run(project, executor).executed == ["1_sums", "3_summary"]


def test_every_failure_is_told(project: Project) -> None:
    """Chapters run side by side, so that several can fail."""
    message = refusal(project, Pretence(**{"1_sums": "one", "2_pictures": "other"}))
    assert "1_sums.ipynb: one" in message
    assert "2_pictures.ipynb: other" in message


def test_killed_process_is_a_failure(project: Project) -> None:
    """So is a pool that accepts no more work."""

    class Broken(Executor):
        def submit(self, *_: Any) -> Any:  # type: ignore[override]
            raise BrokenExecutor

    killed = "did not finish: its process was killed"
    assert killed in refusal(project, Pretence(**{"1_sums": BrokenExecutor()}))
    assert killed in refusal(project, Broken())


def test_kept_part_is_of_this_failure(project: Project) -> None:
    """The part of an earlier failure is not kept when nothing was executed."""

    class Nothing(Pretence):
        def submit(self, function: Any, job: worker.Job) -> Future[worker.Outcome]:  # type: ignore[override]
            future = super().submit(function, job)
            (job.partial / "executed.ipynb").unlink()
            return future

    refusal(project, Pretence(**{"1_sums": "one"}))
    assert "is kept" not in refusal(project, Nothing(**{"1_sums": "other"}))
    assert not (project.build / "failed" / "1_sums.ipynb").exists()


@pytest.mark.parametrize("module", ["sums", "base", "plugin"])
def test_module_edited_while_a_chapter_runs_is_a_failure(project: Project, module: str) -> None:
    """It is unknown which version produced the outputs, however the module was imported."""
    executor = Pretence()
    path = project.root / "src" / "tiny" / f"{module}.py"
    executor.meanwhile = lambda: path.write_text("x = 1", "utf-8")
    message = refusal(project, executor)
    assert f"1_sums.ipynb: src/tiny/{module}.py changed while it ran: run it again" in message


def test_module_edited_that_is_not_used_is_none(project: Project) -> None:
    """Other modules may be edited meanwhile."""
    executor = Pretence()
    executor.meanwhile = lambda: (project.root / "src" / "tiny" / "unused.py").write_text("x = 1")
    assert len(run(project, executor).executed) == 3


def test_notebook_saved_while_it_runs(project: Project, tiny: TinyProject) -> None:
    """The notebook runs, is kept and is bound as it was first read."""
    executor = Pretence()
    plans = plan(project, DATA, {})
    executor.meanwhile = lambda: tiny.edit_cell("1_sums.ipynb", "sum", "total = 0")
    execute(project, DATA, plans, say=lambda _: None, executor=executor)
    source = executor.jobs["1_sums"].notebook["cells"][4]["source"]
    assert source == plans[0].notebook.content["cells"][4]["source"]
    assert "sums.total" in "".join(source)
    assert "1_sums" in run(project, Pretence()).executed


def test_reason_that_several_chapters_have_is_told_once(project: Project) -> None:
    """It names all of them."""
    reason = "count must be at most 9; got 12"
    message = refusal(project, Pretence(**{"1_sums": reason, "2_pictures": reason}))
    assert message == (
        f"1_sums.ipynb, 2_pictures.ipynb: {reason}\n\n"
        "What was executed is kept in build/failed/; the previous report is unchanged."
    )


def test_only_loaded_modules_of_the_project_are_recorded(project: Project) -> None:
    """They have the digests that they had when the chapter started."""
    run(project, Pretence())
    for cached in Cache(project.build / "runs", project.root).all():
        assert list(cached.observed) == ["src/tiny/plugin.py"]


def test_failed_cell_is_shown(tiny: TinyProject) -> None:
    """Notebook, number, source, output so far and traceback are shown; what ran is kept."""
    source = (BROKEN / "raises.ipynb").read_text("utf-8")
    (tiny.root / "notebooks" / "1_sums.ipynb").write_text(source, "utf-8")
    result = tiny.run("report")
    assert result.status == 1
    _, _, message = result.err.partition("nbpress: ")
    assert message.startswith("1_sums.ipynb: cell 5 (broken) raised KeyError: 'seven'\n")
    for part in (
        '    print("reading the numbers")\n    numbers = {}\n    numbers["seven"]\n',
        "its output so far:\n    reading the numbers\n",
        "----> 3 numbers",
        "What was executed is kept in build/failed/1_sums.ipynb; the previous report is unchanged.",
    ):
        assert part in message
    assert "Traceback (most recent call last):\n  File" not in message
    kept = json.loads((tiny.root / "build" / "failed" / "1_sums.ipynb").read_text("utf-8"))
    assert "KeyError" in json.dumps(kept)
    assert not (tiny.root / "report" / "report.pdf").exists()


def test_end_of_the_process_is_a_failure(tiny: TinyProject) -> None:
    """`sys.exit(0)` in a cell is no success: papermill would call it one."""
    source = (BROKEN / "exits.ipynb").read_text("utf-8")
    (tiny.root / "notebooks" / "1_sums.ipynb").write_text(source, "utf-8")
    result = tiny.run("report")
    assert result.status == 1
    assert "1_sums.ipynb: cell 5 (broken) raised SystemExit: 0" in result.err


def test_figure_without_alternative_is_a_failure(built: TinyProject) -> None:
    """Its cell is named, and the former report stays."""
    before = built.published()
    shown = 'nbpress.figure(square, "fig-2a", "A square.", " ")'
    built.edit_cell("2_pictures.ipynb", "figure", shown)
    result = built.run("report")
    assert result.status == 1
    assert "cell 6 (figure) raised ValueError: the alt of fig-2a must not be empty" in result.err
    assert built.published() == before


def test_users_settings_do_not_reach_the_kernels(tiny: TinyProject) -> None:
    """Start-up files, other kernels, other backends and an empty date have no effect."""
    startup = tiny.root / "startup.py"
    startup.write_text("foreign = True\n", "utf-8")
    kernel = tiny.root / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "display_name": "", "language": ""}')
    tiny.edit_cell(
        "1_sums.ipynb",
        "sum",
        "import os\n"
        "total = float('foreign' in globals()) + 1\n"
        "assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "assert 'inline' in os.environ['MPLBACKEND']\n"
        "import matplotlib\n"
        "import matplotlib.style\n"
        "assert matplotlib.rcParams['font.size'] == 10\n"
        "assert 'mine' not in matplotlib.style.available\n"
        "import logging\n"
        "logging.getLogger('matplotlib.font_manager').warning('Now building the font cache')",
    )
    for folder in ("config", "config/matplotlib"):  # of MPLCONFIGDIR, and of XDG's
        style = tiny.root / folder / "stylelib" / "mine.mplstyle"
        style.parent.mkdir(parents=True)
        style.write_text("font.size: 30\n", "utf-8")
    settings = tiny.root / "matplotlibrc"
    settings.write_text("font.size: 30\n", "utf-8")
    result = tiny.report(
        PYTHONSTARTUP=str(startup),
        JUPYTER_PATH=str(tiny.root),
        MPLBACKEND="TkAgg",
        MATPLOTLIBRC=str(settings),
        MPLCONFIGDIR=str(tiny.root / "config"),
        XDG_CONFIG_HOME=str(tiny.root / "config"),
        SOURCE_DATE_EPOCH="",
    )
    assert "font cache" not in result.err
    assert tiny.values["1a.total"] == 1
    settings.rename(tiny.root / "notebooks" / "matplotlibrc")
    assert tiny.run("report").executed["1_sums"] == "notebooks/matplotlibrc appeared"


def test_notebook_with_magics_and_a_name_in_another_script(tiny: TinyProject) -> None:
    """Both are read, executed and bound like any other notebook."""
    tiny.edit("report/report.yaml", "2_pictures", "2_εἰκών")
    notebook = tiny.root / "notebooks" / "2_pictures.ipynb"
    notebook = notebook.rename(notebook.with_name("2_εἰκών.ipynb"))
    magics = "%matplotlib inline\\nfiles = !ls\\nimport nbpress"
    tiny.edit(f"notebooks/{notebook.name}", "import nbpress", magics)
    assert list(tiny.report().executed) == ["1_sums", "2_εἰκών", "3_summary"]
    tiny.edit("src/tiny/drawing.py", "<rect", '<rect fill="red"')
    assert list(tiny.report().executed) == ["2_εἰκών"]


def test_second_build_waits_and_says_so(tiny: TinyProject) -> None:
    """Afterwards it finds everything done."""
    gate = tiny.root / "gate"
    tiny.edit_cell("1_sums.ipynb", "sum", GATED)
    first = tiny.start("report")
    assert first.stderr
    assert "1_sums: runs" in first.stderr.readline()
    second = tiny.start("report")
    assert second.stderr
    said = second.stderr.readline()
    assert said == "another build is running in this folder: waiting for it to end\n"
    gate.touch()
    assert first.wait(DEADLINE) == 0
    rest = second.communicate(timeout=DEADLINE)[1]
    assert second.returncode == 0
    assert "0 of 3 notebooks executed" in rest


def test_parameters_of_an_unknown_chapter_are_refused(project: Project) -> None:
    """The message names the chapter that was probably meant."""
    with pytest.raises(PressError, match="no chapter is called '1_sum'; did you mean '1_sums'"):
        plan(project, DATA, {"1_sum": {"count": 5}})


def test_list_of_fonts_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new build folder gets Matplotlib's font list of the user, but no style and no lock."""
    user, build = tmp_path / "user", tmp_path / "build"
    user.mkdir()
    for name in ("fontlist-v1.json", "matplotlibrc"):
        (user / name).write_text("{}", "utf-8")
    (build / "matplotlib").mkdir(parents=True)
    (build / "matplotlib" / "fontlist-v1.json.matplotlib-lock").touch()
    monkeypatch.setenv("MPLCONFIGDIR", str(user))
    prepare_matplotlib(build)
    assert [path.name for path in (build / "matplotlib").iterdir()] == ["fontlist-v1.json"]


def test_data_set_of_an_untagged_cell_is_refused(project: Project, tiny: TinyProject) -> None:
    """Without the tag the notebook would silently compute on another data set."""
    tiny.edit("notebooks/1_sums.ipynb", '"tags": ["parameters"]', '"tags": []')
    with pytest.raises(
        PressError, match=r"1_sums\.ipynb cannot receive 'dataset' from the press.*tag"
    ):
        plan(project, DATA, {})


def test_longest_chapter_starts_first(project: Project) -> None:
    """Its last run decides; before there is one, the amount of code does."""
    executor = Pretence()
    executor.seconds = {"2_pictures": 2.0}
    run(project, executor)
    assert list(executor.jobs) == ["1_sums", "2_pictures", "3_summary"]
    again = Pretence()
    execute(project, DATA, plan(project, DATA, {}), force=True, say=lambda _: None, executor=again)
    assert list(again.jobs) == ["2_pictures", "1_sums", "3_summary"]
