"""Transforms through nested dicts, lists and tuples of parameters, on both sides of the function."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor, Value

X = np.array([[0.5, -1.0], [1.5, 0.3], [-0.2, 0.8]])


class Layer(NamedTuple):
    weight: Any
    bias: Any


PARAMETERS: dict[str, Any] = {
    "layers": [Layer(np.array([[0.1, 0.4], [-0.3, 0.2]]), np.array([0.05, -0.1]))],
    "out": (np.array([0.7, -0.6]), 0.2),
}
DIRECTION: dict[str, Any] = {
    "out": (np.array([0.5, 2.0]), -1.0),
    "layers": [Layer(np.array([[1.0, -2.0], [0.5, 1.0]]), np.array([2.0, 0.3]))],
}


def predict(p: Any) -> Any:
    """A Tensor of shape (3,), from a nest."""
    layer, (weight, bias) = p["layers"][0], p["out"]
    hidden = cr.tanh(cr.matmul(X, layer.weight) + layer.bias)
    return cr.matmul(hidden, weight) + Tensor.from_values(bias)


def loss(p: Any) -> Any:
    return (predict(p) ** 2).sum()


def flat(nest: Any) -> np.ndarray[Any, Any]:
    layer, (weight, bias) = nest["layers"][0], nest["out"]
    parts = (layer.weight, layer.bias, weight, bias)
    return np.concatenate([np.ravel(np.asarray(part)) for part in parts])


def nested(vector: Any) -> dict[str, Any]:
    w, b, v, c = vector[:4], vector[4:6], vector[6:8], vector[8]
    return {"layers": [Layer(w.reshape(2, 2), b)], "out": (v, c if isinstance(c, float) else c.to_values())}


POINT, AHEAD = flat(PARAMETERS), flat(DIRECTION)
DENSE = cr.hessian(lambda vector: loss(nested(vector)))(POINT)


def test_the_gradient_has_the_form_of_the_argument() -> None:
    found = cr.grad(loss)(PARAMETERS)
    assert isinstance(found["layers"][0], Layer)
    assert isinstance(found["out"], tuple)
    assert isinstance(found["out"][1], float)
    np.testing.assert_allclose(flat(found), cr.grad(lambda vector: loss(nested(vector)))(POINT), rtol=1e-13)
    assert cr.check_grad(loss, PARAMETERS, order=2) < 1e-7


def test_forward_mode_finds_its_directions_by_their_keys() -> None:
    value, slope = cr.jvp(loss, [PARAMETERS], [DIRECTION])
    assert float(value) == pytest.approx(loss(nested(Tensor(POINT))).item())
    assert float(slope) == pytest.approx(flat(cr.grad(loss)(PARAMETERS)) @ AHEAD, rel=1e-12)


def test_the_hessian_times_a_direction() -> None:
    found = cr.hvp(loss, [PARAMETERS], [DIRECTION])
    assert isinstance(found["layers"][0], Layer)
    np.testing.assert_allclose(flat(found), DENSE @ AHEAD, rtol=1e-11)


def test_the_hessian_is_a_nest_of_nests() -> None:
    found = cr.hessian(loss)(PARAMETERS)
    weights = found["layers"][0].weight
    assert weights["layers"][0].weight.shape == (2, 2, 2, 2)
    assert weights["out"][0].shape == (2, 2, 2)
    assert found["out"][1]["layers"][0].bias.shape == (2,)
    rows = [weights, found["layers"][0].bias, found["out"][0], found["out"][1]]
    sizes = (4, 2, 2, 1)
    blocks = [
        np.concatenate(
            [np.reshape(np.asarray(part), (n, -1)) for part in (*row["layers"][0], *row["out"])], axis=1
        )
        for row, n in zip(rows, sizes, strict=True)
    ]
    np.testing.assert_allclose(np.concatenate(blocks), DENSE, rtol=1e-11, atol=1e-14)


def test_the_jacobian_of_a_nest_by_a_nest() -> None:
    def both(p: Any) -> Any:
        return {"product": p["a"] * p["b"], "sum": [p["a"].sum()]}

    found = cr.jacobian(both)({"a": np.array([1.0, 2.0]), "b": np.array(3.0)})
    assert found["product"]["a"].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert found["product"]["b"].tolist() == [1.0, 2.0]
    assert found["sum"][0]["a"].tolist() == [1.0, 1.0]
    assert found["sum"][0]["b"] == 0.0
    plain = cr.jacobian(predict)(PARAMETERS)
    for k in range(3):
        row = cr.grad(lambda p, k=k: predict(p)[k])(PARAMETERS)
        np.testing.assert_allclose(plain["layers"][0].weight[k], row["layers"][0].weight, rtol=1e-13)
        assert plain["out"][1][k] == row["out"][1]


def test_the_jacobian_of_an_outer_variable_by_a_number() -> None:
    """Its entries are Values that are still in the outer graph."""
    mixed = cr.grad(lambda w: cr.jacobian(lambda x: Tensor.from_values([x * w, x * x * w]))(3.0).sum())
    assert mixed(2.0) == 1.0 + 6.0


def test_several_arguments_of_a_second_derivative() -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    first, second = cr.hvp(lambda x, y: (x * x * y).sum(), [x, y], [x, y])
    np.testing.assert_allclose(first, 2 * y * x + 2 * x * y)
    np.testing.assert_allclose(second, 2 * x * x)


@pytest.mark.parametrize(
    ("tangents", "message"),
    [
        ([{"a": 1.0}], r"expected a dict with the keys \['a', 'b'\], got keys \['a'\]"),
        ([[1.0, 2.0]], r"expected a dict with the keys \['a', 'b'\], got list"),
        ([{"a": 1.0, "b": [1.0]}], "expected 2 entries in a list or tuple, got 1 entries"),
        ([{"a": 1.0, "b": 2.0}], "expected 2 entries in a list or tuple, got float"),
    ],
)
def test_directions_of_another_form(tangents: Any, message: str) -> None:
    primal = {"a": 1.0, "b": [2.0, 3.0]}
    with pytest.raises(ValueError, match="jvp: the tangents do not have the form of the primals: " + message):
        cr.jvp(lambda p: p["a"] * p["b"][0], [primal], tangents)


def test_what_else_does_not_fit() -> None:
    def square(x: Any) -> Any:
        return x * x

    with pytest.raises(
        TypeError, match=r"jvp: primals is a list with one entry for each argument, got float; write \[x\]"
    ):
        cr.jvp(square, 2.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"jvp: tangents is a list .* got ndarray"):
        cr.hvp(square, [X], X)
    with pytest.raises(TypeError, match="jvp: a tangent is None; write zeros"):
        cr.jvp(square, [2.0], [None])
    for tangent in (np.ones(1), Tensor([1.0])):
        with pytest.raises(ShapeError, match=r"jvp: tangent has shape \(1,\), its argument \(\)"):
            cr.jvp(square, [2.0], [tangent])
    with pytest.raises(ShapeError, match=r"vjp: the cotangent has shape \(2,\), the result \(\)"):
        cr.vjp(square, 2.0)[1](np.ones(2))
    with pytest.raises(ValueError, match=r"grad: argnums \(0, -2\) names an argument twice"):
        cr.grad(lambda x, y: x * y, (0, -2))(2.0, 3.0)
    with pytest.raises(TypeError, match="grad: argnums counts positional arguments from 0, got 'x'"):
        cr.grad(square, "x")(2.0)  # type: ignore[arg-type]
    assert cr.jvp(square, [np.array([1.0, 2.0])], [[1.0, 0.0]])[1].tolist() == [2.0, 0.0]
    assert cr.vjp(square, Value(2.0))[1](1.0)[0].data == 4.0
