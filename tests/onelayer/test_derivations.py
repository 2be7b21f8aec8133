"""The derivations' prover: what it reads, what it proves, and above all what it refuses."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from fixtures.mutants import Mutant, mutants

from nbpress.say.prose import read_prose
from onelayer.derivations import Prover, Verdict

ROOT = Path(__file__).parents[2]
TASKS = ("1a", "1b", "4a")
SAMPLE = 29  # of the mutants each 29th is tried by `make test`, all by `make test-faults`

RANGES = r"i, k, m \in \{1, \dots, K\}, \quad j, l \in \{1, \dots, D\}, \quad n \in \{1, \dots, N\}"
SOFTMAX = r"""
\begin{aligned}
z_k^n &= \sum_l w_{kl} x_l^n, \\
\hat{y}_k^n &= \frac{e^{z_k^n}}{\sum_{m=1}^K e^{z_m^n}}, \\
C^n &= -\sum_{k=1}^K y_k^n \ln \hat{y}_k^n
\end{aligned}
"""
TARGETS = r"\sum_{i=1}^K y_i = 1"
MEAN = r"C(w) = \frac{1}{N} \sum_{n=1}^N C^n"
GIVEN = [("define", RANGES), ("define", SOFTMAX), ("assume", TARGETS), ("define", MEAN)]

# Mutants that are as true as what they were made from: the derivation, a part of the mutant's
# LaTeX without blanks, and why.
EQUAL = [
    ("1a", r"\mathrm{d}(2-\hat{y})", "a constant has no slope"),
    ("1b", r"\frac{0\cdotC-", "0 times anything is 0"),
    ("1b", r"\frac{0\cdotS^2-", "0 times anything is 0"),
    ("1b", r"\frac{0\cdot1-", "0 times anything is 0"),
    ("1b", r"\frac{0\cdot0-", "0 times anything is 0"),
    # Definitions: the derivation is true of what they are now as well.
    ("1a", r"i,m\in\{1,\dots,K\}", "it holds for any number of inputs"),
    ("1a", r"i,m\in\{1,\dots,N\}", "it holds for any number of inputs"),
    ("1a", r"z^n&=1+", "a constant in the logit has no slope"),
    ("1a", r"C(w)=1+", "a constant in the cost has no slope"),
    ("1b", r"j,l\in\{1,\dots,N\}", "it holds for any number of inputs"),
    ("1b", r"z_k^n&=1+", "a constant in the logit has no slope"),
    ("1b", r"\sum_{i=1}^Ky_i^n=1", "the index is written in all of the formula"),
    ("1b", r"\sum_{m=1}^K\hat{y}_m^n=1", "the index is written in all of the formula"),
    ("1b", r"C(w)=1+", "a constant in the cost has no slope"),
    ("4a", r"j,l\in\{1,\dots,N\}", "it holds for any number of inputs"),
    ("4a", r"z_k^n&=1+", "a constant in the logit has no slope"),
    ("4a", r"\sum_{i=1}^Ky_i=1", "the index is left out in all of the formula"),
    ("4a", r"J(w)&=1+", "a constant in the objective has no slope"),
    ("4a", r"C(w)&=1+", "a constant in the cost has no slope"),
    ("4a", r"R(w)&=1+", "a constant in the penalty has no slope"),
]


class Derivation(NamedTuple):
    """A derivation of the report: its task, and its formulas with their classes."""

    task: str
    formulas: list[tuple[str, str]]

    def with_(self, index: int, latex: str) -> list[tuple[str, str]]:
        """Return what is to be judged if one formula is another.

        For a claim what stands above it is enough, and other claims do not matter.
        """
        kind = self.formulas[index][0]
        if kind == "prove":
            above = [each for each in self.formulas[:index] if each[0] != "prove"]
            return [*above, (kind, latex)]
        return [*self.formulas[:index], (kind, latex), *self.formulas[index + 1 :]]


def derivations() -> Iterator[Derivation]:
    """Yield the derivations of the notebooks."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            prose = read_prose("".join(cell["source"])) if cell["cell_type"] == "code" else None
            if prose and prose.kind == "derivation":
                yield Derivation(prose.task, [(f.kind, f.latex) for f in prose.formulas])


