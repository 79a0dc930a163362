"""Kinks, ties, poles and zeros: the documented conventions, and no NaN from a branch that was not taken."""

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value

INF, NAN = math.inf, math.nan
ENGINES = [pytest.param(Value, id="Value"), pytest.param(Tensor, id="Tensor")]


def slopes(function: Any, *point: float, order: int = 1) -> tuple[float, ...]:
    """The gradient at a point, computed by Value and by Tensor; both must agree."""
    everywhere = tuple(range(len(point)))
    found = []
    for inputs in (point, [np.array(x) for x in point]):
        if order == 1:
            result = cr.grad(function, everywhere)(*inputs)
        else:
            result = cr.grad(lambda *x: sum(cr.grad(function, everywhere)(*x), 0.0), everywhere)(*inputs)
        found.append(tuple(float(g) for g in result))
    np.testing.assert_equal(found[0], found[1])
    return found[0]


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (cr.relu, 0.0, 0.0),
        (cr.abs, 0.0, 0.0),
        (cr.sign, 0.0, 0.0),
        (cr.floor, 2.0, 0.0),
        (cr.ceil, 2.0, 0.0),
        (cr.round, 2.5, 0.0),
        (lambda x: cr.leaky_relu(x, 0.1), 0.0, 0.1),
        (lambda x: cr.clip(x, -1.0, 1.0), 1.0, 1.0),
        (lambda x: cr.clip(x, -1.0, 1.0), -1.0, 1.0),
        (lambda x: cr.clip(x, -1.0, 1.0), 1.5, 0.0),
        (lambda x: cr.clip(x, None, 1.0), -9.0, 1.0),
    ],
    ids=[
        "relu",
        "abs",
        "sign",
        "floor",
        "ceil",
        "round",
        "leaky_relu",
        "clip high",
        "clip low",
        "outside",
        "one bound",
    ],
)
def test_at_the_kink(function: Any, point: float, expected: float) -> None:
    assert slopes(function, point) == (expected,)
    assert slopes(function, point, order=2) == (0.0,)


@pytest.mark.parametrize("function", [cr.maximum, cr.minimum])
def test_ties_share_equally(function: Any) -> None:
    assert slopes(function, 2.0, 2.0) == (0.5, 0.5)
    assert slopes(lambda x: function(x, x), 2.0) == (1.0,)


def test_ties_of_a_reduction_share_equally() -> None:
    x = Tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    x.max(axis=1).sum().backward()
    np.testing.assert_allclose(x.grad, [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    x.zero_grad()
    x.min().backward()
    assert x.grad.tolist() == [[1, 0, 0], [0, 0, 0]]


# The branch that `where` does not take.

BAD_BRANCHES = [
    (cr.sqrt, 0.0),
    (cr.sqrt, -1.0),
    (cr.log, 0.0),
    (cr.log, -1.0),
    (cr.log2, 0.0),
    (cr.log10, 0.0),
    (cr.log1p, -1.0),
    (cr.reciprocal, 0.0),
    (cr.cbrt, 0.0),
    (lambda x: 1 / x, 0.0),
    (lambda x: x / x, 0.0),
    (lambda x: x**-1, 0.0),
    (lambda x: x**0.5, 0.0),
    (lambda x: x**0.5, -1.0),
    (lambda x: 2.0 / x**2, 0.0),
    (cr.arcsin, 1.0),
    (cr.arccos, -1.0),
    (cr.arctanh, 1.0),
    (cr.arccosh, 1.0),
    (lambda x: cr.arctan2(x, x), 0.0),
    (lambda x: cr.hypot(x, x), 0.0),
    (lambda x: cr.sqrt(cr.log(x)), 0.0),
]
# Ops that are finite by themselves, on an operand or with a result that is not.
WORSE_BRANCHES = [
    (lambda x: x * cr.log(x), 0.0),
    (lambda x: cr.sqrt(x) * cr.log(x), 0.0),
    (lambda x: cr.exp(1 / x), 0.0),
    (cr.exp, 1000.0),
    (lambda x: cr.exp(x) * cr.exp(x), 500.0),
]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("bad", "at"), BAD_BRANCHES, ids=[str(i) for i in range(len(BAD_BRANCHES))])
def test_where_keeps_out_the_branch_not_taken(bad: Any, at: float, order: int) -> None:
    def function(x: Any) -> Any:
        return cr.where(False, bad(x), 3 * x * x)

    expected = 6 * at if order == 1 else 6.0
    assert slopes(function, at, order=order) == (expected,)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("bad", "at"), WORSE_BRANCHES, ids=[str(i) for i in range(len(WORSE_BRANCHES))])
def test_where_keeps_out_an_infinity_that_a_finite_op_passes_on(bad: Any, at: float, order: int) -> None:
    test_where_keeps_out_the_branch_not_taken(bad, at, order)


@pytest.mark.parametrize("order", [1, 2])
def test_where_elementwise(order: int) -> None:
    x = np.array([-1.0, 0.0, 4.0])

    def function(x: Any) -> Any:
        return cr.where(x > 0, cr.sqrt(x), 0.0).sum()

    if order == 1:
        assert cr.grad(function)(x).tolist() == [0, 0, 0.25]
    else:
        assert cr.grad(lambda x: cr.grad(function)(x).sum())(x).tolist() == [0, 0, -1 / 32]


