"""What `report/report.yaml` says: title, chapters, and what each must contain."""

from __future__ import annotations

import datetime
import graphlib
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from nbpress.errors import PressError, did_you_mean
from nbpress.files import read_yaml
from nbpress.project.typed import typed_in
from nbpress.say.records import validate_task
from nbpress.say.text import TextError, read_text

Part = Literal["figure", "table", "answer", "claim", "derivation"]


_PLACEHOLDER = re.compile(r"(?:(?:first|second|third|fourth|fifth) )?author|(?:your )?name", re.I)


def _key_result(text: str) -> str:
    try:
        read_text(text, of_report=True)
    except TextError as error:
        raise ValueError(error.message) from error
    if typed := typed_in(text):
        raise ValueError(f"{typed!r} is typed, and may go stale: quote a value instead")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Chapter(_Strict):
    """A notebook of the report, the tasks that it answers and the values that it quotes."""

    notebook: str
    """Its file in `notebooks/`."""
    tasks: dict[Annotated[str, AfterValidator(validate_task)], list[Part]] = {}
    """What each task must have below its heading `## Task 2d`, as `2d: [figure, answer]`."""
    needs: list[str] = []
    """Values of other chapters, as `2d.stop_step`: handed over in `recorded: dict = {}`, which the
    notebook declares among its parameters."""
    inputs: list[str] = []
    """What it reads and Python does not open itself: paths from the project's root to files,
    folders, or patterns such as `data/*.db`."""

    @property
    def name(self) -> str:
        """The notebook's name without its ending, "2_logistic_regression"."""
        return self.notebook.removesuffix(".ipynb")


class Report(_Strict):
    """`report/report.yaml`."""

    title: str
    """Of the report, on the title page and in the PDF's metadata."""
    subtitle: str = ""
    """Below the title."""
    course: str = ""
    """The course's code and name, above the title."""
    assignment: str = ""
    """Which assignment this answers, on the title page."""
    authors: list[str] = Field(min_length=1)
    """Their names; a placeholder such as `First Author` is a note in every build."""
    date: datetime.date | None = None
    """On the title page; by default the day of the commit, without git today."""
    language: str = "en"
    """The language of the texts, as a code: `en`, `de`, `nn`."""
    resolver: str | None = None
    """`module:function`, which says what data set a name means; without one, the report has no data
    set. The function returns an object with `dataset`, `reason`, `sha256`, `files`, `fallback` and,
    if it knows one, the data set's `title` in words, or raises a `ValueError`."""
    distribution: str | None = None
    """The project's name in pyproject.toml, with the extras that its notebooks need:
    `my-project[science]`. A new version of anything that these depend on makes every run stale.
    Without it, a new version of anything installed does."""
    sources: list[str] = ["src"]
    """Folders with the project's own modules, which notebooks import."""
    cell_timeout: int = Field(default=900, gt=0)
    """Seconds that one cell may take."""
    cache_megabytes: int = Field(default=1000, gt=0)
    """Room for executed notebooks in `build/runs`; those not used for longest go first."""
    chapters: list[Chapter] = Field(min_length=1)
    """The notebooks, in the report's order."""
    key_results: list[Annotated[str, AfterValidator(_key_result)]] = []
    """Sentences in Markdown for a box on the first page. Numbers in them are quoted, not typed:
    `{{ 2d.stop_step:, }} steps`."""
    claims: dict[str, list[str]] = {}
    """The claims that must hold, by id, each with the data sets on which it must, with their own
    parameters: `norm-falls: [mnist]`. In a report without a data set, `norm-falls: []`."""
    proofs: dict[Annotated[str, AfterValidator(validate_task)], str] = {}
    """Of a task the equality, in LaTeX, that a derivation of it must prove."""

    def of_chapter(self, chapter: Chapter) -> Report:
        """Return the report of one chapter alone, of which nothing is expected."""
        return self.model_copy(
            update={"chapters": [chapter], "claims": {}, "proofs": {}, "key_results": []}
        )

    @property
    def headlines(self) -> list[str]:
        """The values that the key results quote, "2d.stop_step"."""
        texts = [read_text(text, of_report=True) for text in self.key_results]
        return list(dict.fromkeys(quote.name for text in texts for quote in text.quotes))

    @property
    def placeholders(self) -> list[str]:
        """The authors whose names are still to be filled in."""
        return [author for author in self.authors if _PLACEHOLDER.fullmatch(author.strip())]

    def provider(self, value: str) -> Chapter:
        """Return the chapter that records a value such as "2d.stop_step"."""
        task = value.partition(".")[0]
        for chapter in self.chapters:
            if task in chapter.tasks:
                return chapter
        tasks = [task for chapter in self.chapters for task in chapter.tasks]
        raise PressError(
            f"report.yaml: a chapter needs {value!r}, but no chapter has the task {task!r}"
            + did_you_mean(task, tasks)
        )


def read_report(path: Path) -> Report:
    """Read report.yaml; an unknown key, a missing one or a wrong type is refused."""
    try:
        report = Report.model_validate(read_yaml(path))
    except ValidationError as error:
        known = [*Report.model_fields, *Chapter.model_fields]
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                name = str(problem["loc"][-1])
                lines.append(f"unknown key {key!r}" + did_you_mean(name, known))
            else:
                lines.append(f"{key or 'the file'}: {problem['msg'].lower()}")
        raise PressError("report.yaml: " + "\n             ".join(lines)) from error
    for key, paths in [("sources", report.sources)] + [
        ("inputs", chapter.inputs) for chapter in report.chapters
    ]:
        for given in paths:
            if os.path.isabs(given) or os.path.normpath(given).startswith(".."):
                raise PressError(f"report.yaml: {key} must lie in the project; got {given!r}")
    for id_, datasets in report.claims.items():
        if report.resolver is None and datasets:
            raise PressError(
                f"report.yaml: the claim {id_!r} lists data sets, but no resolver is named: "
                f"write `{id_}: []`, or add `resolver: module:function`"
            )
    for number, chapter in enumerate(report.chapters):
        if any(chapter.name == other.name for other in report.chapters[:number]):
            raise PressError(f"report.yaml: {chapter.notebook} is a chapter twice")
        notebooks = path.parents[1] / "notebooks"
        if not (notebooks / chapter.notebook).is_file():
            raise PressError(
                f"report.yaml: no notebook notebooks/{chapter.notebook}"
                + did_you_mean(chapter.notebook, (p.name for p in notebooks.glob("*.ipynb")))
            )
    needs = {c.name: {report.provider(value).name for value in c.needs} for c in report.chapters}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle = " ← ".join(error.args[1])
        raise PressError(f"report.yaml: chapters need one another in a circle: {circle}") from error
    return report
