"""Derivations, proved from the LaTeX that is printed.

`Prover.prove` (`prover`) reads the formulas of a derivation into terms (`tokens`, `expressions`,
`reader`; `terms`) and makes SymPy's expressions of these at given sizes (`declarations`, `symbols`,
`quantities`, `matrices`), so that what is left to decide is whether the two sides of an equality
are the same rational function (`rational`). A proof asks whether a formula is right for
all numbers; `onelayer.gradients` asks whether a program computes it, at given ones.
"""

from onelayer.derivations.prover import Prover, Verdict

__all__ = ["Prover", "Verdict"]
