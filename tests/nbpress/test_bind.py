"""Binding: one notebook of all chapters, checked for what a report must contain."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures.tiny_project import CHAPTERS, TinyProject

from nbpress.errors import PressError
from nbpress.project.dataset import DataSet
from nbpress.project.parameters import Parameters
from nbpress.project.project import open_project
from nbpress.publish import provenance as provenance_module
from nbpress.publish.bind import Bound, bind
from nbpress.run.cache import Run
from nbpress.run.execute import Execution
from nbpress.run.plan import plan
from nbpress.run.said import Said
from nbpress.say.records import Answer, Claim
from nbtypeset.schema import MIME_TYPE, Figure, Record

DATA = DataSet("small", "the small numbers", "sha", {"small.txt": "0123456789abcdef" * 4}, False)


def shown(record: Record, text: str = "Text.") -> dict[str, Any]:
    """Return an output that says something to the press."""
    data = {MIME_TYPE: record.to_json(), "text/markdown": [text]}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def answer(task: str, text: str = "Text.", **values: Any) -> dict[str, Any]:
    """Return the output of an answer."""
    return shown(Answer(task, values), text)


def claim(holds: bool, id_: str = "positive") -> dict[str, Any]:
    """Return the output of a claim."""
    text = "the sum is positive"
    sentence = f"{text}." if holds else f"it does not hold on these data that {text}."
    record = Claim("1a", id_, text, holds, sentence)
    return shown(record, f"✓ Checked by machine: {sentence}")


def figure(label: str = "fig-2a", caption: str = "A square.") -> dict[str, Any]:
    """Return the output of a figure."""
    return shown(Figure(label, caption, "Black."))


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """Return what a cell printed."""
    return {"output_type": "stream", "name": name, "text": [text]}


class Press:
    """Chapters with the outputs of their cells, ready to be bound."""

    def __init__(self, tiny: TinyProject, folder: Path) -> None:
        self.tiny = tiny
        self.folder = folder
        for chapter in CHAPTERS:  # whose outputs are given here, whatever the notebooks say
            tiny.edit_cell(f"{chapter}.ipynb", "answer", "1")
        tiny.edit_cell("2_pictures.ipynb", "figure", "1")
        self.outputs: dict[str, list[Any]] = {
            "1_sums/answer": [answer("1a", total=6.0)],
            "1_sums/claim": [claim(True)],
            "2_pictures/figure": [figure()],
            "2_pictures/answer": [answer("2a", width=40)],
            "3_summary/answer": [answer("3a", words="six")],
        }

    def bind(self, data: DataSet = DATA, given: Parameters | None = None, **options: Any) -> Bound:
        """Bind the chapters as they stand."""
        project = open_project(self.tiny.root)
        plans = plan(project, data, given or {})
        execution = Execution()
        for each in plans:
            name = each.chapter.name
            executed = json.loads(each.notebook.path.read_text("utf-8"))
            for cell in executed["cells"]:
                if cell["cell_type"] == "code":
                    cell["execution_count"] = 1
                    cell["outputs"] = self.outputs.get(f"{name}/{cell['id']}", [])
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            (folder / "executed.ipynb").write_text(json.dumps(executed), "utf-8")
            execution.runs[name] = Run(folder, f"{name}.ipynb", "small", {}, {}, {}, [], "", 1.0)
            execution.said[name] = Said(each.notebook, executed["cells"])
        return bind(project, data, plans, execution, **options)

    def refusal(self, **options: Any) -> str:
        """Return why the report cannot be bound."""
        with pytest.raises(PressError) as error:
            self.bind(**options)
        return str(error.value)


@pytest.fixture
def press(tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Press:
    """Return the tiny project's chapters with all that their tasks ask for."""
    monkeypatch.setattr(provenance_module, "installed_versions", lambda _: {"helper": "2.0"})
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Press(tiny, tmp_path)


def sources(bound: Bound) -> str:
    """Return the text of all cells and of their Markdown outputs."""
    texts = []
    for cell in bound.notebook["cells"]:
        texts.append(cell["source"])
        texts += [o["data"]["text/markdown"] for o in cell.get("outputs", ()) if "data" in o]
    return "\n".join(texts)


