"""`grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`: what they give, and that they nest."""

import math
from collections import namedtuple
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value

# Numbers in, numbers out; arrays in, arrays out.


def test_numbers_and_arrays() -> None:
    assert cr.grad(lambda x: x * x)(3.0) == 6.0
    assert type(cr.grad(lambda x: x * x)(3.0)) is float
    found = cr.grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    assert type(found) is np.ndarray
    assert found.tolist() == [2, 4]
    assert type(cr.grad(lambda x: x * x)(np.array(3.0))) is np.ndarray


def test_float32_arrays_stay_float32() -> None:
    found = cr.grad(lambda x: (x * x).sum())(np.ones(2, np.float32))
    assert found.dtype == np.float32


def test_value_and_grad() -> None:
    value, gradient = cr.value_and_grad(lambda x: x * x)(3.0)
    assert (value, gradient) == (9.0, 6.0)
    assert type(value) is float


def test_argnums() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * y + z

    assert cr.grad(f)(2.0, 3.0, 4.0) == 3.0
    assert cr.grad(f, 1)(2.0, 3.0, 4.0) == 2.0
    assert cr.grad(f, (2, 0))(2.0, 3.0, 4.0) == (1.0, 3.0)
    assert cr.grad(f, (1,))(2.0, 3.0, 4.0) == (2.0,)


def test_other_arguments_are_passed_as_they_are() -> None:
    seen: list[Any] = []

    def f(x: Any, flag: Any, array: Any) -> Any:
        seen.extend([flag, array])
        return x * 2

    array = np.ones(2)
    cr.grad(f)(1.0, True, array)
    assert seen[0] is True
    assert seen[1] is array


Layer = namedtuple("Layer", ["W", "b"])


def test_nests_of_containers() -> None:
    params = {
        "layers": [Layer(np.ones((2, 3)), np.zeros(2)), Layer(np.ones((1, 2)), np.zeros(1))],
        "scale": 2.0,
    }

    def f(p: Any) -> Any:
        h = np.ones(3)
        for layer in p["layers"]:
            h = cr.tanh(layer.W @ h + layer.b)
        return (h * 3.0).sum()

    found = cr.grad(f)(params)
    assert list(found) == ["layers", "scale"]
    assert type(found["layers"][0]) is Layer
    assert found["layers"][0].W.shape == (2, 3)
    assert found["scale"] == 0.0
    bumped = [[np.ones((2, 3)), np.zeros(2)], [np.ones((1, 2)), np.zeros(1)]]
    assert cr.check_grad(lambda p: f({"layers": [Layer(*p[0]), Layer(*p[1])]}), bumped, order=2) < 1e-7


def test_an_empty_nest() -> None:
    assert cr.grad(lambda p, x: x * x, (0, 1))([], 3.0) == ([], 6.0)


def test_arguments_that_are_not_used_get_zeros() -> None:
    assert cr.grad(lambda x, y: x * 1, (0, 1))(2.0, 3.0) == (1.0, 0.0)
    assert cr.grad(lambda x, y: x.sum(), (0, 1))(np.ones(2), np.ones(3))[1].tolist() == [0, 0, 0]


def test_the_same_array_twice() -> None:
    a = np.array([1.0, 2.0])
    found = cr.grad(lambda x, y: (x * y * y).sum(), (0, 1))(a, a)
    assert found[0].tolist() == [1, 4]
    assert found[1].tolist() == [2, 8]


def test_the_identity() -> None:
    assert cr.grad(lambda x: x)(3.0) == 1.0
    assert cr.jvp(lambda x: x, [3.0], [2.0]) == (3.0, 2.0)
    assert cr.vjp(lambda x: x, 3.0)[1](5.0) == (5.0,)
    assert cr.jacobian(lambda x: x)(np.ones(2)).tolist() == [[1, 0], [0, 1]]


def test_results_belong_to_the_caller() -> None:
    a = np.array([1.0, 2.0])
    found = cr.grad(lambda x: (x * a).sum())(np.zeros(2))
    found[:] = 50
    assert a.tolist() == [1, 2]
    value, pull = cr.vjp(lambda x: x, a)
    value[:] = 50
    assert a.tolist() == [1, 2]
    given = np.array([3.0, 4.0])
    (back,) = pull(given)
    back[:] = 50
    assert given.tolist() == [3, 4]


