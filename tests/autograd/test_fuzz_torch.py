"""Random programs of 5 to 30 ops with shared intermediates, both engines against PyTorch.

Each engine runs 200 programs, in CI 1,000, or as many as `CHAINRULE_FUZZ` says; a failure names the seed.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value

torch = pytest.importorskip(
    "torch", reason="needs PyTorch as an outside oracle: pip install 'chainrule[oracle]'"
)

PROGRAMS = int(os.environ.get("CHAINRULE_FUZZ") or ("1000" if os.environ.get("CI") else "200"))
BATCH = 50
functional = torch.nn.functional


@dataclass(frozen=True)
class Step:
    """One op, written for both; operands stay within ±3, so that nothing overflows or comes near a pole."""

    name: str
    arity: int
    ours: Callable[..., Any]
    theirs: Callable[..., Any]


def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *x: function(*(1.2 + cr.tanh(a) for a in x))


def bounded_torch(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *x: function(*(1.2 + torch.tanh(a) for a in x))


SCALAR = [
    Step("add", 2, lambda x, y: x + y, lambda x, y: x + y),
    Step("sub", 2, lambda x, y: x - y, lambda x, y: x - y),
    Step("mul", 2, lambda x, y: cr.tanh(x) * y, lambda x, y: torch.tanh(x) * y),
    Step("div", 2, lambda x, y: x / (1.5 + cr.cos(y)), lambda x, y: x / (1.5 + torch.cos(y))),
    Step("rsub", 1, lambda x: 2.0 - x, lambda x: 2.0 - x),
    Step("rdiv", 1, bounded(lambda x: 1.0 / x), bounded_torch(lambda x: 1.0 / x)),
    Step("pow", 2, bounded(lambda x, y: x**y), bounded_torch(lambda x, y: x**y)),
    Step("square", 1, lambda x: cr.tanh(x) ** 2, lambda x: torch.tanh(x) ** 2),
    Step("neg", 1, lambda x: -x, lambda x: -x),
    Step("exp", 1, lambda x: cr.exp(cr.tanh(x)), lambda x: torch.exp(torch.tanh(x))),
    Step("log", 1, bounded(cr.log), bounded_torch(torch.log)),
    Step("sqrt", 1, bounded(cr.sqrt), bounded_torch(torch.sqrt)),
    Step("sin", 1, cr.sin, torch.sin),
    Step("cos", 1, cr.cos, torch.cos),
    Step("arctan", 1, cr.arctan, torch.atan),
    Step("arctan2", 2, bounded(cr.arctan2), bounded_torch(torch.atan2)),
    Step("hypot", 2, bounded(cr.hypot), bounded_torch(torch.hypot)),
    Step("tanh", 1, cr.tanh, torch.tanh),
    Step("sigmoid", 1, cr.sigmoid, torch.sigmoid),
    Step("relu", 1, cr.relu, torch.relu),
    Step("leaky_relu", 1, lambda x: cr.leaky_relu(x, 0.1), lambda x: functional.leaky_relu(x, 0.1)),
    Step("softplus", 1, cr.softplus, functional.softplus),
    Step("silu", 1, cr.silu, functional.silu),
    Step("gelu", 1, cr.gelu, functional.gelu),
    Step("elu", 1, cr.elu, functional.elu),
    Step("erf", 1, cr.erf, torch.erf),
    Step("log_sigmoid", 1, cr.log_sigmoid, functional.logsigmoid),
    Step("abs", 1, cr.abs, torch.abs),
    Step("maximum", 2, cr.maximum, torch.maximum),
    Step("minimum", 2, cr.minimum, torch.minimum),
    Step("clip", 1, lambda x: cr.clip(x, -1.0, 0.5), lambda x: torch.clamp(x, -1.0, 0.5)),
    Step("where", 2, lambda x, y: cr.where(x > 0.1, x, y), lambda x, y: torch.where(x > 0.1, x, y)),
    Step("logaddexp", 2, cr.logaddexp, torch.logaddexp),
    Step("detach", 2, lambda x, y: x.detach() * cr.tanh(y), lambda x, y: x.detach() * torch.tanh(y)),
]
# On matrices of shape (3, 3), so that any result is an operand of any op.
ARRAY = [
    *SCALAR,
    Step("matmul", 2, lambda x, y: cr.tanh(x) @ cr.tanh(y), lambda x, y: torch.tanh(x) @ torch.tanh(y)),
    Step("transpose", 1, lambda x: x.T, lambda x: x.T),
    Step("row", 2, lambda x, y: x[0] + y, lambda x, y: x[0] + y),
    Step("column", 2, lambda x, y: x[:, 1:2] * cr.tanh(y), lambda x, y: x[:, 1:2] * torch.tanh(y)),
    Step("sum", 2, lambda x, y: y + cr.tanh(x.sum(axis=0)), lambda x, y: y + torch.tanh(x.sum(0))),
    Step("mean", 2, lambda x, y: y + x.mean(axis=1, keepdims=True), lambda x, y: y + x.mean(1, keepdim=True)),
    Step("max", 2, lambda x, y: y - x.max(axis=1), lambda x, y: y - x.amax(1)),
    Step("softmax", 1, lambda x: cr.softmax(x, 1), lambda x: torch.softmax(x, 1)),
    Step("log_softmax", 1, lambda x: cr.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
    Step("logsumexp", 2, lambda x, y: y + cr.tanh(x.logsumexp(axis=1)), lambda x, y: y + torch.tanh(x.logsumexp(1))),
    Step("reshape", 1, lambda x: x.reshape(9)[::-1].reshape(3, 3), lambda x: x.reshape(9).flip(0).reshape(3, 3)),
    Step("gather", 1, lambda x: x[[2, 0, 2]], lambda x: x[[2, 0, 2]]),
    Step("mask", 2, lambda x, y: y + x[np.eye(3) > 0], lambda x, y: y + x[torch.eye(3) > 0]),
    Step("concatenate", 2, lambda x, y: cr.concatenate([x[1:], y[:1]]), lambda x, y: torch.cat([x[1:], y[:1]])),
    Step("stack", 2, lambda x, y: cr.stack([x, y]).mean(axis=0), lambda x, y: torch.stack([x, y]).mean(0)),
    Step("cumsum", 1, lambda x: cr.tanh(x).cumsum(1), lambda x: torch.tanh(x).cumsum(1)),
    Step("norm", 2, lambda x, y: y / (1.0 + x.norm()), lambda x, y: y / (1.0 + x.norm())),
    Step("var", 2, lambda x, y: y + cr.tanh(x.var(axis=0, ddof=1)), lambda x, y: y + torch.tanh(x.var(0))),
    Step("linear", 2, lambda x, y: cr.linear(cr.tanh(x), cr.tanh(y), y[0]),
         lambda x, y: functional.linear(torch.tanh(x), torch.tanh(y), y[0])),
]  # fmt: skip


def program(seed: int, steps: list[Step]) -> tuple[int, list[tuple[Step, tuple[int, ...]]], list[int]]:
    """A number of inputs, ops with the places of their operands, and the places that are summed up."""
    rng = random.Random(seed)
    inputs = rng.randint(1, 4)
    chosen = []
    for i in range(rng.randint(5, 30)):
        step = rng.choice(steps)
        # Early results are drawn again and again, so that most are shared.
        chosen.append((step, tuple(int((inputs + i) * rng.random() ** 0.7) for _ in range(step.arity))))
    places = range(inputs + len(chosen))
    return inputs, chosen, [places[-1], *rng.sample(places, rng.randint(0, 2))]


def evaluate(inputs: list[Any], chosen: Any, summed: list[int], side: str) -> Any:
    values = list(inputs)
    for step, places in chosen:
        values.append(getattr(step, side)(*(values[p] for p in places)))
    return sum((values[p] * (k + 1.0) for k, p in enumerate(summed)), 0.0)


def check(seed: int, engine: str) -> None:
    count, chosen, summed = program(seed, SCALAR if engine == "Value" else ARRAY)
    points = np.random.default_rng(seed).uniform(-2, 2, (count,) if engine == "Value" else (count, 3, 3))
    ours = [Value(x) if engine == "Value" else Tensor(x) for x in points]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in points]
    a, b = evaluate(ours, chosen, summed, "ours"), evaluate(theirs, chosen, summed, "theirs")
    text = f"seed {seed}: " + ", ".join(f"{step.name}{places}" for step, places in chosen)
    np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-10, atol=1e-10, err_msg=text)
    if not b.requires_grad:
        return
    (a if engine == "Value" else a.sum()).backward()
    b.sum().backward()
    for x, y in zip(ours, theirs, strict=True):
        expected = np.zeros(y.shape) if y.grad is None else y.grad.numpy()
        found = np.zeros(y.shape) if x.grad is None else x.grad
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=text)


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
@pytest.mark.parametrize("engine", ["Value", "Tensor"])
def test_random_programs_agree(engine: str, first: int) -> None:
    for seed in range(first, min(first + BATCH, PROGRAMS)):
        check(seed, engine)


def test_every_step_is_drawn() -> None:
    drawn = {step.name for seed in range(200) for step, _ in program(seed, ARRAY)[1]}
    assert drawn == {step.name for step in ARRAY}


def test_most_intermediates_are_shared() -> None:
    """An operand of two ops or more gets its gradient in parts."""
    for seed in range(0, 100, 10):
        uses = Counter(place for _, places in program(seed, ARRAY)[1] for place in set(places))
        assert sum(count > 1 for count in uses.values()) >= 2
