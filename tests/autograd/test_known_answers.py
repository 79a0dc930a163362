"""Numbers that somebody else worked out: the lectures', micrograd's README, logistic regression by hand."""

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value

ENGINES = [pytest.param(Value, id="Value"), pytest.param(Tensor, id="Tensor")]


@pytest.mark.parametrize("Node", ENGINES)
def test_ln_x1_plus_x1_x2_minus_sin_x2(Node: Any) -> None:
    x1, x2 = Node(2.0), Node(5.0)
    f = cr.log(x1) + x1 * x2 - cr.sin(x2)
    f.backward()
    assert round(float(f), 3) == 11.652
    assert float(x1.grad) == 5.5
    assert round(float(x2.grad), 3) == 1.716
    assert float(x2.grad) == pytest.approx(2 - math.cos(5), rel=1e-15)


@pytest.mark.parametrize("Node", ENGINES)
def test_the_expression_of_micrograds_readme(Node: Any) -> None:
    a, b = Node(-4.0), Node(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{float(g):.4f}" == "24.7041"
    assert f"{float(a.grad):.4f}" == "138.8338"
    assert f"{float(b.grad):.4f}" == "645.5773"


@pytest.mark.parametrize("Node", ENGINES)
@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("z", [0.3, -1.7, 5.0, 40.0, -40.0, 800.0, -800.0])
def test_the_logistic_neuron(Node: Any, z: float, y: float) -> None:
    """z = w·x + b, a = σ(z), L = −(y ln a + (1−y) ln(1−a)): dz = a − y, dw = x dz, db = dz."""
    x = 2.0
    w, b = Node((z - 0.1) / x), Node(0.1)
    loss = cr.bce_with_logits(w * x + b, y)
    loss.backward()
    a = 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))
    slack = max(z, 0) - z * y + math.log1p(math.exp(-abs(z)))
    assert float(loss) == pytest.approx(slack, rel=1e-13, abs=1e-16)
    assert float(b.grad) == pytest.approx(a - y, rel=1e-12, abs=1e-300)
    assert float(w.grad) == pytest.approx(x * (a - y), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("z", [0.3, -1.7, 5.0])
def test_the_logistic_neuron_written_out(z: float) -> None:
    w, b, y = Value(z / 2 - 0.5), Value(1.0), 1.0
    a = (w * 2.0 + b).sigmoid()
    loss = -(y * a.log() + (1 - y) * (1 - a).log())
    loss.backward()
    assert b.grad == pytest.approx(a.data - y, rel=1e-13)
    assert w.grad == pytest.approx(2 * (a.data - y), rel=1e-13)


POINTS = [-3.0, -0.5, 0.25, 2.0]
ACTIVATIONS = [
    ("sigmoid", lambda x: 1 / (1 + math.exp(-x)), lambda a, x: a * (1 - a)),
    ("tanh", lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)), lambda a, x: 1 - a**2),
    ("relu", lambda x: max(0.0, x), lambda a, x: 1.0 if x > 0 else 0.0),
    ("softplus", lambda x: math.log(1 + math.exp(x)), lambda a, x: 1 / (1 + math.exp(-x))),
    ("leaky_relu", lambda x: max(0.01 * x, x), lambda a, x: 1.0 if x > 0 else 0.01),
]


@pytest.mark.parametrize("Node", ENGINES)
@pytest.mark.parametrize(("name", "function", "derivative"), ACTIVATIONS, ids=[a[0] for a in ACTIVATIONS])
def test_the_table_of_activations(Node: Any, name: str, function: Any, derivative: Any) -> None:
    for point in POINTS:
        x = Node(point)
        a = getattr(cr, name)(x)
        a.backward()
        assert float(a) == pytest.approx(function(point), rel=1e-14)
        assert float(x.grad) == pytest.approx(derivative(function(point), point), rel=1e-13)


def test_softmax_and_its_jacobian() -> None:
    x = np.array([0.5, -1.0, 2.0])
    a = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(cr.softmax(Tensor(x)).data, a, rtol=1e-15)
    np.testing.assert_allclose(
        cr.jacobian(cr.softmax)(x), np.diag(a) - np.outer(a, a), rtol=1e-13, atol=1e-16
    )


def test_softmax_with_cross_entropy_has_the_gradient_a_minus_y() -> None:
    z = Tensor([[0.5, -1.0, 2.0], [800.0, 0.0, -800.0]])
    loss = cr.cross_entropy(z, [2, 1])
    loss.sum().backward()
    a = cr.softmax(z).data
    np.testing.assert_allclose(z.grad, a - np.array([[0, 0, 1], [0, 1, 0]]), rtol=1e-14, atol=1e-16)
    assert loss.data[1] == 800.0


@pytest.mark.parametrize("x", [-1000.0, -40.0, 40.0, 1000.0])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "log_sigmoid", "silu", "gelu", "elu"])
def test_no_activation_overflows(name: str, x: float) -> None:
    for node in (Value(x), Tensor(x), Tensor(x, dtype=np.float32)):
        getattr(cr, name)(node).backward()
        assert np.isfinite(node.grad)


def test_a_layer_by_hand() -> None:
    """dW = δ xᵀ, db = δ, dx = Wᵀ δ with δ = (a − t) ∘ (1 − a²): the lectures' four equations for one layer."""
    rng = np.random.default_rng(0)
    W, b, x, t = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2), rng.normal(size=3)
    nodes = [Tensor(W), Tensor(b), Tensor(x)]
    a = cr.tanh(cr.linear(nodes[2], nodes[0], nodes[1]))
    (0.5 * (a - t) ** 2).sum().backward()
    delta = (a.data - t) * (1 - a.data**2)
    for node, expected in zip(nodes, (np.outer(delta, x), delta, W.T @ delta), strict=True):
        np.testing.assert_allclose(node.grad, expected, rtol=1e-13)
