"""What `backward()` leaves behind: the semantics that users rely on, for Value and Tensor alike."""

import operator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value
from chainrule.autograd.walk import Edge, arrays, broadcast_axes, graph, unbroadcast, walk

ENGINES = [pytest.param(Value, id="Value"), pytest.param(Tensor, id="Tensor")]


@pytest.mark.parametrize("Node", ENGINES)
def test_before_backward_there_is_no_gradient(Node: Any) -> None:
    x = Node(3.0)
    y = x * x
    assert x.grad is None
    assert y.grad is None


@pytest.mark.parametrize("Node", ENGINES)
def test_interior_gradients_are_readable(Node: Any) -> None:
    x = Node(3.0)
    y = x * 2
    z = y * y
    z.backward()
    assert (z.grad, y.grad, x.grad) == (1.0, 12.0, 24.0)


@pytest.mark.parametrize("Node", ENGINES)
def test_backward_twice_adds_on_leaves_and_replaces_between(Node: Any) -> None:
    x = Node(3.0)
    y = x * 2
    z = y * y
    z.backward()
    z.backward()
    assert x.grad == 48.0
    assert y.grad == 12.0
    assert z.grad == 1.0


@pytest.mark.parametrize("Node", ENGINES)
def test_two_losses_that_share_an_intermediate(Node: Any) -> None:
    x = Node(3.0)
    shared = x * x
    (shared * 2).backward()
    (shared * 5).backward()
    assert x.grad == 7 * 6.0
    assert shared.grad == 5.0


@pytest.mark.parametrize("Node", ENGINES)
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x * x, 6.0),
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: (x * 2) * (x * 5), 60.0),
        (lambda x: (x + 1) * (x + 1) + (x + 1), 9.0),
        (lambda x: (x * x) * (x * x), 4 * 27.0),
    ],
    ids=["square", "double", "zero", "one", "diamond", "three uses", "square of a square"],
)
def test_one_contribution_per_edge(Node: Any, function: Any, expected: float) -> None:
    x = Node(3.0)
    function(x).backward()
    assert x.grad == pytest.approx(expected, abs=1e-15)


def test_a_wide_diamond_sums_every_path() -> None:
    x = Value(2.0)
    total = Value(0.0, requires_grad=False)
    for k in range(100):
        total = total + x * k
    (total * total).backward()
    assert x.grad == 2 * 4950.0 * 2 * 4950.0


def test_a_ladder_of_diamonds_counts_2_to_the_64_paths() -> None:
    """Walking paths instead of nodes would take 2⁶⁴ steps."""
    for Node in (Value, Tensor):
        x = y = Node(1.0)
        for _ in range(64):
            y = y + y
        y.backward()
        assert x.grad == 2.0**64


@pytest.mark.parametrize("Node", ENGINES)
def test_the_gradient_to_start_from(Node: Any) -> None:
    x = Node(3.0)
    (x * x).backward(grad=10.0)
    assert x.grad == 60.0


