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


def volume(x):
    """x₀² x₁, from a Tensor to a Value."""
    a, b = x.to_values()
    return a * a * b


def power(x):
    """x³, from a Value to a Tensor."""
    return Tensor.from_values([x * x, x]).prod()


def tour(x):
    """From a Tensor to Values, to a Tensor of them, and to a Value again."""
    a, b, c = (x * x).sin().to_values()
    middle = Tensor.from_values([[a * b, c.exp()], [2.0, a]])
    first, second = (middle @ np.array([1.0, -2.0])).tanh().to_values()
    return first * second + cr.logsumexp(Tensor.from_values([first, a * a]) * x[:2]).to_values()


POINT = np.array([0.5, -0.3, 0.8])


def test_first_derivatives_through_transforms():
    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(cr.grad(volume)(x), [12.0, 4.0])
    assert cr.jvp(volume, [x], [np.array([1.0, 0.0])]) == (12.0, 12.0)
    assert cr.grad(power)(2.0) == 12.0


def test_higher_derivatives_pass_between_values_and_tensors():
    assert [cr.grad(power)(2.0), cr.grad(cr.grad(power))(2.0), cr.grad(cr.grad(cr.grad(power)))(2.0)] == [
        12,
        12,
        6,
    ]
    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(cr.hessian(volume)(x), [[6.0, 4.0], [4.0, 0.0]])
    third = cr.jacobian(cr.hessian(volume))(x)
    assert (third[0, 0, 1], third[0, 1, 0], third[1, 0, 0], third.sum()) == (2.0, 2.0, 2.0, 6.0)


def test_derivatives_of_both_orders_match_finite_differences():
    assert cr.check_grad(tour, POINT, order=2) < 1e-7
    assert cr.check_grad(power, 1.3, order=2) < 1e-8
    assert cr.check_grad(lambda x: tour(Tensor.from_values([x, x * x, 0.8])), 0.7, order=2) < 1e-7


def test_forward_mode_agrees_with_reverse_mode():
    t = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(cr.jvp(tour, [POINT], [t])[1], cr.grad(tour)(POINT) @ t, rtol=1e-13)
    dense = cr.hessian(tour)(POINT)
    np.testing.assert_allclose(dense, dense.T, rtol=1e-12)
    np.testing.assert_allclose(cr.hvp(tour, [POINT], [t]), dense @ t, rtol=1e-12)
    reverse_over_forward = cr.grad(lambda x: cr.jvp(tour, [x], [t])[1])(POINT)
    np.testing.assert_allclose(reverse_over_forward, dense @ t, rtol=1e-12)
    forward_over_forward = cr.jvp(lambda x: cr.jvp(tour, [x], [t])[1], [POINT], [t])[1]
    np.testing.assert_allclose(forward_over_forward, t @ dense @ t, rtol=1e-12)


def test_a_single_precision_tensor_keeps_its_dtype():
    x = Tensor([2.0, 3.0], dtype=np.float32)
    volume(x).backward()
    assert x.grad.dtype == np.float32
    assert cr.hessian(volume)(np.array([2.0, 3.0], np.float32)).dtype == np.float32


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
