"""The recording is the engine's own walk: same numbers to the last bit, every edge once, nothing changed."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainrule as cr
from chainrule.autograd import ops
from chainrule.autograd.mode import no_grad, record_lines, scope
from chainrule.autograd.node import Node
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.autograd.walk import graph as reachable
from chainrule.viz.layout import lay_out
from chainrule.viz.record import quantity, snapshot, trace
from chainrule.viz.steps import Backward, Forward, Seed, State, Summary, Unbroadcast
from chainrule.viz.trace import Trace

OPS = (ops.add, ops.mul, ops.sub, ops.div, ops.pow, ops.maximum)


def ids(loss: Node) -> dict[int, Node]:
    """Engine nodes by the number that the trace gave them (constants are the trace's own)."""
    numbers = [node.id for node in trace(loss).nodes]
    interior, leaves = reachable([loss])
    live = sorted([*interior, *leaves], key=lambda node: node.serial)
    own = [n.id for n in trace(loss).nodes if n.op or n.role != "constant" or n.label]
    assert len(own) == len(live) <= len(numbers)
    return dict(zip(own, live))


def check_replay(loss: Any) -> Trace:
    recording = trace(loss)
    live = ids(loss)
    assert all(node.grad is None for node in live.values()), "recording leaves no gradient behind"
    if loss.requires_grad:
        loss.backward()
    state = recording.state()
    for number, node in live.items():
        assert repr(state.values[number]) == repr(quantity(node.data))
        if number in state.grads:
            expected = quantity(node.grad)
            assert state.grads[number] == expected or repr(state.grads[number]) == repr(expected)
        else:
            assert node.grad is None or not np.any(node.grad) or not node.requires_grad
    return recording


def test_replay_gives_the_engines_values_and_gradients(graph: Any) -> None:
    check_replay(graph)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_replay_of_drawn_graphs(data: st.DataObject) -> None:
    numbers = st.floats(-3, 3).filter(lambda x: abs(x) > 0.01)
    nodes: list[Any] = [Value(data.draw(numbers)) for _ in range(2)]
    for _ in range(data.draw(st.integers(1, 12))):
        left, right = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        op = data.draw(st.sampled_from(OPS))
        nodes.append(op(left, right) if data.draw(st.booleans()) else op(left, data.draw(numbers)))
    check_back_to_the_start(check_replay(nodes[-1]))


def test_every_step_adds_up(graph: Any) -> None:
    grads: dict[int, Any] = {}
    for step in trace(graph).steps:
        if isinstance(step, Seed):
            grads[step.node] = step.value
        if not isinstance(step, Backward):
            continue
        assert step.before == grads.get(step.parent) or repr(step.before) == repr(grads.get(step.parent))
        assert step.upstream == grads[step.child] or repr(step.upstream) == repr(grads[step.child])
        grads[step.parent] = step.after
        if isinstance(step.after, float) and not isinstance(step.contribution, Summary):
            before = step.before or 0.0
            assert step.after == before + step.contribution or math.isnan(step.after)
        if isinstance(step.local, float) and isinstance(step.upstream, float):
            product = step.upstream * step.local
            assert abs(product - step.contribution) <= 4 * math.ulp(product) or math.isnan(product)


def check_back_to_the_start(recording: Trace) -> None:
    """Undo each step by what it says itself, as the page does it."""
    states = [recording.state(count) for count in range(len(recording.steps) + 1)]
    current = State(dict(states[-1].values), dict(states[-1].grads))
    for count in reversed(range(len(recording.steps))):
        step = recording.steps[count]
        if isinstance(step, Forward):
            del current.values[step.node]
        elif isinstance(step, Seed):
            del current.grads[step.node]
        elif isinstance(step, Backward) and step.before is None:
            del current.grads[step.parent]
        elif isinstance(step, Backward):
            current.grads[step.parent] = step.before
        assert repr(sorted(current.values)) == repr(sorted(states[count].values))
        assert {k: repr(v) for k, v in current.grads.items()} == {
            k: repr(v) for k, v in states[count].grads.items()
        }


def test_forward_and_back_to_the_start(graph: Any) -> None:
    check_back_to_the_start(trace(graph))


SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]  # any two of them broadcast


@settings(max_examples=60)
@given(st.data())
def test_tensor_graphs_forward_and_back(data: st.DataObject) -> None:
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    nodes: list[Any] = [
        Tensor(draw.uniform(0.2, 2.0, size=data.draw(st.sampled_from(SHAPES))), dtype=dtype, label=f"x{k}")
        for k in range(3)
    ]
    for _ in range(data.draw(st.integers(1, 10))):
        left, right = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        kind = data.draw(st.integers(0, 4))
        if kind == 0:
            made = ops.tanh(left)
        elif kind == 1 and left.ndim == 2:
            made = ops.sum(left, axis=data.draw(st.sampled_from([0, 1])), keepdims=True)
        elif kind == 2 and left.shape == (2, 3):
            made = left.T @ left[:, :1] @ np.ones((1, 3), dtype)[:, :1]
            made = ops.reshape(made, (1, 3))
        else:
            made = data.draw(st.sampled_from((ops.add, ops.mul, ops.sub, ops.div, ops.maximum)))(left, right)
        nodes.append(made)
    recording = check_replay(nodes[-1].sum())
    check_back_to_the_start(recording)
    assert repr(Trace.from_json(recording.to_json())) == repr(recording)