@pytest.mark.parametrize("Node", ENGINES)
def test_backward_from_a_leaf(Node: Any) -> None:
    x = Node(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


@pytest.mark.parametrize("Node", ENGINES)
def test_backward_from_the_middle_leaves_later_nodes_alone(Node: Any) -> None:
    x = Node(3.0)
    y = x * x
    z = y * 2
    y.backward()
    assert z.grad is None
    assert x.grad == 6.0


@pytest.mark.parametrize("Node", ENGINES)
def test_zero_grad_and_assigning_reset(Node: Any) -> None:
    x = Node(3.0)
    for reset in (x.zero_grad, lambda: setattr(x, "grad", None)):
        (x * x).backward()
        assert x.grad == 6.0
        reset()
        assert x.grad is None
    x.grad = 0.0
    (x * x).backward()
    assert x.grad == 6.0


@pytest.mark.parametrize("Node", ENGINES)
def test_constants_get_no_gradient(Node: Any) -> None:
    x, c = Node(3.0), Node(5.0, requires_grad=False)
    y = x * c
    y.backward()
    assert x.grad == 5.0
    assert c.grad is None


@pytest.mark.parametrize("Node", ENGINES)
def test_a_constant_computed_from_constants(Node: Any) -> None:
    x, c = Node(3.0), Node(5.0, requires_grad=False)
    (x * (c * c)).backward()
    assert x.grad == 25.0
    assert c.grad is None


@pytest.mark.parametrize("Node", ENGINES)
def test_detach_cuts_the_graph(Node: Any) -> None:
    x = Node(3.0)
    (x * (x * x).detach()).backward()
    assert x.grad == 9.0


@pytest.mark.parametrize("Node", ENGINES)
def test_a_failing_rule_leaves_gradients_as_they_were(Node: Any) -> None:
    x = Node(3.0)
    (x * x).backward()
    y = x * x
    x.data = 4.0
    with pytest.raises(RuntimeError, match="changed after mul used it"):
        y.backward()
    assert x.grad == 6.0


@pytest.mark.parametrize("Node", ENGINES)
def test_changing_data_that_no_rule_reads_is_allowed(Node: Any) -> None:
    x, w = Node(3.0), Node(2.0)
    y = (x + w) * 1.0
    z = -w + x.exp()
    w.data = 7.0
    y.backward()
    z.backward()
    assert w.grad == 1.0 - 1.0


@pytest.mark.parametrize("Node", ENGINES)
def test_exp_reads_its_output_and_not_its_argument(Node: Any) -> None:
    x = Node(1.0)
    y = x.exp()
    x.data = 5.0
    y.backward()
    assert x.grad == pytest.approx(np.e)


@pytest.mark.parametrize("Node", ENGINES)
def test_recording_again_after_a_change_is_allowed(Node: Any) -> None:
    x = Node(3.0)
    (x * x).backward()
    x.data = 4.0
    x.zero_grad()
    (x * x).backward()
    assert x.grad == 8.0


@pytest.mark.parametrize("Node", ENGINES)
def test_a_change_in_place_inside_no_grad(Node: Any) -> None:
    w = Node(3.0, label="w")
    before = w
    (w * w).backward()
    with cr.no_grad():
        w -= 0.5 * w.grad
    assert w is before
    assert w.data == 0.0
    assert w.op is None
    y = w * w
    with cr.no_grad():
        w += 1.0
    with pytest.raises(RuntimeError, match="'w'"):
        y.backward()


@pytest.mark.parametrize("Node", ENGINES)
@pytest.mark.parametrize(
    ("change", "function"),
    [
        ("+=", operator.iadd),
        ("-=", operator.isub),
        ("*=", operator.imul),
        ("/=", operator.itruediv),
        ("**=", operator.ipow),
    ],
)
def test_a_change_in_place_outside_no_grad_is_refused(Node: Any, change: str, function: Any) -> None:
    w = Node(3.0, label="w")
    with pytest.raises(RuntimeError) as error:
        function(w, 2.0)
    message = str(error.value)
    assert f"with chainrule.no_grad(): w {change}" in message
    assert f"y = w {change[:-1]} ..." in message
    assert w.data == 3.0


@pytest.mark.parametrize("Node", ENGINES)
def test_in_place_on_what_was_computed_makes_a_new_node(Node: Any) -> None:
    x = Node(3.0)
    y = first = x * 1.0
    y += 2.0
    y *= x
    assert first.data == 3.0
    y.backward()
    assert x.grad == 2 * 3.0 + 2.0


# Memory of Tensors' gradients.


def test_gradients_are_arrays_of_their_own() -> None:
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    c = a + b
    d = c.reshape(2, 1)
    e = d.sum()
    e.backward()
    nodes = [a, b, c, d, e]
    for i, x in enumerate(nodes):
        for y in nodes[i + 1 :]:
            assert not np.shares_memory(x.grad, y.grad)
        for y in nodes:
            assert not np.shares_memory(x.grad, y.data)
    a.grad[:] = 100
    assert b.grad.tolist() == c.grad.tolist() == [1, 1]
    assert d.grad.tolist() == [[1], [1]]
    assert e.grad == 1
    assert a.data.tolist() == [1, 2]


def test_the_same_tensor_twice_in_a_sum() -> None:
    a = Tensor([1.0, 2.0])
    b = a + a
    b.backward(grad=[1.0, 1.0])
    assert a.grad.tolist() == [2, 2]
    assert b.grad.tolist() == [1, 1]


def test_accumulating_does_not_write_into_an_array_that_was_handed_out() -> None:
    x = Tensor([1.0, 2.0])
    (x * 3).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert first.tolist() == [3, 3]
    assert x.grad.tolist() == [6, 6]


def test_the_given_gradient_is_copied() -> None:
    given = np.array([1.0, 2.0])
    x = Tensor([1.0, 1.0])
    y = x + 0.0
    y.backward(grad=given)
    assert not np.shares_memory(y.grad, given)
    assert not np.shares_memory(x.grad, given)
    given[:] = 50
    assert x.grad.tolist() == [1, 2]


def test_a_gradient_can_be_written_to() -> None:
    x = Tensor(np.ones((2, 3)))
    (x.T.broadcast_to((4, 3, 2)).sum()).backward()
    x.grad *= 0.5
    assert x.grad.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_gradients_stay_arrays_without_axes() -> None:
    x = Tensor(3.0)
    y = x * x
    y.backward()
    for array in (x.grad, y.grad, x.data, y.data, (x + 1).data, x.sum().data, x.max().data):
        assert type(array) is np.ndarray
        assert array.shape == ()


def test_float32_has_float32_gradients() -> None:
    x = Tensor([1.0, 2.0], dtype=np.float32)
    y = Tensor([3.0, 4.0])
    z = (x * y).sum()
    z.backward()
    assert x.grad.dtype == np.float32
    assert y.grad.dtype == z.grad.dtype == np.float64


# The parts of the walk.


def test_graph_is_in_order_of_creation() -> None:
    x, y = Tensor(1.0), Tensor(2.0)
    late = Tensor(5.0)
    c = x * y
    d = c + late
    e = d * c
    interior, leaves = graph([e])
    assert interior == [e, d, c]
    assert leaves == [x, y, late]


def test_an_observer_sees_every_contribution() -> None:
    x = Tensor([1.0, 2.0])
    y = x * x
    z = y.sum()
    seen: list[Edge] = []
    interior, _ = graph([z])
    walk(interior, {z: np.array(1.0)}, arrays(), observe=seen.append)
    assert [(e.child, e.parent, e.argument) for e in seen] == [(z, y, 0), (y, x, 0), (y, x, 1)]
    first, second = seen[1], seen[2]
    assert first.before is None
    assert first.after.tolist() == second.before.tolist() == [1, 2]
    assert second.after.tolist() == [2, 4]
    assert second.contribution.tolist() == [1, 2]
    assert second.upstream.tolist() == [1, 1]


def test_an_observer_sees_the_contribution_before_and_after_unbroadcasting() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor(3.0)
    z = x * y
    seen: list[Edge] = []
    interior, _ = graph([z])
    walk(interior, {z: np.ones(2)}, arrays(), observe=seen.append)
    assert seen[1].raw.tolist() == [1, 2]
    assert seen[1].contribution.tolist() == 3


@pytest.mark.parametrize(
    ("shape", "target", "axes"),
    [
        ((2, 3), (2, 3), ()),
        ((2, 3), (3,), (0,)),
        ((2, 3), (1, 3), (0,)),
        ((2, 3), (), (0, 1)),
        ((4, 2, 3), (2, 1), (0, 2)),
        ((1, 3), (3,), (0,)),
        ((0, 3), (1, 3), (0,)),
        ((2, 0), (2, 1), (1,)),
    ],
)
def test_unbroadcast(shape: Any, target: Any, axes: Any) -> None:
    assert broadcast_axes(shape, target) == axes
    array = np.ones(shape)
    found = unbroadcast(array, target)
    assert found.shape == target
    assert found.sum() == array.sum()
