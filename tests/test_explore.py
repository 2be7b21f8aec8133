"""notebooks/explore.ipynb: in JupyterLab, with a mouse, and where nobody watches."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from fixtures.browser import chromium

ROOT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/explore.ipynb"
SEVEN = [(80, 60), (200, 60), (150, 150), (130, 240)]
DEADLINE = 30_000  # milliseconds that anything may take before a test gives up


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with what `make lab` opens; the notebook starts with the digits."""
    for name in ("notebooks", "src", "sweeps", "tools"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "tools" / "jupyter", tmp_path / "tools" / "jupyter")
    shutil.copy(ROOT / "tools" / "lab.py", tmp_path / "tools")
    content = (ROOT / NOTEBOOK).read_text("utf-8")
    assert 'dataset: str = \\"auto\\"' in content
    content = content.replace('dataset: str = \\"auto\\"', 'dataset: str = \\"digits\\"')
    (tmp_path / NOTEBOOK).write_text(content, "utf-8")
    return tmp_path


@pytest.fixture
def browser() -> Iterator[Any]:
    """Return a running chromium, or skip where there is none."""
    with chromium() as running:
        yield running


@pytest.fixture
def lab(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL that JupyterLab prints, started as by `make lab`, with nobody's settings."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    home = tmp_path_factory.mktemp("home")
    (project / ".venv").symlink_to(sys.prefix)
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("CONDA", "JUPYTER", "MAKE", "ONELAYER"))
    }
    environment |= {"HOME": str(home), "SHELL": "/bin/sh"}
    steps = subprocess.run(
        ["make", "--dry-run", "lab"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.replace("\\\n", "")
    (command,) = (line for line in steps.splitlines() if "tools/lab.py" in line)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"--no-browser --ServerApp.port={port} --ServerApp.port_retries=0"
    log = home / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            f"exec env {command} {options}",
            cwd=project,
            env=environment,
            shell=True,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield _printed_url(log, port)
    finally:
        process.terminate()
        process.wait(DEADLINE / 1000)


def _printed_url(log: Path, port: int) -> str:
    """Return the address that a server prints for people to copy, when it does."""
    for _ in range(DEADLINE // 100):
        if printed := re.search(rf"http://127\.0\.0\.1:{port}/\S+", log.read_text()):
            return printed[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


class Page:
    """The notebook in the browser, by what a person sees and does."""

    def __init__(self, browser: Any, url: str) -> None:
        self.tab = browser.new_page(viewport={"width": 1400, "height": 1100})
        self.tab.set_default_timeout(DEADLINE)
        self.complaints: list[str] = []
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._listen)
        while True:  # until the server is up
            try:
                self.tab.goto(url)
                break
            except Exception as error:
                if "ERR_CONNECTION_REFUSED" not in str(error):
                    raise
                self.tab.wait_for_timeout(200)
        self.tab.get_by_role("heading", name="Explore").wait_for()

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def menu(self, *names: str) -> None:
        """Choose an entry of a menu."""
        self.tab.get_by_role("menuitem", name=names[0], exact=True).click()
        for name in names[1:]:
            self.tab.locator(".lm-Menu-item", has_text=re.compile(f"^{name}$")).click()

    def run_all(self) -> None:
        """Run all cells, to the end."""
        self.tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        self.menu("Run", "Run All Cells")
        self.button("Write the sweep").wait_for()

    def restart(self) -> None:
        """Restart the kernel and run all cells, to the end."""
        self.tab.get_by_role("button", name="Restart the kernel and run all cells").click()
        self.tab.get_by_role("button", name="Confirm Kernel Restart").click()
        self.button("Write the sweep").wait_for(state="detached")
        self.button("Write the sweep").wait_for()

    def button(self, name: str) -> Any:
        """Return a button of the panels."""
        return self.tab.locator("button.jupyter-button", has_text=name)

    def slide(self, name: str, key: str) -> str:
        """Press a key on the slider beside a number; return the number then."""
        number = self.tab.get_by_label(name, exact=True)
        before = number.input_value()
        row = self.tab.locator(".widget-hbox").filter(has=number).last
        row.get_by_role("slider").focus()
        self.tab.keyboard.press(key)
        self.tab.wait_for_function(
            "([number, before]) => number.value != before",
            arg=[number.element_handle(), before],
        )
        return number.input_value()

    def says(self, text: str) -> None:
        """Wait until the panels say it."""
        self.tab.locator(".explore", has_text=re.compile(text)).first.wait_for()

    def num_points(self) -> int:
        """Return how many points the first curve has."""
        return self.tab.evaluate(
            "(document.querySelector('.chart polyline')?.getAttribute('points') ?? '')"
            ".split(' ').length"
        )

    def wait_for_more_points(self, than: int) -> int:
        """Wait until the curve has grown; return its length."""
        self.tab.wait_for_function(
            "than => (document.querySelector('.chart polyline')?.getAttribute('points') ?? '')"
            ".split(' ').length > than",
            arg=than,
        )
        return self.num_points()


def test_a_person_explores(project: Path, lab: str, browser: Any) -> None:
    """Controls work; curves grow, stop and stay; mistakes are explained; a drawn 7 is read."""
    page = Page(browser, lab)
    tab = page.tab
    tab.locator(".jp-DirListing-itemText", has_text=re.compile("^src$")).wait_for()
    page.run_all()

    tab.get_by_label("classes").select_option("2 and 3")
    page.says("2_logistic_regression.classes=")
    tab.get_by_label("classes").select_option("all")
    tab.get_by_label("sampling").select_option("first and last")
    page.says('sampling: "first/last"')
    tab.get_by_label("seed").fill("7")
    tab.keyboard.press("Enter")
    page.says("seed=7")
    tab.get_by_label("shuffle before each epoch").uncheck()
    page.says("shuffle: false")
    for name, key, parameter in (
        ("learning rate", "ArrowRight", "learning_rate"),
        ("batch size", "ArrowLeft", "batch_size"),
        ("λ", "ArrowRight", "l2_lambda"),
        ("epochs", "End", "num_epochs"),
    ):
        value = float(page.slide(name, key))
        page.says(rf"{parameter}: {value:g}" if value >= 0.001 else parameter)
    tab.get_by_label("learning rate").fill("0.07")  # not a rung of the slider
    tab.keyboard.press("Enter")
    page.says(r"learning_rate: 0\.07")

    page.button("Start").click()
    few = page.wait_for_more_points(2)
    weights = tab.locator(".pictures img").first.get_attribute("src")
    page.wait_for_more_points(few)
    tab.wait_for_function("src => document.querySelector('.pictures img').src != src", arg=weights)
    page.button("Stop").click()
    page.says("stopped after")
    page.button("Keep this curve").click()

    page.slide("epochs", "Home")
    page.button("Start").click()
    page.says("finished after")
    page.button("Keep this curve").click()
    page.button("Forget 2").wait_for()
    heads = tab.locator(".explore thead", has_text="kept").locator("th").all_inner_texts()
    assert heads == ["kept", "epochs", "steps", "validation loss", "validation accuracy"]
    page.button("Forget 2").click()
    page.button("Forget 2").wait_for(state="detached")

    tab.get_by_role("table").filter(has_text="taken for").wait_for()
    sheet, paper = tab.locator("canvas").all()
    number = tab.get_by_label("validation image")
    first = number.input_value()
    sheet.click(position={"x": 100, "y": 30})
    tab.wait_for_function("([box, first]) => box.value != first",
                          arg=[number.element_handle(), first])  # fmt: skip
    page.says(f"image {number.input_value()}: a ")

    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    tab.mouse.move(box["x"] + SEVEN[0][0], box["y"] + SEVEN[0][1])
    tab.mouse.down()
    readings = set()
    for x, y in SEVEN[1:]:
        tab.mouse.move(box["x"] + x, box["y"] + y, steps=6)
        page.says("what the model sees")
        readings.add(tab.locator(".explore", has_text="what the model sees").inner_text())
    tab.mouse.up()
    assert len(readings) > 1

    page.button("Write the sweep").click()
    page.says("make sweep SWEEP=explored")
    written = (project / "sweeps" / "explored.yaml").read_text("utf-8")
    page.button("Write the sweep").click()
    page.says("already exists")
    assert (project / "sweeps" / "explored.yaml").read_text("utf-8") == written
    assert "shuffle: false" in written

    page.restart()
    assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert not tab.get_by_text("official Jupyter news").is_visible()
    assert page.complaints == []


def test_dark_theme(project: Path, lab: str, browser: Any) -> None:
    """The panels' text is light on dark there, and dark on light elsewhere."""
    page = Page(browser, lab)
    page.run_all()
    fill = "getComputedStyle(document.querySelector('.chart text')).fill"
    assert _lightness(page.tab.evaluate(fill)) < 0.3
    page.menu("Settings", "Theme", "JupyterLab Dark")
    page.tab.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    page.tab.wait_for_function(f"{fill} != 'rgba(0, 0, 0, 0.87)'")
    assert _lightness(page.tab.evaluate(fill)) > 0.7
    assert page.complaints == []


def _lightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 / 255


def test_batch_run_shows_a_finished_run(project: Path, tmp_path: Path) -> None:
    """If nobody can press Start, the notebook trains, shows pictures and ends well."""
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(
        project / NOTEBOOK, out, {"num_epochs": 2}, cwd=project / "notebooks", progress_bar=False
    )
    outputs = [
        output
        for cell in nbformat.read(out, 4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(pictures) == 5
    assert all(each["metadata"]["image/png"]["alt"] for each in pictures)
    text = json.dumps(outputs)
    assert "make report DATASET=digits" in text
    assert "widget-view" not in text
