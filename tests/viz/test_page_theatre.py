"""The bug theatre: a right and a wrong walk in step, and where they differ told by colour and by shape."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz import labels
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step
from chainrule.viz.words import Words

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


def f(x: Value, w: Value) -> Value:
    h = x * w
    h.label = "h"
    loss = (h * h + x).tanh()
    loss.label = "loss"
    return loss


@pytest.fixture
def stepper() -> Stepper:
    return step(f, 1.5, -0.4, mistake="overwrite")


def test_both_walks_stand_side_by_side(show: Show, stepper: Stepper) -> None:
    recording = stepper.trace
    mistake = recording.mistake
    assert mistake is not None
    page = show(bug=stepper)
    card = page.inner_text(".theatre")
    assert mistake.title in card
    assert mistake.sentence in card
    assert page.locator(".written code").all_inner_texts() == [mistake.wrong, mistake.right]
    names = labels.names(recording)
    for count in range(1, len(recording.steps) + 1):
        page.keyboard.press("ArrowRight")
        right, wrong = recording.state(count).grads, recording.state(count, wrong=True).grads
        differ = {node.id for node in recording.nodes if right.get(node.id) != wrong.get(node.id)}
        rows = page.locator(".differences th").all_inner_texts()
        assert rows == [names[node] for node in sorted(differ)]
        boxes = page.eval_on_selector_all(
            ".canvas .box.differs", "boxes => boxes.map(box => box.dataset.ref)"
        )
        assert sorted(boxes) == sorted(f"node {node}" for node in differ)
        for row, node in enumerate(sorted(differ)):
            cells = page.locator(f".differences tr >> nth={row}").locator("td").all_inner_texts()
            assert cells == [
                "none" if grads.get(node) is None else labels.quantity(grads[node])
                for grads in (right, wrong)
            ]
    assert page.locator(".differences tr").count() == 3


def test_the_mistake_is_told_only_where_it_says_something_else(show: Show, stepper: Stepper) -> None:
    page = show(bug=stepper)
    told, words = [], Words(stepper.trace)
    assert stepper.trace.mistake is not None
    for right, wrong in zip(stepper.trace.steps, stepper.trace.mistake.steps):
        page.keyboard.press("ArrowRight")
        told.append(page.locator("p.wrong").count() == 1)
        assert told[-1] == (wrong is not None and words.sentence(wrong) != words.sentence(right))
    assert True in told
    assert False in told


def test_the_difference_has_a_shape(show: Show, stepper: Stepper) -> None:
    page = show(bug=stepper)
    page.keyboard.press("End")
    box = page.locator(".canvas .box.differs").first
    shapes = box.locator(".marks path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
    assert len(set(shapes)) == 2, "a disc and a triangle, not colour alone"
    assert box.locator("rect.frame").evaluate("rect => getComputedStyle(rect).strokeDasharray") != "none"
    right = box.locator(".grad.right").bounding_box()
    wrong = box.locator(".grad:not(.right)").bounding_box()
    assert right["x"] + right["width"] < wrong["x"], "the two numbers do not touch"


def test_stepping_back_takes_the_difference_back(show: Show, stepper: Stepper) -> None:
    page = show(bug=stepper)
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert page.locator(".canvas .box.differs").count() == 0
    assert page.inner_text(".differences") == "So far both walks agree."


def test_a_mistake_that_changes_nothing_says_so(show: Show) -> None:
    page = show(bug=step(lambda x: x * 2.0, 3.0, mistake="overwrite"))
    page.keyboard.press("End")
    assert page.inner_text(".differences") == "On this graph the mistake changes nothing."


def test_gradients_left_over_are_there_from_the_start(show: Show) -> None:
    stepper = step(f, 1.5, -0.4, mistake="no_zero_grad")
    page = show(bug=stepper)
    assert stepper.trace.mistake is not None
    assert page.locator(".canvas .box.differs").count() == len(stepper.trace.mistake.start)


def test_rounding_is_no_difference(show: Show) -> None:
    draw = np.random.default_rng(0)

    def loss(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return ((x @ w + b).tanh() * 0.3).sum()

    arrays = [draw.normal(size=size).astype(np.float32) for size in ((8, 5), (5, 4), (4,))]
    stepper = step(loss, *(Tensor(a, label=name) for a, name in zip(arrays, "xwb")), mistake="no_unbroadcast")
    mistake = stepper.trace.mistake
    assert mistake is not None
    noisy = [
        replace(one, after=replace(one.after, mean=float(one.after.mean) + 1e-9)) if one else None
        for one in mistake.steps
    ]
    page = show(bug=Stepper(replace(stepper.trace, mistake=replace(mistake, steps=noisy))))
    page.keyboard.press("End")
    assert page.locator(".differences th").all_inner_texts() == ["b"], "only the bias has another shape"
