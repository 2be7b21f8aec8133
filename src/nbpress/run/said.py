"""What a chapter says: its current prose, filled in with the values that a run recorded.

Editing prose executes nothing if the run recorded everything that the prose quotes, and a fresh
run would find the same values at that position. These are what a code cell above recorded for the
task, or else the variable of that name, which has the same value in two places only if no code
between them may change it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from nbpress.errors import PressError
from nbpress.project.notebook import INJECTED_TAG, Cell, Notebook, runs
from nbpress.say.derivations import check_set
from nbpress.say.prose import Prose, split_prose
from nbpress.say.records import Answer, Claim, Derivation, Figure, Table, Values, records
from nbpress.say.text import TextError
from nbtypeset.schema import Record


@dataclass(frozen=True)
class _Recorded:
    value: Any
    position: int  # how many code cells have run


class Said:
    """What a chapter says.

    Attributes
    ----------
    values
        By task and name, `{"2d.stop_step": {"value": 546, "notebook": "2_….ipynb", "cell": "…"}}`.
    prose
        What each cell of prose says, by the cell's id.
    lacking
        What the prose needs but the run did not record; then the chapter has to run again.

    Raises
    ------
    PressError
        If a name in a task has two values, or a value cannot be formatted as asked.
    """

    def __init__(self, notebook: Notebook, executed: list[dict[str, Any]]) -> None:
        self.notebook = notebook
        self.values: dict[str, dict[str, Any]] = {}
        self.prose: dict[str, tuple[Record, str]] = {}
        self.lacking: list[str] = []
        self._code: list[str] = []  # of the code cells that ran, in order
        self._claims: dict[str, _Recorded] = {}
        self._recorded: dict[tuple[str, str], _Recorded] = {}
        self._variables: defaultdict[str, list[_Recorded]] = defaultdict(list)
        self._read(executed)
        position = 0
        for cell in notebook.cells:
            if cell.prose is not None:
                self._set(cell, cell.prose, position)
            elif cell.runs:
                position += 1
                self._note(cell.id, self._outputs.get(cell.id, []))

    def _read(self, executed: list[dict[str, Any]]) -> None:
        """Read what the run recorded, and at which position among its code cells."""
        self._outputs = {cell["id"]: records(cell) for cell in executed if "id" in cell}
        for cell in executed:
            source, tags = "".join(cell["source"]), cell["metadata"].get("tags", ())
            if INJECTED_TAG in tags or not runs(cell["cell_type"], source, tags):
                continue
            is_prose = split_prose(source) is not None
            if not is_prose:
                self._code.append(source)
            position = len(self._code)
            for record in self._outputs.get(cell.get("id"), []):
                if isinstance(record, Claim):
                    self._claims[record.id] = _Recorded(record.holds, position)
                elif is_prose and isinstance(record, Answer | Figure | Derivation):
                    for name, value in record.values.items():
                        if (record.task, name) not in self._recorded:
                            self._variables[name].append(_Recorded(value, position))
                elif isinstance(record, Values | Answer):
                    for name, value in record.values.items():
                        self._recorded.setdefault((record.task, name), _Recorded(value, position))

    def _note(self, cell: str, outputs: list[Record]) -> None:
        """Note a cell's values for values.json."""
        for record in outputs:
            if not isinstance(record, Values | Answer | Claim | Figure | Table | Derivation):
                continue
            for name, value in record.values.items():
                key = f"{record.task}.{name}"
                entry = {"value": value, "notebook": self.notebook.path.name, "cell": cell}
                former = self.values.setdefault(key, entry)
                if former["value"] != value:
                    raise PressError(
                        f"{self.notebook.path.name}: {key} has two values, {former['value']!r:.60} "
                        f"in the cell {former['cell']} and {value!r:.60} in {cell}: "
                        "give one of them another name"
                    )

    def _set(self, cell: Cell, prose: Prose, position: int) -> None:
        """Fill in a cell of prose with the values and claims recorded for its position."""
        values, claims, lacking = {}, {}, len(self.lacking)
        where = self.notebook.name_of(cell)
        for condition in prose.conditions:
            made = self._claims.get(condition.claim)
            if made is None or made.position > position:
                self.lacking.append(f"{where}, depends on the claim {condition.claim}")
            else:
                claims[condition.claim] = made.value
        for quote in prose.quotes:
            recorded = self._find(prose.task, quote.name, position)
            if recorded is None:
                self.lacking.append(f"{where}, quotes {quote.name}")
            else:
                values[quote.name] = recorded.value
        if len(self.lacking) > lacking:
            return
        try:
            texts = {
                name: text.set(values, claims, markdown=name != "alt")
                for name, text in prose.texts.items()
            }
            if prose.kind == "derivation":
                check_set(texts["text"], prose.formulas)
        except TextError as error:
            raise PressError(f"{where}, {error}") from error
        record: Record
        if prose.kind == "figure":
            record = Figure(prose.label, texts["caption"], texts["alt"], values)
        elif prose.kind == "answer":
            record = Answer(prose.task, values)
        elif proved := self._proved(cell, prose):
            record = replace(proved, task=prose.task, values=values)
        else:
            self.lacking.append(f"{where}, needs a proof")
            return
        self.prose[cell.id] = record, texts.get("text", "")
        self._note(cell.id, [record])

    def _proved(self, cell: Cell, prose: Prose) -> Derivation | None:
        """Return the run's proof of a derivation, if it had exactly the current formulas."""
        formulas = [[formula.kind, formula.latex] for formula in prose.formulas]
        proved = (r for r in self._outputs.get(cell.id, []) if isinstance(r, Derivation))
        return next((p for p in proved if list(map(list, p.formulas)) == formulas), None)

    def _find(self, task: str, name: str, position: int) -> _Recorded | None:
        """Return the value that a fresh run would find at a position; None if that is unknown."""
        recorded = self._recorded.get((task, name))
        if recorded is not None and recorded.position <= position:
            return recorded
        for variable in self._variables[name]:
            start, end = sorted((position, variable.position))
            between = self._code[start:end]
            if not any(_may_change(source, name) for source in between):
                return variable
        return None


def _may_change(source: str, name: str) -> bool:
    """Return whether a code cell may change a variable, judging by its source.

    All but constants, functions that are defined and other names for what there is may run code
    that changes any variable: calls, but also loops, operators, attributes and imports.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # magics
        return True
    return not all(_changes_only_others(statement, name) for statement in statements)


def _changes_only_others(statement: ast.stmt, name: str) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.FunctionDef(decorator_list=[], args=arguments):
            parts = [*arguments.defaults, *filter(None, arguments.kw_defaults), statement.returns]
            each = [arguments.vararg, arguments.kwarg, *arguments.args]
            each += [*arguments.posonlyargs, *arguments.kwonlyargs]
            parts += [argument.annotation for argument in each if argument]
            return statement.name != name and all(map(_runs_nothing, filter(None, parts)))
        case ast.Assign(targets=targets, value=value):
            return all(_is_other(target, name) for target in targets) and _runs_nothing(value)
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            parts = [annotation, value]
            return _is_other(target, name) and all(map(_runs_nothing, filter(None, parts)))
    return False


def _is_other(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id != name


def _runs_nothing(expression: ast.expr) -> bool:
    match expression:
        case ast.Constant() | ast.Name():
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return all(map(_runs_nothing, elements))
    return False
