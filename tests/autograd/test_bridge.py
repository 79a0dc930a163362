"""Between Value and Tensor."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value


def test_from_values_carries_gradients():
    x, y = Value(3.0), Value(2.0)
    t = Tensor.from_values([[x, y], [x, 1.0]])
    assert t.data.tolist() == [[3.0, 2.0], [3.0, 1.0]]
    (t * [[1.0, 10.0], [100.0, 1000.0]]).sum().backward()
    assert (x.grad, y.grad) == (101.0, 10.0)
    assert isinstance(x.grad, float)


def test_to_values_carries_gradients():
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    (a, b), (c, d) = t.to_values()
    (a * b + c * d).backward()
    assert t.grad.tolist() == [[2.0, 1.0], [4.0, 3.0]]


def test_there_and_back_through_both_engines():
    x = Value(0.5)
    row = (Tensor.from_values([x, x * x]) @ np.array([[1.0, 2.0], [3.0, 4.0]])).tanh()
    first, second = row.to_values()
    (first * second).backward()

    def plain(v):
        a, b = np.tanh(v + 3 * v * v), np.tanh(2 * v + 4 * v * v)
        return a * b

    step = 1e-6
    assert x.grad == pytest.approx((plain(0.5 + step) - plain(0.5 - step)) / (2 * step), rel=1e-8)


def test_constants_stay_constant():
    assert not Tensor.from_values([1.0, 2.0]).requires_grad
    assert not Tensor.from_values([Value(1.0, requires_grad=False)]).requires_grad


def test_mixing_without_conversion_is_refused():
    with pytest.raises(TypeError, match=r"Tensor\.from_values"):
        Value(1.0) + Tensor([1.0])
    with pytest.raises(TypeError, match=r"cannot combine a Tensor with a Value"):
        cr.add(Tensor([1.0]), Value(1.0))


def test_transforms_cross_once():
    def function(x):
        a, b = x.to_values()
        return a * a * b

    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(cr.grad(function)(x), [12.0, 4.0])
    assert cr.jvp(function, [x], [np.array([1.0, 0.0])]) == (12.0, 12.0)
    with pytest.raises(TypeError, match="second derivatives do not pass between Values and Tensors"):
        cr.grad(cr.grad(lambda x: Tensor.from_values([x * x, x]).prod()))(2.0)


def test_nothing_is_recorded_inside_no_grad():
    with cr.no_grad():
        assert Tensor.from_values([Value(1.0)]).op is None
        assert Tensor([1.0]).to_values()[0].op is None


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[Tensor([1.0])[0], Value(2.0)]], r"got Tensor; join Tensors with chainrule\.stack"),
        ([[Value(1.0)], [Value(1.0), Value(2.0)]], "got ragged lists"),
        (["a"], "got str"),
    ],
)
def test_from_values_refuses_what_is_no_number(values, says):
    with pytest.raises(TypeError, match=says):
        Tensor.from_values(values)
