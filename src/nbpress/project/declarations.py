"""What a cell tagged `parameters` declares: types, defaults, and the bounds in its comments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbpress.errors import PressError
from nbpress.project.code import comments, parse
from nbpress.project.parameters import Parameter, as_json

# Not the beginning of "1,000", "1 000" or "0,5".
_NUMBER = r"(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?![^\s,;]|\s*[,;]?\d)"
_BOUND = re.compile(
    rf"\s*((?:>=|<=|>|<|≥|≤)|len\s*(?:>=|<=|>|<|≥|≤|=))\s*{_NUMBER}\s*[,;]?", re.IGNORECASE
)
_ORDER = re.compile(r"\s*(distinct|increasing)\b(?!\s+\w|[-/])\s*[,;]?", re.IGNORECASE)
_ARROW_OR_TAG = re.compile(r"-+>|<-+>|<-(?=\s*[^\W\d])|</?[a-z][-\w:/.@#?=&%~+]*>", re.IGNORECASE)
_LIKE_A_BOUND = re.compile(
    r"[<>≥≤⩾⩽≧≦≠≮≯≰≱≫≪＜＞∈]|!=|\blen(?:gth)?\s*(?:\([^()]*\)\s*)?="
    r"|\b(?:distinct|increasing)\b(?!-|\s+(?!order\b)\w)",
    re.IGNORECASE,
)


def declarations(source: str, name: str) -> Iterator[Parameter]:
    """Yield the parameters that a cell declares; errors call the cell `name`.

    `learning_rate: float = 0.05  # > 0, per step` declares type, default, bounds and unit. Bounds
    must begin the comment: anything else that looks like a bound is refused, not ignored.
    """
    tree, lines = parse(source, name), comments(source)
    read: set[int] = set()
    for node in tree.body:
        match node:
            case ast.AnnAssign(
                target=ast.Name(id=parameter), annotation=note, value=ast.expr() as value
            ):
                annotation = ast.unparse(note)
            case ast.Assign(targets=[ast.Name(id=parameter)], value=value):
                annotation = ""
            case _:
                continue
        its_lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        read.update(its_lines)
        comment = "; ".join(lines[number] for number in its_lines if number in lines)
        bounds, order, rest = [], "", comment
        while bound := _BOUND.match(rest) or _ORDER.match(rest):
            if bound.re is _ORDER:
                # Items that increase are distinct.
                order = "increasing" if order == "increasing" else bound[1].lower()
            else:
                sign = bound[1].lower().replace(">=", "≥").replace("<=", "≤")
                bounds.append((re.sub(r"^len\s*", "len ", sign), float(bound[2])))
            rest = rest[bound.end() :]
        _refuse_bound(rest, f"{name}: the comment on {parameter}")
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            code = ast.get_source_segment(source, value) or "another expression"
            raise PressError(
                f"{name}: the default of {parameter} must be a literal; got {code:.80}"
            ) from error
        default = as_json(f"{name}: the default of {parameter}", literal)
        if not annotation and default is not None:
            annotation = type(default).__name__
        declared = Parameter(parameter, annotation, default, tuple(bounds), rest.strip(), order)
        try:
            declared.refuse_idle_bounds()
        except PressError as error:
            raise PressError(f"{name}: {error}") from error
        try:
            declared.check(default)
        except PressError as error:
            raise PressError(f"{name}: the default of {error}") from error
        yield declared
    for number in lines.keys() - read:
        _refuse_bound(lines[number], f"{name}: a comment without a parameter beside it")


def _refuse_bound(comment: str, what: str) -> None:
    """Refuse the rest of a comment, after its bounds, if it looks like a bound."""
    if _LIKE_A_BOUND.search(_ARROW_OR_TAG.sub("", comment)):
        raise PressError(
            f"{what} seems to contain a bound, {comment.strip()!r}; put bounds beside the "
            "parameter, at the start, each a sign and a number: '# > 0, ≤ 1000, per step'"
        )
