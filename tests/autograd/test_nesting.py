"""Transforms inside transforms: each sees its own variables only, whatever nodes it meets."""

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value


@pytest.mark.parametrize("make", [float, np.array], ids=["Value", "Tensor"])
def test_perturbations_are_not_confused(make: Any) -> None:
    """d/dx (x · d/dy (x + y)) = 1, not 2.

    J. Siskind and B. Pearlmutter, "Perturbation Confusion and Referential Transparency" (2005).
    """

    def by_reverse(x: Any) -> Any:
        return x * cr.grad(lambda y: x + y)(make(1.0))

    def by_forward(x: Any) -> Any:
        return x * cr.jvp(lambda y: x + y, [make(1.0)], [make(1.0)])[1]

    for inner in (by_reverse, by_forward):
        assert float(cr.grad(inner)(make(1.0))) == 1.0
        assert float(cr.jvp(inner, [make(1.0)], [make(1.0)])[1]) == 1.0


@pytest.mark.parametrize("make", [float, np.array], ids=["Value", "Tensor"])
def test_no_variable_of_an_inner_transform_is_left(make: Any) -> None:
    """d/dx (x · d/dy (x·y²)) at y = 2 is 8x: a plain number again, in which nothing can be differentiated."""
    found = cr.grad(lambda x: x * cr.grad(lambda y: x * y * y)(make(2.0)))(make(3.0))
    assert type(found) is type(make(3.0))
    assert float(found) == 24.0


@pytest.mark.parametrize("make", [float, np.array], ids=["Value", "Tensor"])
def test_perturbations_are_not_confused_in_a_product(make: Any) -> None:
    """d/dx (x · d/dy (x·y) at y = 2) = 2x."""
    assert float(cr.grad(lambda x: x * cr.grad(lambda y: x * y)(make(2.0)))(make(3.0))) == 6.0
    # The inner point depends on the outer variable: d/dx [d/dy (x·y²) at y = x] = d/dx 2x² = 4x.
    assert float(cr.grad(lambda x: cr.grad(lambda y: x * y * y)(x))(make(3.0))) == 12.0
    # d/dx [d/dy (x²·y³) at y = x] = d/dx 3x⁴ = 12x³; at 2, 96.
    assert float(cr.grad(lambda x: cr.grad(lambda y: x * x * y**3)(x))(make(2.0))) == 96.0


def test_perturbations_in_three_levels() -> None:
    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            return cr.grad(lambda z: x * y * z * z)(y)  # 2xy²

        return cr.grad(g)(x)  # 4xy at y = x: 4x²

    assert cr.grad(f)(3.0) == 24.0


def test_curried_functions_keep_their_perturbations_apart() -> None:
    """The derivative of a function that returns a function.

    O. Manzyuk et al., "Perturbation confusion in forward automatic differentiation of higher-order functions" (2019).
    """

    def shift(offset: Any) -> Any:
        return lambda f: lambda x: f(x + offset)

    def derivative_of_shift(f: Any, x: float) -> Any:
        return cr.jvp(lambda s: shift(s)(f)(x), [0.0], [1.0])[1]

    twice = derivative_of_shift(lambda y: derivative_of_shift(cr.exp, y), 1.0)
    assert twice == pytest.approx(math.e, rel=1e-14)


def test_a_constant_inner_derivative() -> None:
    assert cr.grad(lambda x: x * cr.grad(lambda y: y * y)(3.0))(2.0) == 6.0


def test_gradients_through_a_newton_step() -> None:
    """x − f(x)/f'(x) for f = x² − a, differentiated by a: ½/x."""

    def newton(a: Any) -> Any:
        x = 1.5
        f = lambda x: x * x - a  # noqa: E731
        return x - f(x) / cr.grad(f)(x)

    assert cr.grad(newton)(2.0) == pytest.approx(1 / 3)


def test_gradients_through_gradient_descent() -> None:
    def trained(rate: Any) -> Any:
        w: Any = 1.0
        for _ in range(3):
            w = w - rate * cr.grad(lambda w: w * w)(w)
        return w

    rate = 0.1
    assert cr.grad(trained)(rate) == pytest.approx(-6 * (1 - 2 * rate) ** 2)


