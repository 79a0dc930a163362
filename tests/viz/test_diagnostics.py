"""Diagnostics: the numbers are those of the network at each iteration, and what stands out is said."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.diagnostics import Diagnostics, Row
from chainrule.viz.stepping import step


def rms(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(array, float)))))


def train(lr: float = 0.1, activation: Any = nn.ReLU, n: int = 4) -> tuple[Diagnostics, list[dict[str, Any]]]:
    """A small network's diagnostics, and what it was by itself at each iteration."""
    draw = np.random.default_rng(0)
    first, last = nn.Linear(3, 5, generator=draw), nn.Linear(5, 1, generator=draw)
    act, x = activation(), draw.normal(size=(8, 3)).astype(np.float32)
    optimizer = nn.optim.SGD([*first.parameters(), *last.parameters()], lr=lr)
    seen: list[dict[str, Any]] = []

    def train_step() -> None:
        hidden = act(first(x))
        hidden.label = "hidden"
        loss = ((last(hidden) - 1.0) ** 2).mean()
        loss.backward()
        before = first.weight.data.copy()
        gradient = first.weight.grad.copy()
        optimizer.step()
        change = first.weight.data - before
        seen.append(
            {"hidden": hidden.data, "hidden grad": hidden.grad, "w": before, "g": gradient, "d": change}
        )
        optimizer.zero_grad()

    return step(train_step, n=n).diagnostics(), seen


def row(diagnostics: Diagnostics, part: str) -> Row:
    return next(row for row in diagnostics.rows if part in row.name)


def test_the_numbers_are_the_networks() -> None:
    diagnostics, seen = train()
    hidden, weight = row(diagnostics, "relu"), row(diagnostics, "weight")
    assert hidden.size == pytest.approx([rms(s["hidden"]) for s in seen])
    assert hidden.gradient == pytest.approx([rms(s["hidden grad"]) for s in seen])
    assert hidden.idle == [float(np.mean(np.all(s["hidden"] == 0, axis=0))) for s in seen]
    assert weight.size == pytest.approx([rms(s["w"]) for s in seen])
    assert weight.gradient == pytest.approx([rms(s["g"]) for s in seen])
    assert weight.idle == pytest.approx([rms(s["d"]) / rms(s["w"]) for s in seen], rel=1e-5)


def test_layers_come_first_and_in_order() -> None:
    diagnostics, _ = train()
    assert [r.op for r in diagnostics.rows] == ["linear", "relu", "linear", "", "", "", ""]


def idle(op: Any, numbers: list[list[float]]) -> float:
    x = Tensor(numbers, label="x")

    def train_step() -> None:
        op(x).sum().backward()

    return step(train_step, n=1).diagnostics().rows[0].idle[0]


def test_dead_and_saturated_units() -> None:
    assert idle(ops.relu, [[-1.0, 2.0, -1.0], [-1.0, -1.0, 3.0]]) == pytest.approx(1 / 3)
    assert idle(ops.tanh, [[5.0, 0.1], [-5.0, 0.1]]) == 0.5
    assert idle(ops.sigmoid, [[9.0, 0.1], [-9.0, 0.1]]) == 0.5


def test_channels_of_images_are_units() -> None:
    x = Tensor(np.stack([-np.ones((2, 3, 3)), np.ones((2, 3, 3))], axis=1), label="x")

    def train_step() -> None:
        ops.relu(x).sum().backward()

    assert step(train_step, n=1).diagnostics().rows[0].idle == [0.5]


def test_numbers_of_one_layer_are_one_row() -> None:
    network = nn.scalar.MLP([2, 3, 1], activation="tanh", generator=np.random.default_rng(0))

    def train_step() -> None:
        loss = (network([0.5, -1.0]) - 1.0) ** 2
        loss.backward()
        for p in network.parameters():
            p.data -= 0.1 * p.grad
            p.zero_grad()

    diagnostics = step(train_step, n=3).diagnostics()
    assert [r.name for r in diagnostics.rows] == ["layer1 tanh", "layer1 parameters", "layer2 parameters"]
    assert all(len(r.size) == 3 for r in diagnostics.rows)


def test_a_healthy_network_gets_no_warning() -> None:
    assert train(lr=0.01)[0].warnings() == []


def warnings(**changes: Any) -> list[str]:
    diagnostics, _ = train(n=1)
    for name, (part, numbers) in changes.items():
        setattr(row(diagnostics, part), name, numbers)
    return diagnostics.warnings()


def test_what_stands_out_is_said() -> None:
    told = warnings(idle=("weight", [0.5]))
    assert any(w.endswith("weight: an update is 50% of its weights: lower the learning rate") for w in told)
    assert not any("bias" in w for w in warnings(idle=("bias", [0.5])))
    assert any("hardly learns" in w for w in warnings(idle=("weight", [1e-7])))
    assert any("80% dead: they pass no gradient on" in w for w in warnings(idle=("relu", [0.8])))
    assert any("no longer finite" in w for w in warnings(size=("relu", [np.nan])))
    assert any("the gradient vanishes" in w for w in warnings(gradient=("linear", [1e-9])))


def test_as_text_and_as_a_picture(tmp_path: Path) -> None:
    diagnostics, _ = train()
    lines = str(diagnostics).splitlines()
    assert len(lines) >= 1 + len(diagnostics.rows)
    assert repr(diagnostics) == str(diagnostics)
    svg = diagnostics.save(tmp_path / "layers.svg").read_text()
    assert svg == diagnostics._repr_svg_()
    root = ElementTree.fromstring(svg)
    curves = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == sum(2 + bool(r.third) for r in diagnostics.rows)


def test_a_weight_that_was_zero_and_a_broken_network_still_draw() -> None:
    w = Value(0.0, label="w")

    def train_step() -> None:
        (w * float("inf")).backward()
        w.data = 1.0
        w.zero_grad()

    diagnostics = step(train_step, n=2).diagnostics()
    ElementTree.fromstring(diagnostics.drawing().svg)
    assert any("no longer finite" in w for w in diagnostics.warnings())


def test_one_pass_has_none() -> None:
    with pytest.raises(
        ValueError, match=r"is one pass; diagnostics are those of a training: step\(train_step, n=20\)"
    ):
        step(lambda x: x * x, 2.0).diagnostics()