def mutants_of(derivation: Derivation) -> Iterator[tuple[int, Mutant]]:
    """Yield the mutants of each formula with its index."""
    declared = re.findall(r"([a-z, &]+?)\\in", "".join(latex for _, latex in derivation.formulas))
    indices = "".join(sorted(set(re.sub(r"[^a-z]", "", "".join(declared)))))
    for index, (_, latex) in enumerate(derivation.formulas):
        for mutant in mutants(latex, indices):
            yield index, mutant


def prove(claim: str, *given: tuple[str, str]) -> Verdict:
    """Judge a claim, with the definitions of task 1b or others."""
    return Prover().prove([*(given or GIVEN), ("prove", claim)])[-1]


def equal_by_mathematics(task: str, latex: str) -> str:
    """Return the entry of EQUAL that a mutant is; "" if it is none."""
    plain = "".join(latex.split())
    return next((part for its, part, _ in EQUAL if its == task and part in plain), "")


def survivors(derivation: Derivation, step: int) -> Iterator[tuple[str, str]]:
    """Yield what was changed, and the LaTeX, of each mutant that is not refused."""
    tried = 0
    for index, mutant in itertools.islice(mutants_of(derivation), 0, None, step):
        tried += 1
        verdicts = Prover().verdicts(derivation.with_(index, mutant.latex))
        if not any(verdict.refusal for verdict in verdicts):
            yield mutant.what, mutant.latex
    assert tried > 5


@pytest.fixture(scope="module")
def all_derivations() -> dict[str, Derivation]:
    """Return the derivations of the report by task."""
    return {derivation.task: derivation for derivation in derivations()}


# ---- The report's ----------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_derivation_is_proved(all_derivations: dict[str, Derivation], task: str) -> None:
    """Every formula of the report is accepted, and each claim adds to what was proved."""
    formulas = all_derivations[task].formulas
    verdicts = Prover().prove(formulas)
    assert [verdict.refusal for verdict in verdicts] == [""] * len(formulas)
    proved = [bool(verdict.results) for verdict in verdicts]
    assert proved == [kind == "prove" for kind, _ in formulas]
    assert sum(proved) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_mutants_are_refused(all_derivations: dict[str, Derivation], task: str) -> None:
    """Nothing passes with a sign, index, exponent, factor, symbol, limit or case changed."""
    alive = list(survivors(all_derivations[task], SAMPLE))
    assert [what for what, latex in alive if not equal_by_mathematics(task, latex)] == []


@pytest.mark.faults
@pytest.mark.parametrize("task", TASKS)
def test_all_mutants_are_refused(all_derivations: dict[str, Derivation], task: str) -> None:
    """Of several hundred mutants, only those survive that are mathematically equal."""
    alive = list(survivors(all_derivations[task], 1))
    equal = {equal_by_mathematics(task, latex) for _, latex in alive}
    assert [what for what, latex in alive if not equal_by_mathematics(task, latex)] == []
    assert equal == {part for its, part, _ in EQUAL if its == task}


# ---- What it reads ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial C}{\partial z_k} = \hat{y}_k - y_k",
        r"\frac{\partial C}{\partial z_k} = \left( \hat y_k - y_k \right).",
        r"\begin{aligned} y_i y_k &= y_k \, y_i \\ &= y_k \cdot y_i \end{aligned}",
        r"\sum_k y_k = \sum_{m=1}^K y_m, \qquad \sum_{k,l} w_{kl}^2 = \sum_{l,k} w_{kl} w_{kl}",
        r"e^{z_i} e^{-z_k} = e^{z_i - z_k}",
        r"e^{2 z_k} = (e^{z_k})^2, \quad e^{0} = 1",
        r"\frac{\partial C}{\partial \hat{y}_k^n} = -\frac{y_k^n}{N \hat{y}_k^n} % the mean",
        r"\frac12 + \frac{1}{2} = 2^{-1} + 2^{-1}",
        r"\frac{\partial \hat{y}_i}{\partial z_k} = \hat{y}_k - \hat{y}_k^2 \quad i = k",
        r"\nabla C = -\frac{1}{N} x^{\mathsf T} (y - \hat{y})",
        r"\frac{\mathrm{d} \ln \hat{y}_k}{\mathrm{d} \hat{y}_k} = \frac{1}{\hat{y}_k}",
        r"N \cdot \frac{1}{N} + \frac{K - 1}{D} = \frac{D + K - 1}{D}",
        r"\eta (a + b) = \eta \cdot (a) + 1 (\eta b), \quad f (-a) = -f (1 \cdot a)",
        r"\frac{f}{2} = f (\frac{1}{2})",
    ],
)
def test_true_claims_are_proved(claim: str) -> None:
    """They are proved in the notation of the derivations, in any order."""
    given = [each for each in GIVEN if each[1] != MEAN or "nabla" in claim or "mean" in claim]
    assert prove(claim, *given).refusal == ""


