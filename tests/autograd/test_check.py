"""`check_grad` finds what is wrong, and passes what is right."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.autograd.node import apply
from chainrule.autograd.op import OPS, Op


@pytest.fixture
def wrong_op() -> Any:
    """An op whose rule is right in value and wrong in its own derivative, as g·2·|x| is for x² at x > 0."""
    op = Op("square", "elementwise", lambda xp, g, out, x: g * 2 * cr.stop_gradient(x))
    yield lambda x: apply(op, x)
    OPS.remove(op)


def test_passes_what_is_right() -> None:
    assert cr.check_grad(lambda x, y: cr.sin(x) * y, 0.5, np.ones((2, 2)).sum(), order=2) < 1e-8
    assert cr.check_grad(lambda p: p["a"] @ p["b"], {"a": np.ones((2, 3)), "b": np.ones(3)}, order=2) < 1e-8


def test_finds_a_missing_contribution() -> None:
    with pytest.raises(AssertionError, match="order 1, argument 0"):
        cr.check_grad(lambda x: x * x.detach(), 3.0)


def test_finds_what_only_the_second_order_shows(wrong_op: Any) -> None:
    assert cr.check_grad(wrong_op, 3.0) < 1e-8
    with pytest.raises(AssertionError, match="order 2"):
        cr.check_grad(wrong_op, 3.0, order=2)


def test_finds_one_wrong_element() -> None:
    def f(x: Any) -> Any:
        return cr.where(np.array([True, True, False]), x * x, (x * x).detach()).sum()

    with pytest.raises(AssertionError, match=r"element \(2,\)"):
        cr.check_grad(f, np.array([1.0, 2.0, 3.0]))


def test_a_nan_is_wrong() -> None:
    with pytest.raises(AssertionError, match="nan"), np.errstate(invalid="ignore"):
        cr.check_grad(cr.sqrt, -1.0)


def test_float32_is_checked_in_float64() -> None:
    assert cr.check_grad(cr.exp, np.ones(3, np.float32)) < 1e-9


def test_tensors_are_taken_too() -> None:
    x = cr.Tensor([1.0, 2.0])
    assert cr.check_grad(lambda x: x**3, x) < 1e-8
    assert x.data.tolist() == [1, 2]


def test_the_result_may_have_any_shape() -> None:
    assert cr.check_grad(lambda x: x * np.ones((2, 3)), np.ones(3)) < 1e-8
    assert cr.check_grad(lambda x: x[:0], np.ones(3)) == 0
