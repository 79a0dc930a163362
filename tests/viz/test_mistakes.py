"""Each mistake gives what a student who made it would get, in step with the right walk."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.mode import use_backend
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.mistakes import MISTAKES, Walk, record
from chainrule.viz.record import recorded
from chainrule.viz.stepping import step
from chainrule.viz.steps import Backward, Summary
from chainrule.viz.trace import Trace


def diamond() -> Value:
    """s is shared by two consumers, and one of them is reached through the other's side only."""
    x = Value(2.0, label="x")
    s = x * 3.0
    s.label = "s"
    return s.tanh() * 2.0 - s * s


def grads(recording: Trace, *, wrong: bool) -> dict[str, Any]:
    """The final gradients by label."""
    state = recording.state(wrong=wrong)
    return {node.label: state.grads.get(node.id) for node in recording.nodes if node.label}


# --- the student's own code, over the same graph ---


def student(loss: Value, add: Callable[[Any, float], float]) -> dict[Value, float]:
    """Backprop in the right order, with the student's way to add."""
    found: dict[Value, Any] = {loss: 1.0}
    recorder = recorded(loss)
    for node in recorder.interior:
        for argument, parent in enumerate(node.parents):
            if isinstance(parent, Value):
                data = [p.data if isinstance(p, Value) else p for p in node.parents]
                local = node.op.rule(argument)(Walk(recorder).algebra.xp, 1.0, node.data, *data)
                found[parent] = add(found.get(parent), found[node] * local)
    return found


def recursive(loss: Value) -> dict[Value, float]:
    """Backprop by recursion, as the page shows it."""
    found: dict[Value, float] = {loss: 1.0}
    seen = set()
    xp = Walk(recorded(loss)).algebra.xp

    def visit(v: Value) -> None:
        seen.add(v)
        for argument, parent in enumerate(v.parents):
            if isinstance(parent, Value):
                data = [p.data if isinstance(p, Value) else p for p in v.parents]
                local = v.op.rule(argument)(xp, 1.0, v.data, *data)
                found[parent] = found.get(parent, 0.0) + found[v] * local
                if parent not in seen and parent.op is not None:
                    visit(parent)

    visit(loss)
    return found


def leaf(found: dict[Value, float], label: str) -> float:
    return next(g for node, g in found.items() if node.label == label)


def test_overwriting() -> None:
    loss = diamond()
    expected = leaf(student(loss, lambda before, new: new), "x")
    assert grads(record(loss, "overwrite"), wrong=True)["x"] == pytest.approx(expected)


def test_recursion_without_order() -> None:
    loss = diamond()
    wrong = grads(record(loss, "no_topological_order"), wrong=True)
    assert wrong["x"] == pytest.approx(leaf(recursive(loss), "x"))
    assert wrong["x"] != pytest.approx(grads(record(loss, "no_topological_order"), wrong=False)["x"])


def test_no_zero_grad_doubles_the_leaves() -> None:
    recording = record(diamond(), "no_zero_grad")
    assert recording.state(0, wrong=True).grads.keys() == {0}
    assert grads(recording, wrong=True)["x"] == pytest.approx(2 * grads(recording, wrong=False)["x"])


def test_backward_twice_is_worse_than_double() -> None:
    recording = record(diamond(), "backward_twice")
    ratio = grads(recording, wrong=True)["x"] / grads(recording, wrong=False)["x"]
    assert abs(ratio) > 2.5


def test_a_missing_sign() -> None:
    a, b = Value(5.0, label="a"), Value(2.0, label="b")
    assert grads(record(a - b, "sign"), wrong=True) == {"a": 1.0, "b": 1.0}


def test_no_chain_factor() -> None:
    x = Value(2.0, label="x")
    y = x * x
    y.label = "y"
    assert grads(record(y * 10.0, "no_chain"), wrong=True) == {"x": 4.0, "y": 10.0}


def test_no_unbroadcast() -> None:
    bias = Tensor(np.zeros(3), label="b")
    recording = record((Tensor(np.ones((4, 3)), label="x") + bias).sum(), "no_unbroadcast")
    right, wrong = grads(recording, wrong=False)["b"], grads(recording, wrong=True)["b"]
    assert isinstance(right, Summary)
    assert isinstance(wrong, Summary)
    assert (right.shape, wrong.shape) == ((3,), (4, 3))


def test_the_input_in_place_of_the_output() -> None:
    x = Value(0.5, label="x")
    assert grads(record(x.tanh(), "input_for_output"), wrong=True)["x"] == 1 - 0.5**2


def test_weights_that_move_during_the_walk() -> None:
    w, v, x = Value(2.0, label="w"), Value(3.0, label="v"), Value(1.0, label="x")
    wrong = grads(record(v * (w * x), "updated_weight"), wrong=True)
    assert wrong["v"] == 2.0
    assert wrong["w"] == pytest.approx(3.0 - 0.1 * 2.0), "v has moved before w's turn"


def test_the_right_walk_makes_the_right_steps(graph_on_numpy: Any) -> None:
    with use_backend("numpy"):
        recorder = recorded(graph_on_numpy)
        walk = Walk(recorder)
    right = [step for step in recorder.steps if isinstance(step, Backward)]
    assert repr(walk.steps) == repr(right)


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_walks_every_graph_in_step(graph: Any, name: str) -> None:
    recording = record(graph, name)
    mistake = recording.mistake
    assert mistake is not None
    assert len(mistake.steps) == len(recording.steps)
    for right, wrong in zip(recording.steps, mistake.steps):
        assert (wrong is not None) == isinstance(right, Backward)
    before = dict(mistake.start) | {
        step.node: step.value for step in recording.steps if type(step).__name__ == "Seed"
    }
    for wrong in mistake.steps:
        if wrong is not None:
            assert repr(wrong.before) == repr(before.get(wrong.parent)), "it adds up in itself"
            before[wrong.parent] = wrong.after
    assert repr(Trace.from_json(recording.to_json())) == repr(recording)
    differ = grads(recording, wrong=True) != grads(recording, wrong=False)
    assert differ <= mistake.matters or any(isinstance(g, Summary) for g in before.values())


@pytest.mark.parametrize("kind", MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_explained(kind: type[Walk]) -> None:
    assert kind.title
    assert kind.__doc__
    assert kind.__doc__.endswith(".")
    assert kind.wrong != kind.right


def test_a_mistake_without_consequences_says_so() -> None:
    recording = record(Value(2.0, label="x").tanh(), "overwrite")
    assert recording.mistake is not None
    assert not recording.mistake.matters
    assert recording.mistake.sentence.endswith("In this graph it makes no difference.")


def test_a_mistake_through_step() -> None:
    stepper = step(lambda x: x * x, 3.0, mistake="overwrite")
    assert repr(stepper) == "Stepper(2 nodes, mistake 'overwrite', 4 steps; .save('steps.html') writes it)"
    assert stepper.trace.state(wrong=True).grads[0] == 3.0


def test_an_unknown_mistake() -> None:
    with pytest.raises(
        ValueError, match=r"unknown mistake 'overwrit'; known mistakes: .*did you mean 'overwrite'"
    ):
        record(Value(2.0) * 3.0, "overwrit")


def test_a_trace_without_a_mistake() -> None:
    with pytest.raises(ValueError, match="holds no mistake: record one with"):
        step(ops.tanh, 1.0).trace.state(wrong=True)