@pytest.mark.parametrize(
    ("claim", "refusal"),
    [
        (r"\frac{\partial C}{\partial w_{kj}} = 0", "the two sides differ"),
        (r"\hat{y}_k + 1", "expected an equation"),
        (r"\hat{y}_k =", "expected an equation"),
        (r"= \hat{y}_k", "expected an equation"),
        ("", "expected a formula"),
        (r"\hat{y}_k = \hat{y}_q", "'q' is no index"),
        (r"\hat{y}_1 = \hat{y}_1", "'1' is no index"),
        (r"\hat{y}_k = \foo", r"cannot read '.*foo'"),
        (r"\hat{y}_k = \hat{y}_k^{m+1}", "expected an integer power"),
        (r"\hat{y}_k = \hat{y}_k^k", "'k' does not count what 'n' does"),
        (r"\hat{y}_{kj} = \hat{y}_{kj}", "has other indices here"),
        (r"\hat{y}_k = (\hat{y}_k", r"expected '\)'"),
        (r"\hat{y}_k = \frac{1}{2", "Unexpected end"),
        (r"w_{kj}^n = w_{kj}^n", "no formula above defines w, so it has no index 'n'"),
        (r"z_k^n = \hat{p}_k^n", r"no formula above defines \\hat\{p\}, so it has no index 'n'"),
        (r"\hat{y}_k^n = \frac{e^{z_k}}{\sum_m e^{z_m}}", "written in places and left out"),
        (r"\sum_n \hat{y}_k = N \hat{y}_k", "does not depend on 'n'"),
        (r"\sum_n (\hat{y}_k^n + y_k) = 0", "left out below a sum"),
        (r"\sum_{m=2}^K y_m = 1", "expected a sum over a whole range"),
        (r"\sum_{m=1}^N y_m = 1", "expected a sum over a whole range"),
        (r"\sum_{m=1} y_m = 1", "expected a sum over a whole range"),
        (r"\sum y_m = 1", "expected the sum's indices"),
        (r"\sum_{m} y_k = 3 y_k", "does not depend on 'm'"),
        (r"\frac{\partial C}{\mathrm{d} w_{kj}} = 0", "expected the same d"),
        (r"\frac{\partial C}{\partial (z_k + 1)} = 0", "expected the quantity"),
        (r"\ln \hat{y}_k y_k = y_k \ln \hat{y}_k", "where the logarithm ends"),
        (r"\ln \hat{y}_k = z_k - \ln \sum_m e^{z_m}", "logarithms are left"),
        (r"y_k = y_k \text{ is false}", "words in a formula"),
        (r"y_k = \begin{cases} 1 \end{cases}", "cannot read"),
        (r"y_i = y_i \qquad \text{for } k \neq m", "about no index"),
        (r"y_i = y_i \qquad \text{for } i \neq j", "different ranges"),
        (r"y_i = y_i \qquad i = k \qquad i \neq k", "leave no case"),
        (r"\frac{1}{y_k - y_k} = 1", "a denominator is 0"),
        (r"K_i = K_i", "has no indices"),
        (r"z_k = q \qquad q \in \{1, \dots, K\}", "expected equations"),
        (r"\nabla C = x^{\mathsf T} (\hat{y} - w)", "do not fit"),
        (r"\nabla C = \frac{1}{N} (\hat{y} - y)", "different shapes"),
        (r"\nabla y = \frac{1}{N} x^{\mathsf T} (\hat{y} - y)", "expected a function"),
        (r"\nabla C = x^{\mathsf T} v", "has not been used"),
        (r"C(y) = 1", "C is no function of y"),
        (r"x^{\mathsf T} = 1", "a matrix stands among numbers"),
        # What a reader of the printed formula would not read in it.
        (r"\sum_{m=1}^{K-1} \hat{y}_m = 1", "expected a sum over a whole range"),
        (r"\sum_{i,i} y_i = K", "expected a sum over a whole range"),
        (r"\sum_{i \neq j} y_i = 1", "expected a sum over a whole range"),
        (r"\sum_{i \neq 2} y_i = 1", "expected a sum over a whole range"),
        (r"\sum_{1=1}^K y_i = 1", "expected a sum over a whole range"),
        (r"\sum_{i=1}^K i \, y_i = i", "i is an index"),
        (r"e^k = e^{k}", "k is an index"),
        (r"{a + b}^2 = a^2 + 2 a b + b^2", "braces are not printed"),
        (r"\ln{a + b} = \ln(a + b)", "braces are not printed"),
        (r"a \text{{ + 1}} = a", "words in a formula"),
        (r"\hat{{2}y} = \hat{y}", "cannot read"),
        (r"\nabla C = \frac{1}{N} x^{\mathsf T + 7} (\hat{y} - y)", "expected an integer power"),
        (r"0 = f(a) - a f(1)", r"f looks like a function: write 'f \\cdot …' for a product, or"),
        (r"2 f = f(2)", "f looks like a function"),
        (r"a b = f\left( \hat{y}_k^n, 2 \right)", "f looks like a function"),
        (r"f^{-1}(a) = f^{-1} a", "f looks like a function"),
        (r"g f a = g (f (a_k))", "f looks like a function"),
        (r"\lambda (a^2) = \lambda a^2", r"\\lambda looks like a function"),
        (r"K (a) = a K", "K looks like a function"),
        (r"a = f()", r"cannot read '\)'"),
        (r"\frac{d y_k}{d y_i} = \frac{y_k}{y_i}", "d is no quantity"),
        (r"e \cdot e = e^2", "e is no quantity"),
        ("1 2 = 2", "looks like one number"),
        (r"2 \frac{1}{2} = 1", "looks like one number"),
        ("a^12 = a^{12}", "only the first digit"),
        ("e^12 = e^{12}", "only the first digit"),
        ("a^{(2)} = a a", "expected an integer power"),
        (r"\ln(a)^2 = \ln(a a)", "a power of the logarithm"),
        (r"a \!\!\! a = a^2", "cannot read"),
        ("\u0430 = \u0430", "cannot read"),
        ("\u09ea = 4", "cannot read"),  # a digit that looks like an 8
        ("\U0001d44e = \U0001d44e", "cannot read"),
        (r"y_\i = y_i", "'i' is no index"),
        (r"\frac{\partial y_k + a}{\partial a} = 1", "what is differentiated"),
        (r"\frac{\partial a b}{\partial a} = b", "what is differentiated"),
        (r"a = a \\ a = a", "rows and columns are read only"),
        (r"a = a \quad + b = b", "this sign could continue"),
        (r"a = a \quad \text{with } = a", "not clear what this equality continues"),
        (r"y_i = y_k \text{ and } i = k", "a case follows its equation"),
        (r"y_i = y_i \text{ for } a = a", "after 'for', expected a case"),
        (r"y_i = y_k, \quad a = a \quad i = k", "a case can be given for a single equation"),
        (r"\nabla C = \nabla C \quad i = k", "a case can be given for a single equation"),
        # What is true of these sizes, and says nothing about others.
        ("K + 1 = D", "it may hold for K = 3, N = 5, D = 4 only"),
        ("N = K + 2", "it may hold for"),
        ("N + K = 2 D", "it may hold for"),
        ("D = 2 K - 2", "it may hold for"),
        ("N = 2 D - 3", "it may hold for"),
        ("K^2 - 7 K + 12 = 0", "it may hold for"),
        ("x_j + D = x_j + 2 K - 2", "it may hold for"),
        (r"\sum_m \hat{y}_m = K - 2", "it may hold for"),
        (r"e^{D z_k} = e^{2 K z_k - 2 z_k}", "it may hold for"),
        ("K = 3", "it may hold for"),
        (r"\sum_m (1 - \hat{y}_m) = K - 1", "it may hold for"),  # although it holds for all
        (r"\frac{K - 3}{K - 3} = 1", "a denominator is 0"),
        ("K = N", "the two sides differ"),
        (r"\frac{\partial \sum_n C^n}{\partial C} = 0", "other than through C"),
        (r"\frac{\partial y_i}{\partial y_k} = 0 \quad i \neq k", "by an assumption y depends"),
        (r"0^{-1} = 2 \cdot 0^{-1}", "a denominator is 0"),
        (r"\frac{\ln 1}{\ln 1} = 1", "a denominator is 0"),
        (r"\frac{\ln 0}{\ln 0} = 1", "a denominator is 0"),
        # What must not end in an error of another kind, or never.
        (r"((((2^{20})^{20})^{20})^{20}) = 1", "the two sides differ"),
        (r"\frac \frac{1}{2} = 1", "expected what stands"),
        (r"\frac \hat y = 1", "cannot read"),
        ("a^{21} = a", "powers are read up to 20"),
        ("e^{101 a} = a", "powers of e"),
        ("a = " + 5000 * "1", "the number is too large"),
        ("a = " + 3000 * "(" + "a" + 3000 * ")", "nested too deeply"),
        (r"2 = 3 = \nabla C", "the two sides differ"),
        (r"\nabla C = \frac{\sum_{i \neq k} v_i}{2} w", "'k' has no value"),
    ],
)
def test_what_cannot_be_read_or_is_false_is_refused(claim: str, refusal: str) -> None:
    """It is never ignored: the refusal says what is wrong, and where."""
    verdict = prove(claim)
    assert re.search(refusal, verdict.refusal), verdict.refusal
    assert verdict.results == ()