def test_a_pullback_can_be_used_twice() -> None:
    _, pull = cr.vjp(lambda x: x * x, np.array([1.0, 2.0]))
    for cotangent in ([1.0, 0.0], [0.0, 1.0], [1.0, 0.0]):
        np.testing.assert_array_equal(pull(np.array(cotangent))[0], np.array(cotangent) * [2, 4])


def test_jvp_of_several_arguments() -> None:
    value, tangent = cr.jvp(lambda x, y: x * y, [2.0, 3.0], [1.0, 10.0])
    assert (value, tangent) == (6.0, 23.0)
    value, tangent = cr.jvp(lambda p: p["a"] * p["b"], [{"a": 2.0, "b": 3.0}], [{"a": 1.0, "b": 10.0}])
    assert (value, tangent) == (6.0, 23.0)


def test_jvp_of_what_does_not_depend_on_the_argument() -> None:
    assert cr.jvp(lambda x: Value(2.0), [1.0], [1.0]) == (2.0, 0.0)
    _, tangent = cr.jvp(lambda x: Tensor([1.0, 2.0]), [np.ones(3)], [np.ones(3)])
    assert tangent.data.tolist() == [0, 0]


# Jacobians and Hessians.


def test_jacobian_shapes() -> None:
    found = cr.jacobian(lambda x: cr.matmul(np.ones((4, 3)), x))(np.ones((3, 2)))
    assert found.shape == (4, 2, 3, 2)
    assert cr.jacobian(lambda x: x.sum())(np.ones(3)).shape == (3,)
    assert cr.jacobian(lambda x: x * np.ones(3))(np.array(2.0)).shape == (3,)
    assert cr.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)


def test_jacobian_of_a_linear_map_is_its_matrix() -> None:
    A = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(cr.jacobian(lambda x: A @ x)(np.ones(3)), A)


def test_hessian_of_a_quadratic_form() -> None:
    A = np.random.default_rng(0).normal(size=(3, 3))
    found = cr.hessian(lambda x: 0.5 * (x * (A @ x)).sum())(np.ones(3))
    np.testing.assert_allclose(found, 0.5 * (A + A.T), atol=1e-15)


def test_hessian_of_a_number() -> None:
    assert cr.hessian(lambda x: x**3)(2.0) == 12.0
    assert cr.jacobian(lambda x: x**3)(2.0) == 12.0


def test_hvp_is_the_hessian_times_the_direction() -> None:
    rng = np.random.default_rng(0)
    W, x, v = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)

    def f(x: Any) -> Any:
        return cr.logsumexp(cr.tanh(W @ x)) + (x**3).sum()

    np.testing.assert_allclose(cr.hvp(f, [x], [v]), cr.hessian(f)(x) @ v, rtol=1e-12)


def test_hvp_of_rosenbrock() -> None:
    """The Hessian at (1, 1) is [[802, −400], [−400, 200]]."""

    def rosenbrock(x: Any) -> Any:
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    at = np.ones(2)
    assert cr.grad(rosenbrock)(at).tolist() == [0, 0]
    np.testing.assert_allclose(cr.hessian(rosenbrock)(at), [[802, -400], [-400, 200]])
    np.testing.assert_allclose(cr.hvp(rosenbrock, [at], [np.array([1.0, 2.0])]), [2, 0], atol=1e-10)


# Orders above two, against exact numbers.


@pytest.mark.parametrize("make", [float, np.array], ids=["Value", "Tensor"])
def test_derivatives_of_a_polynomial_are_exact(make: Any) -> None:
    coefficients = [Fraction(3), Fraction(-2), Fraction(5, 4), Fraction(1, 2), Fraction(-7, 8), Fraction(2)]
    point = Fraction(3, 2)

    def horner(x: Any) -> Any:
        total: Any = float(coefficients[-1])
        for c in reversed(coefficients[:-1]):
            total = total * x + float(c)
        return total

    function: Any = horner
    exact = coefficients
    for _ in range(5):
        function = cr.grad(function)
        exact = [k * c for k, c in enumerate(exact)][1:]
        expected = sum(c * point**k for k, c in enumerate(exact))
        assert float(function(make(float(point)))) == float(expected)


