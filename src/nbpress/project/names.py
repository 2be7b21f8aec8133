"""Finds values and claims that prose quotes but no code of its notebook makes, without running."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbpress.errors import PressError, did_you_mean, suggestion
from nbpress.project.calls import argument, called, imports
from nbpress.project.code import parse
from nbpress.project.notebook import Cell, Notebook
from nbpress.say.text import TextError

_HARMLESS = re.compile(r"^\s*%(?:load_ext|reload_ext|matplotlib|config)\b.*$", re.MULTILINE)
MAKES_ANY_NAME = {"exec", "eval", "globals", "locals", "vars", "setattr", "get_ipython"}
_RECORDS = {"nbpress.record", "nbpress.answer", "record", "answer"}
_CLAIMS = {"nbpress.claim", "claim"}


def unknown_names(notebook: Notebook) -> Iterator[tuple[Cell, int, str]]:
    """Yield the cell, line and message of each value or claim that is quoted but made nowhere.

    Nothing is reported if names may come from elsewhere: `exec`, a magic, `import *`, or values
    recorded under computed names.
    """
    names: set[str] | None = set()
    claims: set[str] | None = set()
    try:
        trees = [parse(_HARMLESS.sub("", cell.source), "") for cell in notebook.code]
    except PressError:  # reported when its imports are read
        return
    imported = imports(trees)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if names is not None:
            names = None if _may_make_any(node, imported) else names | _mentioned(node)
        if claims is not None and isinstance(node, ast.Call):
            claims = _with_claim(claims, node, imported)
    for cell in notebook.cells:
        try:
            prose = cell.prose
        except TextError:  # reported elsewhere
            continue
        if prose and names is not None:
            for quote in prose.quotes:
                if quote.name not in names:
                    hint = suggestion(quote.name, names | {"else", "end"})
                    message = f"{quote.name!r} is neither recorded nor a variable{hint}"
                    yield cell, quote.line, message
            if prose.variable and prose.variable not in names:
                hint = suggestion(prose.variable, names)
                yield cell, 1, f"no variable is called {prose.variable!r}{hint}"
        if prose and claims is not None:
            for condition in prose.conditions:
                if condition.claim not in claims:
                    hint = did_you_mean(condition.claim, claims)
                    yield cell, condition.line, f"no claim {condition.claim!r} is made{hint}"


def _mentioned(node: ast.AST) -> set[str]:
    """Return every name that a node of the syntax tree mentions."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return {name}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Attribute(attr=name):
            return {name}
        case ast.alias(name=name, asname=other):
            return {other or name.partition(".")[0]}
        case ast.Constant(value=str(text)) if text.isidentifier():
            return {text}
    return set()


def _may_make_any(node: ast.AST, imported: dict[str, str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in MAKES_ANY_NAME
    if isinstance(node, ast.alias):
        return node.name == "*"
    return (
        isinstance(node, ast.Call)
        and called(node, imported) in _RECORDS
        and any(k.arg is None and not isinstance(k.value, ast.Dict) for k in node.keywords)
    )


def _with_claim(claims: set[str], call: ast.Call, imported: dict[str, str]) -> set[str] | None:
    """Return the claims and the one that a call makes; None if its name is computed."""
    if called(call, imported) not in _CLAIMS:
        return claims
    match argument(call, 1, "id"):
        case ast.Constant(value=str(claim)):
            return claims | {claim}
    return None
