"""The panels without a browser: what their buttons do, and what they say."""

import asyncio
import re

import numpy as np
import pytest
import yaml

from onelayer.data import load
from onelayer.errors import DataError
from onelayer.explore import curves
from onelayer.explore.choice import choose
from onelayer.explore.explorer import LiveExplorer, PlainExplorer, explore
from onelayer.explore.train_panel import kept_table


@pytest.fixture(scope="module")
def digits():
    """Return the data set that comes with the project."""
    return load("digits")


@pytest.fixture
def explorer(digits):
    """Return panels that begin with a short run."""
    return LiveExplorer(digits, choose(digits, num_epochs=2))


def train(explorer):
    """Press Start, and wait for the end."""

    async def wait():
        explorer._training.start.click()
        assert explorer._training.start.disabled
        await explorer._training.task

    asyncio.run(wait())


def test_start_stop_keep(explorer):
    """A run can be kept once, after it has ended; the next one is drawn over it."""
    panel = explorer._training
    assert panel.stop.disabled
    assert panel.keep.disabled
    train(explorer)
    assert panel.stop.disabled
    assert "finished after 178 of 178 steps" in panel.status.value
    panel.keep.click()
    assert panel.keep.disabled
    assert panel.charts.value.count("<polyline") == 2  # of loss and of accuracy
    train(explorer)
    assert panel.charts.value.count("<polyline") == 2 + 4


def test_divergence_is_told(explorer):
    """The trainer's message is shown, nothing can be kept, and Start works again."""
    explorer._controls.learning_rate.value = 1e300
    train(explorer)
    panel = explorer._training
    assert "training diverged" in panel.status.value
    assert panel.keep.disabled
    assert not panel.start.disabled


def test_most_runs(explorer):
    """As many runs are kept as can be told apart; forgetting one makes room."""
    panel = explorer._training
    train(explorer)
    for _ in range(curves.MOST_KEPT):
        panel._is_drawn = True
        panel._enable(is_training=False)
        panel.keep.click()
    panel._is_drawn = True
    panel._enable(is_training=False)
    assert panel.keep.disabled
    assert len({curves.kept_look(number) for number in panel.kept}) == curves.MOST_KEPT
    panel.forget.children[3].click()
    assert 4 not in panel.kept
    assert not panel.keep.disabled


def test_table_shows_what_differs(explorer):
    """Settings that all kept runs share have no column."""
    panel = explorer._training
    for epochs in (2, 5):
        explorer._controls.num_epochs.value = epochs
        train(explorer)
        panel.keep.click()
    heads = re.findall(r'<th scope="col">(.*?)</th>', kept_table(panel.kept))
    assert heads == ["kept", "epochs", "steps", "validation loss", "validation accuracy"]


def test_table_and_status_count_the_same_steps(explorer):
    """Both count the updates that were made, those after the last validation included."""
    panel = explorer._training
    train(explorer)
    panel.keep.click()
    assert panel.run.curves.step[-1] + 1 < panel.run.num_steps
    assert "finished after 178 of 178 steps" in panel.status.value
    assert "<td>178</td>" in kept_table(panel.kept)


def test_mistakes(explorer):
    """The most confident mistake is explained first; a click explains another."""
    train(explorer)
    panel = explorer._mistakes
    wrong = panel.model.predictions().wrong
    assert panel.number.value == wrong[0]
    panel._choose(80, 10)
    assert panel.number.value == wrong[1]
    assert f"image {wrong[1]}: a" in panel.why.value


def test_evidence_adds_up(explorer):
    """The logits beside the pictures are Σ x w of all pixels and the bias."""
    train(explorer)
    panel = explorer._mistakes
    z = panel.model.X[panel.number.value] @ panel.model.w
    shown = [float(each.replace("−", "-")) for each in re.findall(r"z = ([^<]+)<", panel.why.value)]
    np.testing.assert_allclose(shown, z, atol=0.051)


