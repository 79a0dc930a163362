"""Everyone's page: by keyboard alone, on paper, without motion, in forced colours, on a phone; and hostile text."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd.mode import scope
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step

pytestmark = pytest.mark.browser
Show = Callable[..., Any]
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focus_by_tab(page: Any, selector: str) -> None:
    """Press Tab until an element has the focus, as someone without a mouse does."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(80):
        press(page, "Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring not in ("none", ""), f"{selector} does not show its focus"
            return
    raise AssertionError(f"Tab never reached {selector}")


def trained() -> Stepper:
    w = Value(0.9, label="w")

    def train_step() -> None:
        loss = (w * 2.0 - 0.5) ** 2
        loss.label = "loss"
        loss.backward()
        w.data -= 0.1 * w.grad
        w.zero_grad()

    return step(train_step, n=3)


def from_the_root(page: Any, *keys: str) -> None:
    """Press keys where no button has the focus."""
    page.evaluate("document.activeElement.blur()")
    press(page, *keys)


def test_keys_step_and_the_list_of_keys_tells_them(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 1))
    focus_by_tab(page, ".chainrule button")
    press(page, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert page.inner_text(".counter").startswith("1 /")
    press(page, "?")
    listed = page.locator(".card.help dt").all_inner_texts()
    assert {"→ ←", "space", "p", "b", "n N", "/", ".", "w a s d", "?"} <= set(listed)
    press(page, "?")
    assert page.locator(".card.help").is_hidden()


def test_keys_look_inside_and_move_the_drawing(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 1))
    press(page, "ArrowRight", "Enter")
    assert page.inner_text(".crumbs").count("›") == 2
    press(page, "Escape", "Escape")
    focus_by_tab(page, ".box.group")
    press(page, "Enter")
    assert page.inner_text(".crumbs").count("›") == 1
    press(page, "Escape")
    before = page.get_attribute(".canvas > g", "transform")
    for keys in (["w"], ["a"], ["s", "s"], ["d", "d"], ["+"], ["-", "-"], ["0"]):
        from_the_root(page, *keys)
        now = page.get_attribute(".canvas > g", "transform")
        assert now != before, keys
        before = now


def test_keys_find_and_explain_a_node(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 1))
    press(page, "/")
    page.keyboard.type("w2")
    press(page, "Enter")
    assert page.inner_text(".card.node h2").endswith("w2")
    focus_by_tab(page, "button.way")
    focus_by_tab(page, ".link")
    press(page, "Enter")
    assert not page.inner_text(".card.node h2").endswith("w2"), "a link leads to the next node"


def test_keys_set_breakpoints(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 1))
    focus_by_tab(page, ".transport select")
    page.keyboard.type("br")  # breakpoints
    focus_by_tab(page, ".breaks select")
    page.keyboard.type("gradient a")
    press(page, "Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.0001")
    press(page, "Enter")
    assert page.locator(".breaks .set").count() == 1
    from_the_root(page, "n")
    assert "gradient of" in page.inner_text(".sentence")
    focus_by_tab(page, ".breaks .set")
    press(page, "Enter")
    assert page.locator(".breaks .set").count() == 0


def test_keys_predict(show: Show, make: dict[str, Any]) -> None:
    page = show(neuron=make["neuron"]())
    press(page, "p", *["ArrowRight"] * 7)
    page.keyboard.type("1/2")
    press(page, "Enter")
    assert page.inner_text(".verdict") == "Right."
    press(page, "ArrowRight")
    page.keyboard.type("77")
    press(page, "Enter", "Tab", "Tab")
    assert page.evaluate("document.activeElement.textContent") == "show me"
    press(page, "Enter")
    assert page.inner_text(".verdict").startswith("It is")
    press(page, "p")
    assert page.locator(".quiz").is_hidden()


