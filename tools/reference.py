"""Write what docs/reference/ takes from the code: `make reference`; with --check, compare alone.

A page is written by hand but for what stands between `<!-- from the code: PART -->` and
`<!-- end -->`: signatures, docstrings, keys, options, targets. tests/test_docs.py compares.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import re
import sys
import textwrap
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import nbpress
from nbpress.cli import nbpress as command_line
from nbpress.project.notebook import read_notebook
from nbpress.project.report import Chapter, Report, read_report
from nbpress.say.magics import MAGICS
from nbpress.sweep.grid import Description, Range

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"

_PART = re.compile(r"(<!-- from the code: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECTION = re.compile(r"^(Parameters|Returns|Raises|Notes)\n-+\n", re.MULTILINE)
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false",
          datetime.date: "date", Any: "value"}  # fmt: skip


def main(words: list[str]) -> int:
    """Write the pages, or say which are not as they would be written."""
    pages = sorted(PAGES.glob("*.md"))
    stale = [page for page in pages if written(page) != page.read_text("utf-8")]
    if "--check" not in words:
        for page in stale:
            page.write_text(written(page), "utf-8")
        return 0
    for page in stale:
        sys.stderr.write(f"{page.relative_to(ROOT)} is not what the code says: make reference\n")
    return int(bool(stale))


def written(page: Path) -> str:
    """Return a page's text with its parts as the code has them now."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}\n{PARTS[match[2]]().strip()}\n\n{match[3]}"

    return _PART.sub(part, page.read_text("utf-8"))


# ---- Keys of YAML files ---------------------------------------------------------------------


def keys_of(model: type[BaseModel]) -> str:
    """Return a table of a YAML file's keys; their meaning is the docstring below each field."""
    meanings = docstrings_of_fields(model)
    rows = [
        [
            f"`{field.alias or name}`",
            in_words(field.annotation),
            default_of(field),
            meanings[name],
        ]
        for name, field in model.model_fields.items()
    ]
    return table(["key", "value", "default", "meaning"], rows)


