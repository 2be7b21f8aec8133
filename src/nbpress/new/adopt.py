"""Copies existing notebooks into a report. Their content is data: nothing in it is executed."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from nbpress.errors import PressError
from nbpress.files import as_json
from nbpress.project.code import parse
from nbpress.project.declarations import declarations
from nbpress.project.notebook import Notebook, from_json
from nbpress.run.plan import INJECTED
from nbpress.say.markdown import CODE, blanked

_KEPT = ("cell_type", "source", "attachments")  # of a cell
_OF_RUNS = ("execution", "papermill", "widgets")  # metadata that belong to outputs
_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_SAVE = "open it in JupyterLab and save it, or leave it out"
_TITLE = re.compile(r"^# +\S|^=+ *$|<h1\b", re.MULTILINE)
_PARAMETERS = """\
# Parameters: one per line, such as `rate: float = 0.5  # per second`, with the unit in a comment.
# `make report PARAMS="rate=0.7"` then sets it."""


@dataclass(frozen=True)
class Adopted:
    """The copy of a notebook in the report, and the outputs of the original."""

    path: Path  # of the original
    notebook: Notebook  # the copy
    outputs: dict[str, list[dict[str, Any]]]  # that the original was saved with, by the copy's ids
    is_named: bool = False  # whether it had no title, so that its file's name became the title


def adopt(paths: Sequence[Path]) -> list[Adopted]:
    """Return copies of notebooks as chapters: with ids, a title and parameters, without outputs.

    Raises
    ------
    PressError
        If a file cannot be read or is not a Python notebook of format 4, or two share a name.
    """
    named: dict[str, Path] = {}
    for path in paths:
        if (other := named.setdefault(path.name.casefold(), path)) is not path:
            raise PressError(
                f"two notebooks are called {path.name}: {other} and {path}; each chapter needs its "
                "own name: copy one of them under another name"
            )
    return [_adopt(path) for path in paths]