def test_keys_go_through_a_training_and_into_an_element(show: Show) -> None:
    arrays = (Tensor(np.eye(2), label="A") @ Tensor(np.ones((2, 2)), label="B")).sum()
    page = show(training=trained(), arrays=arrays)
    press(page, "ArrowRight", "ArrowDown")
    assert page.get_attribute(".times", "aria-valuetext").startswith("iteration 2 of 3")
    focus_by_tab(page, ".times")
    press(page, "ArrowUp")
    assert page.get_attribute(".times", "aria-valuetext").startswith("iteration 1 of 3")
    focus_by_tab(page, "[role=tab]:nth-child(2)")
    press(page, "Enter", "ArrowRight", ".")
    focus_by_tab(page, ".element")
    press(page, "Enter")
    assert page.inner_text("h1").startswith("The element")
    focus_by_tab(page, ".back-up")
    press(page, "Enter")
    assert not page.inner_text("h1").startswith("The element")
    focus_by_tab(page, ".theme")
    press(page, "Enter")
    assert page.eval_on_selector(".chainrule", "root => root.style.colorScheme") == "dark"


def test_every_button_has_a_name(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 1), training=trained())
    press(page, "b", "Escape", "End", ".")
    nameless = page.eval_on_selector_all(
        "button, select, input",
        """all => all.filter(one => one.checkVisibility()
            && !(one.ariaLabel || one.textContent.trim() || one.labels?.[0]?.textContent)).map(one => one.outerHTML)""",
    )
    assert nameless == []


def test_on_paper_there_is_the_graph_and_the_step_and_no_button(show: Show, make: dict[str, Any]) -> None:
    page = show(neuron=make["neuron"]())
    press(page, "End")
    page.emulate_media(media="print", color_scheme="dark")
    for selector in (".canvas", ".sentence", ".formula", ".card.node"):
        assert page.locator(selector).is_visible(), selector
    for selector in (".tools", ".buttons", ".steps", ".mode >> nth=0", ".theme"):
        assert page.locator(selector).is_hidden(), selector
    assert page.eval_on_selector("aside", "aside => aside.scrollHeight <= aside.clientHeight"), (
        "nothing is cut"
    )
    assert (
        page.eval_on_selector(".box.op rect", "rect => getComputedStyle(rect).fill") == "rgb(255, 255, 255)"
    )
    page.evaluate("""addEventListener("afterprint", () => { window.printed = true; });
        addEventListener("beforeprint", () => {
            const canvas = document.querySelector(".canvas");
            const { width, height } = canvas.querySelector(":scope > g").getBBox();
            const { viewBox: { baseVal: paper } } = canvas;
            window.all = paper.width >= width && paper.height >= height;
        })""")
    place = page.get_attribute(".canvas > g", "transform")
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.printed && window.all"), "the whole drawing is on the paper"
    assert page.get_attribute(".canvas > g", "transform") == place
    assert page.get_attribute(".canvas", "viewBox") is None


def test_nothing_moves_where_motion_is_not_wanted(show: Show, make: dict[str, Any]) -> None:
    page = show(neuron=make["neuron"]())
    press(page, "End")
    animation = "getComputedStyle(document.querySelector('.flow .backward')).animationName"
    assert page.evaluate(animation) == "chainrule-flow"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(animation) == "none"


def test_forced_colours_keep_the_marks(show: Show) -> None:
    page = show(bug=step(lambda x: x * x, 3.0, mistake="overwrite"))
    page.emulate_media(forced_colors="active")
    press(page, "End")
    style = "getComputedStyle(document.querySelector('.canvas .box.taker rect.frame'))"
    plain = "getComputedStyle(document.querySelector('.canvas .box:not(.taker) rect.frame'))"
    assert page.evaluate(f"{style}.stroke !== {plain}.stroke || {style}.strokeWidth !== {plain}.strokeWidth")
    assert page.locator(".canvas .box.differs .marks path").count() == 2


