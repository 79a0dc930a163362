"""Elements opened: the same value and the same gradients as the tensors have, for every op that can be opened."""

import json
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.viz.elements import PAGE_BYTES, TERMS, Elements
from chainrule.viz.record import recorded
from chainrule.viz.stepping import step
from chainrule.viz.steps import Summary
from chainrule.viz.trace import Trace

DRAW = np.random.default_rng(0)


def tensor(*shape: int, label: str = "") -> Tensor:
    return Tensor(DRAW.uniform(0.5, 2.0, size=shape), label=label)


OPENED: dict[str, Any] = {
    "tanh": lambda: ops.tanh(tensor(2, 3)),
    "add, broadcast": lambda: tensor(4, 3) + tensor(3),
    "mul, stretched": lambda: tensor(4, 1) * tensor(1, 3),
    "constant": lambda: tensor(3) * 2.5,
    "constant array": lambda: tensor(3) / np.array([1.0, 2.0, 4.0]),
    "clip": lambda: ops.clip(tensor(4), 0.7, 1.5),
    "matmul": lambda: tensor(4, 5) @ tensor(5, 3),
    "matrix, vector": lambda: tensor(4, 5) @ tensor(5),
    "vector, matrix": lambda: tensor(5) @ tensor(5, 3),
    "batched": lambda: tensor(2, 4, 5) @ tensor(5, 3),
    "batch of one": lambda: tensor(1, 4, 5) @ tensor(2, 5, 3),
    "linear": lambda: ops.linear(tensor(4, 5), tensor(3, 5), tensor(3)),
    "sum": lambda: ops.sum(tensor(2, 3, 4), axis=1),
    "sum, keepdims": lambda: ops.sum(tensor(2, 3, 4), axis=(0, 2), keepdims=True),
    "mean": lambda: ops.mean(tensor(2, 3), axis=-1),
    "max": lambda: ops.max(tensor(2, 3), axis=0),
    "min": lambda: ops.min(tensor(2, 3), axis=0),
}


@pytest.mark.parametrize("name", OPENED)
def test_an_element_has_the_tensors_numbers(name: str) -> None:
    result = OPENED[name]()
    result.label = "R"
    weights = DRAW.normal(size=result.shape)
    loss = (result * weights).sum()
    parents = [p for p in result.parents if isinstance(p, Tensor)]
    for k, parent in enumerate(parents):
        parent.label = f"p{k}"
    stepper, elements = step(loss), Elements(recorded(loss))
    loss.backward()
    totals = [np.zeros_like(p.data) for p in parents]
    for index in np.ndindex(*result.shape):
        inside = stepper.element("R", index).trace
        state = inside.state()
        assert state.values[len(inside.nodes) - 1] == pytest.approx(float(result.data[index]), rel=1e-12)
        assert state.grads[len(inside.nodes) - 1] == pytest.approx(float(weights[index]))
        recording = elements.record(elements.find("R"), index)
        for leaf in recording.leaves:
            if not leaf.requires_grad:
                continue
            label, _, where = leaf.label.partition("[")
            at = tuple(int(i) for i in where.rstrip("]").split(",")) if where else ()
            assert leaf.data == float(parents[int(label[1:])].data[at])
            totals[int(label[1:])][at] += recording.grads.get(leaf, 0.0)
    for parent, total in zip(parents, totals):
        np.testing.assert_allclose(total, parent.grad, rtol=1e-10)


def test_ties_of_a_maximum() -> None:
    """Two share equally in pairs too; of three the last gets more than from the array's rule, and a note says so."""
    for function, held in ((ops.max, [1.0, 2.0, 2.0, 2.0]), (ops.min, [1.0, 1.0, 2.0, 1.0])):
        x = Tensor([held, [0.0, 3.0, 3.0, 1.0]], label="x")
        result = function(x, axis=1)
        result.label = "m"
        stepper = step(result.sum())
        opened = stepper.element("m", 0)
        shares = opened.trace.state().grads
        assert sorted(shares[k] for k in range(4) if shares.get(k)) == [0.25, 0.25, 0.5]
        told = (
            "3 elements tie. m gives each of them the same share of the gradient, 1/3; compared pair by pair"
        )
        assert told in opened.transcript()
        assert "tie" not in stepper.element("m", 1).transcript()


