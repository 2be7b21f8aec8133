"""The functions and magics that notebooks call, and the exporters for nbconvert."""

from __future__ import annotations

import inspect
import re
import textwrap
import tomllib
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from root import ROOT

import nbpress
from nbpress.say.magics import MAGICS
from nbpress.say.markdown import pipe_table

_SECTION = re.compile(r"^(Parameters|Returns|Raises|Notes)\n-+\n", re.MULTILINE)


def functions() -> str:
    """Return each function of `nbpress` with its signature and its docstring."""
    sections = []
    for name in nbpress.__all__:
        function = getattr(nbpress, name)
        call = f"```python\nnbpress.{name}{signature(function)}\n```"
        sections += [f"## nbpress.{name}", call, markdown_of(inspect.getdoc(function) or "")]
    return "\n\n".join(sections)


def signature(function: Callable[..., Any]) -> str:
    """Return a signature without types, like a call."""
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
    """Return a numpydoc docstring as Markdown."""
    text, *rest = _SECTION.split(docstring.replace("``", "`"))
    sections = [text.strip()]
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        if heading in ("Parameters", "Raises"):
            body = "\n".join(entries(body))
        sections.append(f"**{heading}**\n\n{body.strip()}")
    return "\n\n".join(sections)


def entries(body: str) -> Iterator[str]:
    """Yield a list's lines for a section that has names with an indented text below each."""
    for name, text in re.findall(r"^(\S.*)\n((?:(?:[ ]{4}.*)?\n?)*)", body, re.MULTILINE):
        yield f"- `{name}`: " + " ".join(text.split())


def magics() -> str:
    """Return each cell magic with its help."""
    return "\n\n".join(
        f"## %%{name}\n\n{fenced(text.partition(chr(10) * 2)[2])}" for name, text in MAGICS.items()
    )


def fenced(text: str) -> str:
    """Return Markdown with its indented example put into a fence."""
    text, _, example = text.partition("\n\n    ")
    return f"{text.strip()}\n\n```text\n{textwrap.dedent('    ' + example).strip()}\n```"


def exporters() -> str:
    """Return each of the project's exporters for nbconvert, with its settings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    sections = []
    for name, reference in project["entry-points"]["nbconvert.exporters"].items():
        module, _, class_name = reference.partition(":")
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
            + pipe_table(["setting", "default", "meaning"], rows)
        )
    return "\n\n".join(sections)


def default_of_trait(trait: Any) -> str:
    """Return a setting's default; one that is found at run time cannot be printed."""
    given = trait.default_value
    return f"`{given}`" if isinstance(given, bool | str) else "what is installed"
