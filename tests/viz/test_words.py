"""Steps in words, and steps that are found by what happens in them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.mode import scope
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.mistakes import record
from chainrule.viz.record import trace
from chainrule.viz.stepping import step
from chainrule.viz.steps import Backward
from chainrule.viz.words import Words, find


def test_every_step_has_a_line(graph: Any) -> None:
    recording = trace(graph)
    lines = Words(recording).transcript().splitlines()
    numbered = [line for line in lines if line.split(".")[0].isdigit()]
    assert len(numbered) == len(recording.steps)
    assert numbered == [line for k, line in enumerate(numbered, 1) if line.startswith(f"{k}. ")]


def test_the_words_of_a_training() -> None:
    w = Value(2.0, label="w")

    def train_step() -> None:
        (w * w).backward()
        w.data -= 0.25 * w.grad

    lines = step(train_step, n=2).transcript().splitlines()
    assert lines[:2] == ["Computation of L: 2 nodes, 13 steps in 2 iterations.", "  parameter w = 2"]
    assert lines[2:] == [
        "1. Iteration 1: the same data, and the graph is computed anew.",
        "2. L = mul(w, w) = 4.",
        "3. Backprop begins: the gradient of L with respect to itself is 1.",
        "4. gradient of w: plus 1 times 2, now 2.",
        "5. gradient of w: plus 1 times 2, now 4.",
        "6. w moves by w ← w − 0.25·g: from 2 to 1.",
        "7. Iteration 2: the same data, and the graph is computed anew.",
        "8. L = mul(w, w) = 1.",
        "9. Backprop begins: the gradient of L with respect to itself is 1.",
        "10. gradient of w: plus 1 times 1, now 1.",
        "11. gradient of w: plus 1 times 1, now 2.",
        "12. w still had the gradient 4 of an earlier pass: the new one, 2, is added to it, now 6.",
        "13. w moves by w ← w − 0.25·g: from 1 to −0.5.",
    ]


def test_zeroed_gradients_in_words() -> None:
    w = Value(2.0, label="w")

    def train_step() -> None:
        (w * 3.0).backward()
        w.grad = 0.0

    assert "5. the gradient of w, 3, is set to 0." in step(train_step, n=1).transcript().splitlines()


def test_arrays_in_words() -> None:
    said = Words(
        trace((Tensor(np.ones((4, 3)), label="x") + Tensor(np.zeros(3), label="b")).sum())
    ).transcript()
    assert "  parameter b = shape (3,), all 0" in said
    assert "b was stretched from (3,) to (4, 3), so its contribution is summed over axis 0." in said
    assert "gradient of b: plus a contribution, shape (3,), all 4." in said


def test_the_gradient_that_arrives_at_an_element() -> None:
    y = Tensor([1.0, 2.0], label="x") * 3.0
    y.label = "y"
    assert "the gradient that arrives at y[1] is 0.5." in step(y.mean()).element("y", 1).transcript()


def test_a_mistake_in_words() -> None:
    x = Value(3.0, label="x")
    lines = Words(record(x * x, "overwrite")).transcript().splitlines()
    assert lines[2].startswith(
        "Beside it a wrong walk, assigns instead of adding up: Wrote = where += belongs"
    )
    assert lines[-1] == (
        "4. gradient of x: plus 1 times 3, now 6; the wrong walk: gradient of x: plus 1 times 3, now 3."
    )


# --- finding ---


def test_by_label(make: dict[str, Callable[..., Any]]) -> None:
    recording = trace(make["neuron"]())
    (number,) = find(recording, label="w1")
    found = recording.steps[number - 1]
    assert isinstance(found, Backward)
    assert recording.nodes[found.parent].label == "w1"


def test_by_scope(make: dict[str, Callable[..., Any]]) -> None:
    recording = trace(make["mlp"](2, 2, 1))
    inside, outside = find(recording, scope="layer 1"), find(recording, scope="layer 2")
    assert inside
    assert outside
    assert not set(inside) & set(outside)
    assert set(find(recording, scope="neuron 1")) - set(inside), "there is one in each layer"


def test_by_gradient() -> None:
    x = Tensor([-1.0, -2.0], label="x")
    recording = trace((ops.relu(x) * 2.0 + 0.0 * x).sum())
    zero = find(recording, gradient="zero")
    assert [Words(recording).names[recording.steps[k - 1].parent] for k in zero] == ["x", "x"]  # type: ignore[union-attr]
    y = Value(float("nan"), label="y")
    bad = trace(y * y)
    assert find(bad, gradient="nan", label="y")
    assert not find(bad, gradient="zero", label="y")


def test_by_size() -> None:
    x = Value(3.0, label="x")
    recording = trace(x * x * 10.0)
    assert find(recording, above=9.0) == [4, 5, 6]
    assert find(recording, above=30.0, label="x") == [6]
    assert find(recording, above=60.0) == []
    assert find(trace((Tensor([1.0, -50.0]) * Tensor([0.5, 1.0], label="w")).sum()), above=40.0, label="w")


def test_a_repeated_label_by_its_whole_name() -> None:
    x = Value(2.0, label="x")
    for k in range(2):
        with scope(f"part {k}"):
            x = x * Value(3.0, label="w")
    recording = trace(x)
    assert len(find(recording, label="w")) == 2
    assert len(find(recording, label="part 1.w")) == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"label": "w3"}, r"unknown label 'w3'; known labels: x1, x2, w1"),
        ({"scope": "layer"}, "unknown scope 'layer'; known scopes: "),
        ({"gradient": "inf"}, "unknown gradient 'inf'; known gradients: zero, nan"),
    ],
)
def test_what_is_not_there(make: dict[str, Callable[..., Any]], asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find(trace(make["neuron"]()), **asked)