def provenance(bound: Bound) -> str:
    """Return the cell that says where the report came from."""
    (cell,) = [c for c in bound.notebook["cells"] if "provenance" in c["metadata"].get("tags", ())]
    return cell["source"]


def test_chapters_are_joined_in_their_order(press: Press) -> None:
    """Each cell knows its notebook and number; ids are unique in the whole."""
    cells = press.bind().notebook["cells"]
    places = [tuple(cell["metadata"]["nbpress"].values()) for cell in cells]
    assert places[0] == ("1_sums.ipynb", 1)
    assert places[-1] == ("3_summary.ipynb", 7)
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_long_ids_stay_apart(press: Press) -> None:
    """Two ids that differ in their last letters alone stand for two cells, and two marks."""
    path = press.tiny.root / "notebooks" / "1_sums.ipynb"
    content = json.loads(path.read_text("utf-8"))
    for letter in "ab":
        cell = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": []}
        content["cells"].append({**cell, "id": "x" * 63 + letter, "execution_count": None})
        press.outputs[f"1_sums/{'x' * 63}{letter}"] = [claim(letter == "a", letter)]
    path.write_text(json.dumps(content), "utf-8")
    verdicts = list(press.bind().imprint.marks.values())
    assert verdicts == [["checked"], ["checked"], ["otherwise"]]


def test_markers_of_typed_numbers_are_for_the_author(press: Press) -> None:
    """Markdown loses its markers; code stays as it was written, whatever it contains."""
    press.tiny.edit_cell("1_sums.ipynb", "title", "# Sums\n\nOf 3.\n\n<!-- typed: 3 -->")
    press.tiny.edit_cell("1_sums.ipynb", "sum", "x = '<!-- typed: 3 -->'\n")
    cells = {cell["id"]: cell["source"] for cell in press.bind().notebook["cells"]}
    assert cells["1-title"] == "# Sums\n\nOf 3."
    assert cells["1-sum"] == "x = '<!-- typed: 3 -->'\n"


def test_bound_notebook_is_valid(press: Press) -> None:
    """Nbformat accepts the bound notebook, whatever the notebooks are called."""
    import nbformat

    press.tiny.edit("report/report.yaml", "2_pictures", "2_größe µ")
    path = press.tiny.root / "notebooks" / "2_pictures.ipynb"
    path.rename(path.with_name("2_größe µ.ipynb"))
    for cell in ("figure", "answer"):
        press.outputs[f"2_größe µ/{cell}"] = press.outputs[f"2_pictures/{cell}"]
    nbformat.validate(nbformat.from_dict(press.bind().notebook))


def test_values_say_where_they_came_from(press: Press) -> None:
    """Each value names its notebook and cell, as values.json promises."""
    assert press.bind().values == {
        "1a.total": {"value": 6.0, "notebook": "1_sums.ipynb", "cell": "answer"},
        "2a.width": {"value": 40, "notebook": "2_pictures.ipynb", "cell": "answer"},
        "3a.words": {"value": "six", "notebook": "3_summary.ipynb", "cell": "answer"},
    }


def test_value_recorded_twice_is_refused(press: Press) -> None:
    """A value is refused if a notebook records another one, or two notebooks record it."""
    press.outputs["1_sums/sum"] = [answer("1a", total=7)]
    assert press.refusal() == (
        "1_sums.ipynb: 1a.total has two values, 7 in the cell sum and 6.0 in answer: "
        "give one of them another name"
    )
    press.outputs["1_sums/sum"] = [answer("1a", total=6.0)]
    assert press.bind().values["1a.total"]["cell"] == "sum"
    press.outputs["1_sums/sum"] = [answer("9", other=7)]
    press.outputs["2_pictures/imports"] = [answer("9", other=8)]
    assert press.refusal() == (
        "9.other is recorded twice, in 1_sums.ipynb and 2_pictures.ipynb; rename one of them"
    )


def test_figures_and_references_are_numbered(press: Press) -> None:
    """Numbers follow the report; a task is called by its name; captions and answers may refer."""
    press.outputs["1_sums/sum"] = [figure("fig-1a", "See [Figure](#fig-2a).")]
    press.outputs["3_summary/answer"] = [answer("3a", "As [Task](#task-1a) and [](#fig-1a) say.")]
    bound = press.bind()
    text = sources(bound)
    assert "[Figure 2](#fig-2a) shows it." in text
    assert "As [Task 1a](#task-1a) and [Figure 1](#fig-1a) say." in text
    assert "See [Figure 2](#fig-2a)." in json.dumps(bound.notebook)