@pytest.mark.parametrize(
    ("kind", "latex", "refusal"),
    [
        ("define", "1 = 2", "expected a name"),
        ("define", "a = b = 1", "expected one definition"),
        ("define", r"C^n = 0", "C is defined twice"),
        ("define", r"y_k = 1", "y is used before it is defined"),
        ("define", r"a = a + 1", "is defined by itself"),
        ("define", r"a = e^{b}, \quad b = \ln a", "is defined by itself"),
        ("define", r"a = w_{kj}", "is on the right side only"),
        ("define", r"a_{kk} = 1", "occurs twice"),
        ("define", r"k \in \{1, \dots, K\}", "'k' is declared twice"),
        ("define", r"a, b \in \{1, \dots, 9\}", "'9' is not a size"),
        ("define", r"a \in \{1, 2, K\}", "expected a range"),
        ("define", r"k \neq i", "nothing to define"),
        ("define", r"k = i", "nothing to define"),
        ("assume", r"a \in \{1, \dots, K\}", "nothing to assume"),
        ("assume", r"w_{kj}^2 = 1", "expected an assumption that is linear"),
        ("assume", r"x_j y_k = 1", "expected an assumption that is linear"),
        ("assume", r"1 = 0", "expected an assumption that is linear"),
        ("assume", r"K = 3", "expected an assumption that is linear"),
        ("assume", r"(K - 3) a = 1", "expected an assumption that is linear"),
        ("define", r"a = 1 \quad \text{for } b = 2", "after 'for', expected a case"),
        ("define", r"y \in \{1, \dots, K\}", "stands for a quantity above"),
        ("define", r"a \in \{1, \dots, \K\}", "is not a size"),
        ("define", r"e = 3", "e is no quantity"),
        ("define", r"u_k = e^{-z_k}, \quad u_k^n = 5", "u is defined twice"),
        ("define", r"u_k^n = 5, \quad u_k = e^{-z_k}", "u is defined twice"),
    ],
)
def test_definition_or_assumption_that_is_none(kind: str, latex: str, refusal: str) -> None:
    """It is refused, and what follows cannot be judged."""
    first, second = Prover().prove([*GIVEN, (kind, latex), ("prove", r"y_k = y_k")])[-2:]
    assert re.search(refusal, first.refusal), first.refusal
    assert "cannot be judged" in second.refusal


