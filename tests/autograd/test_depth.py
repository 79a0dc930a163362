"""Deep and long: a million nodes, no recursion, no reference cycles, memory that stays flat."""

import contextlib
import gc
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value
from chainrule.autograd.node import Node


@pytest.fixture
def collector_off() -> Iterator[None]:
    """Whatever is freed is freed by its reference count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def low_recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 60)
    yield
    sys.setrecursionlimit(before)


def len_of_stack() -> int:
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1  # type: ignore[assignment]
    return count


def nodes_alive() -> int:
    return sum(issubclass(type(x), Node) for x in gc.get_objects())


@pytest.mark.usefixtures("collector_off", "low_recursion_limit")
def test_a_million_values() -> None:
    before = nodes_alive()
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1e-6
    y.backward()
    assert x.grad == 1.0
    assert y.data == pytest.approx(2.0)
    assert nodes_alive() == before + 1_000_001
    del y
    assert nodes_alive() == before + 1
    assert x.grad == 1.0


@pytest.mark.usefixtures("collector_off", "low_recursion_limit")
def test_a_hundred_thousand_tensors() -> None:
    before = nodes_alive()
    x = Tensor([1.0, 2.0])
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    y.sum().backward()
    assert x.grad == pytest.approx(np.exp([1.0, 1.0]), rel=1e-5)
    del y
    assert nodes_alive() == before + 1


@pytest.mark.usefixtures("collector_off", "low_recursion_limit")
def test_deep_transforms_and_programs() -> None:
    def deep(x: Any) -> Any:
        for _ in range(5_000):
            x = x * 1.0001
        return x

    slope = 1.0001**5_000
    assert cr.grad(deep)(2.0) == pytest.approx(slope)
    assert cr.grad(cr.grad(lambda x: deep(x) * x))(2.0) == pytest.approx(2 * slope)
    assert cr.jvp(deep, [2.0], [1.0])[1] == pytest.approx(slope)
    x = y = Value(2.0)
    for _ in range(5_000):
        y = y.sin()
    assert len(cr.record(y, wrt=[x]).steps) >= 15_000


def train_a_little() -> None:
    x, v = Tensor(np.ones((3, 3)), label="x"), Value(2.0, label="v")
    with cr.scope("layer"), cr.record_lines():
        y = cr.softmax(x @ x + 1.0).sum(0)[1:]
        z = cr.concatenate([y, cr.where(y > 0, y, 0.0)]).norm()
        u = cr.where(v > 0, v.log() * v, v) ** 2
    z.backward()
    u.backward()


def transform() -> None:
    cr.grad(lambda x: (x * x).sum())(np.ones(2))
    cr.grad(lambda p: p["a"] * p["b"][0])({"a": 1.0, "b": [2.0]})
    cr.grad(cr.grad(lambda x: x**3))(2.0)
    cr.vjp(lambda x: x * x, np.ones(2))[1](np.ones(2))
    cr.jvp(lambda x: cr.linear(x, np.ones((2, 2)), np.ones(2)), [np.ones((2, 2))], [np.ones((2, 2))])
    cr.hvp(lambda x: (x**3).sum(), [np.ones(2)], [np.ones(2)])
    cr.hessian(lambda x: (x**3).sum())(np.ones(2))
    cr.check_grad(lambda x: x * x, 2.0)


def record_programs() -> None:
    x, v = Tensor(np.ones(3)), Value(2.0)
    cr.record((x * x).sum(), wrt=[x])
    cr.record(v * v, wrt=[v])


def fail() -> None:
    x = Tensor(np.ones(3))
    for attempt in (lambda: x + Tensor(np.ones(4)), lambda: x.sum(5), x.backward, lambda: x.reshape(7)):
        with contextlib.suppress(ValueError, RuntimeError):
            attempt()


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("function", [train_a_little, transform, record_programs, fail])
def test_there_are_no_reference_cycles(function: Any) -> None:
    function()
    gc.collect()
    before = nodes_alive()
    function()
    assert nodes_alive() == before
    assert gc.collect() == 0


TRAIN = """
import gc, resource, sys
import numpy as np
import chainrule as cr
gc.disable()
rng = np.random.default_rng(0)
X, t = rng.normal(size=(64, 8)), rng.normal(size=(64, 1))
W, b = cr.Tensor(rng.normal(size=(8, 1))), cr.Tensor(np.zeros(1))
v = cr.Value(1.0)

def step():
    global W
    loss = ((cr.tanh(X @ W + b) - t) ** 2).mean()
    W.zero_grad(), b.zero_grad()
    loss.backward()
    with cr.no_grad():
        W -= 0.1 * W.grad
        b.data = b.data - 0.1 * b.grad
    (v * v + v.exp()).backward()
    v.zero_grad()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux, bytes on macOS

for _ in range(300):
    step()
before = peak()
for _ in range(10_000):
    step()
print(len(gc.get_objects()), peak() - before, before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no resource module")
def test_ten_thousand_steps_leave_memory_flat() -> None:
    run = subprocess.run([sys.executable, "-P", "-c", TRAIN], capture_output=True, text=True, check=True)
    _, grown, before = map(int, run.stdout.split())
    assert grown < 0.01 * before
