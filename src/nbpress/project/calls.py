"""Finds a notebook's calls of nbpress's functions, however its code cells import them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from nbpress.errors import PressError
from nbpress.project.code import parse
from nbpress.project.notebook import Cell, Notebook

_PACKAGE = "nbpress"


def calls(notebook: Notebook) -> Iterator[tuple[Cell, ast.Call, str]]:
    """Yield the calls of nbpress's functions, with their cells and the functions' names."""
    trees = [(cell, tree) for cell in notebook.code if (tree := _tree(cell.source))]
    imported = imports(tree for _, tree in trees)
    for cell, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                package, _, name = called(node, imported).rpartition(".")
                if package == _PACKAGE:
                    yield cell, node, name


def imports(trees: Iterable[ast.AST]) -> dict[str, str]:
    """Return what code calls nbpress and its functions: `{"nb": "nbpress"}` for `as nb`."""
    import nbpress

    imported = {_PACKAGE: _PACKAGE}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            imported |= {a.asname: _PACKAGE for a in node.names if a.asname and a.name == _PACKAGE}
        elif isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            for alias in node.names:
                for name in nbpress.__all__ if alias.name == "*" else [alias.name]:
                    imported[alias.asname or name] = f"{_PACKAGE}.{name}"
    return imported


def called(call: ast.Call, imported: dict[str, str]) -> str:
    """Return the function that code calls, "nbpress.claim" also for `nb.claim`."""
    first, dot, rest = ast.unparse(call.func).partition(".")
    return f"{imported.get(first, first)}{dot}{rest}"


def argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """Return an argument of a call, given by position or by keyword."""
    named = (each.value for each in call.keywords if each.arg == keyword)
    return call.args[position] if len(call.args) > position else next(named, None)


@lru_cache(1000)
def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source, "")
    except PressError:  # reported when its imports are read
        return None