@pytest.mark.parametrize(
    ("rows", "refusal"),
    [
        (r"a &= a \\ &+ b = b", "where a row continues"),
        (r"a = a \\ & - b = -b", "where a row continues"),
        (r"a = a \\ - b = -b", "this sign could continue"),
        (r"a^2 &= a & a &= a^2", "side by side"),
        (r"a &= a \qquad 2 a = 2 a \\ &= a + a", "not clear what this equality continues"),
        (r"y_i &= y_k \\ i &= k", "a case follows its equation"),
        (
            r"y_i &= y_k \\ y_k &= y_i \qquad \text{for } i = k",
            "a case can be given for a single equation",
        ),
        (r"a = a \\ b \end{aligned} \begin{aligned} = b \\ c = c", "nothing beside"),
        (r"a = a \end{aligned} + 1 \begin{aligned}", "nothing beside"),
        (r"a &= a, \\ -a &= -a", ""),
        (r"a = a, \quad -b = -b", ""),
        (r"a &= a \\ &= 1 \cdot a \qquad \text{and} \qquad b = b", ""),
    ],
)
def test_rows_are_read_as_they_are_seen(rows: str, refusal: str) -> None:
    """It must be clear what a row continues, without knowing what is true."""
    verdict = prove(rf"\begin{{aligned}} {rows} \end{{aligned}}")
    assert re.search(refusal, verdict.refusal) if refusal else not verdict.refusal, verdict.refusal


