"""A training on the page: two axes, the same layout throughout, and each update with its arithmetic."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd.value import Value
from chainrule.viz import labels
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step
from chainrule.viz.steps import Update, Zero

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


@pytest.fixture
def by_hand() -> Stepper:
    """Gradient descent written by hand, which zeroes at the end of each step."""
    w, b = Value(0.9, label="w"), Value(0.5, label="b")

    def train_step() -> None:
        loss = ((w * 2.0 + b).tanh() - 0.5) ** 2
        loss.label = "loss"
        loss.backward()
        for leaf in (w, b):
            leaf.data -= 0.1 * leaf.grad
            leaf.zero_grad()

    return step(train_step, n=6)


@pytest.fixture
def with_momentum() -> Stepper:
    w = nn.Parameter(np.array(0.9), label="w")
    optimizer = nn.optim.SGD([w], lr=0.1, momentum=0.9)

    def train_step() -> None:
        loss = (w * 2.0 - 0.5) ** 2
        loss.label = "loss"
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step(train_step, n=5)


def shown(page: Any) -> dict[int, tuple[str, str]]:
    found = page.eval_on_selector_all(
        ".canvas .box:has(.grad)",
        """boxes => boxes.map(box => [Number(box.dataset.ref.split(" ")[1]),
            box.querySelector(".value").textContent, box.querySelector(".grad").textContent])""",
    )
    return {number: (value, grad) for number, value, grad in found}


@pytest.mark.parametrize("kind", ["by_hand", "with_momentum"])
def test_every_step_shows_what_was_recorded_both_ways(
    show: Show, kind: str, request: pytest.FixtureRequest
) -> None:
    stepper: Stepper = request.getfixturevalue(kind)
    recording = stepper.trace
    page = show(training=stepper)

    def check(count: int) -> None:
        state = recording.state(count)
        for number, (value, grad) in shown(page).items():
            assert value == labels.quantity(state.values.get(number)), (count, number)
            assert grad == labels.quantity(state.grads.get(number)), (count, number)

    check(0)
    for count in range(1, len(recording.steps) + 1):
        page.keyboard.press("ArrowRight")
        check(count)
    for count in reversed(range(len(recording.steps))):
        page.keyboard.press("ArrowLeft")
        check(count)


def test_up_and_down_go_to_the_same_step_of_another_iteration(show: Show, by_hand: Stepper) -> None:
    page = show(training=by_hand)
    places = "boxes => boxes.map(box => box.querySelector('rect').getBoundingClientRect().x)"
    update = next(k for k, one in enumerate(by_hand.trace.steps, 1) if isinstance(one, Update))
    for _ in range(update):
        page.keyboard.press("ArrowRight")
    before, layout = page.inner_text(".sentence"), page.eval_on_selector_all(".canvas .box", places)
    page.keyboard.press("ArrowDown")
    assert page.get_attribute(".times", "aria-valuetext").startswith("iteration 2 of 6, loss ")
    assert page.inner_text(".sentence").startswith("w takes a step: from ")
    assert page.inner_text(".sentence") != before
    assert page.eval_on_selector_all(".canvas .box", places) == layout, "nothing moves"
    page.keyboard.press("ArrowUp")
    assert page.inner_text(".sentence") == before
    page.keyboard.press("ArrowUp")
    assert page.inner_text(".sentence") == before, "there is none before the first"
    page.press(".times", "ArrowRight")
    assert page.inner_text(".losses").startswith("2 of 6"), "on its own slider, → is the next iteration"
    page.press(".times", "ArrowLeft")
    assert page.inner_text(".sentence") == before
    page.fill(".times", "6")
    assert page.inner_text(".losses").startswith("6 of 6")
    losses = [float(page.get_attribute(".times", "aria-valuetext").split()[-1])]
    page.fill(".times", "1")
    losses.insert(0, float(page.get_attribute(".times", "aria-valuetext").split()[-1]))
    assert losses[0] > losses[1], "the training got better"


def test_the_two_sliders_are_two_axes(show: Show, by_hand: Stepper) -> None:
    page = show(training=by_hand)
    starts = by_hand.trace.iterations
    page.fill(".steps", "5")
    assert page.inner_text(".counter").startswith("5 /")
    page.fill(".times", "3")
    limits = page.eval_on_selector(".steps", "slider => [Number(slider.min), Number(slider.max)]")
    assert limits == [starts[2] + 1, starts[3]]
    page.keyboard.press("End")
    assert page.get_attribute(".times", "aria-valuetext").startswith("iteration 6 of 6")


def test_an_update_is_shown_with_its_arithmetic(show: Show, by_hand: Stepper) -> None:
    page = show(training=by_hand)
    recording = by_hand.trace
    index, update = next((k, one) for k, one in enumerate(recording.steps, 1) if isinstance(one, Update))
    page.fill(".steps", str(index))
    assert page.inner_text(".now h2") == "Update"
    equations = page.eval_on_selector_all(".equation", "all => all.map(one => one.textContent)")
    assert equations[0] == "w←w−0.1·∂loss∂w"
    assert equations[1].startswith("w=0.9−0.1·")
    assert page.inner_text(".sum").split() == [
        labels.short(update.before),  # type: ignore[arg-type]
        "+",
        labels.short(update.change),  # type: ignore[arg-type]
        "=",
        labels.short(update.after),  # type: ignore[arg-type]
    ]


def test_momentum_is_shown_with_what_it_remembers(show: Show, with_momentum: Stepper) -> None:
    page = show(training=with_momentum)
    recording = with_momentum.trace
    updates = [(k, one) for k, one in enumerate(recording.steps, 1) if isinstance(one, Update)]
    (_, first), (index, second) = updates[:2]
    page.fill(".times", "2")
    page.fill(".steps", str(index))
    equations = page.eval_on_selector_all(".equation", "all => all.map(one => one.textContent)")
    assert equations[:2] == ["v←0.9·v+∂loss∂w", "w←w−0.1·v"]
    velocity = labels.short(next(iter((first.state or {}).values())))  # type: ignore[union-attr]
    assert equations[2].replace("(", "").startswith(f"v=0.9·{velocity}")
    assert equations[3].endswith(labels.short(second.after))  # type: ignore[arg-type]


def test_zeroing_says_what_it_is_for(show: Show, by_hand: Stepper) -> None:
    page = show(training=by_hand)
    index = next(k for k, one in enumerate(by_hand.trace.steps, 1) if isinstance(one, Zero))
    page.fill(".steps", str(index))
    assert page.inner_text(".sentence") == "the gradient of w is cleared, or the next pass would add to it"
    assert page.inner_text(".formula dd >> nth=1") == "none"


def test_zeroing_before_a_pass_belongs_to_it(show: Show, with_momentum: Stepper) -> None:
    page = show(training=with_momentum)
    zeroes = [k for k, one in enumerate(with_momentum.trace.steps, 1) if isinstance(one, Zero)]
    page.fill(".times", "2")
    page.fill(".steps", str(zeroes[0]))
    assert page.inner_text(".now h2") == "Forward"
    assert page.get_attribute(".stepper", "data-phase") == "forward"
    assert page.eval_on_selector(".steps", "slider => slider.style.getPropertyValue('--update')") > "50%"


def test_the_paths_are_those_of_the_iteration_on_screen(show: Show, by_hand: Stepper) -> None:
    page = show(training=by_hand)
    page.fill("input[type=search]", "w")
    page.keyboard.press("Enter")
    first = page.inner_text(".total")
    page.fill(".times", "6")
    assert page.inner_text(".total") != first
