"""What is packed for the page comes out of its script again, to the last bit, and is small."""

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz import page as pages
from chainrule.viz.mistakes import MISTAKES, record
from chainrule.viz.packing import pack
from chainrule.viz.record import trace
from chainrule.viz.stepping import step
from chainrule.viz.trace import Trace

UNPACKED = "([code, graph]) => new Function('graph', `${code}; return unpacked(graph)`)(graph)"


def read(page: Any, recording: Trace) -> dict[str, Any]:
    """What the page's own script makes of a recording."""
    code = pages.module().replace("export default", "const exported =")
    graph = pages.payload({"graph": recording}, "")["graphs"][0]
    return page.evaluate(UNPACKED, [code, graph])  # type: ignore[no-any-return]


def plain(recording: Trace) -> dict[str, Any]:
    return json.loads(recording.to_json())  # type: ignore[no-any-return]


@pytest.mark.browser
def test_every_number_survives(page: Any, graph: Any) -> None:
    recording = trace(graph)
    assert read(page, recording)["steps"] == plain(recording)["steps"]


@pytest.mark.browser
def test_non_finite_numbers_survive(page: Any) -> None:
    x, y = Value(0.0, label="x"), Value(1e200, label="y")
    recording = trace((x.log() * -1.0 + y * y) * x)
    steps = read(page, recording)["steps"]
    assert steps == plain(recording)["steps"]
    assert "Infinity" in str(steps)
    assert "NaN" in str(steps)


@pytest.mark.browser
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_survives(page: Any, name: str, make: dict[str, Callable[..., Any]]) -> None:
    for made in (make["random"](1), make["tensor_mlp"]()):
        recording = record(made, name)
        assert read(page, recording)["mistake"]["steps"] == plain(recording)["mistake"]["steps"]


@pytest.mark.browser
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_survives(page: Any, dtype: str) -> None:
    draw = np.random.default_rng(0)
    weight = nn.Parameter(draw.normal(size=(3, 4)).astype(dtype), label="W")
    bias = nn.Parameter(np.zeros(4, dtype), label="b")
    optimizer = nn.optim.Adam([weight, bias], lr=0.1)

    def train_step() -> None:
        batch = Tensor(draw.normal(size=(5, 3)).astype(dtype), requires_grad=False, label="X")
        optimizer.zero_grad()
        ops.tanh(batch @ weight + bias).mean().backward()
        optimizer.step()

    recording = step(train_step, n=4).trace
    assert read(page, recording)["steps"] == plain(recording)["steps"]


def training(nodes: int, n: int) -> Trace:
    draw = random.Random(0)
    weights = [Value(draw.uniform(-1, 1), label=f"w{k}") for k in range(nodes // 3)]

    def train_step() -> None:
        total = Value(0.0, requires_grad=False)
        for weight in weights:
            total = total + (weight - 0.3) ** 2
        total.backward()
        for weight in weights:
            weight.data -= 0.1 * weight.grad
            weight.zero_grad()

    return step(train_step, n=n).trace


def test_an_iteration_costs_its_numbers_only() -> None:
    short, long = (plain(training(60, n)) for n in (2, 12))
    packed = [pack(rows["steps"], rows["nodes"]) for rows in (short, long)]
    assert len(packed[0]["kinds"]) == len(packed[1]["kinds"])
    leaves = sum(node["role"] == "parameter" for node in long["nodes"])
    forward = sum("op" in node for node in long["nodes"])
    counts = [sum(map(len, one["numbers"])) for one in packed]
    assert (counts[1] - counts[0]) / 10 <= forward + 2 * leaves + 2, "values, locals, weights, its own data"


def test_a_long_training_of_a_large_network_fits_a_page() -> None:
    html = pages.html({"training": training(1000, 20)}, "")
    assert len(html) < 600_000