@pytest.mark.parametrize(
    "mode", ["plain", "predict", "breakpoints", "explain", "training", "theatre", "element"]
)
@pytest.mark.parametrize("width", [1300, 390])
def test_no_mode_is_wider_than_its_screen(show: Show, make: dict[str, Any], mode: str, width: int) -> None:
    arrays = (Tensor(np.eye(3), label="A") @ Tensor(np.ones((3, 3)), label="B")).sum()
    graphs = {"training": trained, "element": lambda: arrays}
    bug = lambda: step(lambda x: x * x + x, 3.0, mistake="no_topological_order")  # noqa: E731 - one of three makers
    page = show(graph=graphs.get(mode, bug if mode == "theatre" else lambda: make["mlp"](2, 3, 1))())
    page.set_viewport_size({"width": width, "height": 800})
    press(page, "End")
    if mode == "predict":
        press(page, "ArrowLeft", "p")
    if mode == "breakpoints":
        press(page, "b")
    if mode == "explain":
        press(page, ".")
    if mode == "element":
        press(page, "/")
        page.keyboard.type("v1")
        press(page, "Enter")
        page.locator(".element").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in ("aside", ".transport", "header", ".stage"):
        assert page.eval_on_selector(part, "part => part.scrollWidth <= part.clientWidth"), part
    overlapping = page.eval_on_selector_all(
        "header > *, .keys > *, .choices > *",
        """all => {
            const boxes = all.filter(one => one.checkVisibility()).map(one => [one, one.getBoundingClientRect()]);
            return boxes.flatMap(([a, p], k) => boxes.slice(k + 1).filter(([b, q]) => !a.contains(b)
                && p.x + 1 < q.x + q.width && q.x + 1 < p.x + p.width
                && p.y + 1 < q.y + q.height && q.y + 1 < p.y + p.height
            ).map(([b]) => `${a.className} / ${b.className}`));
        }""",
    )
    assert overlapping == []


def test_hostile_text_is_text_in_every_mode(show: Show) -> None:
    with scope(HOSTILE):
        x = Value(2.0, label=HOSTILE)
        y = x * x
        y.label = f"y{HOSTILE}"
        total = y + x
    page = show(**{HOSTILE: step(lambda: total, mistake="overwrite")}, address=f"#node={HOSTILE}&step=2")
    press(page, "End", ".", "b")
    page.select_option(".breaks select >> nth=0", "label")
    page.fill(".breaks input[aria-label=label]", HOSTILE)
    press(page, "Enter")
    page.select_option(".breaks select >> nth=0", "scope")
    page.click(".breaks >> text=add")
    press(page, "Escape", "Home", "n", "p")
    for _ in range(12):
        press(page, "ArrowRight")
        if page.locator(".predict").is_visible():
            page.fill(".predict input", HOSTILE)
            press(page, "Enter")
            page.fill(".predict input", "12345")
            press(page, "Enter")
            page.click("text=show me")
    page.hover(".canvas .box >> nth=0")
    page.fill("input[type=search]", HOSTILE)
    press(page, "Enter")
    assert HOSTILE in page.inner_text(".card.node h2")
    assert page.locator("img").count() == 0
    assert page.title() != "owned"


def test_a_box_of_shared_weights_by_keyboard(show: Show) -> None:
    """It says to which of its weights a step goes, Enter opens it, Esc leads out."""
    model = nn.scalar.MLP([2, 2, 1])
    rows = [(0.5, -1.0), (1.0, 0.3)]
    loss = sum(((model([Value(x) for x in row]) - 1.0) ** 2 for row in rows), Value(0.0))
    page = show(g=step(loss))
    box = '.box.group[aria-label="open layer1.parameters"]'
    assert "shared" in page.text_content(box)
    press(page, "End")
    for _ in range(len(step(loss).trace.steps)):
        if page.locator(f"{box}.taker").count():
            break
        press(page, "ArrowLeft")
    said = page.inner_text(".sentence")
    told = re.search(r"layer1\.(neuron\d\.(?:w\d|b))", said)
    assert told, said
    assert told[1] in page.text_content(f"{box}.told")
    press(page, "Home")
    assert "shared" in page.text_content(box)
    focus_by_tab(page, box)
    press(page, "Enter")
    assert page.inner_text('.crumbs [aria-current="page"]') == "layer1.parameters"
    press(page, "Escape")
    assert page.inner_text('.crumbs [aria-current="page"]') == "whole graph"