def test_link_of_other_words_keeps_them(press: Press) -> None:
    """A name gets its current number, also in place of a typed one."""
    press.outputs["3_summary/answer"] = [
        answer("3a", "[the square](#fig-2a), [1a](#task-1a), [Figure 7](#fig-2a), [ ](#fig-2a)")
    ]
    assert "[the square](#fig-2a), [1a](#task-1a), [Figure 1](#fig-2a), [Figure 1](#fig-2a)" in (
        sources(press.bind())
    )


def change(press: Press, notebook: str, cell: str, **changes: Any) -> None:
    """Change the JSON of a notebook's cell."""
    path = press.tiny.root / "notebooks" / notebook
    content = json.loads(path.read_text("utf-8"))
    next(each for each in content["cells"] if each["id"] == cell).update(changes)
    path.write_text(json.dumps(content), "utf-8")


def test_outputs_of_markdown_say_nothing(press: Press) -> None:
    """No code has run there: a claim, a figure or a value in them is forged, and left out."""
    forged = [claim(True, "great"), figure("fig-1b"), answer("1a", forged=1)]
    change(press, "1_sums.ipynb", "task", outputs=forged)
    bound = press.bind()
    assert "great" not in bound.claims
    assert set(bound.figures) == {"fig-2a"}
    assert "1a.forged" not in bound.values
    assert "outputs" not in next(c for c in bound.notebook["cells"] if c["id"] == "1-task")
    press.outputs["1_sums/claim"] = []
    assert "task 1a has no claim" in press.refusal()


@pytest.mark.parametrize("tag", ["remove-output", "hide_cell"])
@pytest.mark.parametrize(
    ("cell", "output", "kind"),
    [
        ("sum", claim(False, "small"), "claim"),
        ("sum", figure("fig-1a"), "figure"),
        ("sum", answer("1a"), "answer"),
        ("task", None, "heading"),
        ("answer", None, "prose"),
    ],
)
def test_what_counts_is_not_hidden(
    press: Press, tag: str, cell: str, output: dict[str, Any] | None, kind: str
) -> None:
    """A tag that would keep a part of a task out of the report is refused."""
    if output:
        press.outputs[f"1_sums/{cell}"] = [output]
    if kind == "prose":
        press.tiny.edit_cell("1_sums.ipynb", "answer", "%%answer 1a\nText.")
    change(press, "1_sums.ipynb", cell, metadata={"tags": [tag]})
    assert f"the tag {tag.replace('_', '-')!r} would hide its {kind}" in press.refusal()


def test_figure_is_printed_once(press: Press) -> None:
    """Pyplot's picture of it, in any cell, is dropped; other pictures stay."""
    picture = {"output_type": "display_data", "data": {"image/png": "AAAA"}}
    shown_by_pyplot, another, plain = (
        {**picture, "metadata": {MIME_TYPE: {"figure": 1}}},
        {**picture, "metadata": {MIME_TYPE: {"figure": 2}}},
        {**picture, "metadata": {}},
    )
    press.outputs["2_pictures/imports"] = [shown_by_pyplot, another]
    labelled = {**figure(), "metadata": {MIME_TYPE: {"figure": 1}}}
    press.outputs["2_pictures/figure"] = [labelled, shown_by_pyplot, plain]
    press.outputs["1_sums/sum"] = [shown_by_pyplot]  # of another kernel: another figure
    outputs = {
        cell["id"]: cell["outputs"]
        for cell in press.bind().notebook["cells"]
        if cell["cell_type"] == "code"
    }
    assert outputs["2-imports"] == [another]
    assert [len(o["data"]) for o in outputs["2-figure"]] == [2, 1]
    assert outputs["1-sum"] == [shown_by_pyplot]


def key_results(press: Press, *sentences: str) -> None:
    """Give the report key results."""
    press.tiny.edit("report/report.yaml", "title:", f"key_results: {json.dumps(sentences)}\ntitle:")