def test_where_in_forward_mode() -> None:
    _, tangent = cr.jvp(lambda x: cr.where(False, cr.sqrt(x), x), [0.0], [1.0])
    assert tangent == 1.0


# Singular points that are taken: the IEEE answer.


@pytest.mark.parametrize(
    ("function", "point", "value", "slope"),
    [
        (cr.sqrt, 0.0, 0.0, INF),
        (cr.sqrt, -1.0, NAN, NAN),
        (cr.log, 0.0, -INF, INF),
        (cr.log, -1.0, NAN, -1.0),
        (lambda x: 1 / x, 0.0, INF, -INF),
        (lambda x: (-2.0) ** x, 0.5, NAN, NAN),
        (lambda x: x**0.5, -2.0, NAN, NAN),
        (cr.exp, 1000.0, INF, INF),
        (lambda x: x**2, 1e200, INF, 2e200),
        (cr.cbrt, 0.0, 0.0, INF),
        (cr.arctanh, 1.0, INF, INF),
    ],
    ids=["sqrt", "sqrt-", "log", "log-", "1/x", "(-2)**x", "(-2)**0.5", "exp", "x**2", "cbrt", "arctanh"],
)
def test_the_answer_is_ieee(function: Any, point: float, value: float, slope: float) -> None:
    for node in (Value(point), Tensor(point)):
        with np.errstate(all="ignore"):
            result = function(node)
        result.backward()
        np.testing.assert_equal((float(result), float(node.grad)), (value, slope))


# Powers.


@pytest.mark.parametrize(
    ("base", "exponent", "value", "by_base", "by_exponent"),
    [
        (2.0, 3.0, 8.0, 12.0, 8 * math.log(2)),
        (2.0, 0.0, 1.0, 0.0, math.log(2)),
        (0.0, 0.0, 1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0, 0.0),
        (0.0, 0.5, 0.0, INF, 0.0),
        (-2.0, 3.0, -8.0, 12.0, NAN),
        (-2.0, 2.0, 4.0, -4.0, NAN),
        (-2.0, 0.0, 1.0, 0.0, NAN),
        (-2.0, 0.5, NAN, NAN, NAN),
    ],
)
def test_powers(base: float, exponent: float, value: float, by_base: float, by_exponent: float) -> None:
    found = slopes(lambda x, y: x**y, base, exponent)
    np.testing.assert_allclose(found, (by_base, by_exponent), rtol=1e-15)
    np.testing.assert_allclose(float(Value(base) ** exponent), value)
    # A constant exponent gets no gradient and lets none spoil the base's.
    for node in (Value(base), Tensor(base)):
        with np.errstate(all="ignore"):
            (node**exponent).backward()
        np.testing.assert_allclose(float(node.grad), by_base, rtol=1e-15)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("base", [0.0, -1.5, 2.0])
def test_integer_powers_have_the_derivatives_of_polynomials_at_every_order(
    base: float, exponent: int
) -> None:
    expected: float = 1.0
    function: Any = lambda x: x**exponent  # noqa: E731
    for order in range(1, 4):
        function = cr.grad(function)
        falling = math.prod(range(exponent, exponent - order, -1))
        expected = falling * base ** (exponent - order) if exponent >= order else 0.0
        assert function(base) == pytest.approx(expected, abs=1e-12)
        assert float(function(np.array(base))) == pytest.approx(expected, abs=1e-12)


# Norms.


@pytest.mark.parametrize(
    "function",
    [cr.norm, lambda x: cr.hypot(x[0], x[1])],
    ids=["norm", "hypot"],
)
def test_the_norm_of_zero_has_slope_zero(function: Any) -> None:
    assert cr.grad(function)(np.zeros(2)).tolist() == [0, 0]
    np.testing.assert_allclose(cr.grad(function)(np.array([3.0, 4.0])), [0.6, 0.8])


def test_the_second_derivative_of_a_norm() -> None:
    x = np.array([3.0, 4.0])
    expected = (np.eye(2) - np.outer(x, x) / 25) / 5
    np.testing.assert_allclose(cr.hessian(cr.norm)(x), expected, rtol=1e-13, atol=1e-16)
    assert np.isfinite(cr.hessian(cr.norm)(np.zeros(2))).all()


def test_a_norm_of_huge_and_tiny_numbers() -> None:
    for scale in (1e200, 1e-200):
        x = Tensor([3 * scale, 4 * scale])
        x.norm().backward()
        assert x.norm().item() == pytest.approx(5 * scale)
        np.testing.assert_allclose(x.grad, [0.6, 0.8])


def test_rows_of_zeros_beside_others() -> None:
    x = Tensor([[0.0, 0.0], [3.0, 4.0]])
    x.norm(axis=1).sum().backward()
    np.testing.assert_allclose(x.grad, [[0, 0], [0.6, 0.8]])


# Empty and infinite.


def test_logsumexp_of_nothing_and_of_infinities() -> None:
    x = Tensor([-INF, 0.0])
    x.logsumexp().backward()
    assert x.grad.tolist() == [0, 1]
    assert Tensor(np.zeros(0)).logsumexp().item() == -INF
    assert Tensor([-INF, -INF]).logsumexp().item() == -INF
    assert Tensor([INF, 0.0]).logsumexp().item() == INF


def test_the_standard_deviation_of_equal_numbers() -> None:
    x = Tensor([2.0, 2.0, 2.0])
    x.std().backward()
    assert x.std().item() == 0
    assert not np.isnan(x.grad).any()
