import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from onelayer import plots, style
from onelayer.errors import SettingError
from onelayer.history import History


@pytest.fixture
def run() -> History:
    """Return a short run with all that can be plotted."""
    rng = np.random.RandomState(0)
    return History(
        train_loss=rng.uniform(0.3, 0.5, 45),
        validation_step=np.arange(0, 45, 4),
        validation_loss=np.linspace(0.6, 0.3, 12),
        validation_accuracy=np.linspace(0.8, 0.9, 12),
        validation_correct=np.ones((12, 4), bool),
        squared_norm=np.ones(12),
        train_accuracy=np.linspace(0.81, 0.93, 12),
        weights=np.zeros((5, 3)),
        stop_step=45,
        stop_epoch=2,
        stopped_early=False,
        steps_per_epoch=20,
    )


PLOTS = {
    "loss_curves": lambda run: plots.loss_curves(run, [0.2, 0.6]),
    "accuracy_curves": lambda run: plots.accuracy_curves(run, [0.8, 1.0]),
    "validation_accuracies": lambda run: plots.validation_accuracies({"one": run, "two": run}),
    "accuracies_by_lambda": lambda run: plots.accuracies_by_lambda({"λ = 2": run, "λ = 0": run}),
    "confusion": lambda run: plots.confusion(np.array([[9, 1], [0, 8]])),
    "accuracy_by_batch": lambda run: plots.accuracy_by_batch(
        {"one": np.array([0.9, 0.8, 0.9]), "two": np.array([0.9, 0.9, 0.9])},
        np.array([0.1, 0.7, 0.2]),
        marked=1,
    ),
    "captioned_images": lambda run: plots.captioned_images(
        {
            "λ = 0": (np.zeros((3, 2, 4)), ["0.1", "0.2", "0.3"]),
            "λ = 2": (np.ones((3, 2, 4)), ["0.4", "0.5", "0.6"]),
        }
    ),
    "stop_distribution": lambda run: plots.stop_distribution([9, 12, 12, 40], 12),
    "weight_images": lambda run: plots.weight_images(
        {"λ = 0": np.arange(24.0).reshape(3, 2, 4) - 9, "λ = 2": np.zeros((3, 2, 4))}
    ),
    "squared_norms": lambda run: plots.squared_norms({0.0: 22.7, 0.02: 10.8, 2.0: 0.4}),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


def svg(figure: Figure) -> bytes:
    """Return the figure as SVG, as the press writes it: no date, fixed ids."""
    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "fixed"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def legend(figure: Figure) -> list[str]:
    """Return the texts of the legend, which stands inside the axes or above them."""
    shown = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
    return [text.get_text() for text in shown.get_texts()]


# ---- What holds for every figure ----------------------------------------------------------------


@every_plot
def test_is_as_wide_as_the_text(run, plot) -> None:
    """Each is a Figure at its printed size, so that letters have their printed size."""
    figure = plot(run)
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() == 5.9


@every_plot
def test_axes_are_labelled(run, plot) -> None:
    """Plots of numbers have labelled axes; each row of pictures has its name."""
    figure = plot(run)
    labels = [axes.get_ylabel() for axes in figure.axes]
    if plot in (PLOTS["weight_images"], PLOTS["captioned_images"]):
        assert list(filter(None, labels)) == ["λ = 0", "λ = 2"]
    elif plot is PLOTS["accuracy_by_batch"]:  # one above the other, over the same places
        assert figure.axes[-1].get_xlabel()
        assert all(labels)
    else:
        assert all(axes.get_xlabel() for axes in figure.axes)
        assert labels[0]


@every_plot
def test_same_inputs_same_bytes(run, plot) -> None:
    """The same numbers give the same SVG, byte for byte."""
    assert svg(plot(run)) == svg(plot(run))


@every_plot
def test_leaves_settings_alone(run, plot) -> None:
    """Matplotlib's settings are the same afterwards."""
    before = dict(mpl.rcParams)
    plot(run)
    assert dict(mpl.rcParams) == before


def test_style_is_matplotlibs_to_use(run) -> None:
    """One line gives your own plot the report's width, letters and colours."""
    from matplotlib import style

    ours = plots.validation_accuracies({"one": run, "two": run})
    with style.context("onelayer.style.report"):
        own = Figure()
        lines = [own.gca().plot([0, 1])[0], own.gca().plot([1, 0])[0]]
        own.gca().set_xlabel("step")
    assert own.get_figwidth() == ours.get_figwidth()
    assert own.axes[0].xaxis.label.get_font() == ours.axes[0].xaxis.label.get_font()
    for line, other in zip(lines, ours.axes[0].lines, strict=True):
        assert line.get_color() == other.get_color()
    assert plots.BLUE == lines[0].get_color()
    assert plots.VERMILION == lines[1].get_color()


@every_plot
def test_letters_are_the_texts(run, plot) -> None:
    """Each plot uses the typeface in this package, whatever is installed."""
    figure = plot(run)
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert texts
    assert not any("$" in text.get_text() for text in texts)
    for text in texts:
        face = font_manager.findfont(text.get_fontproperties(), fallback_to_default=False)
        assert Path(face) == Path(style.__file__).parent / "LibertinusSerif-Regular.ttf"


def test_typeface_comes_with_its_licence() -> None:
    """The licence asks for this, with the copyright and the source of the files."""
    licence = (Path(style.__file__).parent / "OFL.txt").read_text("utf-8")
    for text in ("SIL OPEN FONT LICENSE Version 1.1", "Copyright ©", "@fontsource/libertinus"):
        assert text in licence


def test_without_pyplot() -> None:
    """No part of pyplot is loaded, and thus no global state."""
    code = "import sys, onelayer.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- Losses against gradient steps --------------------------------------------------------------


def test_windows(run) -> None:
    """The training loss is the mean over whole windows, drawn at the window's middle."""
    line = plots.loss_curves(run, window=10).axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [4.5, 14.5, 24.5, 34.5])
    expected = run.train_loss[:40].reshape(4, 10).mean(axis=1)
    np.testing.assert_allclose(line.get_ydata(), expected)