# Closures over nodes.


@pytest.mark.parametrize(("Node", "point"), [(Value, 3.0), (Tensor, np.array(3.0))])
def test_a_closure_over_an_outer_node(Node: Any, point: Any) -> None:
    w = Node(5.0)
    found = cr.grad(lambda x: w * x * x)(point)
    assert float(found) == 30.0
    found.backward()
    assert w.grad == 6.0


def test_a_closure_over_a_node_without_grad() -> None:
    w = Value(5.0, requires_grad=False)
    assert type(cr.grad(lambda x: w * x * x)(3.0)) in (float, Value)
    assert float(cr.grad(lambda x: w * x * x)(3.0)) == 30.0


@pytest.mark.parametrize("Node", [Value, Tensor])
def test_nodes_in_nodes_out(Node: Any) -> None:
    x = Node(3.0)
    found = cr.grad(lambda x: x**3)(x)
    assert type(found) is Node
    assert float(found) == 27.0
    found.backward()
    assert x.grad == 18.0


@pytest.mark.parametrize("Node", [Value, Tensor])
@pytest.mark.parametrize(
    "function",
    [cr.log, cr.sqrt, lambda x: x**0.5, lambda x: 1 / x, lambda x: cr.log(cr.sqrt(x)), cr.relu, cr.abs,
     lambda x: cr.where(x > 0, x * x, x), lambda x: cr.maximum(x, 1.0) ** 2],
    ids=["log", "sqrt", "power", "1/x", "log sqrt", "relu", "abs", "where", "maximum"],
)  # fmt: skip
def test_backward_through_a_recorded_gradient(Node: Any, function: Any) -> None:
    x = Node(2.0)
    (cr.grad(function)(x) * 3.0 + x).backward()
    second = float(cr.grad(cr.grad(function))(2.0))
    assert float(x.grad) == pytest.approx(3 * second + 1)


@pytest.mark.parametrize("Node", [Value, Tensor])
def test_backward_through_a_gradient_with_a_cotangent_of_its_own(Node: Any) -> None:
    x, g = Node(2.0), Node(5.0)
    _, pull = cr.vjp(cr.log, x)
    (found,) = pull(g)
    found.backward()
    assert float(x.grad) == -5 / 4
    assert float(g.grad) == 0.5


@pytest.mark.parametrize("Node", [Value, Tensor])
def test_a_gradient_leaves_the_outer_grad_alone(Node: Any) -> None:
    x = Node(3.0)
    cr.grad(lambda x: x * x)(x)
    cr.grad(lambda y: y * x)(2.0 if Node is Value else np.array(2.0))
    assert x.grad is None


@pytest.mark.parametrize("Node", [Value, Tensor])
def test_a_constant_node_can_be_differentiated_by(Node: Any) -> None:
    x = Node(3.0, requires_grad=False)
    assert float(cr.grad(lambda x: x * x)(x)) == 6.0
    assert not x.requires_grad


def test_a_node_stays_what_it_was() -> None:
    x = Tensor([1.0, 2.0], label="x")
    cr.grad(lambda x: (x * x).sum())(x)
    assert x.requires_grad
    assert x.op is None
    assert x.label == "x"


# no_grad.


def test_no_grad_around_a_transform() -> None:
    w = Value(5.0)
    with cr.no_grad():
        assert cr.grad(lambda x: x * x)(3.0) == 6.0
        found = cr.grad(lambda x: w * x * x)(3.0)
    assert float(found) == 30.0
    assert not isinstance(found, Value) or found.op is None


def test_no_grad_inside_a_transform() -> None:
    def f(x: Any) -> Any:
        with cr.no_grad():
            frozen = x * x
        return frozen * x

    assert cr.grad(f)(3.0) == 9.0


def test_detach_inside_a_transform() -> None:
    assert cr.grad(lambda x: x.detach() * x)(3.0) == 3.0
    assert cr.grad(cr.grad(lambda x: x.detach() * x * x))(3.0) == 6.0
