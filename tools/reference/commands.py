"""The commands with their options; the targets and variables of the Makefile."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator

import click
from root import ROOT

from nbpress.cli import nbpress as command_line
from nbpress.say.markdown import pipe_table


def commands() -> str:
    """Return every command of the command line with its options."""
    every = all_commands("nbpress", command_line)
    return "\n\n".join(command(full_name, each) for full_name, each in every)


def all_commands(full_name: str, group: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all its subcommands, each with its full name."""
    yield full_name, group
    for name, each in getattr(group, "commands", {}).items():
        yield from all_commands(f"{full_name} {name}", each)


def command(full_name: str, each: click.Command) -> str:
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
    heading = f"## {' '.join([full_name, *arguments])}"
    parts = [heading, *paragraphs(each.help), *paragraphs(each.epilog)]
    options = [pipe_table(["option", "meaning", "variable"], rows)] if rows else []
    return "\n\n".join([*parts, *options])


def paragraphs(text: str | None) -> Iterator[str]:
    """Yield the paragraphs of a help text; those that click must not wrap keep their lines."""
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        first, *lines = paragraph.split("\n")
        if first.strip() == "\b":
            yield "```text\n" + textwrap.dedent("\n".join(lines)) + "\n```"
        elif paragraph.strip():
            text = " ".join(paragraph.split())
            yield re.sub(r"^Example: (.*)$", r"Example: `\1`", text)


def metavar(option: click.Option) -> str:
    """Return the placeholder for an option's value."""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.metavar or {"integer range": "NUMBER"}.get(option.type.name, "NAME")


def targets() -> str:
    """Return the targets of the Makefile."""
    matches = re.findall(r"^([a-z-]+):.*?## (.*)$", makefile(), re.MULTILINE)
    rows = [[f"`make {name}`", text] for name, text in matches]
    return pipe_table(["target", "what it does"], rows)


def variables() -> str:
    """Return the variables of the Makefile."""
    matches = re.findall(r"^## ([A-Z_]+=\S+) +(.*)$", makefile(), re.MULTILINE)
    return pipe_table(["variable", "meaning"], [[f"`{name}`", text] for name, text in matches])


def makefile() -> str:
    """Return the Makefile."""
    return (ROOT / "Makefile").read_text("utf-8")