def docstrings_of_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return what stands as a string below each of a class's fields."""
    (class_,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(class_, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(class_.body, class_.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def in_words(annotation: Any) -> str:
    """Return what a type is in YAML, "list of text"."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return in_words(inner[0])
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(in_words(each) for each in inner if each is not type(None))
    if origin is list:
        return f"list of {plural(in_words(inner[0]))}"
    if origin is dict:
        return f"mapping of {plural(in_words(inner[0]))} to {plural(in_words(inner[1]))}"
    return f"{annotation.__name__.lower()}, see below"


def plural(words: str) -> str:
    """Return what several are called: "texts", "lists of texts", "chapters, see below"."""
    return re.sub(r"^(text|whole number|number|date|value|list|mapping|chapter)\b", r"\1s", words)


def default_of(field: FieldInfo) -> str:
    """Return a key's default, or that there is none."""
    if field.is_required():
        return "must be given"
    return f"`{field.default}`" if field.default not in (None, "", [], {}) else "none"


# ---- What notebooks call --------------------------------------------------------------------


def functions() -> str:
    """Return each function of `nbpress` with its signature and its docstring."""
    sections = []
    for name in nbpress.__all__:
        function = getattr(nbpress, name)
        call = f"```python\nnbpress.{name}{signature(function)}\n```"
        sections += [f"## nbpress.{name}", call, markdown_of(inspect.getdoc(function) or "")]
    return "\n\n".join(sections)


def signature(function: Callable[..., Any]) -> str:
    """Return a signature without types, as one writes a call."""
    whole = inspect.signature(function)
    parameters = [
        parameter.replace(
            annotation=inspect.Parameter.empty,
            default={} if isinstance(parameter.default, types.MappingProxyType)
            else parameter.default,
        )
        for parameter in whole.parameters.values()
    ]  # fmt: skip
    return str(whole.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def markdown_of(docstring: str) -> str:
    """Return a docstring of numpydoc's as Markdown."""
    text, *rest = _SECTION.split(docstring.replace("``", "`"))
    sections = [text.strip()]
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        if heading in ("Parameters", "Raises"):
            body = "\n".join(entries(body))
        sections.append(f"**{heading}**\n\n{body.strip()}")
    return "\n\n".join(sections)


def entries(body: str) -> Iterator[str]:
    """Yield a list's lines from a section of names with an indented text below each."""
    for name, text in re.findall(r"^(\S.*)\n((?:(?:[ ]{4}.*)?\n?)*)", body, re.MULTILINE):
        yield f"- `{name}`: " + " ".join(text.split())


def magics() -> str:
    """Return each cell magic with its help."""
    return "\n\n".join(
        f"## %%{name}\n\n{fenced(text.partition(chr(10) * 2)[2])}" for name, text in MAGICS.items()
    )


def fenced(text: str) -> str:
    """Return Markdown with its indented example in a fence."""
    text, _, example = text.partition("\n\n    ")
    return f"{text.strip()}\n\n```text\n{textwrap.dedent('    ' + example).strip()}\n```"


# ---- Exporters ------------------------------------------------------------------------------


def exporters() -> str:
    """Return each of nbconvert's exporters that the project has, with its settings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    sections = []
    for name, place in project["entry-points"]["nbconvert.exporters"].items():
        module, _, class_name = place.partition(":")
        class_ = getattr(import_module(module), class_name)
        ours = [base for base in class_.__mro__ if base.__module__ == module]
        traits = {k: v for base in ours for k, v in base.class_own_traits(config=True).items()}
        rows = [
            [f"`--{class_name}.{trait}`", default_of_trait(value), value.help]
            for trait, value in sorted(traits.items())
            if value.help
        ]
        sections.append(
            f"## {name}\n\n{markdown_of(inspect.getdoc(class_) or '')}\n\n"
            f"The file ends in `{class_.extension}`.\n\n"
            + table(["setting", "default", "meaning"], rows)
        )
    return "\n\n".join(sections)


def default_of_trait(trait: Any) -> str:
    """Return a setting's default; what is found out at run time has none that could be printed."""
    given = trait.default_value
    return f"`{given}`" if isinstance(given, bool | str) else "what is installed"


# ---- Commands, targets, variables -----------------------------------------------------------


def commands() -> str:
    """Return every command of the command line with its options."""
    every = all_commands("nbpress", command_line)
    return "\n\n".join(command(words, each) for words, each in every)


def all_commands(words: str, group: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands below a group, by what is typed."""
    yield words, group
    for name, each in getattr(group, "commands", {}).items():
        yield from all_commands(f"{words} {name}", each)


def command(words: str, each: click.Command) -> str:
    """Return a command's help as Markdown."""
    arguments = [
        f"[{p.human_readable_name}]" if not p.required else p.human_readable_name
        for p in each.params
        if isinstance(p, click.Argument)
    ]
    rows = []
    for option in each.params:
        if isinstance(option, click.Option):
            value = "" if option.is_flag else f" {metavar(option)}"
            meaning = (option.help or "").rstrip(".")
            if option.show_default and option.default:
                meaning = f"{meaning}. By default `{option.default}`".removeprefix(". ")
            variable = f"`{option.envvar}`" if option.envvar else ""
            rows.append([f"`{option.opts[0]}{value}`", meaning, variable])
    heading = f"## {' '.join([words, *arguments])}"
    parts = [heading, *paragraphs(each.help), *paragraphs(each.epilog)]
    options = [table(["option", "meaning", "variable"], rows)] if rows else []
    return "\n\n".join([*parts, *options])


def paragraphs(text: str | None) -> Iterator[str]:
    """Yield the paragraphs of a help; those that click must not wrap keep their lines."""
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        first, *lines = paragraph.split("\n")
        if first.strip() == "\b":
            yield "```text\n" + textwrap.dedent("\n".join(lines)) + "\n```"
        elif paragraph.strip():
            text = " ".join(paragraph.split())
            yield re.sub(r"^Example: (.*)$", r"Example: `\1`", text)


def metavar(option: click.Option) -> str:
    """Return what an option's value is called."""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.metavar or {"integer range": "NUMBER"}.get(option.type.name, "NAME")


def targets() -> str:
    """Return the targets of the Makefile."""
    found = re.findall(r"^([a-z-]+):.*?## (.*)$", makefile(), re.MULTILINE)
    return table(["target", "what it does"], [[f"`make {name}`", text] for name, text in found])


def variables() -> str:
    """Return the variables of the Makefile."""
    found = re.findall(r"^## ([A-Z_]+=\S+) +(.*)$", makefile(), re.MULTILINE)
    return table(["variable", "meaning"], [[f"`{name}`", text] for name, text in found])


def makefile() -> str:
    """Return the Makefile."""
    return (ROOT / "Makefile").read_text("utf-8")


# ---- The notebooks' parameters --------------------------------------------------------------


def parameters() -> str:
    """Return the parameters of each notebook of the report and of the sweeps."""
    chapters = read_report(ROOT / "report" / "report.yaml").chapters
    files = [f"notebooks/{chapter.notebook}" for chapter in chapters]
    files += sorted({f"sweeps/{notebook}" for notebook in swept()})
    sections = []
    for file in files:
        declared = read_notebook(ROOT / file).parameters().values()
        rows = [
            [
                f"`{each.name}`",
                f"`{each.type}`" if each.type else "",
                f"`{each.default!r}`",
                ", ".join(f"{sign} {bound:g}" for sign, bound in each.bounds),
                each.comment,
            ]
            for each in declared
        ]
        if rows:
            header = ["parameter", "type", "default", "bounds", "meaning"]
            sections.append(f"### {file}\n\n" + table(header, rows))
    return "\n\n".join(sections)


def swept() -> Iterator[str]:
    """Yield the notebooks beside the sweeps' files that these run."""
    for path in (ROOT / "sweeps").glob("*.yaml"):
        notebook = re.search(r"^notebook: *(\S+\.ipynb)$", path.read_text("utf-8"), re.MULTILINE)
        if notebook and (ROOT / "sweeps" / notebook[1]).is_file():
            yield notebook[1]


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


PARTS: dict[str, Callable[[], str]] = {
    "report": lambda: keys_of(Report),
    "chapter": lambda: keys_of(Chapter),
    "sweep": lambda: keys_of(Description),
    "range": lambda: keys_of(Range),
    "functions": functions,
    "magics": magics,
    "exporters": exporters,
    "commands": commands,
    "targets": targets,
    "variables": variables,
    "parameters": parameters,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
