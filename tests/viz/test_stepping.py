"""`step` and `draw`: names, lines, and errors that say what to write."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.autograd.value import Value
from chainrule.viz.stepping import draw, step
from chainrule.viz.steps import Backward


def test_a_function_names_its_arguments_and_shows_its_lines() -> None:
    def f(x: Value, weights: Any) -> Any:
        return (weights * x.data).sum() * 2.0

    stepper = step(f, 3.0, np.ones(2))
    assert [node.label for node in stepper.trace.nodes if node.label] == ["weights"]
    assert stepper.name == "f"
    assert stepper.trace.nodes[-1].line is not None


def test_a_lambda() -> None:
    stepper = step(lambda x: x * x, 3)
    assert stepper.trace.state().grads[0] == 6.0
    assert stepper.name == "computation"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3.0,), "cannot step through float objects: pass the Value or Tensor that was computed"),
        ((Value(1.0), 2.0), r"step\(result\) takes no arguments; pass a function: step\(f, \*args\)"),
        ((lambda: 3.0,), "cannot trace float objects"),
    ],
)
def test_what_cannot_be_stepped_through(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        step(*arguments)


def test_a_training_step_is_told_how_to_be_stepped_through() -> None:
    w = Value(0.0, label="w")

    def train_step() -> Value:
        loss = (w - 3.0) ** 2
        loss.backward()
        w.data -= 0.1 * w.grad
        return loss

    with pytest.raises(RuntimeError, match=r"w was changed to 0\.6 after sub used it") as raised:
        step(train_step)
    assert raised.value.__notes__ == [
        "If train_step is a whole training step, say how often to run it: step(train_step, n=20)"
    ]


def test_draw_shows_what_the_nodes_hold() -> None:
    x = Value(3.0, label="x")
    loss = x * x
    assert "—" in draw(loss).svg
    loss.backward()
    assert "—" not in draw(loss).svg


def test_steps_reach_every_leaf(make: dict[str, Callable[..., Any]]) -> None:
    recording = step(make["neuron"]()).trace
    reached = {s.parent for s in recording.steps if isinstance(s, Backward)}
    assert {node.id for node in recording.nodes if node.op is None} <= reached
