"""Explanations: the paths sum to the engine's gradient, exactly as many as there are, the largest first."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.paths import explain, of_leaves
from chainrule.viz.record import recorded


def leaves(loss: Any) -> list[Any]:
    return [leaf for leaf in recorded(loss).leaves if leaf.requires_grad and leaf is not loss]


def all_paths(node: Any, goal: Any) -> Iterator[tuple[Any, ...]]:
    """Every path, one by one, by recursion."""
    if node is goal:
        yield (node,)
    elif node.op is not None:
        for parent in node.parents:
            if isinstance(parent, Value | Tensor):
                for rest in all_paths(parent, goal):
                    yield (node, *rest)


def test_the_paths_sum_to_the_gradient(graph: Any) -> None:
    for leaf in leaves(graph):
        explained = explain(leaf, graph, most=10_000)
        assert explained.number == len(explained.paths) == sum(1 for _ in all_paths(graph, leaf))
        assert explained.rest is None
        if explained.paths:
            np.testing.assert_allclose(explained.total, explained.gradient, rtol=1e-12, atol=1e-15)
        sizes = [path.size for path in explained.paths]
        assert sizes == sorted(sizes, reverse=True)


def test_the_largest_are_listed_and_the_rest_is_stated(make: dict[str, Callable[..., Any]]) -> None:
    loss = make["random"](3, 40)
    for leaf in leaves(loss):
        whole, part = explain(leaf, loss, most=10_000), explain(leaf, loss, most=3)
        assert [p.size for p in part.paths] == [p.size for p in whole.paths[:3]]
        if part.rest is not None:
            assert part.total + part.rest == pytest.approx(part.gradient)


def test_factors_multiply_to_the_value(make: dict[str, Callable[..., Any]]) -> None:
    loss = make["neuron"]()
    for leaf in leaves(loss):
        for path in explain(leaf, loss).paths:
            assert math.prod(path.factors) == path.value
            assert len(path.factors) == len(path.arguments) == len(path.nodes) - 1


def test_exact_fractions() -> None:
    x = Value(3.0, label="x")
    explained = explain(x, x * x * x)
    assert explained.number == 3
    assert sum(Fraction(path.value) for path in explained.paths) == 27


def test_more_paths_than_atoms_in_the_world() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(300):
        y = y + y * 0.01
    explained = explain(x, y, most=4)
    assert explained.number == 2**300
    assert len(explained.paths) == 4
    assert explained.paths[0].value == 1.0
    assert explained.total + explained.rest == pytest.approx(explained.gradient)


def test_dead_paths_come_last() -> None:
    x = Value(-2.0, label="x")
    explained = explain(x, x.relu() * 5.0 + x * 3.0)
    assert [path.value for path in explained.paths] == [3.0, 0.0]


def test_a_deep_chain_needs_no_recursion() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(3_000):
        y = y + 1e-6
    assert explain(x, y).paths[0].value == 1.0


def test_infinite_derivatives() -> None:
    x = Value(0.0, label="x")
    explained = explain(x, x.sqrt() * 0.0 + x)
    assert [path.value for path in explained.paths] == [1.0, 0.0]
    assert explain(x, x.sqrt() + x).paths[0].value == math.inf


def test_a_tensor_read_twice() -> None:
    w, x = Tensor(np.eye(2), label="W"), Tensor(np.ones((3, 2)), requires_grad=False)
    loss = ops.tanh(ops.tanh(x @ w) @ w).sum()
    (row,) = of_leaves(recorded(loss))
    assert (row["node"], row["count"], len(row["paths"])) == (0, 2, 2)
    assert "rest" not in row
    explained = explain(w, loss)
    np.testing.assert_allclose(explained.total, explained.gradient, rtol=1e-12)


def test_a_tensor_graph_of_many_paths() -> None:
    w = Tensor(np.full(2, 0.9), label="w")
    y = w
    for _ in range(12):
        y = y * w + y
    explained = explain(w, y.sum(), most=5)
    assert len(explained.paths) == 5
    np.testing.assert_allclose(explained.total + explained.rest, explained.gradient, rtol=1e-12)
    (row,) = of_leaves(recorded(y.sum()))
    assert "rest" in row


def test_what_it_says() -> None:
    x = Value(2.0, label="x")
    y = x * x
    y.label = "<y>"
    explained = explain(x, y)
    assert str(explained).splitlines() == [
        "∂<y>/∂x = 4, the sum over 2 paths",
        "  2   <y> → x (first argument)    2",
        "  2   <y> → x (second argument)   2",
        "  4   in all",
    ]
    assert "argument" not in str(explain(x, x.tanh() * x)), "these two ways read differently anyhow"
    assert repr(explained) == str(explained)
    assert "∂&lt;y&gt;/∂x = 4" in explained._repr_html_()
    assert "<y>" not in explained._repr_html_()
    z = (x * x) * x + x
    assert "and 3 more paths" in str(explain(x, z, most=1))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (2.0, TypeError, "cannot explain the gradient of float objects"),
        (Value(1.0, label="other"), ValueError, "the loss was not computed from other"),
        (Value(1.0, requires_grad=False), ValueError, "not computed from x"),
    ],
)
def test_what_cannot_be_explained(x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        explain(x, Value(2.0) * 3.0)


def test_a_constant() -> None:
    c = Value(2.0, label="c", requires_grad=False)
    with pytest.raises(ValueError, match="c is a constant"):
        explain(c, c * Value(3.0))