def test_band(run) -> None:
    """The band is one standard deviation of the window to each side."""
    (band,) = plots.loss_curves(run, window=10).axes[0].collections
    first = run.train_loss[:10]
    heights = band.get_paths()[0].vertices
    at_first = heights[np.isclose(heights[:, 0], 4.5), 1]
    assert at_first.min() == pytest.approx(first.mean() - first.std())
    assert at_first.max() == pytest.approx(first.mean() + first.std())


def test_legend_and_limits(run) -> None:
    """Training and validation are told apart, and the limits are those asked for."""
    figure = plots.loss_curves(run, [0.2, 0.6])
    assert legend(figure) == ["training (mean of 10 steps ± 1 s.d.)", "validation"]
    assert figure.axes[0].get_ylim() == (0.2, 0.6)


# ---- Accuracies against gradient steps ----------------------------------------------------------


def test_legend(run) -> None:
    """Training and validation differ in name, colour and line style."""
    figure = plots.accuracy_curves(run)
    assert legend(figure) == ["training", "validation"]
    train, validation = figure.axes[0].lines
    assert train.get_color() != validation.get_color()
    assert train.get_linestyle() != validation.get_linestyle()


def test_several_runs(run) -> None:
    """Each run has its name in the legend and a style of its own."""
    figure = plots.validation_accuracies({str(i): run for i in range(5)})
    assert legend(figure) == ["0", "1", "2", "3", "4"]
    assert len({line.get_color() for line in figure.axes[0].lines}) == 5