@pytest.mark.parametrize(
    ("given", "claim", "refusal"),
    [
        ([("define", "c = 0")], r"\frac{1}{c} = \frac{5}{c}", "a denominator is 0"),
        ([("define", "c = 0")], r"\frac{c}{c} = 1", "a denominator is 0"),
        ([("assume", "a = b")], r"\frac{a - b}{a - b} = 1", "a denominator is 0"),
        ([("assume", "a = D - 2 K + 2")], r"\frac{a}{a} = 1", "a denominator is 0"),
        ([("assume", "a = b")], r"\frac{1}{a - b} = \frac{7}{a - b}", "a denominator is 0"),
        (
            [("define", "u = z")],
            r"\frac{e^u - e^z}{e^u - e^z} = \frac{\ln u - \ln z}{\ln u - \ln z}",
            "a denominator is 0",
        ),
        ([("define", "u = -z")], "e^u = e^{-z}", "powers of e are left"),
        ([("define", "u = -z")], "e^u = e^{-2 z}", "the two sides differ"),
        ([("define", "u = z")], r"\frac{1}{\ln u - \ln z} = 1", "a denominator is 0"),
        ([("assume", "a = 0")], r"\frac{e^a - 1}{e^a - 1} = 1", "a denominator is 0"),
        ([("assume", "a = 2 b")], r"\frac{\mathrm{d} a}{\mathrm{d} b} = 0", "by an assumption b"),
        (
            [("define", "u = K - 2, \\quad v = u^2")],
            r"\frac{\mathrm{d} v}{\mathrm{d} u} = 2 u",
            "u is a constant, so nothing changes with it",
        ),
        (
            [
                ("define", "v_k = e^{z_k}, \\quad u_k = 1 + e^{z_k}"),
                ("define", r"F(v) = \sum_k u_k"),
            ],
            r"\nabla F = 0 \cdot v",
            "other than through v",
        ),
        (
            [("define", r"F(w) = \sum_i w_i \sum_k a_{ik} v_k")],
            r"\nabla F = a^{\mathsf T} v",
            "no matrix",
        ),
        (
            [("define", r"p \in \{1, \dots, N\}, \quad a^n = b^n")],
            r"\sum_p a^p b = b \sum_p a^p",
            "left out below a sum",
        ),
    ],
)
def test_what_is_given_makes_a_claim_meaningless(
    given: list[tuple[str, str]], claim: str, refusal: str
) -> None:
    """No divisor may be 0, and no derivative may hold a dependent quantity fixed."""
    verdicts = Prover().prove([("define", RANGES), *given, ("prove", claim)])
    assert [verdict.refusal for verdict in verdicts[:-1]] == [""] * (len(given) + 1)
    assert re.search(refusal, verdicts[-1].refusal), verdicts[-1].refusal


# ---- What it knows ---------------------------------------------------------------------------


