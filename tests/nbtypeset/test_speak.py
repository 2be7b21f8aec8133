"""Formulas as words."""

from __future__ import annotations

import pytest

from nbtypeset.speak import readable

READ = {
    r"\frac{\partial C^n}{\partial w_i} = -(y^n - \hat{y}^n) x_i": (
        "∂C super n over ∂w sub i equals minus (y super n minus ŷ super n) x sub i"
    ),
    r"\sum_{i=1}^K y_i": "sum from i equals 1 to K of y sub i",
    r"e^{-w^T x}": "e to the power (minus w transposed x)",
    r"\frac{1}{1 + e^{z_k}}": "1 over (1 plus e to the power (z sub k))",
    r"\frac{a}{b} c": "(a over b) c",
    r"\frac{a}{b}^2 + {\frac{a}{b}}^n": "(a over b) squared plus (a over b) to the power n",
    r"\left(\frac{a}{b}\right)^{-2}": "(a over b) to the power (minus 2)",
    r"\text{for } i \neq k": "for i is not equal to k",
    r"\lVert w\rVert^2": "‖w‖ squared",
    r"w_{kj}": "w sub (k j)",
    r"x^12": "x to the power 1 2",
    r"\lambda \cdot w": "λ times w",
    r"\mathbb{R}^{I+1}": "ℝ to the power (I plus 1)",
    r"\sqrt{x + 1}": "the square root of (x plus 1)",
    r"\begin{aligned}a &= b \\ &= c\end{aligned}": "a equals b; next line: equals c",
    r"\begin{pmatrix}a & b\\c & d\end{pmatrix}": "the matrix with rows (a, b; c, d)",
    r"\begin{cases}1 & \text{if } x > 0\\0 & \text{otherwise}\end{cases}": (
        "by cases: (1, if x is greater than 0; 0, otherwise)"
    ),
    r"50 \% % a comment": "50 percent",
}


@pytest.mark.parametrize(("latex", "spoken"), READ.items(), ids=READ)
def test_formula_is_read_as_words(latex: str, spoken: str) -> None:
    """A formula is read so that fractions, indices and lines can be told apart."""
    assert readable(latex) == spoken


@pytest.mark.parametrize(
    "latex", ["", "{", "}" * 9, "\\", r"\frac", r"\frac{", "a^", "_", "&", r"\begin{x", r"\end{x}",
              r"\left.", r"\foo{\bar[}", "{" * 20_000, r"\sqrt[", "^^^", r"\text{\}"]
)  # fmt: skip
def test_broken_formula_is_read_somehow(latex: str) -> None:
    """Any source gives something to read, without LaTeX in it."""
    spoken = readable(latex)
    assert spoken
    assert not set(spoken) & set("\\{}")


def test_no_latex_is_left() -> None:
    """Every macro of a long derivation is turned into words or Unicode."""
    source = (
        r"\frac{\partial \hat{y}_k^n}{\partial z_k} = \frac{\partial}{\partial z_k} "
        r"\frac{e^{z_k}}{\sum_{k'=1}^K e^{z_{k'}}} = \left( 1 - \frac{e^{z_k}}{\sum_{k'=1}^K "
        r"e^{z_{k'}}} \right) + \Sigma_{i,j} w_{i,j}^2 \ln(\hat{y}^n)"
    )
    spoken = readable(source)
    assert "k prime" in spoken
    assert "Σ sub (i, j)" in spoken
    assert not set(spoken) & set("\\{}^_&'")