def test_key_results_quote_what_chapters_recorded(press: Press) -> None:
    """Key results have references, and depend on the outcome of the report's claims."""
    key_results(
        press,
        "The sum is **{{ 1a.total:.1f }}**, in\nwords {{ 3a.words }}: [](#fig-2a).",
        "{{ if positive }}It is positive.{{ else }}It is not.{{ end }}",
        "{{ if positive }}{{ else }}It is not.{{ end }}",
    )
    assert press.bind().imprint.key_results == [
        "The sum is **6.0**, in words six: [Figure 1](#fig-2a).",
        "It is positive.",
    ]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("{{ 1a.totl }}", "no chapter has the value '1a.totl'; did you mean '1a.total'?"),
        ("{{ if negative }}x{{ end }}", "no chapter has the claim 'negative'"),
        ("{{ 3a.words:.2f }}", "3a.words is 'six', which does not fit the format '.2f'"),
        ("[](#fig-2b)", "the reference '[](#fig-2b)' leads nowhere; did you mean 'fig-2a'?"),
    ],
)
def test_key_result_that_cannot_be_set_stops_the_report(
    press: Press, sentence: str, message: str
) -> None:
    """The message names the place of the key result."""
    key_results(press, "The sum.", sentence)
    refusal = press.refusal()
    assert refusal.startswith("report.yaml, key_results")
    assert message in refusal


def test_first_page_says_occasion_and_data_in_words(press: Press) -> None:
    """A notice is for what a reader would not expect: other data, other parameters."""
    press.tiny.edit("report/report.yaml", "title:", "course: C 1\nassignment: Sums\ntitle:")
    imprint = press.bind(replace(DATA, title="Small numbers")).imprint
    assert (imprint.course, imprint.assignment) == ("C 1", "Sums")
    assert (imprint.dataset, imprint.notice) == ("Small numbers", None)
    assert press.bind().imprint.dataset == "small"
    fallback = replace(DATA, fallback=True, reason="The small ones, for want of others")
    assert press.bind(fallback).imprint.notice == "The small ones, for want of others."


def test_dead_reference_is_refused(press: Press) -> None:
    """The message names the place and the label that was probably meant."""
    press.tiny.edit("notebooks/2_pictures.ipynb", "(#fig-2a)", "(#fig-2b)")
    assert press.refusal() == (
        "2_pictures.ipynb, cell 4: the reference '[Figure](#fig-2b)' leads nowhere; "
        "did you mean 'fig-2a'?"
    )


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("[](#fig-2A)", "leads nowhere; did you mean 'fig-2a'?"),
        ("[Figure](#figure-2a)", "leads nowhere; did you mean 'fig-2a'?"),
        ("[](#task-a)", "leads nowhere"),
        ("[Figure 3](#no-such)", "leads nowhere"),
        ("[ ](#no-such 'title')", "leads nowhere"),
        ("[](#)", "leads nowhere"),
        ("[](#Sums)", "leads to a heading, which has no number: write the link's text"),
        ("[Task](#sums)", "leads to a heading, which has no number: write the link's text"),
    ],
)
def test_reference_that_would_print_nothing_is_refused(
    press: Press, reference: str, message: str
) -> None:
    """A link without a text of its own leads to something that has a name."""
    press.outputs["3_summary/answer"] = [answer("3a", f"See {reference}.")]
    assert press.refusal().startswith(
        f"3_summary.ipynb, cell 6: the reference {reference!r} {message}"
    )


def test_link_to_a_heading_keeps_its_text(press: Press) -> None:
    """Also if it reads like the name of a task; a link in code is not a reference."""
    text = "[those](#Sums) [Part 1](#sums) [gone](#no-such) `[](#no-such)`"
    press.outputs["3_summary/answer"] = [answer("3a", text)]
    assert text in sources(press.bind())


def test_second_heading_of_a_listed_task_is_refused(press: Press) -> None:
    """Both cells are named, because answers could be below either."""
    press.tiny.edit("notebooks/3_summary.ipynb", "## Task 3a", "## Exercise 1a\\n\\n## Task 3a")
    assert press.refusal() == (
        "3_summary.ipynb, cell 4: task 1a already has a heading in 1_sums.ipynb, cell 4; "
        "each task of report.yaml needs exactly one: rename or remove the other"
    )


