"""Python code read without running it: its syntax, its comments and what it imports."""

from __future__ import annotations

import ast
import contextlib
import io
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from nbpress.errors import PressError


def first_party_modules(cells: Mapping[str, str], import_path: Iterable[Path]) -> set[Path]:
    """Return the files that code imports from `import_path`, directly or through others.

    `cells` holds the code by the name that errors use for it. Imports inside functions count as
    well. Modules whose names are computed at run time are found after the run, among those that
    were loaded.
    """
    modules: set[Path] = set()
    folders = [folder for folder in import_path if folder.is_dir()]
    # Most imports are of installed packages: this skips them quickly.
    first_party = {path.stem for folder in folders for path in folder.iterdir()}

    @cache
    def files(module: str) -> list[Path]:
        return list(_files(module, folders)) if module.split(".")[0] in first_party else []

    waiting = [
        path
        for name, source in cells.items()
        for module in _imports(source, name, package="").anywhere
        for path in files(module)
    ]
    while waiting:
        path = waiting.pop()
        if path in modules:
            continue
        modules.add(path)
        package = _package(path, folders)
        for module in _imports(path.read_bytes(), path.name, package).anywhere:
            waiting.extend(files(module))
    return modules


def imported_modules(cells: Mapping[str, str], import_path: Iterable[Path]) -> set[str]:
    """Return the dotted names that code imports when it is loaded, directly or through others.

    Imports inside functions do not count, nor do imports of first-party modules.
    """
    folders = [folder for folder in import_path if folder.is_dir()]
    first_party = {path.stem for folder in folders for path in folder.iterdir()}
    read = [_imports(source, name, package="") for name, source in cells.items()]
    read += [
        _imports(path.read_bytes(), path.name, _package(path, folders))
        for path in first_party_modules(cells, folders)
    ]
    names = {name for imports in read for name in imports.at_once}
    return {name for name in names if name.split(".")[0] not in {*first_party, ""}}


def compile_sources(files: Iterable[Path]) -> None:
    """Write bytecode that Python checks against the source's content before using it.

    By default Python compares time and size only, and misses an edit within the same second.
    """
    import compileall
    from importlib.util import cache_from_source
    from py_compile import PycInvalidationMode

    for path in files:
        compiled = Path(cache_from_source(path))
        if _is_bytecode_of(path, compiled):
            continue
        compileall.compile_file(
            path, quiet=2, force=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH
        )
        if not _is_bytecode_of(path, compiled):  # cut off by a full disk: Python does not report it
            with contextlib.suppress(OSError):
                compiled.unlink()


def _is_bytecode_of(source: Path, compiled: Path) -> bool:
    """Return whether a file holds the complete bytecode of a source, by the source's digest."""
    import marshal
    from importlib.util import MAGIC_NUMBER, source_hash

    try:
        bytecode = compiled.read_bytes()
        marshal.loads(bytecode[16:])
        checked_hash = MAGIC_NUMBER + (3).to_bytes(4, "little") + source_hash(source.read_bytes())
        return bytecode[:16] == checked_hash
    except (OSError, EOFError, ValueError, TypeError):
        return False


def parse(source: str | bytes, name: str) -> ast.Module:
    """Return the syntax tree of Python code, or of a cell that contains IPython magics."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel shows them with the cell's output
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
        except (RecursionError, MemoryError) as error:
            raise PressError(f"{name} is nested too deeply: write it in several lines") from error


def _without_magics(source: str) -> str:
    """Turn IPython's own syntax, such as `%time` or `!ls`, into Python calls."""
    from IPython.core.inputtransformer2 import TransformerManager

    plain: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
    return plain


def comments(source: str) -> dict[int, str]:
    """Return the comments of a source by line number, up to the first error of syntax."""
    read = {}
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                read[token.start[0]] = token.string.lstrip("# ")
    return read


@dataclass(frozen=True)
class _Imports:
    """The dotted names that code imports; for `from a import b` both a and a.b."""

    anywhere: list[str]
    at_once: list[str]  # when it is loaded, not within functions


@lru_cache(1000)  # a bound for `nbpress watch`, which reads every state of a file that is saved
def _imports(source: str | bytes, name: str, package: str) -> _Imports:
    tree = parse(source, name)
    anywhere, at_once = (
        [module for node in nodes for module in _imported(node, package)]
        for nodes in (ast.walk(tree), tree.body)
    )
    return _Imports(anywhere, at_once)


def _imported(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        parent = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parent, base] if base else parent)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


def _files(name: str, folders: list[Path]) -> Iterator[Path]:
    """Yield the files that an import of the dotted name runs: its parent packages and itself."""
    parts = name.split(".")
    for folder in folders:
        for count in range(1, len(parts) + 1):
            stem = folder.joinpath(*parts[:count])
            for path in (stem / "__init__.py", stem.with_suffix(".py")):
                if path.is_file():
                    yield path


def _package(path: Path, folders: list[Path]) -> str:
    folder = next(folder for folder in folders if path.is_relative_to(folder))
    return ".".join(path.relative_to(folder).parent.parts)
