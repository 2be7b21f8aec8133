"""The build, compared with the classic way: papermill on each notebook, then nbconvert and TeX.

Each case runs on a fresh copy of the project in a temporary folder, through the command lines
that people use, and the cases of both sides take turns. The classic way has no cache: after a
prose edit, a careful author runs the edited notebook again and converts all of them, so this is
what is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pypandoc

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
ROUNDS = 3
EDITED = "3_softmax_regression.ipynb"


def copy_project(project: Path) -> Path:
    """Copy what a report is made of into the folder `project`."""
    for part in ("src", "notebooks"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "report").mkdir()
    for name in ("report.yaml", "reference.yaml", "references.bib"):
        shutil.copy(ROOT / "report" / name, project / "report" / name)
    shutil.copy(ROOT / "pyproject.toml", project / "pyproject.toml")
    return project


def command(project: Path, *arguments: str, folder: str = ".") -> float:
    """Run a command line in a project's copy; return the seconds that it took."""
    data = os.environ.get("ONELAYER_DATA")
    environment = {
        **os.environ,
        "PYTHONPATH": str(project / "src"),
        # The classic way uses the same pandoc, the one in the wheel.
        "PATH": os.pathsep.join(
            [str(BIN), str(Path(pypandoc.get_pandoc_path()).parent), os.environ["PATH"]]
        ),
        **({"ONELAYER_DATA": str(Path(data).resolve())} if data else {}),
    }
    start = time.perf_counter()
    result = subprocess.run(
        [str(BIN / arguments[0]), *arguments[1:]],
        cwd=project / folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if result.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{result.stderr[-3000:]}")
    return seconds


def edit_prose(project: Path) -> None:
    """Change a word of a notebook's first Markdown cell."""
    path = project / "notebooks" / EDITED
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][0]["source"].append(f"\nEdited at {time.time_ns()}.")
    path.write_text(json.dumps(notebook), "utf-8")


def report(project: Path, dataset: str) -> float:
    """Build the report with the press."""
    return command(project, "nbpress", "report", "--dataset", dataset)


def classic_execute(project: Path, name: str, dataset: str) -> float:
    """Execute one notebook with papermill; derivations and appendix take no data set."""
    chosen = ("-p", "dataset", dataset) if name[0] in "234" else ()
    return command(project, "papermill", name, f"out_{name}", *chosen, folder="notebooks")


def classic_convert(project: Path) -> float:
    """Convert the executed notebooks that have no tables with nbconvert and xelatex."""
    names = [f"out_{name}" for name in chapters(project) if name[0] in "123"]
    # It would need Inkscape for the figures' SVG, which lies beside the PNG that it prints.
    without_svg = "--SVG2PDFPreprocessor.enabled=False"
    arguments = ("jupyter-nbconvert", "--to", "pdf", "--no-input", without_svg, *names)
    return command(project, *arguments, folder="notebooks")


def chapters(project: Path) -> list[str]:
    """Return the names of the chapters' notebooks."""
    return sorted(path.name for path in (project / "notebooks").glob("[0-9]*.ipynb"))


def run() -> str:
    """Measure, and return the tables as Markdown."""
    dataset = "mnist" if os.environ.get("ONELAYER_DATA") else "digits"
    has_tex = shutil.which("xelatex") is not None
    times: dict[str, list[float]] = {}

    def record(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)

    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            ours = copy_project(Path(folder) / "press")
            theirs = copy_project(Path(folder) / "classic")
            record("press, empty cache", report(ours, dataset))
            if has_tex:
                executed = sum(classic_execute(theirs, name, dataset) for name in chapters(theirs))
                record("classic, from scratch", executed + classic_convert(theirs))
            record("press, nothing changed", report(ours, dataset))
            edit_prose(ours)
            record("press, prose edit", report(ours, dataset))
            if has_tex:
                edit_prose(theirs)
                executed = classic_execute(theirs, EDITED, dataset)
                record("classic, prose edit", executed + classic_convert(theirs))
            for exporter in ("typst-pdf", "offline-html", "report-latex-pdf"):
                if has_tex or exporter != "report-latex-pdf":
                    record(f"render, {exporter}", render(ours, exporter))
    return _tables({name: statistics.median(values) for name, values in times.items()}, dataset)


def render(project: Path, exporter: str) -> float:
    """Render the bound report; return the seconds of the export alone, without starting Python."""
    code = (
        "import sys, time, nbformat\n"
        "from nbconvert.exporters import get_exporter\n"
        "notebook = nbformat.read(sys.argv[1], 4)\n"
        "exporter = get_exporter(sys.argv[2])()\n"
        "start = time.perf_counter()\n"
        "exporter.from_notebook_node(notebook)\n"
        "print(time.perf_counter() - start)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "build/report.ipynb", exporter],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout)


def _tables(medians: dict[str, float], dataset: str) -> str:
    def seconds(name: str) -> str:
        return f"{medians[name]:.2f}" if name in medians else "no xelatex here"

    def ratio(theirs: str, ours: str) -> str:
        if theirs not in medians:
            return ""
        return f"{medians[theirs] / medians[ours]:.1f}"

    rows = [
        ("from scratch", "press, empty cache", "classic, from scratch"),
        ("after a prose edit", "press, prose edit", "classic, prose edit"),
        ("nothing changed", "press, nothing changed", "classic, nothing changed"),
    ]
    lines = [
        "## The build",
        "",
        f"Data set `{dataset}`, {ROUNDS} rounds in turn, medians in seconds of wall-clock time. "
        "Classic: papermill on one notebook after the other, then `nbconvert --to pdf` (xelatex). "
        "Its template cannot set tables with this pandoc, so the two chapters with tables are "
        "executed but not converted: its times are too low.",
        "",
        "| | press | classic | classic / press |",
        "|---|---:|---:|---:|",
    ]
    for name, ours, theirs in rows:
        other = "—" if name == "nothing changed" else seconds(theirs)
        lines.append(f"| {name} | {seconds(ours)} | {other} | {ratio(theirs, ours)} |")
    lines += [
        "",
        "Rendering the bound report alone (nbconvert, pandoc and the engine):",
        "",
        "| exporter | s | against typst-pdf |",
        "|---|---:|---:|",
    ]
    for exporter in ("typst-pdf", "offline-html", "report-latex-pdf"):
        name = f"render, {exporter}"
        lines.append(f"| {exporter} | {seconds(name)} | {ratio(name, 'render, typst-pdf')} |")
    return "\n".join(lines) + "\n"
