"""Arrays on the page: heat maps in the boxes and beside them, and the graph of one element."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.viz import heat, labels
from chainrule.viz.stepping import step
from chainrule.viz.steps import Summary

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


def network() -> Tensor:
    draw = np.random.default_rng(0)
    inputs = Tensor(draw.normal(size=(3, 2)), requires_grad=False, label="X")
    hidden = ops.tanh(inputs @ Tensor(draw.normal(size=(2, 4)), label="W1") + Tensor(np.zeros(4), label="b1"))
    hidden.label = "h"
    out = hidden @ Tensor(draw.normal(size=(4, 1)), label="W2")
    out.label = "y"
    loss = (out * out).mean()
    loss.label = "loss"
    return loss


def shades(page: Any, node: int) -> list[list[str]]:
    """Per heat map of a box: the colour classes of its cells, row by row."""
    return page.eval_on_selector_all(  # type: ignore[no-any-return]
        f".canvas .box[data-ref='node {node}'] .cells",
        "maps => maps.map(map => [...map.querySelectorAll('rect')].map(cell => cell.getAttribute('class')))",
    )


def expected(summary: Summary) -> list[str]:
    largest = heat.scale(summary)
    levels = [heat.strength(entry, largest) for row in summary.values for entry in row]
    return ["undefined" if k is None else f"cold{-k}" if k < 0 else f"warm{k}" for k in levels]


def test_heat_maps_show_value_and_gradient(show: Show) -> None:
    loss = network()
    recording = step(loss).trace
    page = show(network=loss)
    parameter = next(node.id for node in recording.nodes if node.label == "W1")
    assert set(shades(page, parameter)[1]) == {"none"}, "not computed is no colour"
    page.keyboard.press("End")
    state = recording.state()
    checked = 0
    for node in recording.nodes:
        value, grad = state.values[node.id], state.grads.get(node.id)
        if not isinstance(value, Summary):
            continue
        maps = shades(page, node.id)
        assert maps[0] == expected(value)
        assert len(maps) == (1 if node.role == "constant" else 2)
        if grad is not None:
            assert isinstance(grad, Summary)
            assert maps[1] == expected(grad)
            checked += 1
    assert checked > 5
    page.keyboard.press("Home")
    assert set(shades(page, parameter)[1]) == {"none"}


def test_cells_stay_in_their_boxes(show: Show) -> None:
    page = show(network=network())
    page.keyboard.press("End")
    outside = page.eval_on_selector_all(
        ".canvas .box",
        """boxes => boxes.filter(box => {
            const frame = box.querySelector("rect.frame").getBBox();
            return [...box.querySelectorAll(".cells rect")].some(cell => {
                const own = cell.getBBox();
                return own.x < frame.x || own.x + own.width > frame.x + frame.width
                    || own.y + own.height > frame.y + frame.height;
            });
        }).length""",
    )
    assert outside == 0


def test_what_is_no_number_has_a_colour_of_its_own(show: Show) -> None:
    page = show(bad=(Tensor([np.nan, np.inf, -np.inf, 0.0], label="x") * 1.0).sum())
    assert shades(page, 0)[0] == ["undefined", "warm4", "cold4", "warm0"]


def test_an_element_opens_as_a_graph_with_the_same_numbers(show: Show) -> None:
    loss = network()
    recording = step(loss).trace
    state = recording.state()
    out = next(node for node in recording.nodes if node.label == "y")
    hidden = next(node for node in recording.nodes if node.label == "h")
    page = show(network=loss)
    page.keyboard.press("End")
    page.fill("input[type=search]", "y")
    page.keyboard.press("Enter")
    page.locator(".element[aria-label^='open element [1, 0]']").first.click()
    assert page.inner_text("h1") == "The element y[1, 0]"
    boxes = {
        name: (value, grad)
        for name, value, grad in page.eval_on_selector_all(
            ".canvas .box:has(.value)",
            """boxes => boxes.map(box =>
                [".name", ".value", ".grad"].map(part => box.querySelector(part).textContent))""",
        )
    }
    h, w = state.values[hidden.id], state.values[next(n.id for n in recording.nodes if n.label == "W2")]
    assert isinstance(h, Summary)
    assert isinstance(w, Summary)
    for k in range(4):
        assert boxes[f"h[1,{k}]"][0] == labels.short(h.values[1][k]), "its row"
        assert boxes[f"W2[{k},0]"][0] == labels.short(w.values[k][0]), "times its column"
    upstream = state.grads[out.id]
    assert isinstance(upstream, Summary)
    assert boxes["W2[2,0]"][1] == labels.short(upstream.values[1][0] * h.values[1][2])
    page.keyboard.press("Home")
    assert page.inner_text(".counter").startswith("0 /")
    page.keyboard.press("Escape")
    assert page.inner_text("h1") == "Backprop, step by step"
    assert page.inner_text(".counter") == f"{len(recording.steps)} / {len(recording.steps)}", "as it was left"


def test_an_element_opens_from_its_cell_in_the_graph_and_by_keyboard(show: Show) -> None:
    loss = network()
    hidden = next(node.id for node in step(loss).trace.nodes if node.label == "h")
    page = show(network=loss)
    page.keyboard.press("End")
    page.locator(f".canvas .box[data-ref='node {hidden}'] .cells rect[data-open]").nth(5).click()
    assert "[1, 1]" in page.inner_text("h1")
    page.click(".back-up")
    page.keyboard.press("/")
    page.keyboard.type("h")
    page.keyboard.press("Enter")
    page.locator(".element").first.focus()
    page.keyboard.press("Enter")
    assert page.inner_text("h1").startswith("The element h[0, 0]")


def test_paths_between_arrays_are_ranked_by_what_they_bring(show: Show) -> None:
    loss = network()
    page = show(network=loss)
    page.fill("input[type=search]", "W1")
    page.keyboard.press("Enter")
    assert page.inner_text(".paths h2") == "Why this gradient: 2 paths from loss"
    assert page.locator(".product").first.inner_text().startswith("brings ")


def test_ties_are_told(show: Show) -> None:
    """Where an opened maximum shares its gradient otherwise than the array's rule."""
    x = Tensor([[2.0, 2.0, 2.0], [0.0, 3.0, 1.0]], label="x")
    largest = ops.max(x, axis=1)
    largest.label = "m"
    page = show(g=largest.sum())
    page.keyboard.press("End")
    page.keyboard.press("/")
    page.keyboard.type("m")
    page.keyboard.press("Enter")
    page.locator(".element[aria-label^='open element [0]']").first.click()
    assert "3 elements tie. m gives each of them the same share" in page.inner_text(".formula")
    page.keyboard.press("Escape")
    page.locator(".element[aria-label^='open element [1]']").first.click()
    assert page.inner_text("h1") == "The element m[1]"
    assert "tie" not in page.inner_text(".formula")


def test_the_only_path_to_an_array_is_shown(show: Show) -> None:
    weight = Tensor([[1.0, 2.0], [3.0, 4.0]], label="W")
    total = ops.tanh(Tensor([[0.1, 0.2]], requires_grad=False, label="X") @ weight).sum()
    total.label = "loss"
    page = show(g=total)
    page.keyboard.press("End")
    page.keyboard.press(".")
    assert page.inner_text(".paths h2") == "Why this gradient: one path from loss"
    assert page.inner_text(".route").endswith("→ W")
    assert page.inner_text(".product").startswith("brings all of it: ")
