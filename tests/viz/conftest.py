"""Graphs that the tests of the pictures share."""

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.mode import scope, use_backend
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.stepper import Stepper, save_page
from chainrule.viz.stepping import step

UNARY = (ops.tanh, ops.exp, ops.sin, ops.relu, ops.sigmoid, ops.neg)
BINARY = (ops.add, ops.mul, ops.sub, ops.div, ops.maximum)


def neuron() -> Value:
    """micrograd's neuron: 10 nodes, known gradients."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2, b = Value(-3.0, label="w1"), Value(1.0, label="w2"), Value(6.8813735870195432, label="b")
    result = (x1 * w1 + x2 * w2 + b).tanh()
    result.label = "o"
    return result


def scalar_mlp(*sizes: int, scopes: bool = True) -> Value:
    """An MLP over Values, one scope per layer and neuron, with a squared error at its end."""
    draw = random.Random(0)
    signals = [Value(draw.uniform(-1, 1), label=f"x{i + 1}") for i in range(sizes[0])]
    for layer, (_, units) in enumerate(pairwise(sizes), start=1):
        with scope(f"layer {layer}"):
            signals = [_unit(draw, signals, unit, layer == len(sizes) - 1) for unit in range(units)]
    loss = (signals[0] - 1.0) ** 2
    loss.label = "loss"
    return loss


def _unit(draw: random.Random, signals: list[Value], unit: int, last: bool) -> Value:
    weights = [Value(draw.uniform(-1, 1), label=f"w{i + 1}") for i in range(len(signals))]
    total = Value(0.1, label="b")
    with scope(f"neuron {unit + 1}"):
        for weight, signal in zip(weights, signals):
            total = total + weight * signal
        return total if last else total.tanh()


def tensor_mlp() -> Tensor:
    """An MLP over Tensors with broadcast biases and a cross-entropy made of small ops."""
    draw = np.random.default_rng(0)
    x = Tensor(draw.normal(size=(8, 5)), requires_grad=False, label="X")
    targets = np.eye(3)[draw.integers(0, 3, 8)]
    with scope("hidden"):
        hidden = ops.tanh(x @ Tensor(draw.normal(size=(5, 4)), label="W1") + Tensor(np.zeros(4), label="b1"))
    with scope("output"):
        logits = hidden @ Tensor(draw.normal(size=(4, 3)), label="W2") + Tensor(np.zeros(3), label="b2")
    loss = -((logits - ops.logsumexp(logits, axis=1, keepdims=True)) * targets).sum() / 8
    loss.label = "loss"
    return loss


def random_graph(seed: int, count: int = 25) -> Value:
    """A random graph with shared subexpressions, repeated arguments, constants, labels and scopes."""
    draw = random.Random(seed)
    nodes = [Value(draw.uniform(-1.5, 1.5), label=f"x{i}") for i in range(3)]
    for _ in range(count):
        with scope(f"part {draw.randrange(3)}"):
            if draw.random() < 0.4:
                made = draw.choice(UNARY)(draw.choice(nodes))
            else:
                other = draw.choice([*nodes, draw.uniform(0.5, 2)])
                made = draw.choice(BINARY)(draw.choice(nodes), other)
        made.label = draw.choice(["", "", f"n{len(nodes)}"])
        nodes.append(made)
    total = nodes[-1]
    for node in draw.sample(nodes, 4):
        total = total + node
    return total


GRAPHS: dict[str, Callable[[], Value | Tensor]] = {
    "neuron": neuron,
    "scalar MLP": lambda: scalar_mlp(2, 4, 4, 1),
    "tensor MLP": tensor_mlp,
    "one leaf": lambda: Value(1.0, label="x"),
    "x*x": lambda: ops.mul(*[Value(3.0, label="x")] * 2),
    **{f"random {seed}": lambda seed=seed: random_graph(seed) for seed in range(6)},  # type: ignore[misc]
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Value | Tensor:
    """Each of the graphs in turn."""
    return GRAPHS[request.param]()


@pytest.fixture(params=GRAPHS)
def graph_on_numpy(request: pytest.FixtureRequest) -> Value | Tensor:
    """The same, computed by the backend that runs the rules themselves: a kernel may round otherwise."""
    with use_backend("numpy"):
        return GRAPHS[request.param]()


@pytest.fixture
def make() -> dict[str, Callable[..., Value | Tensor]]:
    """The makers of graphs, by name."""
    return {"neuron": neuron, "mlp": scalar_mlp, "tensor_mlp": tensor_mlp, "random": random_graph}


@pytest.fixture
def show(page: Any, tmp_path: Path) -> Callable[..., Any]:
    """Open a page with these graphs or steppers, by the name of their tab; `address` is put behind its own."""

    def show(*, address: str = "", **graphs: Any) -> Any:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        steppers = {
            name: graph if isinstance(graph, Stepper) else step(graph) for name, graph in graphs.items()
        }
        page.goto(save_page(tmp_path / "page.html", steppers).as_uri() + address)
        page.wait_for_selector(".stepper")
        page.asked = asked
        return page

    return show