def test_other_tasks_may_have_several_headings(press: Press) -> None:
    """Each of the user's own notebooks may have a part 1; a reference leads to the first."""
    press.tiny.edit("notebooks/1_sums.ipynb", "## Task 1a", "## Problem 1\\n\\n## Task 1a")
    press.tiny.edit("notebooks/3_summary.ipynb", "## Task 3a", "## Part 1\\n\\n## Task 3a")
    press.outputs["3_summary/answer"] = [answer("3a", "See [](#task-1).")]
    assert "See [Problem 1](#task-1)." in sources(press.bind())


def test_label_used_twice_is_refused(press: Press) -> None:
    """A label is refused the second time, also on a figure of another chapter."""
    press.outputs["3_summary/words"] = [figure()]
    assert press.refusal() == (
        "3_summary.ipynb, cell 5: the label 'fig-2a' is already used in 2_pictures.ipynb, cell 6"
    )


def test_missing_parts_are_refused_all_at_once(press: Press) -> None:
    """Every heading and part that report.yaml asks for and a task lacks is named."""
    del press.outputs["2_pictures/figure"]
    press.tiny.edit("notebooks/2_pictures.ipynb", "[Figure](#fig-2a)", "Nothing")
    press.outputs["1_sums/claim"] = []
    press.tiny.edit("notebooks/3_summary.ipynb", "## Task 3a", "## Tusk 3a")
    press.outputs["3_summary/answer"] = []
    assert press.refusal() == (
        "the report is incomplete: task 1a has no claim (its heading is in 1_sums.ipynb, cell 4); "
        "task 2a has no figure (its heading is in 2_pictures.ipynb, cell 4); "
        "task 3a has no heading '## Task 3a …'"
    )


def test_answer_under_another_task_is_refused(press: Press) -> None:
    """An answer must stand under its own task, where a reader looks for it."""
    press.outputs["3_summary/answer"] = [answer("2a", width=40)]
    press.outputs["2_pictures/answer"] = []
    assert press.refusal() == (
        "3_summary.ipynb, cell 6: the answer of task 2a is under task 3a; "
        "move it below the heading '## Task 2a …' (or Exercise, Question, Problem, Part, Section)"
    )


def test_answer_to_a_task_without_a_heading_is_refused(press: Press) -> None:
    """It is refused whether or not report.yaml lists the task."""
    press.outputs["3_summary/answer"] += [answer("9")]
    assert "the answer of task 9 is under task 3a" in press.refusal()
    press.tiny.edit("notebooks/3_summary.ipynb", "## Task 3a", "## Tusk 3a")
    assert "the answer of task 3a is under no task" in press.refusal()


def test_heading_may_call_a_task_by_another_word(press: Press) -> None:
    """Texts then call it by that word; without a heading a message proposes the usual one."""
    press.tiny.edit("notebooks/1_sums.ipynb", "## Task 1a", "## Exercise  1a")
    press.outputs["3_summary/answer"] = [answer("3a", "As [Task](#task-1a) and [](#task-1a) say.")]
    bound = press.bind()
    assert "As [Exercise 1a](#task-1a) and [Exercise 1a](#task-1a) say." in sources(bound)
    assert bound.names["task-1a"] == "Exercise 1a"
    press.tiny.edit("notebooks/1_sums.ipynb", "## Exercise  1a", "## Exercises 1a")
    assert "the reference '[Task](#task-1a)' leads nowhere" in press.refusal()


def test_task_may_be_a_number_or_a_letter(press: Press) -> None:
    """Heading, report.yaml and references all use the same name for a task."""
    press.tiny.edit("notebooks/2_pictures.ipynb", "## Task 2a", "## Task 2")
    press.outputs["2_pictures/answer"] = [answer("2", "[Task](#task-2), [](#task-B).")]
    press.tiny.edit("notebooks/3_summary.ipynb", "## Task 3a", "## Appendix B")
    press.outputs["3_summary/answer"] = [answer("B")]
    press.tiny.edit("report/report.yaml", "2a:", "2:")
    press.tiny.edit("report/report.yaml", "3a:", "B:")
    assert "[Task 2](#task-2), [Appendix B](#task-B)." in sources(press.bind())
    press.tiny.edit("report/report.yaml", "B:", "b:")
    assert "tasks.b.[key]: a task's name must be like '2d', '2' or" in press.refusal()