def test_both_values_of_a_wrong_claim_are_told() -> None:
    """The message has the line in which it stands, and the case that shows it."""
    claim = "\\begin{aligned} y_k &= y_k \\\\\n&= 2 y_k \\end{aligned}"
    verdict = prove(claim)
    assert "for k = 1, n = 1 the left is" in verdict.refusal
    assert "at '2 y_k" in verdict.refusal
    assert verdict.line == 1


def test_one_wrong_case_is_enough() -> None:
    """A claim that holds only for i = k is refused, but proved if it says so."""
    claim = r"\frac{\partial \hat{y}_i}{\partial z_k} = \hat{y}_i (1 - \hat{y}_k)"
    assert "i = 1, k = 2" in prove(claim).refusal
    assert prove(claim + r"\qquad i = k").refusal == ""
    assert prove(claim + r"\qquad i \neq k").refusal != ""


@pytest.mark.parametrize(
    ("right", "hint"),
    [
        (r"-x_j^n (y_k^n - q_k)", "; only the left has w; only the right has q, at"),
        (
            r"-x_j^n (y_k^n - \hat{y}_k^n) + \lambda w_{kj} b",
            r"; only the right has \lambda, b, at",
        ),
        (r"\hat{y}_k^n", "; only the left has y, at"),
        ("a", "; only the left has w, x, y; only the right has a, at"),
        (r"x_j^n (y_k^n - \hat{y}_k^n)", ", at"),
    ],
)
def test_letter_on_one_side_alone_is_named(right: str, hint: str) -> None:
    """It may be misspelt; quantities count in definitions and in exponents as well."""
    refusal = prove(rf"\frac{{\partial C^n}}{{\partial w_{{kj}}}} = {right}").refusal
    assert re.search(rf"the right -?[\d.]+{re.escape(hint)}", refusal)


def test_targets_have_to_sum_to_one() -> None:
    """Without the assumption, claims that depend on it are refused."""
    claim = r"\frac{\partial C^n}{\partial z_k^n} = \hat{y}_k^n - y_k^n"
    assert prove(claim, *GIVEN).refusal == ""
    assert "the two sides differ" in prove(claim, *GIVEN[:2], GIVEN[3]).refusal


def test_definition_is_in_force_from_its_place_on() -> None:
    """Without its index, C is one example's until it is defined as the mean."""
    claim = ("prove", r"\frac{\partial C}{\partial y_k} = -\ln \hat{y}_k")
    verdicts = Prover().prove([*GIVEN[:2], claim, GIVEN[3], claim])
    assert [bool(verdict.refusal) for verdict in verdicts] == [False] * 4 + [True]


def test_mean_is_defined_before_its_name_is_used() -> None:
    """Otherwise J = 2 C would use an example's C, and its derivative the mean's."""
    verdicts = Prover().prove([*GIVEN[:2], ("define", "J = 2 C"), GIVEN[3]])
    assert "C is used before it is defined" in verdicts[-1].refusal
    assert not prove(r"J = 2 C", *GIVEN, ("define", "J = 2 C")).refusal


def test_half_is_not_one_over_the_number_of_examples() -> None:
    """No size is 1 or 2 or equals another, so that none can be mistaken for another."""
    slope = r"\frac{\partial C^n}{\partial w_{kj}}"
    for wrong in ("2", "K", "D", "1"):
        claim = rf"\frac{{\partial C}}{{\partial w_{{kj}}}} = \frac{{1}}{{{wrong}}} \sum_n {slope}"
        assert "the two sides differ" in prove(claim).refusal, wrong


def test_size_is_a_constant() -> None:
    """One may divide an assumption by it, and a derivative need not hold it."""
    centred = ("assume", r"\frac{1}{N} \sum_n a^n = 0")
    given = [("define", r"n \in \{1, \dots, N\}"), ("define", "a^n = b^n"), centred]
    assert prove(r"\sum_n b^n = 0", *given).refusal == ""
    u = ("define", r"u = \frac{a}{N}, \quad v = \frac{u}{N}")
    assert prove(r"\frac{\mathrm{d} v}{\mathrm{d} u} = \frac{1}{N}", u).refusal == ""


@pytest.mark.parametrize("sizes", [(2, 5, 4), (3, 3, 4), (3, 5, 2), (1, 5, 4), (3, 5, 5)])
def test_sizes_that_could_be_mistaken_are_refused(sizes: tuple[int, int, int]) -> None:
    """They are refused as the report's parameters as well."""
    with pytest.raises(ValueError, match="three different numbers, each at least 3"):
        Prover(*sizes)