@pytest.mark.parametrize("draw", [plots.validation_accuracies, plots.accuracies_by_lambda])
def test_many_runs(run, draw) -> None:
    """No two lines look alike, and the legend, in lines of five, does not leave the figure."""
    figure = draw({f"λ = 0.00{i}": run for i in range(12)})
    lines = figure.axes[0].lines
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 12
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("draw", [plots.loss_curves, plots.accuracy_curves])
@pytest.mark.parametrize("ylim", [[1, 0.5], [0.5, 0.5], [0.5]])
def test_limits_of_an_axis_must_rise(run, draw, ylim) -> None:
    """An axis upside down, or one without extent, would be misread."""
    with pytest.raises(SettingError, match=r"a lower and a higher limit; got \[\d"):
        draw(run, ylim)


def test_too_many_runs(run) -> None:
    """More runs than can be told apart are refused."""
    with pytest.raises(SettingError, match="at most 25 runs can be told apart; got 26"):
        plots.validation_accuracies({str(i): run for i in range(26)})


def test_without_train_accuracy(run) -> None:
    """A history without training accuracy is refused, with the remedy."""
    run = History(**{**vars(run), "train_accuracy": None})
    with pytest.raises(ValueError, match="train with train_accuracy=True"):
        plots.accuracy_curves(run)


# ---- Accuracy and pull by place in the epoch, and the images of a batch -------------------------


def test_marks_one_batch() -> None:
    """Accuracies stand above the gradients' norms; one bar differs in colour."""
    figure = PLOTS["accuracy_by_batch"](None)
    above, below = figure.axes
    assert legend(figure) == ["one", "two"]
    np.testing.assert_allclose(above.lines[0].get_ydata(), [0.9, 0.8, 0.9])
    np.testing.assert_allclose([bar.get_height() for bar in below.patches], [0.1, 0.7, 0.2])
    colours = [bar.get_facecolor() for bar in below.patches]
    assert colours[0] == colours[2] != colours[1]


def test_images_below_their_texts() -> None:
    """Images stand side by side, each below its text; a shorter row ends earlier."""
    first, second = np.arange(24.0).reshape(3, 2, 4) / 24, np.ones((1, 2, 4))
    figure = plots.captioned_images(
        {"batch 1": (first, ["0.1", "0.2", "0.3"]), "batch 2": (second, ["0.9"])}
    )
    assert [axes.get_ylabel() for axes in figure.axes] == ["batch 1", "batch 2"]
    for axes, images, texts in zip(
        figure.axes, (first, second), (["0.1", "0.2", "0.3"], ["0.9"]), strict=True
    ):
        shown = axes.images[0].get_array().filled(np.nan)
        assert shown.shape == (2, 3 * 4 + 2)
        assert axes.images[0].get_clim() == (-1, 1)
        assert [label.get_text() for label in axes.get_xticklabels()] == texts
        for middle, image in zip(axes.get_xticks(), images, strict=True):
            start = round(middle - 1.5)
            np.testing.assert_array_equal(shown[:, start : start + 4], image)
        assert np.isnan(shown).sum() == shown.size - images.size


# ---- Stops, pictures, norms ---------------------------------------------------------------------


def test_stops() -> None:
    """Every run is one dot; runs that stop in one epoch are stacked; one epoch is marked."""
    axes = plots.stop_distribution([9, 12, 12, 40], 12).axes[0]
    *dots, mark = axes.lines
    places = [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots]
    assert places == [(9, 1), (12, 1), (12, 2), (40, 1)]
    assert list(mark.get_xdata()) == [12, 12]
    assert [text.get_text() for text in axes.texts] == ["this report: 12"]


def test_pictures() -> None:
    """Pictures are as given, upright, on a grey scale symmetric about zero in each row."""
    first, second = np.arange(24.0).reshape(3, 2, 4) - 9, np.full((3, 2, 4), 0.1)
    figure = plots.weight_images({"λ = 0": first, "λ = 2": second})
    rows = [axes for axes in figure.axes if axes.images]
    assert [[label.get_text() for label in axes.get_xticklabels()] for axes in rows] == [
        ["0", "1", "2"],
        [],
    ]
    bars = [axes for axes in figure.axes if not axes.images]
    assert [[text.get_text() for text in bar.get_yticklabels()] for bar in bars] == [
        ["−14", "0", "14"],
        ["−0.1", "0", "0.1"],
    ]
    for axes, images, bound in zip(rows, (first, second), (14, 0.1), strict=True):
        (shown,) = axes.images
        row = shown.get_array().filled(np.nan)
        for start, image in zip((0, 5, 10), images, strict=True):
            np.testing.assert_array_equal(row[:, start : start + 4], image)
        assert np.isnan(row).sum() == row.size - images.size
        assert (shown.origin, shown.get_clim()) == ("upper", (-bound, bound))