def test_false_claim_is_refused_where_it_is_expected(press: Press) -> None:
    """A claim that is missing is refused as well."""
    press.outputs["1_sums/claim"] = [claim(False)]
    assert "positive (1_sums.ipynb, cell 7): 'the sum is positive' is false" in press.refusal()
    press.outputs["1_sums/claim"] = [claim(True, "even")]
    assert "positive: no notebook makes it" in press.refusal()


def test_claim_made_twice_is_refused(press: Press) -> None:
    """An id stands for only one claim."""
    press.outputs["1_sums/claim"] = [claim(False), claim(True)]
    assert press.refusal() == "1_sums.ipynb, cell 7: the claim 'positive' is made twice"


def test_false_claim_is_published_where_it_is_not_expected(press: Press) -> None:
    """Other parameters, or a data set without expectations, let a false claim pass."""
    press.outputs["1_sums/claim"] = [claim(False)]
    press.bind(given={"": {"scale": "3"}})
    press.bind(DataSet("large", "the large numbers", "sha", {}, False))


def test_default_that_is_given_lets_no_false_claim_pass(press: Press) -> None:
    """What counts is whether a chapter runs with another value, not whether one was given."""
    press.outputs["1_sums/claim"] = [claim(False)]
    for given in ({"": {"scale": "2"}}, {"1_sums": {}}, {"1_sums": {"count": 3}}):
        assert "'the sum is positive' is false" in press.refusal(given=given)


def test_stderr_is_told_to_the_author_alone(press: Press) -> None:
    """What a cell prints to stdout stays in the report."""
    press.outputs["1_sums/sum"] = [printed("warned at /somewhere\n", "stderr"), printed("said\n")]
    bound = press.bind()
    assert bound.notices == ["1_sums.ipynb, cell 5: warned at /somewhere"]
    assert "/somewhere" not in json.dumps(bound.notebook)
    assert "said" in json.dumps(bound.notebook)


def test_cell_without_a_run_has_no_outputs(press: Press) -> None:
    """A cell that does not run has no outputs, not even those saved with the notebook."""
    path = press.tiny.root / "notebooks" / "1_sums.ipynb"
    content = json.loads(path.read_text("utf-8"))
    content["cells"].append(
        {
            "cell_type": "code",
            "id": "skipped",
            "metadata": {"tags": ["skip-execution"]},
            "source": "1",
            "execution_count": 7,
            "outputs": [printed("of last year")],
        }
    )
    path.write_text(json.dumps(content), "utf-8")
    assert "of last year" not in json.dumps(press.bind().notebook)


def git(root: Path, *arguments: str) -> None:
    """Run git with an identity of its own."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=0"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def test_provenance_names_data_code_parameters_and_versions(press: Press) -> None:
    """Provenance says so if there is no git."""
    text = provenance(press.bind())
    assert "Data set `small`: the small numbers" in text
    assert "| `small.txt` | `0123456789abcdef0123456789abcdef` `0123" in text
    assert "no git commit is known; this folder is not a git checkout" in text
    assert '| `1_sums.ipynb` | `dataset` = "small", `count` = 3, `scale` = 2.0' in text
    assert "`3_summary.ipynb`" not in text  # it has none but the values of other chapters
    assert "helper 2.0." in text


def test_provenance_names_tools_and_lock(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock's digest stands for the versions that it pins; others are named one by one."""
    installed = {"python": "3.11", "numpy": "2.0", "helper": "2.0"}
    monkeypatch.setattr(provenance_module, "installed_versions", lambda _: installed)
    monkeypatch.setattr("pypandoc.get_pandoc_version", lambda: "3.9")
    made = "Made with Python 3.11, NumPy 2.0, pandoc 3.9."
    assert f"{made} Installed versions: python 3.11, numpy 2.0, helper 2.0." in (
        provenance(press.bind())
    )
    lock = press.tiny.root / "requirements.lock"
    pins = "--index x\nnumpy==2.0 ; python_version >= '3' \\\n    --hash=sha256:00\nhelper=={}\n"
    for version, said in (
        ("2.0", "have the versions that `requirements.lock` pins."),
        ("2.1", "these differ from the versions that `requirements.lock` pins: helper 2.0."),
        ("2.0 ; python_version < '3'", "pins: helper 2.0."),
    ):
        lock.write_text(pins.format(version), "utf-8")
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        text = provenance(press.bind())
        assert made in text
        assert said in text
        assert f"SHA-256 is `{digest[:16]}`" in text


