"""A notebook as it was written: its cells, its parameters and what it imports.

Reads the JSON itself: nothing here needs a kernel, nbformat or an import of the notebook's code.
"""

from __future__ import annotations

import ast
import io
import json
import operator
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from nbpress.errors import PressError, did_you_mean

_WITHIN = {">": operator.gt, "≥": operator.ge, "<": operator.lt, "≤": operator.le}
_BOUND = re.compile(
    r"\s*(>=|<=|>|<|≥|≤)\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?![\w.])\s*[,;]?", re.IGNORECASE
)
# Those that papermill can write into a notebook.
_TYPES = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict}


def runs(kind: str, source: str, tags: Iterable[str]) -> bool:
    """Return whether a kernel gets to see a cell; nbclient passes over those tagged so."""
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
        """Whether it is code that is to be executed."""
        return runs(self.kind, self.source, self.tags)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a notebook, as its `parameters` cell declares it."""

    name: str
    type: str  # "float"; "" where neither an annotation nor the default tells
    default: Any
    bounds: tuple[tuple[str, float], ...]  # (">", 0.0)
    comment: str

    def check(self, value: Any) -> Any:
        """Return `value` as the parameter's type, or say what is wrong with it."""
        if isinstance(value, str) and self.type != "str":
            value = _literal(value)
        if not self.type:
            return value
        try:
            adapter = TypeAdapter(_type(self.type), config=ConfigDict(strict=True))
        except PressError as error:
            raise PressError(f"{self.name}: {error}") from error
        try:
            # By way of JSON an int may become a float, but no text a number.
            value = adapter.validate_json(json.dumps(value))
        except (ValidationError, TypeError) as error:
            raise PressError(f"{self.name} must be {self.type}; got {value!r}") from error
        for item in value if isinstance(value, list) else [value]:
            for sign, limit in self.bounds if isinstance(item, int | float) else ():
                if not _WITHIN[sign](item, limit):
                    raise PressError(f"{self.name} must be {sign} {limit:g}; got {item!r}")
        return value


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was at one moment: it may be saved again while it runs."""

    path: Path
    cells: tuple[Cell, ...]
    content: dict[str, Any] = field(repr=False, compare=False)  # its JSON

    @property
    def code(self) -> list[Cell]:
        """The cells that are to be executed."""
        return [cell for cell in self.cells if cell.runs]

    def parameters(self) -> dict[str, Parameter]:
        """Return the declarations of the cell tagged `parameters`.

        `learning_rate: float = 0.05  # > 0, per step` declares type, default, bounds and unit.
        """
        tagged = [cell for cell in self.cells if "parameters" in cell.tags]
        return {p.name: p for cell in tagged for p in self._declarations(cell)}

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the given parameters as their types; refuse unknown names and wrong values."""
        declared = self.parameters()
        checked = {}
        for name, value in given.items():
            if name not in declared:
                raise PressError(
                    f"{self.path.name} has no parameter {name!r}" + did_you_mean(name, declared)
                )
            try:
                checked[name] = declared[name].check(value)
            except PressError as error:
                raise PressError(f"{self.path.name}: {error}") from error
        return checked

    def first_party_modules(self, sources: Iterable[Path]) -> set[Path]:
        """Return the files below `sources` that the notebook imports, directly or through others.

        Found by reading the code, so imports inside functions count as well; what is imported by
        a name made at run time is caught after the run, by the modules that were loaded.
        """
        found: set[Path] = set()
        sources = list(sources)
        waiting = [
            path
            for cell in self.code
            for name in _imports(cell.source, self._place(cell), package="")
            for path in _files(name, sources)
        ]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            package = _package(path, sources)
            for name in _imports(path.read_bytes(), path.name, package):
                waiting.extend(_files(name, sources))
        return found

    def _place(self, cell: Cell) -> str:
        return f"{self.path.name}, cell {self.cells.index(cell) + 1}"

    def _declarations(self, cell: Cell) -> Iterator[Parameter]:
        body = _parse(cell.source, self._place(cell)).body
        comments = _comments(cell.source)
        for node in body:
            match node:
                case ast.AnnAssign(
                    target=ast.Name(id=name), annotation=note, value=ast.expr() as value
                ):
                    annotation = ast.unparse(note)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    annotation = ""
                case _:
                    continue
            comment = comments.get(node.end_lineno or 0, "")
            bounds, rest = [], comment
            while match_ := _BOUND.match(rest):
                sign = match_[1].replace(">=", "≥").replace("<=", "≤")
                bounds.append((sign, float(match_[2])))
                rest = rest[match_.end() :]
            try:
                default = ast.literal_eval(value)
            except ValueError as error:
                raise PressError(
                    f"{self.path.name}: the default of {name} must be a literal; "
                    f"got {ast.unparse(value)}"
                ) from error
            if not annotation and type(default).__name__ in _TYPES:
                annotation = type(default).__name__
            parameter = Parameter(name, annotation, default, tuple(bounds), rest.strip())
            try:
                parameter.check(default)
            except PressError as error:
                raise PressError(f"{self.path.name}: the default of {error}") from error
            yield parameter


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of format 4.5 or later (cells have ids)."""
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = tuple(
            Cell(
                id=cell["id"],
                kind=cell["cell_type"],
                source="".join(cell["source"]),
                tags=tuple(cell["metadata"].get("tags", ())),
            )
            for cell in content["cells"]
        )
    except FileNotFoundError as error:
        raise PressError(f"no notebook {path.name}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PressError(
            f"{path.name} is not a notebook of format 4.5: {error!r}; "
            "open and save it in JupyterLab, or restore it"
        ) from error
    twice = [name for name, count in Counter(cell.id for cell in cells).items() if count > 1]
    if twice:
        raise PressError(f"{path.name}: two cells have the id {twice[0]!r}; give one a new one")
    return Notebook(path, cells, content)


def _parse(source: str | bytes, name: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel shows them where they belong
        try:
            try:
                return ast.parse(source)
            except SyntaxError:
                if isinstance(source, bytes):
                    raise
                return ast.parse(_without_magics(source))
        except SyntaxError as error:
            raise PressError(f"{name}: line {error.lineno} is not Python: {error.msg}") from error
        except ValueError as error:  # null bytes
            raise PressError(f"{name} is not Python: {error}") from error


def _without_magics(source: str) -> str:
    """Turn what IPython alone understands, `%time` or `!ls`, into calls."""
    from IPython.core.inputtransformer2 import TransformerManager

    plain: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
    return plain


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


@cache
def _imports(source: str | bytes, name: str, package: str) -> list[str]:
    """List the dotted names that the code imports; for `from a import b` both a and a.b."""
    found = []
    for node in ast.walk(_parse(source, name)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found


def _files(name: str, sources: list[Path]) -> Iterator[Path]:
    """Yield the files that an import of the dotted name runs: the packages above it and itself."""
    parts = name.split(".")
    for source in sources:
        for count in range(1, len(parts) + 1):
            stem = source.joinpath(*parts[:count])
            for path in (stem / "__init__.py", stem.with_suffix(".py")):
                if path.is_file():
                    yield path


def _package(path: Path, sources: list[Path]) -> str:
    source = next(source for source in sources if path.is_relative_to(source))
    return ".".join(path.relative_to(source).parent.parts)


def _type(annotation: str) -> Any:
    """Evaluate an annotation made of built-in types, `list[float]`."""

    def build(node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name) if name in _TYPES:
                return _TYPES[name]
            case ast.Constant(value=None):
                return None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return build(left) | build(right)
            case ast.Subscript(value=value, slice=ast.Tuple(elts=items)):
                return build(value)[tuple(build(item) for item in items)]
            case ast.Subscript(value=value, slice=item):
                return build(value)[build(item)]
        raise PressError(f"a type must be made of {', '.join(_TYPES)}; got {annotation!r}")

    return build(ast.parse(annotation, mode="eval").body)


def _literal(text: str) -> Any:
    """Read a value from the command line: a literal where it is one, else text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)