def test_labels_say_where() -> None:
    a, b = tensor(2, 3, label="A"), tensor(3, 2, label="B")
    c = a @ b
    c.label = "C"
    inside = step(c.sum()).element("C", (1, 0))
    labels = [node.label for node in inside.trace.nodes if node.label]
    assert sorted(labels) == ["A[1,0]", "A[1,1]", "A[1,2]", "B[0,0]", "B[1,0]", "B[2,0]", "C[1,0]"]
    assert inside.name == "C[1,0]"


def test_roles_are_those_of_the_arrays() -> None:
    x, w = Tensor(np.ones((2, 2)), requires_grad=False, label="X"), tensor(2, 2, label="W")
    y = x @ w
    y.label = "y"
    roles = {node.label: node.role for node in step(y.sum()).element("y", (0, 1)).trace.nodes if node.label}
    assert roles["X[0,0]"] == "constant"
    assert roles["W[1,1]"] == "parameter"


def test_negative_indices_and_vectors() -> None:
    v = ops.tanh(tensor(4, label="v"))
    v.label = "t"
    assert step(v.sum()).element("t", -1).name == "t[3]"


def test_later_changes_of_a_leaf_do_not_matter() -> None:
    x = tensor(3, label="x")
    y = x * 2.0
    y.label = "y"
    stepper, before = step(y.sum()), float(x.data[0])
    x.data = np.zeros(3)
    assert stepper.element("y", 0).trace.state().values[0] == before


def test_what_cannot_be_opened() -> None:
    x = tensor(2, 3, label="x")
    moved, soft, wide = x.T, ops.softmax(x, axis=1), tensor(1, 70) @ tensor(70, 1)
    moved.label, soft.label, wide.label = "moved", "soft", "wide"
    stepper = step((moved.sum() + soft.sum() + wide.sum()) * 1.0)
    with pytest.raises(ValueError, match="moved was made by transpose, which only moves elements"):
        stepper.element("moved", (0, 0))
    with pytest.raises(ValueError, match="softmax is no elementwise op"):
        stepper.element("soft", (0, 0))
    with pytest.raises(ValueError, match=rf"from 140 numbers, too many to draw \(at most {TERMS}\)"):
        stepper.element("wide", (0, 0))
    with pytest.raises(IndexError, match=r"moved has shape \(3, 2\), so it has no element \(3, 0\)"):
        stepper.element("moved", (3, 0))
    with pytest.raises(IndexError, match="pass one number for each axis"):
        stepper.element("moved", 1)
    with pytest.raises(ValueError, match=r"unknown array 'mooved'.*did you mean 'moved'"):
        stepper.element("mooved", (0, 0))
    with pytest.raises(ValueError, match="node 0 has no elements to open"):
        stepper.element(0, (0, 0))
    with pytest.raises(ValueError, match="has no arrays to open"):
        step(lambda a: a * a, 2.0).element(0, 0)


def test_the_page_has_the_elements_of_small_arrays(make: Any) -> None:
    recording = step(make["tensor_mlp"]()).trace
    opened = {recording.nodes[row["node"]].op for row in recording.elements}
    assert {"matmul", "add", "tanh"} <= opened
    for row in recording.elements:
        node, graph = recording.nodes[row["node"]], Trace.from_dict(json.loads(json.dumps(row["graph"])))
        value, grad = recording.state().values[node.id], recording.state().grads[node.id]
        assert len(row["index"]) == len(row["numbers"])
        for index, numbers in zip(row["index"], row["numbers"]):
            assert len(numbers["values"]) == len(numbers["names"]) == len(graph.nodes)
            if isinstance(value, Summary) and len(index) == 2:
                assert numbers["values"][-1] == pytest.approx(value.values[index[0]][index[1]])
                assert isinstance(grad, Summary)
                assert numbers["grads"][-1] == pytest.approx(grad.values[index[0]][index[1]])
    assert len(json.dumps(recording.elements)) < PAGE_BYTES
    assert repr(Trace.from_json(recording.to_json())) == repr(recording)


def test_large_arrays_stay_closed() -> None:
    recording = step((tensor(50, 40) @ tensor(40, 30)).sum()).trace
    assert [recording.nodes[row["node"]].op for row in recording.elements] == []
