from dataclasses import replace

import pytest

from onelayer import derivations

EACH_EQUATION = pytest.mark.parametrize(
    "equation",
    [
        pytest.param(equation, id=f"{equation.task}-{number}")
        for equations in (
            derivations.logistic_equations(),
            derivations.softmax_equations(),
            derivations.l2_equations(),
        )
        for number, equation in enumerate(equations, start=1)
    ],
)


@EACH_EQUATION
def test_each_step_is_proved(equation):
    """Each step of the derivations holds for all targets, inputs and weights."""
    (proof,) = derivations.prove([equation])
    assert proof == derivations.Proof(equation.task, equation.statement, True)


@EACH_EQUATION
def test_wrong_sign_is_refuted(equation):
    """A step with its sign flipped is not proved."""
    (proof,) = derivations.prove([replace(equation, right=[-side for side in equation.right])])
    assert not proof.holds


@EACH_EQUATION
def test_one_wrong_case_is_refuted(equation):
    """A step that is wrong in its last case alone is not proved."""
    wrong = [*equation.right[:-1], equation.right[-1] + 1]
    (proof,) = derivations.prove([replace(equation, right=wrong)])
    assert not proof.holds


def test_slope_of_the_penalty_without_its_half_is_refuted():
    """Without the ½ in R the derivative is 2 w, and a claim of w is not proved."""
    penalty = derivations.l2_equations()[0]
    without_half = replace(penalty, left=[2 * side for side in penalty.left])
    twice = replace(without_half, right=[2 * side for side in penalty.right])
    assert [proof.holds for proof in derivations.prove([without_half, twice])] == [False, True]


def test_softmax_needs_targets_that_sum_to_one():
    """Exactly the steps that state Σ y = 1 fail for targets that sum to something else."""
    equations = derivations.softmax_equations()
    anything = derivations.prove(replace(equation, given={}) for equation in equations)
    assert [proof.holds for proof in anything] == [not equation.given for equation in equations]
    assert [r"if $\sum_i y_i = 1$" in proof.statement for proof in anything] == [
        bool(equation.given) for equation in equations
    ]


@pytest.mark.parametrize("num_classes", [2, 4])
def test_softmax_is_proved_for_other_numbers_of_classes(num_classes):
    """The steps of task 1b do not depend on there being three classes."""
    assert all(
        proof.holds for proof in derivations.prove(derivations.softmax_equations(num_classes))
    )


@pytest.mark.parametrize("equations", [derivations.softmax_equations, derivations.l2_equations])
def test_targets_are_symbols(equations):
    """The final results hold for symbolic targets, of which one-hot numbers are special cases."""
    final = equations()[-1]
    symbols = {str(symbol) for side in final.left for symbol in side.free_symbols}
    assert {"y0", "y1", "y2"} <= symbols or {"y0_0", "y0_1", "y0_2", "y1_0"} <= symbols


@pytest.mark.parametrize(("left", "right"), [([], []), ([1, 2], [1])])
def test_an_equation_has_something_to_prove(left, right):
    """An equation without entries, or with sides of different lengths, is refused."""
    with pytest.raises(ValueError, match=f"at least one; got {len(left)} and {len(right)}"):
        derivations.Equation("1a", "nothing", left, right)
