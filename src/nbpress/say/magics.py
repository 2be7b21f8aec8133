"""The cell magics for prose, `%%answer` and others, which a notebook's kernel runs."""

from __future__ import annotations

from typing import Any

from nbpress.say.derivations import prover_of
from nbpress.say.display import show_answer, show_derivation, show_figure
from nbpress.say.prose import read_prose
from nbpress.say.text import TextError

# The help that IPython shows for `%%answer?`, also in docs/reference/magics.md.
MAGICS = {
    "answer": """%%answer TASK

Show Markdown as prose of a task's answer, with its values and claims filled in.

    %%answer 2d
    Training stops after {{ steps:, }} steps.
""",
    "figure": """%%figure LABEL VARIABLE

Show the figure that a variable holds, number it, and give it a caption and, after the line `Alt:`,
a text alternative: what it shows, in words, for readers who cannot see it.

    %%figure fig-2d fig
    The validation loss of each of {{ steps:, }} steps.

    Alt:
    A curve that falls steeply at first, then slowly.
""",
    "derivation": """%%derivation TASK PROVER

Have the object that a variable holds prove the displayed formulas of a derivation, and show it
with marks. The first line of each display, a comment to LaTeX, states its class: `define`,
`assume` or `prove`, with a label if another text cites it.

    %%derivation 1a prover
    $$ % define
    y = x^2
    $$
    so that
    $$ % prove eq-slope
    \\frac{\\mathrm{d} y}{\\mathrm{d} x} = 2 x.
    $$
""",
}


def load_magics(shell: Any) -> None:
    """Give an IPython shell the cell magics."""
    for name in MAGICS:
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
            raise TextError(1, f"no variable is called {prose.variable!r}: define it above")

    magic.__doc__ = MAGICS[name]
    return magic