@pytest.mark.parametrize("classes", [None, (2, 3)])
def test_drawing(digits, classes):
    """Every move is read; another model reads the same strokes again; Clear forgets them."""
    explorer = LiveExplorer(digits, choose(digits, num_epochs=2, classes=classes))
    panel = explorer._drawing
    panel._move(10, 10)  # with the button up
    assert not panel.strokes
    panel._down(80, 60)
    assert "Train a model first" in panel.reading.value
    train(explorer)
    before = panel.reading.value
    assert before.count("z = ") == (2 if classes else 10)
    panel._move(200, 200)
    assert panel.reading.value != before
    panel._up()
    panel.clear.click()
    assert "Draw a digit" in panel.reading.value


def test_other_data_sets_and_classes_bring_what_suits_them(explorer):
    """Learning rate and batch size change; λ and the others stay."""
    controls = explorer._controls
    controls.l2_lambda.value = 0.1
    controls.classes.value = (2, 3)
    assert controls.choice.learning_rate == 0.2
    assert controls.choice.l2_lambda == 0.1


def test_numbers_are_typed_or_chosen_with_a_slider(explorer):
    """The slider moves to the rung next to a typed number, which stays; moving it sets the box."""
    box = explorer._controls.learning_rate
    rows = explorer._controls.box.children[0].children[1].children
    (slider,) = [row.children[1] for row in rows if row.children[0] is box]
    box.value = 0.07
    assert (slider.value, explorer._controls.choice.learning_rate) == (0.05, 0.07)
    slider.value = 0.5
    assert explorer._controls.choice.learning_rate == 0.5
    explorer._controls.l2_lambda.value = -1  # is not changed silently, but refused
    train(explorer)
    assert "must not be negative; got -1" in explorer._training.status.value


def test_data_set_that_cannot_be_had(explorer, monkeypatch):
    """The controls keep the former data set, and say why."""

    def fail(name):
        raise DataError("MNIST <b>is nowhere</b>")

    monkeypatch.setattr("onelayer.explore.controls.load", fail)
    explorer._controls.dataset.value = "mnist"
    assert explorer._controls.choice.dataset == "digits"
    assert explorer._controls.dataset.value == "digits"
    assert "MNIST &lt;b&gt;is nowhere" in explorer._controls.message.value


@pytest.mark.parametrize("name", ["../evil", "", "Name", "a b", "/tmp/x"])
def test_bad_names_are_refused(explorer, name, tmp_path, monkeypatch):
    """A sweep is written into sweeps/ alone."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "sweeps").mkdir()
    monkeypatch.chdir(tmp_path)
    panel = explorer._repeat
    panel.name.value = name
    panel.write.click()
    assert "A name consists of" in panel.status.value
    assert [path.name for path in tmp_path.rglob("*.yaml")] == []


def test_a_sweep_is_written_once(explorer, tmp_path, monkeypatch):
    """An existing file is never overwritten; a missing folder is reported."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    panel = explorer._repeat
    panel.write.click()
    assert "could not be written" in panel.status.value
    (tmp_path / "sweeps").mkdir()
    panel.write.click()
    file = tmp_path / "sweeps" / "explored.yaml"
    assert yaml.safe_load(file.read_text("utf-8"))["given"]["num_epochs"] == 2
    file.write_text("mine", "utf-8")
    panel.write.click()
    assert "already exists" in panel.status.value
    assert file.read_text("utf-8") == "mine"


def test_batch_run_that_diverges(digits):
    """Divergence is recorded as a result, as sweeps need it, and shows nothing."""
    explorer = PlainExplorer(digits, choose(digits, learning_rate=1e300))
    assert explorer.results() == {"diverged": True}
    assert not explorer.training.figures


def test_nobody_watches():
    """Without a person the run is trained at once, and recorded."""
    results = explore("digits", num_epochs=2, classes=(2, 3)).results()
    assert results["validation_accuracy"] > 0.9
    assert not results["diverged"]