def test_other_sizes_prove_the_same(all_derivations: dict[str, Derivation]) -> None:
    """The derivations do not depend on there being three classes."""
    verdicts = Prover(4, 3, 5).prove(all_derivations["1b"].formulas)
    assert not any(verdict.refusal for verdict in verdicts)


def test_second_size_counts() -> None:
    """A claim that is true only for three classes is refused by the second size."""
    assert "the two sides differ" in prove(r"\sum_m (1 - \hat{y}_m) = 2").refusal


def test_exact_proof_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that random numbers do not refute still has to be proved."""
    monkeypatch.setattr("onelayer.derivations.prover.is_zero", lambda _: False)
    assert prove(r"\sum_m \hat{y}_m = 1").refusal.startswith("could not be proved")


def test_derivative_knows_every_way() -> None:
    """One may differentiate by a defined quantity only if all else depends through it alone."""
    u = ("define", r"u_k^n = e^{z_k^n} + 1")
    way_around = r"\frac{\partial \hat{y}_k}{\partial u_k} = 0"
    assert "other than through u" in prove(way_around, *GIVEN[:2], u).refusal
    assert prove(r"\frac{\partial u_k}{\partial z_k} = e^{z_k}", *GIVEN[:2], u).refusal == ""


def test_results_are_the_ends_of_the_chains() -> None:
    """A result is a statement's first and last member, as they were written."""
    rows = r"y_k &= 1 \cdot y_k = \frac{2 y_k}{2}, \\ z_i &= z_i"
    verdict = prove(rf"\begin{{aligned}} {rows} \end{{aligned}}")
    assert verdict.results == (r"y_k = \frac{2 y_k}{2}", "z_i = z_i")
    assert verdict.equalities == 3


def test_results_say_the_case() -> None:
    """A result that holds in one case says so, and does not count as proved for all."""
    claim = r"\frac{\partial \hat{y}_i}{\partial z_k} = \hat{y}_i (1 - \hat{y}_k)"
    assert prove(rf"{claim} \qquad \text{{for }} i = k").results == (rf"{claim} \qquad i = k",)


def test_summary_says_what_was_proved_and_what_was_not() -> None:
    """It has the number of equalities, and those sizes that the derivation uses."""
    prover = Prover(4, 7, 5)
    formulas = [("define", r"k \in \{1, \dots, K\}"), ("prove", "y_k = 1 y_k = y_k")]
    summary = prover.summary(prover.prove(formulas))
    assert "the 2 equalities" in summary
    assert "exactly for $K = 4$. For $K = 5$ they are tested at random" in summary
    assert "no other sizes" in summary
    assert "of matrices" not in summary


@pytest.mark.parametrize(
    ("given", "claim", "end"),
    [
        (
            [],
            "a + a = 2 a",
            "the 1 equality marked ✓, read from the formulas as they are printed, ",
        ),
        ([], "a + a = 2 a", "exactly."),
        ([], "2 N = N + N", "exactly for $N = 7$. For $N = 11$ it is tested at random rational"),
        ([("define", r"a = \frac{b}{N}")], "a = a", "exactly for $N = 7$."),
    ],
)
def test_summary_names_the_sizes_that_formulas_use(
    given: list[tuple[str, str]], claim: str, end: str
) -> None:
    """A size that stands as a number counts; if no size is used, none is named."""
    prover = Prover(4, 7, 5)
    summary = prover.summary(prover.prove([*given, ("prove", claim)]))
    assert end in summary
    assert summary.endswith("exactly.") == ("N" not in summary)


def test_summary_says_of_matrices_that_one_entry_is_proved() -> None:
    """It is proved exactly; the others are compared at random numbers."""
    prover = Prover()
    gradient = r"\nabla C = \frac{1}{N} \, x^{\mathsf T} (\hat{y} - y)"
    verdicts = prover.prove([*GIVEN, ("prove", gradient)])
    assert verdicts[-1].refusal == ""
    assert "(of matrices the first entry; the others are tested at random" in prover.summary(
        verdicts
    )
