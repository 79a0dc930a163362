"""What holds while code runs, and for whom: threads and tasks each have their own mode."""

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value
from chainrule.autograd import mode as modes
from chainrule.autograd.mode import current, record_whole
from chainrule.autograd.op import OPS


def in_threads(*functions: Any) -> list[Any]:
    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(f) for f in functions]]


def test_no_grad_nests_and_ends() -> None:
    x = Value(2.0)
    with cr.no_grad():
        with cr.enable_grad():
            assert (x * x).op is not None
            with cr.no_grad():
                assert (x * x).op is None
            assert (x * x).op is not None
        assert (x * x).op is None
    assert (x * x).op is not None


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), cr.no_grad():
        1 / 0  # noqa: B018
    assert current().grad


def test_one_switch_can_be_entered_twice() -> None:
    switch = cr.no_grad()
    with switch, switch:
        assert not current().grad
    assert current().grad


def test_no_grad_is_per_thread() -> None:
    inside, done = threading.Event(), threading.Event()

    def silent() -> Any:
        with cr.no_grad():
            inside.set()
            assert done.wait(30)
            return (Tensor([1.0]) * 2).op

    def recording() -> Any:
        assert inside.wait(30)
        op = (Tensor([1.0]) * 2).op
        done.set()
        return op

    first, second = in_threads(silent, recording)
    assert first is None
    assert str(second) == "mul"
    assert current().grad


def test_a_new_thread_starts_with_the_defaults() -> None:
    with cr.no_grad(), cr.scope("outer"):
        (found,) = in_threads(lambda: (current().grad, current().scope))
    assert found == (True, None)


def test_no_grad_is_per_task() -> None:
    async def silent(turn: asyncio.Event, back: asyncio.Event) -> Any:
        with cr.no_grad():
            turn.set()
            await back.wait()
            return (Value(1.0) * 2).op

    async def recording(turn: asyncio.Event, back: asyncio.Event) -> Any:
        await turn.wait()
        op = (Value(1.0) * 2).op
        back.set()
        return op

    async def both() -> Any:
        turn, back = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(silent(turn, back), recording(turn, back))

    first, second = asyncio.run(both())
    assert first is None
    assert str(second) == "mul"


def test_use_backend_is_per_thread_and_ends() -> None:
    with cr.use_backend("numpy"):
        inside = current().backend
    assert inside == "numpy"
    assert current().backend == modes._DEFAULT.backend

    def switched() -> str:
        cr.use_backend("numpy")
        return current().backend

    assert in_threads(switched) == ["numpy"]


def test_use_backend_as_a_call_stays() -> None:
    def run() -> str:
        cr.use_backend("numpy")
        return current().backend

    assert contextvars.copy_context().run(run) == "numpy"


def test_an_unknown_backend_leaves_the_old_one() -> None:
    before = current()
    with pytest.raises(ValueError, match="unknown backend"):
        cr.use_backend("nothing")
    assert current() is before


@pytest.mark.parametrize(("name", "fails"), [("numpy", False), ("nunpy", True)])
def test_the_environment_sets_the_default(name: str, fails: bool) -> None:
    code = "import chainrule as cr; print((cr.Tensor([1.0]) + 1).data)"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"CHAINRULE_BACKEND": name},
        capture_output=True,
        text=True,
        check=False,
    )
    if fails:
        assert "unknown backend 'nunpy'; known backends: numpy, numba; did you mean 'numpy'?" in run.stderr
    else:
        assert run.stdout == "[2.]\n"


def build(seed: int) -> tuple[float, Any]:
    """A graph of a few hundred nodes; the same seed gives the same numbers."""
    rng = np.random.default_rng(seed)
    W = [Tensor(rng.normal(size=(8, 8))) for _ in range(3)]
    loss: Any = 0.0
    for _ in range(20):
        h = Tensor(rng.normal(size=(4, 8)), requires_grad=False)
        for w in W:
            h = cr.tanh(h @ w)
        loss = loss + (h * h).mean()
    loss.backward()
    return float(loss), [w.grad for w in W]


def build_values(seed: int) -> tuple[float, Any]:
    rng = np.random.default_rng(seed)
    ws = [Value(x) for x in rng.normal(size=20)]
    total = Value(0.0)
    for i in range(400):
        total = (total + ws[i % 20] * ws[(7 * i) % 20]).tanh()
    total.backward()
    return total.data, [w.grad for w in ws]


@pytest.mark.parametrize("build", [build, build_values])
def test_threads_that_build_separate_graphs(build: Any) -> None:
    expected = [build(seed) for seed in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        found = in_threads(*(lambda s=seed: [build(s) for _ in range(5)][-1] for seed in range(4)))
    finally:
        sys.setswitchinterval(interval)
    for (a, gradients), (b, others) in zip(expected, found, strict=True):
        assert a == b
        for g, h in zip(gradients, others, strict=True):
            np.testing.assert_array_equal(g, h)


def test_threads_that_first_use_a_backend_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of functions by number must not mix two threads' entries."""
    for _ in range(20):
        monkeypatch.setattr(modes, "_LOADED", {})
        mode = modes.Mode(True, "numpy", None, False, False, False)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            in_threads(*[mode.load] * 4)
        finally:
            sys.setswitchinterval(interval)
        assert len(mode.functions) == len(OPS)
        inside = [op for op in OPS if hasattr(mode.table, op.name)]
        assert len(inside) > 100
        assert all(mode.functions[op.index] is getattr(mode.table, op.name) for op in inside)


def test_scopes_nest_and_each_entry_is_a_scope_of_its_own() -> None:
    x = Value(1.0)
    with cr.scope("net"):
        with cr.scope("layer"):
            a = x * 1
        with cr.scope("layer"):
            b = x * 2
    c = x * 3
    assert a.scope.path == b.scope.path == "net/layer"
    assert a.scope is not b.scope
    assert a.scope.parent is b.scope.parent
    assert c.scope is None
    assert repr(a.scope) == "Scope('net/layer')"


def test_lines_are_remembered_on_request() -> None:
    x = Value(1.0)
    assert (x * 2).line is None
    with cr.record_lines():
        y = x * 2
        z = cr.exp(Tensor([1.0]))
    assert y.line == (__file__, z.line[1] - 1)
    with cr.record_lines(), cr.record_lines(False):
        assert (x * 2).line is None


def test_the_whole_is_recorded_on_request() -> None:
    x = Tensor([1.0, 2.0])
    with record_whole():
        mask = x > 1.5
        n = Tensor([1, 2]) * 2
    assert str(mask.op) == "greater"
    assert not mask.requires_grad
    assert str(n.op) == "mul"