@pytest.mark.parametrize(
    "op", [ops.mul, ops.div, ops.pow, ops.sub, ops.hypot, ops.arctan2], ids=lambda op: op.__name__
)
@pytest.mark.parametrize("point", [(0.7, 1.9), (1.6, 0.8), (1.2, 1.3)])
def test_local_derivatives_agree_with_differences(op: Any, point: tuple[float, float]) -> None:
    steps = [step for step in trace(op(*map(Value, point))).steps if isinstance(step, Backward)]
    assert [step.argument for step in steps] == [0, 1]
    for step in steps:
        up, down = ([x + h * (k == step.argument) for k, x in enumerate(point)] for h in (1e-6, -1e-6))
        difference = (op(*map(Value, up)).data - op(*map(Value, down)).data) / 2e-6
        assert step.local == pytest.approx(difference, rel=1e-6)


def test_a_repeated_argument_gives_two_steps() -> None:
    x = Value(3.0, label="x")
    back = [step for step in trace(x * x).steps if isinstance(step, Backward)]
    assert [(step.argument, step.before, step.after) for step in back] == [(0, None, 3.0), (1, 3.0, 6.0)]
    assert trace(x * x).nodes[1].parents == (0, 0)


def test_gradients_already_there_stay() -> None:
    x = Value(3.0)
    loss = x * x
    loss.backward()
    trace(loss)
    assert x.grad == 6.0


def test_unbroadcast_is_a_step_of_its_own() -> None:
    matrix, row = Tensor(np.ones((4, 3))), Tensor(np.ones(3), label="b")
    steps = trace((matrix + row).sum()).steps
    (found,) = [step for step in steps if isinstance(step, Unbroadcast)]
    assert (found.from_shape, found.to_shape, found.axes) == ((4, 3), (3,), (0,))
    after = steps[steps.index(found) + 1]
    assert isinstance(after, Backward)
    assert after.contribution == found.after
    assert isinstance(found.after, Summary)
    assert found.after.values == ((4.0, 4.0, 4.0),)


def test_big_arrays_are_not_kept_whole() -> None:
    recording = trace((Tensor(np.ones((300, 400))) * 2.0).sum())
    assert len(recording.to_json()) < 6_000


def test_constants_and_scopes() -> None:
    data = np.ones((2, 2))
    with scope("outer"), scope("inner"):
        product = Tensor(np.eye(2), label="W") * data * data
    with scope("outer"):
        loss = product.sum() * 3.0
    recording = trace(loss)
    assert [(s.name, s.parent) for s in recording.scopes] == [("outer", None), ("inner", 0), ("outer", None)]
    constants = [node for node in recording.nodes if node.role == "constant"]
    assert [node.shape for node in constants] == [(2, 2), ()], "one array read twice is one constant"
    assert recording.nodes[-1].role == "loss"


def test_a_scope_that_is_left_and_entered_again_is_two() -> None:
    outer, x = scope("outer"), Value(1.0)
    with outer:
        y = x.tanh()
        with scope("inner"):
            y = y.tanh()
        y = y.tanh()
    shared = y.scope
    between = y.tanh()
    late = between.tanh()
    late.scope = shared  # as a generator that is resumed inside its scope makes it
    recording = trace(late)
    assert [(s.name, s.parent) for s in recording.scopes] == [("outer", None), ("inner", 0), ("outer", None)]
    assert [node.scope for node in recording.nodes] == [None, 0, 1, 0, None, 2]
    lay_out(recording)


def test_lines_of_the_users_code() -> None:
    with record_lines():
        loss = Value(2.0) * Value(3.0)
    (name, line) = trace(loss).nodes[-1].line or ("", 0)
    assert name == "test_record.py", "no path of this machine leaves it"
    assert "Value(2.0) * Value(3.0)" in trace(loss).meta["sources"][name][str(line)]


def test_without_anything_to_differentiate() -> None:
    with no_grad():
        y = Value(2.0) * 3.0
    assert all(isinstance(step, Forward) for step in trace(y).steps if not isinstance(step, Seed))


def test_snapshot_before_and_after_backward() -> None:
    x = Value(3.0)
    loss = x * x
    assert snapshot(loss)[1].grads == {}
    loss.backward()
    assert snapshot(loss)[1].grads == {0: 6.0, 1: 1.0}


def test_what_is_no_graph() -> None:
    with pytest.raises(TypeError, match="cannot trace float objects: pass the Value or Tensor"):
        trace(3.0)  # type: ignore[arg-type]


def test_a_result_that_is_no_scalar() -> None:
    with pytest.raises(RuntimeError, match="needs a scalar"):
        trace(Tensor([1.0, 2.0]) * 2.0)


def test_a_deep_graph_needs_no_recursion() -> None:
    x = Value(1.0)
    for _ in range(20_000):
        x = x + 1e-6
    assert len(trace(x).nodes) == 40_001


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.array(2.5), 2.5),
        (np.array([[np.nan, 1.0]]), Summary((1, 2), 1.0, 1.0, math.nan, ((math.nan, 1.0),))),
        (np.zeros((0, 3)), Summary((0, 3), math.nan, math.nan, math.nan, ())),
        (np.array([1, 2, 3]), Summary((3,), 1, 3, 2.0, ((1, 2, 3),))),
    ],
)
def test_quantity(data: Any, expected: Any) -> None:
    assert repr(quantity(data)) == repr(expected)


def test_a_layer_in_one_step_is_named_after_its_activation() -> None:
    out = cr.linear(cr.Tensor([[1.0, 2.0]]), np.ones((3, 2)), np.zeros(3), activation="tanh")
    assert [node.op for node in cr.trace(out.sum()).nodes if node.op] == ["linear_tanh", "sum"]
