"""The cell magics of prose, `%%answer` and others, as a notebook's kernel runs them."""

from __future__ import annotations

from typing import Any

from nbpress.say.derivations import prover_of
from nbpress.say.display import show_answer, show_derivation, show_figure
from nbpress.say.prose import read_prose
from nbpress.say.text import TextError


def load_magics(shell: Any) -> None:
    """Give an IPython shell the cell magics."""
    for name in ("answer", "figure", "derivation"):
        shell.register_magic_function(_magic(shell, name), "cell", name)


def _magic(shell: Any, name: str) -> Any:
    def magic(line: str, cell: str) -> None:
        prose = read_prose(f"%%{name} {line}\n{cell}")
        if prose is None:
            raise AssertionError(name)
        if prose.kind == "answer":
            show_answer(prose.task, prose.texts["text"])
        elif prose.kind == "derivation":
            show_derivation(prose, prover_of(shell.user_ns, prose.variable))
        elif prose.variable in shell.user_ns:
            show_figure(shell.user_ns[prose.variable], prose.label, **prose.texts)
        else:
            raise TextError(1, f"no variable is called {prose.variable!r}")

    return magic