@pytest.mark.parametrize("make", [float, np.array], ids=["Value", "Tensor"])
@pytest.mark.parametrize(
    ("function", "point", "derivatives"),
    [
        (cr.exp, 0.5, [math.exp(0.5)] * 4),
        (cr.sin, 0.5, [math.cos(0.5), -math.sin(0.5), -math.cos(0.5), math.sin(0.5)]),
        (cr.log, 0.5, [2.0, -4.0, 16.0, -96.0]),
        (lambda x: 1 / x, 0.5, [-4.0, 16.0, -96.0, 768.0]),
        (cr.reciprocal, 0.5, [-4.0, 16.0, -96.0, 768.0]),
        (cr.sqrt, 0.25, [1.0, -2.0, 12.0, -120.0]),
        (lambda x: x**0.5, 0.25, [1.0, -2.0, 12.0, -120.0]),
        (lambda x: x**x, 1.0, [1.0, 2.0, 3.0, 8.0]),
        (cr.tanh, 0.0, [1.0, 0.0, -2.0, 0.0]),
        (cr.sigmoid, 0.0, [0.25, 0.0, -0.125, 0.0]),
        (cr.softplus, 0.0, [0.5, 0.25, 0.0, -0.125]),
        (cr.erf, 0.0, [2 / math.sqrt(math.pi), 0.0, -4 / math.sqrt(math.pi), 0.0]),
        (cr.arctan, 0.0, [1.0, 0.0, -2.0, 0.0]),
        (lambda x: x * cr.exp(x), 0.0, [1.0, 2.0, 3.0, 4.0]),
    ],
    ids=["exp", "sin", "log", "1/x", "reciprocal", "sqrt", "x**0.5", "x**x", "tanh", "sigmoid", "softplus", "erf",
         "arctan", "x exp x"],
)  # fmt: skip
def test_four_derivatives(function: Any, point: float, derivatives: list[float], make: Any) -> None:
    for expected in derivatives:
        function = cr.grad(function)
        assert float(function(make(point))) == pytest.approx(expected, rel=1e-12, abs=1e-13)


def test_ten_derivatives_of_exp() -> None:
    function: Any = lambda x: cr.exp(2 * x)  # noqa: E731
    for _ in range(10):
        function = cr.grad(function)
    assert function(0.0) == 1024.0


def test_forward_over_forward_and_every_other_order() -> None:
    def f(x: Any) -> Any:
        return cr.sin(x) * x * x

    def forward(g: Any) -> Any:
        return lambda x: cr.jvp(g, [x], [1.0])[1]

    def reverse(g: Any) -> Any:
        return lambda x: cr.vjp(g, x)[1](1.0)[0]

    x = 0.7
    second = 2 * math.sin(x) + 4 * x * math.cos(x) - x * x * math.sin(x)
    third = 6 * math.cos(x) - 6 * x * math.sin(x) - x * x * math.cos(x)
    modes = (forward, reverse, cr.grad)
    for outer in modes:
        for inner in modes:
            assert outer(inner(f))(x) == pytest.approx(second, rel=1e-13)
            for outermost in modes:
                assert outermost(outer(inner(f)))(x) == pytest.approx(third, rel=1e-13)


# Many forms of function.


def test_a_function_with_branches_and_loops() -> None:
    def f(x: Any) -> Any:
        y = x
        while y < 100:
            y = y * x
        return y if y > 120 else -y

    assert cr.grad(f)(5.0) == 3 * 25.0
    assert cr.grad(f)(10.5) == 2 * 10.5 * -1


def test_a_vector_valued_function_in_forward_mode_at_order_two() -> None:
    def f(x: Any) -> Any:
        return cr.stack([x[0] * x[1], cr.sin(x[0]), x.sum() ** 2])

    x, u, v = np.array([0.3, -0.7]), np.array([1.0, 2.0]), np.array([-1.0, 0.5])
    inner = lambda x: cr.jvp(f, [x], [u])[1]  # noqa: E731
    _, found = cr.jvp(inner, [x], [v])
    expected = [u[0] * v[1] + u[1] * v[0], -math.sin(x[0]) * u[0] * v[0], 2 * u.sum() * v.sum()]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_mixture_of_values_and_tensors_is_refused_and_two_graphs_are_not() -> None:
    found = cr.grad(lambda x, y: x * x + float(y.sum()))(3.0, np.ones(2))
    assert found == 6.0