def test_pictures_on_a_narrow_screen() -> None:
    """Each row of more than five images stands in two lines, which share its scale."""
    images = np.arange(7 * 6.0).reshape(7, 2, 3)
    figure = plots.weight_images({"λ = 0": images, "λ = 2": -images})
    lines = [axes for axes in figure.narrow.axes if axes.images]
    texts = [[label.get_text() for label in axes.get_xticklabels()] for axes in lines]
    assert texts == [["0", "1", "2", "3"], ["4", "5", "6"]] * 2
    assert [axes.get_ylabel() for axes in lines] == ["λ = 0", "", "λ = 2", ""]
    assert {axes.images[0].get_clim() for axes in lines} == {(-41, 41)}
    assert len(figure.narrow.axes) == len(lines) + 2
    assert not hasattr(plots.weight_images({"": images[:5]}), "narrow")


def test_norms() -> None:
    """Norms stand over λ on logarithmic axes; λ = 0, which such an axis lacks, is a line."""
    axes = plots.squared_norms({0.0: 22.7, 0.02: 10.8, 2.0: 0.4}).axes[0]
    curve, zero = axes.lines
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert list(curve.get_xdata()) == [0.02, 2.0]
    assert list(zero.get_ydata()) == [22.7, 22.7]
    assert [text.get_text() for text in axes.texts] == ["10.8", "0.4", "λ = 0: 22.7"]


def test_curves_that_lie_close_are_shown_larger(run) -> None:
    """They are shown beside the whole, in their second half; all runs are named."""
    low = replace(run, validation_accuracy=run.validation_accuracy - 0.2)
    near = replace(run, validation_accuracy=run.validation_accuracy - 0.001)
    names = {"λ = 2": low, "λ = 0.002": near, "λ = 0": run}
    figure = plots.accuracies_by_lambda(names, [0.5, 1])
    whole, larger = figure.axes
    assert (len(whole.lines), whole.get_ylim()) == (3, (0.5, 1))
    assert legend(figure) == list(names)
    assert [line.get_label() for line in larger.lines] == ["λ = 0.002", "λ = 0"]
    assert min(line.get_xdata()[0] for line in larger.lines) >= run.validation_step[-1] / 2
    for line, same in zip(larger.lines, whole.lines[1:], strict=True):
        assert line.get_color() == same.get_color()
        assert line.get_linestyle() == same.get_linestyle()


def test_percentages_of_an_axis_have_as_many_decimals(run) -> None:
    """92.0% stands beside 92.5%; if all are whole numbers, there is no decimal."""
    axes = plots.accuracy_curves(run, [0.915, 0.93]).axes[0]
    axes.set_yticks([0.92, 0.925])
    assert [each.get_text() for each in axes.get_yticklabels()] == ["92.0%", "92.5%"]
    axes.set_yticks([0.92, 0.93])
    assert [each.get_text() for each in axes.get_yticklabels()] == ["92%", "93%"]


def test_confusion() -> None:
    """Every count but 0 stands in its row and column; colours ignore correct predictions."""
    axes = plots.confusion(np.array([[9, 1], [0, 8]])).axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "9", (1, 0): "1", (1, 1): "8"}
    right = {text.get_color() for text in axes.texts if text.get_text() != "1"}
    assert "black" not in right  # so that the mistakes are seen
    (image,) = axes.images
    assert image.get_array().tolist() == [[0, 1], [0, 0]]
