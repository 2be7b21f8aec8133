"""Reads `report/report.yaml`: title, chapters, and what each must contain."""

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
from nbpress.project.complaints import complaints
from nbpress.project.language import checked_language
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
        raise ValueError(f"{typed!r} is typed and may go stale: quote a value instead")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Chapter(_Strict):
    """A notebook of the report, the tasks that it answers and the values that it quotes."""

    notebook: str
    """Its file in `notebooks/`."""
    tasks: dict[Annotated[str, AfterValidator(validate_task)], list[Part]] = {}
    """What each task must have under its heading `## Task 2d`, as `2d: [figure, answer]`."""
    needs: list[str] = []
    """Values of other chapters, such as `2d.stop_step`: passed in the parameter `recorded`, which
    the notebook must declare as `recorded: dict = {}`."""
    inputs: list[str] = []
    """Files that the notebook reads by other means than Python's own `open`: paths from the
    project's root to files or folders, or patterns such as `data/*.db`."""

    @property
    def name(self) -> str:
        """The notebook's name without its ending, "2_logistic_regression"."""
        return self.notebook.removesuffix(".ipynb")


class Report(_Strict):
    """`report/report.yaml`."""

    title: str
    """The report's title, on the title page and in the PDF's metadata."""
    subtitle: str = ""
    """A second line below the title."""
    course: str = ""
    """The course's code and name, above the title."""
    assignment: str = ""
    """Which assignment this answers, on the title page."""
    authors: list[str] = Field(min_length=1)
    """The authors' names; for a placeholder such as `First Author`, each build prints a note."""
    date: datetime.date | None = None
    """The date on the title page; by default that of the commit, or today without git."""
    language: Annotated[str, AfterValidator(checked_language)] = "en"
    """The language of the texts, as a code: `en`, `de`, `pt-BR`."""
    resolver: str | None = None
    """`module:function` that resolves the name of a data set; without it, the report has no data
    set. The function returns an object with `dataset`, `reason`, `sha256`, `files`, `fallback` and,
    optionally, `title`, the data set in words, `at_most`, the largest value of a parameter by its
    name, and `known`, the names of all data sets; or raises a `ValueError`."""
    distribution: str | None = None
    """The project's name in pyproject.toml, with the extras that its notebooks need:
    `my-project[science]`. A new version of any package that these depend on makes every run stale.
    Without this key, a new version of any installed package does."""
    sources: list[str] = ["src"]
    """Folders with the project's own modules, which notebooks import."""
    cell_timeout: int = Field(default=900, gt=0)
    """Seconds that one cell may take."""
    cache_megabytes: int = Field(default=1000, gt=0)
    """The space for executed notebooks in `build/runs`; the least recently used are deleted
    first."""
    chapters: list[Chapter] = Field(min_length=1)
    """The notebooks, in the report's order."""
    key_results: list[Annotated[str, AfterValidator(_key_result)]] = []
    """Sentences in Markdown for a box on the first page. They quote numbers instead of typing
    them: `{{ 2d.stop_step:, }} steps`."""
    claims: dict[str, list[str]] = {}
    """The claims that must hold, by id, each with the data sets on which it must hold with
    the chapters' own parameters: `norm-falls: [mnist]`; without a data set `norm-falls: []`."""
    proofs: dict[Annotated[str, AfterValidator(validate_task)], str] = {}
    """The equality, in LaTeX, that a derivation must prove, by task."""

    def of_chapter(self, chapter: Chapter) -> Report:
        """Return a report of one chapter alone, without required claims, proofs or key results."""
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
        """The authors' names that are only placeholders."""
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
    """Read report.yaml; refuse unknown keys, missing keys and wrong types."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise PressError("report.yaml: expected the keys `title:`, `authors:` and `chapters:`")
    try:
        report = Report.model_validate(content)
    except ValidationError as error:
        lines = complaints(error, [*Report.model_fields, *Chapter.model_fields])
        raise PressError("report.yaml: " + "\n             ".join(lines)) from error
    for key, paths in [("sources", report.sources)] + [
        ("inputs", chapter.inputs) for chapter in report.chapters
    ]:
        for given in paths:
            if os.path.isabs(given) or os.path.normpath(given).startswith(".."):
                raise PressError(f"report.yaml: {key} must be inside the project; got {given!r}")
    for id_, datasets in report.claims.items():
        if report.resolver is None and datasets:
            raise PressError(
                f"report.yaml: the claim {id_!r} lists data sets, but there is no resolver: "
                f"write `{id_}: []`, or add `resolver: module:function`"
            )
    for number, chapter in enumerate(report.chapters):
        if any(chapter.name == other.name for other in report.chapters[:number]):
            raise PressError(f"report.yaml: {chapter.notebook} is listed twice; remove one")
        notebooks = path.parents[1] / "notebooks"
        if not (notebooks / chapter.notebook).is_file():
            raise PressError(
                f"report.yaml: there is no file notebooks/{chapter.notebook}"
                + did_you_mean(chapter.notebook, (p.name for p in notebooks.glob("*.ipynb")))
            )
    needs = {c.name: {report.provider(value).name for value in c.needs} for c in report.chapters}
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle = " ← ".join(error.args[1])
        raise PressError(f"report.yaml: chapters need one another in a circle: {circle}") from error
    return report