def test_provenance_names_the_commit(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provenance names files with uncommitted changes; the commit's date is the report's."""
    root = press.tiny.root
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-02-03T12:00:00Z")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "All of it"]):
        git(root, *arguments)
    bound = press.bind()
    assert "of 2001-02-03, without uncommitted changes" in provenance(bound)
    assert bound.notebook["metadata"]["date"] == "2001-02-03"
    press.tiny.edit("notebooks/1_sums.ipynb", "# Sums", "# All sums")
    (root / "a `new` one.txt").touch()
    changes = "with changes that are not committed: "
    both = f"of 2001-02-03, {changes}`notebooks/1_sums.ipynb`, `a  new  one.txt`."
    assert both in provenance(press.bind())
    for i in range(9):
        (root / f"{i}.txt").touch()
    files = "`notebooks/1_sums.ipynb`, `0.txt`, `1.txt` and 8 more."
    assert f"{changes}{files}" in provenance(press.bind())


def test_provenance_names_what_git_was_told_to_pass_over(press: Press) -> None:
    """No setting of a repository makes its code look committed."""
    root = press.tiny.root
    for arguments in (
        ["init", "-q"], ["add", "."], ["commit", "-qm", "All of it"],
        ["config", "status.showUntrackedFiles", "no"],
        ["update-index", "--assume-unchanged", "src/tiny/sums.py"],
        ["update-index", "--skip-worktree", "notebooks/1_sums.ipynb"],
    ):  # fmt: skip
        git(root, *arguments)
    (root / ".git" / "info" / "exclude").write_text("lib/")
    (root / "lib").mkdir()
    (root / "lib" / "more.py").touch()
    (root / "lib" / "data.txt").touch()  # which is no code
    (root / "src" / "new.txt").touch()
    names = ["src/new.txt", "notebooks/1_sums.ipynb", "src/tiny/sums.py"]
    few = ", ".join(f"`{name}`" for name in names)
    assert f"changes that are not committed: {few} and 1 more." in provenance(press.bind())
    git(root, "update-index", "--no-assume-unchanged", "src/tiny/sums.py")
    assert f"`{names[0]}`, `{names[1]}`, `lib/more.py`." in provenance(press.bind())


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 only")
def test_file_whose_name_is_not_text_hides_no_commit(press: Press) -> None:
    """Names of files are bytes, which need not be UTF-8."""
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "All of it"]):
        git(press.tiny.root, *arguments)
    (press.tiny.root / os.fsdecode(b"caf\xe9.txt")).touch()
    assert "changes that are not committed: `caf\ufffd.txt`." in provenance(press.bind())


def test_checkout_around_the_project_is_not_its_own(press: Press) -> None:
    """A copy below some other repository has no commit."""
    git(press.tiny.root.parent, "init", "-q")
    git(press.tiny.root.parent, "commit", "-qm", "Another project", "--allow-empty")
    assert "this folder is not a git checkout" in provenance(press.bind())


def test_date_is_the_one_that_was_asked_for(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """The date is report.yaml's, or else that of SOURCE_DATE_EPOCH."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert press.bind().notebook["metadata"]["date"] == "1970-01-02"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert press.refusal() == "SOURCE_DATE_EPOCH must be a number of seconds; got 'soon'"
    press.tiny.edit("report/report.yaml", "title:", "date: 2022-03-04\ntitle:")
    assert press.bind().notebook["metadata"]["date"] == "2022-03-04"


def test_binding_leaves_the_runs_as_they_are(press: Press) -> None:
    """Numbers go into the bound copy: a second binding gives the same result."""
    assert press.bind().notebook == press.bind().notebook


def test_comments_of_an_empty_parameters_cell_are_not_code(press: Press) -> None:
    """`nbpress new` writes them for the author; with CODE=1 a reader would see them."""
    hint = "# Parameters: one per line.\n"
    press.tiny.edit_cell("3_summary.ipynb", "parameters", hint + "recorded: dict = {}")
    assert hint in sources(press.bind())
    press.tiny.edit_cell("2_pictures.ipynb", "parameters", hint)
    press.tiny.edit_cell("3_summary.ipynb", "parameters", "recorded: dict = {}")
    assert hint not in sources(press.bind())
