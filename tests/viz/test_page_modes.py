"""What the page offers beside stepping: predicting, breakpoints, links into it, and its compact form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


def press(page: Any, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def position(page: Any) -> int:
    return int(page.inner_text(".counter").split()[0])


def grad_of(page: Any, node: int) -> str:
    return str(page.text_content(f".canvas .box[data-ref='node {node}'] .grad"))


def answer(page: Any, text: str) -> str:
    """Type an answer, and give back what is said about it."""
    page.fill(".predict input", text)
    press(page, "Enter")
    return str(page.inner_text(".verdict"))


def test_the_next_gradient_is_hidden_and_asked_for(show: Show, make: dict[str, Any]) -> None:
    page = show(neuron=make["neuron"]())
    press(page, "p")
    press(page, "ArrowRight", 6)
    assert position(page) == 6, "the seed is no question"
    press(page, "ArrowRight")
    assert position(page) == 6
    assert page.evaluate("document.activeElement.ariaLabel") == "your prediction"
    assert "What is the gradient of" in page.inner_text(".sentence")
    assert page.locator(".canvas .grad", has_text="?").count() == 1
    assert "asked for" in page.inner_text(".card.node")
    assert "0.5" not in page.inner_text("aside"), "the answer stands nowhere"
    assert answer(page, "1/2") == "Right."
    assert position(page) == 7
    assert "1 of 1 right at the first try" in page.inner_text(".quiz")
    press(page, "ArrowRight")
    assert page.locator(".predict").is_visible(), "the next question is one key away"


@pytest.fixture
def question(show: Show) -> Callable[[bool], Any]:
    """The question for ∂L/∂x with upstream 2 and local −3; where x has got 4 before, the answer is −2, else −6."""

    def ask(before: bool) -> Any:
        x, w = Value(7.0, label="x"), Value(-3.0, requires_grad=False, label="w")
        z = x * w
        z.label = "z"
        page = show(L=z * 2.0 + x * 4.0 if before else z * 2.0)
        press(page, "End")
        press(page, "ArrowLeft")
        press(page, "p")
        assert "gradient of x" in page.inner_text(".sentence")
        return page

    return ask


@pytest.mark.parametrize("text", ["-6", "−6.0", "-12/2", "2 * -3", "2·(-3)", "-6,0", "-6e0", "-6.01"])
def test_a_right_answer_may_be_written_in_many_ways(question: Callable[[bool], Any], text: str) -> None:
    page = question(False)
    assert answer(page, text) == ("Right, rounded: −6." if text == "-6.01" else "Right.")
    assert "1 of 1 right" in page.inner_text(".quiz")


@pytest.mark.parametrize(
    ("before", "text", "verdict"),
    [
        (False, "2", "upstream gradient alone. Multiply it by the local derivative ∂z/∂x = −3."),
        (False, "-3", "local derivative alone. Multiply it by the upstream gradient, 2."),
        (False, "6", "The size is right, the sign is not: the local derivative is −3."),
        (False, "-1", "multiplied, not added"),
        (False, "-2/3", "multiplied, not divided"),
        (False, "7", "the value of x"),
        (False, "-21", "the value of z"),
        (False, "100", "would need a local derivative of 50. Look at ∂z/∂x again"),
        (False, "two", "Write a number"),
        (False, "1/", "Write a number"),
        (True, "-6", "That is what this edge adds. x had 4 before, and the two add up."),
        (True, "4", "what was there before"),
        (True, "6", "upstream gradient alone"),
        (True, "1", "local derivative alone"),
        (True, "10", "sign is not"),
        (
            True,
            "2",
            "upstream gradient alone. Multiply it by the local derivative ∂z/∂x = −3. Then add what was",
        ),
    ],
)
def test_a_wrong_answer_is_told_which_factor(
    question: Callable[[bool], Any], before: bool, text: str, verdict: str
) -> None:
    page = question(before)
    assert verdict in answer(page, text)
    assert page.locator(".predict").is_visible(), "it may be tried again"
    assert answer(page, "-2" if before else "-6") == "Right."
    first = "1 of 1" if verdict == "Write a number" else "0 of 1"
    assert f"{first} right at the first try" in page.inner_text(".quiz")


def test_a_prediction_can_be_given_up(question: Callable[[bool], Any]) -> None:
    page = question(False)
    page.click("text=show me")
    assert page.inner_text(".verdict") == "It is −6."
    assert "0 of 1 right" in page.inner_text(".quiz")
    press(page, "ArrowLeft")
    assert page.locator(".verdict").is_hidden(), "a verdict goes with its step"
    press(page, "ArrowRight")
    press(page, "Escape")
    press(page, "p")
    assert page.locator(".quiz").is_hidden()
    press(page, "End")
    assert grad_of(page, 0) == "−6"


def test_arrays_are_no_question(show: Show, make: dict[str, Any]) -> None:
    page = show(tensors=make["tensor_mlp"]())
    press(page, "p")
    press(page, "ArrowRight", 12)
    page.locator(".predict").wait_for(state="hidden")
    assert position(page) >= 11


def add_breakpoint(page: Any, kind: str, field: str = "", value: str = "") -> None:
    page.select_option(".breaks select >> nth=0", label=kind)
    if field == "scope":
        page.select_option(".breaks select >> nth=1", label=value)
    elif field:
        page.fill(f".breaks input[aria-label='{field}']", value)
    page.click(".breaks >> text=add")


def test_breakpoints_at_labels_and_scopes(show: Show, make: dict[str, Any]) -> None:
    loss = make["mlp"](2, 3, 1)
    recording = step(loss).trace
    page = show(mlp=loss)
    press(page, "n")
    assert page.locator(".breaks").is_visible(), "with no breakpoint the card opens"
    add_breakpoint(page, "at a label", "label", "nothing like it")
    assert "no node is called “nothing like it”" in page.inner_text(".breaks")
    add_breakpoint(page, "at a label", "label", "loss")
    add_breakpoint(page, "in a scope", "scope", "layer 2")
    assert page.inner_text(".breaks .chips >> nth=0").split("\n") == ["loss ×", "in layer 2 ×"]
    press(page, "Escape")
    hits = []
    for _ in range(4):
        press(page, "n")
        hits.append((position(page), page.inner_text(".formula dd >> nth=0")))
    names = [name for _, name in hits]
    assert names[:3] == ["in layer 2", "loss", "loss"], "forward into the layer, then the loss, then its seed"
    assert names[3] == "in layer 2", "and backward into it"
    root = recording.nodes[-1].id
    made = next(k for k, one in enumerate(recording.steps, 1) if getattr(one, "node", None) == root)
    assert hits[1][0] == made
    press(page, "N", 2)
    assert position(page) == made
    page.click(".breaks .set >> nth=0")
    press(page, "Home")
    press(page, "n", 2)
    assert position(page) == hits[3][0], "without the one at the loss"


def test_breakpoints_at_gradients(show: Show) -> None:
    x, dead = Value(2.0, label="x"), Value(-1.0, label="dead")
    page = show(relu=ops.relu(dead) * 3.0 + x * 4.0, nan=Value(1.0, label="z") * float("nan"))
    press(page, "b")
    add_breakpoint(page, "gradient is 0")
    page.select_option(".transport select >> nth=0", "break")
    press(page, "ArrowRight")
    assert page.inner_text(".sentence").startswith("gradient of dead: plus 3 times 0")
    page.click(".breaks .set")
    add_breakpoint(page, "gradient above", "threshold", "many")
    assert "the threshold is a number" in page.inner_text(".breaks")
    add_breakpoint(page, "gradient above", "threshold", "7/2")
    press(page, "Escape")
    press(page, "Home")
    press(page, "ArrowRight")
    assert page.inner_text(".sentence").startswith("gradient of x: plus 1 times 4")
    press(page, "ArrowRight")
    assert "no breakpoint after this step" in page.inner_text(".breaks")
    page.get_by_role("tab", name="nan").click()
    press(page, "b")
    add_breakpoint(page, "gradient is NaN")
    press(page, "Escape")
    press(page, "n")
    assert page.inner_text(".sentence").endswith("now NaN")


def test_breakpoints_see_arrays(show: Show) -> None:
    x = Tensor(np.array([-1.0, -2.0]), label="x")
    page = show(arrays=(ops.relu(x) * 2.0).sum())
    press(page, "b")
    add_breakpoint(page, "gradient is 0")
    page.click(".breaks >> text=run to the next")
    assert page.inner_text(".sentence").startswith("gradient of x")


def test_playing_stops_at_a_breakpoint(show: Show, make: dict[str, Any]) -> None:
    page = show(neuron=make["neuron"]())
    press(page, "b")
    add_breakpoint(page, "at a label", "label", "o")
    page.select_option(".transport select >> nth=1", "10")
    press(page, " ")
    page.locator(".play[aria-label=play]").wait_for()
    assert page.inner_text(".formula dd >> nth=0") == "o"


def test_a_link_opens_at_its_step_and_node(show: Show, make: dict[str, Any]) -> None:
    page = show(one=make["neuron"](), two=make["mlp"](2, 3, 1), address="#tab=two&step=17&node=w1")
    assert page.inner_text("[role=tab][aria-selected=true]") == "two"
    assert position(page) == 17
    assert page.inner_text(".card.node h2") == "layer 1.neuron 1.w1", "the first of several"
    assert page.locator(".canvas .box.chosen").count() == 1
    press(page, "ArrowRight", 2)
    page.wait_for_url("**#tab=two&step=19&node=layer+1.neuron+1.w1")
    page.evaluate("location.hash = '#tab=one&step=3'")
    page.locator(".counter", has_text="3 / 15").wait_for()


@pytest.mark.parametrize(
    "address",
    ["#step=99999", "#step=-1&node=nobody", "#step=x", "#node=__proto__", "#%E0%A4%A", "#tab=<b>&step=1e3"],
)
def test_a_broken_link_opens_the_page_all_the_same(show: Show, make: dict[str, Any], address: str) -> None:
    page = show(neuron=make["neuron"](), address=address)
    assert position(page) in (0, 15)
    press(page, "End")
    assert position(page) == 15


def test_the_compact_page_is_a_graph_a_sentence_and_buttons(
    page: Any, tmp_path: Path, make: dict[str, Any], capsys: Any
) -> None:
    stepper = step(make["neuron"]())
    stepper.save(tmp_path / "steps.html")
    stepper.embed(step=14, node="x1", height=400)
    (tmp_path / "slide.html").write_text(f"<!doctype html><h1>Slide</h1>{capsys.readouterr().out}")
    page.goto((tmp_path / "slide.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".counter", has_text="14 / 15").wait_for()
    assert frame.locator(".sentence").inner_text() == "gradient of x1: plus 0.5 times −3, now −1.5"
    for hidden in ("header", ".tools", ".details", ".choices"):
        assert frame.locator(hidden).first.is_hidden(), hidden
    frame.locator(".forward.tool").click()
    assert frame.locator(".counter").inner_text() == "15 / 15"
    fits = "element => element.scrollHeight <= element.clientHeight"
    assert frame.locator("aside").evaluate(fits)
    assert frame.locator(".canvas").evaluate("canvas => canvas.clientHeight") > 150


def test_in_a_notebook_the_address_is_left_alone(page: Any, make: dict[str, Any]) -> None:
    html = Stepper(step(make["neuron"]()).trace)._repr_mimebundle_()["text/html"]
    page.set_content(html)
    frame = page.frame_locator("iframe")
    frame.locator(".chainrule").focus()
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert frame.locator(".counter").inner_text() == "15 / 15"
    assert [one.url for one in page.frames][-1] == "about:srcdoc"