def _adopt(path: Path) -> Adopted:
    content = _read(path)
    cells, outputs = [], {}
    for cell, id_ in zip(content["cells"], _ids(content["cells"]), strict=True):
        kept = {name: cell[name] for name in _KEPT if name in cell}
        kept |= {"id": id_, "metadata": _lasting(cell.get("metadata", {}))}
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
            outputs[id_] = _outputs(cell)
        cells.append(kept)
    metadata = {**_lasting(content["metadata"]), "kernelspec": _KERNEL}
    copy = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    try:
        nbformat.validate(nbformat.from_dict(copy))  # type: ignore[no-untyped-call]
        f"{path.name} {as_json(copy)}".encode()  # fails on a lone surrogate
    except (nbformat.ValidationError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise _refusal(path, f"a malformed one ({reason:.80})", _SAVE) from error
    _give_parameters(cells)
    is_named = _give_title(cells, path.stem)
    return Adopted(path, from_json(Path(path.name), copy), outputs, is_named)


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON of a notebook; refuse what is not a Python notebook with valid cells."""
    if path.suffix != ".ipynb":
        raise _refusal(path, "a name without .ipynb")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise _refusal(path, "no such file") from error
    except IsADirectoryError as error:
        raise _refusal(path, "a folder") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, f"invalid JSON ({error})", "restore it, or leave it out") from error
    match content:
        case {"nbformat": 4, "cells": list(cells), "metadata": dict(metadata)} if all(
            map(_is_cell, cells)
        ):
            pass
        case {"nbformat": int(number)} if number != 4:
            raise _refusal(path, f"format {number}", _SAVE)
        case _:
            raise _refusal(path, "JSON that is not a notebook")
    match metadata:
        case {"language_info": {"name": str(language)}}:
            pass
        case {"kernelspec": {"language": str(language)} | {"name": str(language)}}:
            pass
        case _:
            language = "python"
    if "python" not in language.lower():
        raise PressError(
            f"{path}: expected a notebook in Python; found one in {language}, which a report "
            "cannot run: leave it out, or call its code from Python"
        )
    return content


def _is_cell(cell: Any) -> bool:
    match cell:
        case {"cell_type": "code" | "markdown" | "raw", "source": str() | list() as source}:
            is_noted = isinstance(cell.get("metadata", {}), dict)
            return is_noted and all(isinstance(line, str) for line in source)
    return False


def _outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's outputs, without the malformed ones."""
    match cell:
        case {"outputs": list(given)}:
            outputs = [each for each in given if isinstance(each, dict)]
            return [each for each in outputs if isinstance(each.get("data", {}), dict)]
    return []


def _lasting(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in _OF_RUNS}


def _refusal(path: Path, problem: str, remedy: str = "name another file") -> PressError:
    return PressError(f"{path}: expected a Jupyter notebook of format 4; found {problem}; {remedy}")


def _ids(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield an id for each cell: its own, unless that is invalid or an earlier cell has it."""
    taken = {str(cell.get("id")) for cell in cells}
    used: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        id_ = str(cell.get("id", ""))
        if id_ in used or not _ID.fullmatch(id_):
            id_ = _free(f"cell-{number}", taken)
        used.add(id_)
        taken.add(id_)
        yield id_


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free(f"{name}-new", taken)


def _give_parameters(cells: list[dict[str, Any]]) -> None:
    """If no cell is tagged `parameters`, tag the cell that sets them, or add an empty one.

    That cell is the first after the imports, if it only assigns literals to names. An added cell
    goes before the first code.
    """
    if any("parameters" in cell["metadata"].get("tags", ()) for cell in cells):
        return
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    for cell in code:
        kinds = _statements("".join(cell["source"]))
        if kinds == {"parameter"}:
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", ()), "parameters"]
            return
        if kinds - {"preamble"}:
            break
    added = {
        "cell_type": "code",
        "execution_count": None,
        "id": _free("parameters", {cell["id"] for cell in cells}),
        "metadata": {"tags": ["parameters"]},
        "outputs": [],
        "source": _PARAMETERS.splitlines(keepends=True),
    }
    cells.insert(cells.index(code[0]) if code else len(cells), added)


def _statements(source: str) -> set[str]:
    """Return the kinds of statements in a cell: "preamble", "parameter" or "other"."""
    try:
        nodes = parse(source, "").body
        declared = [each.name for each in declarations(source, "")]
    except PressError:
        return {"other"}
    settings = [node for node in nodes if isinstance(node, ast.Assign) and _sets_a_part(node)]
    kinds = Counter(type(node) for node in nodes)
    assignments = kinds[ast.Assign] + kinds[ast.AnnAssign] - len(settings)
    preamble = kinds[ast.Import] + kinds[ast.ImportFrom] + kinds[ast.Expr] + len(settings)
    if len(declared) != assignments or {*declared} & {*INJECTED}:
        return {"other"}
    others = len(nodes) - assignments - preamble
    counts = {"preamble": preamble, "parameter": assignments, "other": others}
    return {kind for kind, count in counts.items() if count}


def _sets_a_part(node: ast.Assign) -> bool:
    """Return whether a statement sets parts of objects, as in `plt.rcParams["font.size"] = 9`."""
    return all(isinstance(target, ast.Subscript | ast.Attribute) for target in node.targets)


def _give_title(cells: list[dict[str, Any]], name: str) -> bool:
    """Add a heading with the notebook's name at the top, if it has none; return whether it did."""
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    if any(_TITLE.search(blanked(text, CODE)) for text in texts):
        return False
    title = {
        "cell_type": "markdown",
        "id": _free("title", {cell["id"] for cell in cells}),
        "metadata": {},
        "source": [f"# {' '.join(re.sub(r'[_*`<$#[]', ' ', name).split()) or 'Notebook'}"],
    }
    cells.insert(0, title)
    return True
