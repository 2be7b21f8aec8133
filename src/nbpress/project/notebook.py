"""A notebook as written: its cells and its parameters.

It is read as JSON: nothing here needs a kernel or nbformat, or imports the notebook's code.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbpress.errors import PressError, did_you_mean
from nbpress.project.declarations import declarations
from nbpress.project.parameters import Parameter
from nbpress.say.prose import Prose, read_prose, split_prose

INJECTED_TAG = "injected-parameters"  # papermill's tag for the cell that it adds


def runs(kind: str, source: str, tags: Iterable[str]) -> bool:
    """Return whether a kernel executes a cell; nbclient skips those tagged `skip-execution`."""
    return kind == "code" and bool(source.strip()) and "skip-execution" not in tags


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook."""

    id: str
    kind: str
    source: str
    tags: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether a kernel executes it."""
        return runs(self.kind, self.source, self.tags)

    @cached_property
    def prose(self) -> Prose | None:
        """The prose of a cell of prose; None for any other cell, or one that does not run."""
        return read_prose(self.source) if self.runs else None


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was when it was read: its file may be saved again while it runs."""

    path: Path
    cells: tuple[Cell, ...]
    content: dict[str, Any] = field(repr=False, compare=False)  # its JSON

    @property
    def code(self) -> list[Cell]:
        """The code cells to be executed, without the cells of prose."""
        return [cell for cell in self.cells if cell.runs and split_prose(cell.source) is None]

    def in_key(self) -> list[list[Any]]:
        """Return what a run depends on: code, the variables of figures, and proved formulas."""
        parts: list[list[Any]] = []
        for cell in self.cells:
            if cell.runs:
                magic = split_prose(cell.source)
                if magic is None:
                    parts.append([cell.id, cell.source, "parameters" in cell.tags])
                elif magic[0] != "answer":
                    formulas = (
                        [[f.kind, f.latex] for f in cell.prose.formulas] if cell.prose else []
                    )
                    parts.append([cell.id, *magic[:2], *formulas])
        return parts

    def parameters(self) -> dict[str, Parameter]:
        """Return the declarations of the cell tagged `parameters`."""
        return dict(self._declared)

    @cached_property
    def _declared(self) -> dict[str, Parameter]:
        """The same, read once: a sweep checks each of its values against them."""
        tagged = [cell for cell in self.cells if "parameters" in cell.tags]
        return {p.name: p for cell in tagged for p in declarations(cell.source, self.name_of(cell))}

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters converted to their types; refuse unknown names and bad values."""
        declared = self.parameters()
        checked = {}
        for name, value in given.items():
            if name not in declared:
                raise PressError(
                    f"{self.path.name} has no parameter {name!r}"
                    + (self.untagged(name) or did_you_mean(name, declared))
                )
            try:
                checked[name] = declared[name].check(value)
            except PressError as error:
                raise PressError(f"{self.path.name}: {error}") from error
        return checked

    def untagged(self, parameter: str) -> str:
        """Return a hint at the untagged cell that sets what was given as a parameter, or ""."""
        is_tagged = any("parameters" in cell.tags for cell in self.cells)
        for cell in self.code:
            if re.search(rf"^{re.escape(parameter)}\s*[:=]", cell.source, re.MULTILINE):
                if is_tagged:
                    move = "move that line to the cell with the tag 'parameters'"
                    return f"; {self.name_of(cell)}, sets it: {move}"
                return (
                    f"; {self.name_of(cell)}, sets it, but no cell has the tag 'parameters': "
                    "tag it (in JupyterLab: the gear at the top right, Cell Tags)"
                )
        return ""

    def named_code(self) -> dict[str, str]:
        """Return the code to be executed, by the cells' names in messages."""
        return {self.name_of(cell): cell.source for cell in self.code}

    def name_of(self, cell: Cell) -> str:
        """Return what messages call a cell: "1_sums.ipynb, cell 3"."""
        return f"{self.path.name}, cell {self.cells.index(cell) + 1}"


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of format 4.5 or later (cells have ids)."""
    try:
        return from_json(path, json.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise PressError(f"there is no notebook {path.name}") from error
    except json.JSONDecodeError as error:
        raise PressError(
            f"{path.name} is not a notebook, its JSON is broken in line {error.lineno}: restore it"
        ) from error
    except UnicodeDecodeError as error:
        raise PressError(
            f"{path.name} is not a notebook, it is not in UTF-8: restore it"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PressError(
            f"{path.name} is not a notebook of format 4.5 or later: {_lack(error)}; "
            "open and save it in JupyterLab, or restore it"
        ) from error


def _lack(error: Exception) -> str:
    """Return what made the JSON unreadable as a notebook."""
    if not isinstance(error, KeyError):
        return str(error)
    return "its cells have no ids" if error.args == ("id",) else f"it has no {error.args[0]!r}"


def from_json(path: Path, content: dict[str, Any]) -> Notebook:
    """Return the notebook with this JSON; JSON of another shape raises various errors."""
    cells = tuple(
        Cell(
            id=cell["id"],
            kind=cell["cell_type"],
            source="".join(cell["source"]),
            tags=tuple(cell["metadata"].get("tags", ())),
        )
        for cell in content["cells"]
    )
    twice = [name for name, count in Counter(cell.id for cell in cells).items() if count > 1]
    if twice:
        raise PressError(f"{path.name}: two cells have the id {twice[0]!r}; give one a new one")
    return Notebook(path, cells, content)
