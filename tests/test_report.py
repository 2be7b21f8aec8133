"""The real thing: the report of this project, built as its users build it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "notebooks", "report/expected")
FILES = ("report/report.yaml", "report/reference.yaml", "report/references.bib", "pyproject.toml")


def copy_of_project(project: Path) -> Path:
    """Copy what a report is made of, and nothing that a build left."""
    for folder in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, project / folder, ignore=ignore)
    for file in FILES:
        shutil.copy(ROOT / file, project / file)
    return project


def nbpress(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a project's copy, on that copy's code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NBPRESS_")}
    command = [sys.executable, "-c", "import sys; from nbpress.cli import main; sys.exit(main())"]
    return subprocess.run(
        [*command, *arguments],
        cwd=project,
        env={**kept, "PYTHONPATH": str(project / "src"), "SOURCE_DATE_EPOCH": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def text_of(pdf: Path) -> str:
    """Return the titles of the PDF's bookmarks, one on a line."""
    with pikepdf.open(pdf) as document, document.open_outline() as outline:
        titles = []

        def walk(bookmarks):
            for bookmark in bookmarks:
                titles.append(str(bookmark.title))
                walk(bookmark.children)

        walk(outline.root)
    return "\n".join(titles)


def alternatives(pdf: Path) -> list[str]:
    """Return what the figures of a PDF say to those who cannot see them, in their order."""
    with pikepdf.open(pdf) as document:
        return [
            str(element.Alt)
            for element in document.objects
            if isinstance(element, pikepdf.Dictionary)
            and element.get("/S") == pikepdf.Name.Figure
            and "/Alt" in element
        ]


def alike(texts: list[str]) -> list[str]:
    """Return the texts that differ from one before them in numbers and in case at most."""
    patterns = [" ".join(re.sub(r"[\d.,−]+", "#", text.lower()).split()) for text in texts]
    return [text for i, text in enumerate(texts) if patterns[i] in patterns[:i]]


def environment_for(dataset: str) -> dict[str, str]:
    """Return what a data set needs in the environment; skip where MNIST is not at hand."""
    if dataset != "mnist":
        return {}
    if not os.environ.get("ONELAYER_DATA"):
        pytest.skip("ONELAYER_DATA does not name a folder with MNIST")
    return {"ONELAYER_DATA": str(Path(os.environ["ONELAYER_DATA"]).resolve())}


@pytest.fixture(scope="module", params=["digits", "mnist"])
def built(request, tmp_path_factory):
    """Build a report from nothing on the embedded data set, and on MNIST where it is at hand."""
    environment = environment_for(request.param)
    project = copy_of_project(tmp_path_factory.mktemp(request.param))
    result = nbpress(project, "report", "--dataset", request.param, **environment)
    assert result.returncode == 0, result.stderr
    return request.param, project, result


def test_every_task_has_its_heading(built):
    """Each task from 1a to 4e stands in the PDF under its own heading."""
    _, project, _ = built
    headings = text_of(project / "report" / "report.pdf")
    tasks = ["1a", "1b", *(f"{n}{letter}" for n, last in ((2, "e"), (3, "d"), (4, "e"))
                           for letter in "abcde" if letter <= last)]  # fmt: skip
    missing = [task for task in tasks if not re.search(rf"^Task {task}\b", headings, re.MULTILINE)]
    assert missing == []


