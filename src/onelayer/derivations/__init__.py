"""Derivations, proved from the LaTeX that is printed.

`Prover.prove` (`prover`) reads the formulas of a derivation into terms (`tokens`, `expressions`,
`reader`; `terms`) and turns these into SymPy expressions at given sizes (`declarations`, `symbols`,
`quantities`, `matrices`). It then only has to decide whether the two sides of an equality are the
same rational function (`rational`). A proof asks whether a formula is right for all numbers;
`onelayer.gradients` asks whether a program computes it, at given numbers.
"""

from importlib.util import find_spec

if not find_spec("sympy"):
    raise ModuleNotFoundError(
        "derivations are proved by SymPy, which is not installed; the extra `science` brings it: "
        "install onelayer-report[science]",
        name="sympy",
    )

from onelayer.derivations.prover import Prover
from onelayer.derivations.verdicts import Verdict

__all__ = ["Prover", "Verdict"]
