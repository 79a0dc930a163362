"""Why a gradient is what it is, on the page: all paths from the result, largest first, and their exact sum."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chainrule.autograd.value import Value
from chainrule.viz import labels
from chainrule.viz.stepping import step
from chainrule.viz.steps import Backward
from chainrule.viz.trace import Trace

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


def all_paths(recording: Trace, target: int) -> list[tuple[list[int], float]]:
    """Every path from the result to a node and its product, by brute force."""
    edges: dict[int, list[Backward]] = {}
    for one in recording.steps:
        if isinstance(one, Backward):
            edges.setdefault(one.child, []).append(one)

    def follow(node: int, path: list[int], product: float) -> Iterator[tuple[list[int], float]]:
        if node == target:
            yield path, product
        for edge in edges.get(node, []):
            assert isinstance(edge.local, float)
            yield from follow(edge.parent, [*path, edge.parent], product * edge.local)

    root = recording.nodes[-1].id
    return sorted(follow(root, [root], 1.0), key=lambda path: -abs(path[1]))


def find(page: Any, label: str) -> None:
    page.fill("input[type=search]", label)
    page.keyboard.press("Enter")


def expression() -> Value:
    x, w = Value(1.5, label="x"), Value(-0.4, label="w")
    h = x * w
    h.label = "h"
    loss = (h * h + x).tanh() * x
    loss.label = "loss"
    return loss


def test_all_paths_are_listed_largest_first(show: Show) -> None:
    loss = expression()
    recording = step(loss).trace
    names = labels.names(recording)
    page = show(graph=loss)
    find(page, "x")
    assert page.inner_text(".paths h2") == "Why this gradient: 4 paths from loss"
    expected = all_paths(recording, 0)
    routes = page.locator(".route").all_inner_texts()
    assert len(routes) == len(expected) == 4
    products = page.locator(".product").all_inner_texts()
    for route, product, (path, size) in zip(routes, products, expected):
        assert product.split()[-1].startswith(labels.short(size)[:5])
        assert route.split(" → ")[0], route.split(" → ")[-1] == ("loss", "x")
        assert len(route.split(" → ")) == len(path)
    assert routes[0] == " → ".join(names[node] for node in expected[0][0])
    loss.backward()
    gradient = recording.state().grads[0]
    assert math.isclose(sum(size for _, size in expected), gradient, rel_tol=1e-12)  # type: ignore[arg-type]
    shown = float(page.inner_text(".total b").replace("−", "-"))
    assert math.isclose(shown, gradient, rel_tol=1e-6)  # type: ignore[arg-type]
    assert page.locator(".rest").count() == 0


def test_many_paths_are_cut_with_an_exact_rest(show: Show, make: dict[str, Any]) -> None:
    loss = make["mlp"](2, 16, 16, 1)
    recording = step(loss).trace
    target = next(node.id for node in recording.nodes if node.label == "w1")
    expected = all_paths(recording, target)
    page = show(mlp=loss)
    find(page, "w1")
    assert page.inner_text(".paths h2") == "Why this gradient: 16 paths from loss"
    sizes = [float(text.split()[-1].replace("−", "-")) for text in page.locator(".product").all_inner_texts()]
    assert sizes == pytest.approx([size for _, size in expected[:8]], rel=1e-3)
    rest = recording.state().grads[target] - sum(size for _, size in expected[:8])  # type: ignore[operator]
    assert page.inner_text(".rest") == f"and 8 more, together {labels.short(rest)}"


def test_a_number_of_paths_that_no_list_could_hold(show: Show) -> None:
    x = Value(1.0, label="x")
    total = x
    for _ in range(70):  # each step doubles the paths: 2**70
        total = (total + total) * 0.5
    page = show(doubling=total)
    find(page, "x")
    assert page.inner_text(".paths h2").startswith("Why this gradient: 1,180,591,620,717,411,303,424 paths")
    assert page.locator("button.way").count() == 8


def test_two_ways_through_one_edge_are_told_apart(show: Show) -> None:
    page = show(square=step(lambda x: x * x, 3.0))
    page.keyboard.press("End")
    page.keyboard.press(".")
    routes = page.locator(".route").all_inner_texts()
    assert routes == ["L → x (first argument)", "L → x (second argument)"]


def test_paths_are_marked_in_the_graph(show: Show) -> None:
    page = show(graph=expression())
    page.keyboard.press("End")
    assert page.locator(".ways path").count() == 0
    page.hover(".canvas .box[data-ref='node 1'] rect")
    assert page.locator(".ways path").count() > 0
    tip = page.text_content(".canvas .box[data-ref='node 1'] title")
    assert "the sum over 2 paths; click for all" in tip
    page.mouse.move(5, 5)
    assert page.locator(".ways path").count() == 0
    page.click(".canvas .box[data-ref='node 1']")
    both = page.locator(".ways path").count()
    page.locator("button.way").first.focus()
    assert 0 < page.locator(".ways path").count() < both, "one path only"
    page.keyboard.press("Escape")
    assert page.locator(".ways path").count() == 0
    assert page.locator(".paths").count() == 0


def test_the_keyboard_explains_the_current_step(show: Show) -> None:
    page = show(graph=expression())
    page.keyboard.press("End")
    page.keyboard.press(".")
    assert "paths from loss" in page.inner_text(".paths h2")
    page.keyboard.press(".")
    assert page.locator(".paths").count() == 0


def test_zero_and_nan_have_paths_too(show: Show) -> None:
    x = Value(-1.0, label="x")
    page = show(
        dead=x.relu() * 3.0 + x * float("nan"),
        constant=Value(2.0, requires_grad=False, label="c") * Value(1.0),
    )
    find(page, "x")
    assert page.locator(".product").all_inner_texts() == ["NaN", "3 · 0 = 0"]
    page.get_by_role("tab", name="constant").click()
    find(page, "c")
    assert page.locator(".paths").count() == 0, "what takes no gradient has none to explain"
