"""Derivations, proved from the LaTeX that is printed.

`Prover.prove` reads the formulas of a derivation (`reader`) into terms (`terms`), makes SymPy's
expressions of these at given sizes (`quantities`), and decides whether the two sides of each
equality are the same rational function (`prover`). A proof asks whether a formula is right for
all numbers; `onelayer.gradients` asks whether a program computes it, at given ones.
"""

from onelayer.derivations.prover import Prover, Verdict

__all__ = ["Prover", "Verdict"]
