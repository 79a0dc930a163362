"""Random networks of all layers against the same ones in PyTorch: outputs, gradients, statistics, files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import files

ACTIVATIONS = [
    "ReLU",
    "Tanh",
    "Sigmoid",
    "GELU",
    "SiLU",
    "ELU",
    "Softplus",
    "LeakyReLU",
    "Mish",
    "SELU",
    "Hardswish",
]


def images(
    rng: np.random.Generator,
) -> tuple[tuple[int, ...], list[tuple[str, tuple[Any, ...], dict[str, Any]]]]:
    """The shape of a batch, and layers that fit each other, as (name, arguments, settings)."""
    n, c, h, w = (int(v) for v in rng.integers([2, 1, 7, 7], [5, 4, 11, 11]))
    shape, plan = (n, c, h, w), []
    for _ in range(rng.integers(1, 4)):
        size, stride, padding = (int(v) for v in rng.integers([1, 1, 0], [4, 3, 2]))
        out = int(rng.integers(1, 5))
        if min(h, w) + 2 * padding < size:
            break
        plan.append(
            ("Conv2d", (c, out, size), {"stride": stride, "padding": padding, "bias": bool(rng.integers(2))})
        )
        c, h, w = out, *((v + 2 * padding - size) // stride + 1 for v in (h, w))
        if rng.integers(2) and n * h * w > 1:
            plan.append(("BatchNorm2d", (c,), {"momentum": [0.1, 0.5, None][rng.integers(3)]}))
        plan.append((ACTIVATIONS[rng.integers(len(ACTIVATIONS))], (), {}))
        if rng.integers(2) and min(h, w) >= 2:
            plan.append((["MaxPool2d", "AvgPool2d"][rng.integers(2)], (2,), {}))
            h, w = h // 2, w // 2
    plan += [("Flatten", (), {}), *rows(rng, c * h * w)]
    return shape, plan


def rows(rng: np.random.Generator, width: int) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    plan: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    for _ in range(rng.integers(1, 4)):
        out = int(rng.integers(2, 6))
        plan.append(("Linear", (width, out), {"bias": bool(rng.integers(2))}))
        width = out
        plan.append((["BatchNorm1d", "LayerNorm", "PReLU"][rng.integers(3)], (width,), {}))
        plan.append((ACTIVATIONS[rng.integers(len(ACTIVATIONS))], (), {}))
    return [*plan, ("Linear", (width, 3), {})]


def build(torch: Any, plan: list[Any]) -> tuple[nn.Module, Any]:
    typed = {"Conv2d", "Linear", "BatchNorm1d", "BatchNorm2d", "LayerNorm", "PReLU"}
    ours = [
        getattr(nn, name)(*arguments, **settings, **({"dtype": "float64"} if name in typed else {}))
        for name, arguments, settings in plan
    ]
    theirs = [getattr(torch.nn, name)(*arguments, **settings) for name, arguments, settings in plan]
    return nn.Sequential(*ours), torch.nn.Sequential(*theirs).double()


@pytest.mark.parametrize("seed", range(40))
def test_a_random_network(seed: int, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    rng = np.random.default_rng(seed)
    shape, plan = images(rng) if seed % 2 else ((int(rng.integers(2, 6)), 4), rows(rng, 4))
    ours, theirs = build(torch, plan)
    files.write(tmp_path / "theirs", {name: t.numpy() for name, t in theirs.state_dict().items()}, {})
    ours.load(tmp_path / "theirs")
    labels = rng.integers(0, 3, shape[0])
    for _ in range(2):
        x = rng.standard_normal(shape)
        peer = torch.tensor(x, requires_grad=True)
        node = cr.Tensor(x)
        loss = nn.losses.cross_entropy(ours(node), labels, label_smoothing=0.1)
        expected = torch.nn.functional.cross_entropy(theirs(peer), torch.tensor(labels), label_smoothing=0.1)
        ours.zero_grad()
        theirs.zero_grad()
        loss.backward()
        expected.backward()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
        assert np.allclose(node.grad, peer.grad.numpy(), rtol=1e-8, atol=1e-10)
        for name, parameter in ours.named_parameters():
            other = dict(theirs.named_parameters())[name].grad.numpy()
            assert np.allclose(parameter.grad, other, rtol=1e-8, atol=1e-10), name
    ours.save(tmp_path / "ours")
    again = nn.load(tmp_path / "ours").eval()
    x = rng.standard_normal(shape)
    assert np.allclose(again(x).data, theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-11)