def test_no_two_figures_have_the_same_alternative(built):
    """Each figure has a text of its own: none is another's with new numbers."""
    _, project, _ = built
    texts = alternatives(project / "report" / "report.pdf")
    cells = [
        "".join(cell["source"])
        for path in (project / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    ]
    figures = [cell for cell in cells if re.match(r"%%figure ", cell) or "nbpress.figure(" in cell]
    assert len(texts) == len(figures) > 0
    assert alike(texts) == []
    assert [text for text in texts if not re.search(r"\d", text)] == []


@pytest.mark.parametrize(
    ("second", "count"),
    [
        ("Both losses fall to 0.28.", 1),
        ("Both losses fall to 1,361.", 1),
        ("both losses  fall to −0.3.", 1),
        ("Both accuracies rise to 0.28.", 0),
    ],
)
def test_alternatives_that_differ_in_numbers_only_are_alike(second, count):
    """A text copied from another figure is found even if its numbers differ."""
    assert len(alike(["Both losses fall to 0.28.", second])) == count


def test_values_name_their_origin(built):
    """Each value of values.json says in which notebook and cell it was computed."""
    _, project, _ = built
    values = json.loads((project / "report" / "values.json").read_text("utf-8"))
    for entry in values.values():
        cells = json.loads((project / "notebooks" / entry["notebook"]).read_text("utf-8"))["cells"]
        assert entry["cell"] in {cell["id"] for cell in cells}


def test_values_that_the_assignment_asks_for(built):
    """values.json has what the tasks ask for, keyed by λ or seed if there are several."""
    _, project, _ = built
    values = json.loads((project / "report" / "values.json").read_text("utf-8"))
    for name in (
        "2d.stop_step",
        "2d.stop_epoch",
        "2e.spikes_unshuffled",
        "2e.spikes_shuffled",
        "3d.late_validation_accuracy_mean",
        "3d.late_validation_accuracy_std",
        "3d.generalisation_gap",
    ):
        assert isinstance(values[name]["value"], int | float)
    assert len(values["2d.stop_epoch_by_seed"]["value"]) >= 20
    assert set(values["4b.roughness"]["value"]) == {"0", "2"}
    assert set(values["4e.squared_norm"]["value"]) == {"0", "0.002", "0.02", "0.2", "2"}


def test_the_report_of_2022_is_reproduced(built):
    """On MNIST the figures of the 2022 report come out again."""
    dataset, project, _ = built
    if dataset != "mnist":
        pytest.skip("the figures of 2022 are about MNIST")
    values = json.loads((project / "report" / "values.json").read_text("utf-8"))
    assert values["2d.stop_step"]["value"] == 546
    assert values["2d.stop_epoch"]["value"] == 19
    assert 0.921 <= values["3d.late_validation_accuracy_mean"]["value"] <= 0.926
    assert values["3d.train_trend"]["value"] > 0
    norms = values["4e.squared_norm"]["value"]
    expected = {"0": 22.67, "0.002": 20.42, "0.02": 10.84, "0.2": 2.744, "2": 0.365}
    assert norms == {key: pytest.approx(value, rel=0.01) for key, value in expected.items()}
    assert values["B.num_agreeing"]["value"] == values["B.num_rows"]["value"] > 0


def test_the_values_are_those_recorded(built):
    """Every value agrees with the recorded one within its tolerance."""
    from nbpress.publish.compare import drift_table, record_command

    dataset, project, _ = built
    published = json.loads((project / "report" / "values.json").read_text("utf-8"))
    source = f"report/expected/{dataset}.json"
    expected = json.loads((ROOT / source).read_text("utf-8"))
    observed = {name: entry["value"] for name, entry in published.items()}
    drifts = drift_table(expected, observed, source, record_command(dataset))
    assert not drifts, drifts


def test_a_second_build_executes_nothing_and_gives_the_same_bytes(built):
    """If nothing changed, nothing is executed, and report and values stay the same."""
    dataset, project, _ = built
    files = [project / "report" / name for name in ("report.pdf", "values.json")]
    before = [file.read_bytes() for file in files]
    result = nbpress(project, "report", "--dataset", dataset)
    assert result.returncode == 0, result.stderr
    assert "0 of 5 notebooks executed" in result.stderr
    assert [file.read_bytes() for file in files] == before


def test_plain_papermill_gives_the_same_values(built, tmp_path):
    """A chapter run by papermill alone records the report's values, without any setting."""
    from nbpress.project.notebook import read_notebook
    from nbpress.run.said import Said

    dataset, project, _ = built
    name = "3_softmax_regression.ipynb"
    command = [sys.executable, "-m", "papermill", "--cwd", "notebooks", "--log-level", "WARNING"]
    result = subprocess.run(
        [*command, f"notebooks/{name}", str(tmp_path / name), "-p", "dataset", dataset],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), **environment_for(dataset)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Passed unknown parameter" not in result.stderr
    executed = json.loads((tmp_path / name).read_text("utf-8"))["cells"]
    recorded = Said(read_notebook(project / "notebooks" / name), executed).values
    published = json.loads((project / "report" / "values.json").read_text("utf-8"))
    assert recorded == {k: v for k, v in published.items() if v["notebook"] == name}


def unlinked(path: Path) -> str:
    """Return a chapter's text without its references to others, so that it can stand alone."""
    return re.sub(r"\[([^\[\]\n\"]*)\]\(#(?:task|eq)-[\w-]+\)", r"\1", path.read_text("utf-8"))


EXPECTED = {
    "a rate that is far too large": (
        "2_logistic_regression",
        {"learning_rate": "1e9"},
        ["this training has failed, since a learning rate of 10⁹ is too large"],
        ["so the model has learned"],
    ),
    "other classes, and too short for early stopping": (
        "2_logistic_regression",
        {"classes": "[4, 9]", "max_epochs": "2", "num_epochs": "2"},
        [
            "at random, and keep the 4s, whose target is 1, and the 9s, whose target is 0.",
            "Training never stops early",
            "training always ends in epoch 1.",
            "9s are taken for 4s",
        ],
        ["2s", "Training stops after"],
    ),
    "a rate that is far too large for ten digits": (
        "3_softmax_regression",
        {"learning_rate": "1e9"},
        ["this training has failed, since a learning rate of 10⁹ is too large"],
        [],
    ),
    "a rate that suits them": (
        "3_softmax_regression",
        {"num_epochs": "2"},
        ["both losses end below $\\ln K$, the loss of guessing"],
        ["this training has failed"],
    ),
    "one penalty, which is the smallest and the strongest": (
        "4_regularization",
        {"l2_lambdas": "[0.5]"},
        [
            "% for $\\lambda$ = 0.5.",
            "validation images for $\\lambda$ = 0.5 (late averages).",
            "$\\sum w^2$ still grows without a penalty, and has settled for the largest $\\lambda$",
        ],
        ["every $\\lambda$ but the smallest", "without a penalty and for the smallest"],
    ),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_prose_follows_the_parameters(case, tmp_path):
    """With other parameters, the text of a chapter describes the new results."""
    name, parameters, said, unsaid = EXPECTED[case]
    project = copy_of_project(tmp_path)
    report = yaml.safe_load((project / "report" / "report.yaml").read_text("utf-8"))
    report["chapters"] = [c for c in report["chapters"] if c["notebook"] == f"{name}.ipynb"]
    del report["proofs"], report["claims"], report["key_results"]
    (project / "report" / "report.yaml").write_text(yaml.safe_dump(report), "utf-8")
    path = project / "notebooks" / f"{name}.ipynb"
    path.write_text(unlinked(path), "utf-8")
    given = [f"--param={key}={value}" for key, value in parameters.items()]
    result = nbpress(project, "report", "--dataset", "digits", *given)
    assert result.returncode == 0, result.stderr
    cells = json.loads((project / "build" / "report.ipynb").read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    texts = [output.get("data", {}).get("text/markdown", "") for output in outputs]
    texts += [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    text = " ".join(word for each in texts for word in "".join(each).split())
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []


SABOTAGE = {
    "the trainer's step": (
        "2_logistic_regression",
        ("gradient-logistic", "2a-claim"),
        ("trainers.py", "z *= step_size", "z *= 1.5 * step_size"),
    ),
    "the model's loss, which the notebook writes out": (
        "2_logistic_regression",
        ("written-out", "2a-model"),
        ("models.py", "surprisal + (1 - y) * logits", "surprisal + (1 - 0.99 * y) * logits"),
    ),
    "the trainer's step, beside the plain loop": (
        "2_logistic_regression",
        ("plain-loop", "2b-loop"),
        ("trainers.py", "z *= step_size", "z *= 1.01 * step_size"),
    ),
    "the trainer's labels": (
        "3_softmax_regression",
        ("gradient-softmax", "3a-claim"),
        ("trainers.py", "Y.T.take(batch,", "Y.T.take(np.sort(batch),"),
    ),
    "the model's residual": (
        "3_softmax_regression",
        ("gradient-softmax", "3a-claim"),
        ("models.py", "z -= y", "z -= 0.999 * y"),
    ),
    "the trainer's penalty": (
        "4_regularization",
        ("gradient-regularised", "4a-claim"),
        ("trainers.py", "[self.learning_rate * value for", "[2 * self.learning_rate * value for"),
    ),
    "the objective's penalty": (
        "4_regularization",
        ("gradient-regularised", "4a-claim"),
        ("models.py", "return 0.5 * float(np.vdot", "return float(np.vdot"),
    ),
}


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
@pytest.mark.parametrize("part", SABOTAGE)
def test_sabotage_of_training_stops_the_report(part, dataset, tmp_path):
    """Any fault in the training makes a claim of that chapter stop the build."""
    environment = environment_for(dataset)
    chapter, (claim, last_cell), (module, right, wrong) = SABOTAGE[part]
    project = copy_of_project(tmp_path)
    source = project / "src" / "onelayer" / module
    assert right in source.read_text("utf-8")
    source.write_text(source.read_text("utf-8").replace(right, wrong), "utf-8")
    report = yaml.safe_load((project / "report" / "report.yaml").read_text("utf-8"))
    report["chapters"] = [{"notebook": f"{chapter}.ipynb"}]
    report["claims"] = {claim: ["digits", "mnist"]}
    del report["proofs"], report["key_results"]
    (project / "report" / "report.yaml").write_text(yaml.safe_dump(report), "utf-8")
    # The chapter up to that claim, which comes before most of the training.
    path = project / "notebooks" / f"{chapter}.ipynb"
    notebook = json.loads(unlinked(path))
    end = 1 + [cell["id"] for cell in notebook["cells"]].index(last_cell)
    path.write_text(json.dumps({**notebook, "cells": notebook["cells"][:end]}), "utf-8")
    result = nbpress(project, "report", "--dataset", dataset, **environment)
    assert result.returncode == 1, result.stderr
    assert re.search(rf"{claim} \(.*\): '.*' is false", result.stderr), result.stderr
    assert not (project / "report" / "report.pdf").exists()
