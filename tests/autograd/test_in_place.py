"""`w -= ...` on a leaf inside `no_grad`: written over the old data where nobody else can see them."""

import operator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("change", "operate"),
    [
        (operator.iadd, operator.add),
        (operator.isub, operator.sub),
        (operator.imul, operator.mul),
        (operator.itruediv, operator.truediv),
    ],
)
def test_in_place_computes_what_the_operator_does(change: Any, operate: Any, dtype: Any) -> None:
    start = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    wide = start.astype(np.float64) / 3
    for other in (start, start[:1], wide, Tensor(start), Tensor(start[:1]), 0.1, 3, np.float64(0.1)):
        w = Tensor(start)
        expected = operate(start, other.data if isinstance(other, Tensor) else other).astype(dtype)
        with cr.no_grad():
            change(w, other)
        np.testing.assert_array_equal(w.data, expected, strict=True)
    w = Tensor(start)
    with cr.no_grad():
        change(w, w)
    np.testing.assert_array_equal(w.data, operate(start, start), strict=True)


def test_in_place_writes_over_data_that_nobody_else_sees() -> None:
    w = Tensor([1.0, 2.0])
    place, version = w.data.ctypes.data, w.version
    with cr.no_grad():
        w -= np.array([0.5, 0.5])
        w *= 2
    assert w.data.ctypes.data == place
    assert w.version > version
    assert w.data.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "hold",
    [
        lambda w: w.data,
        lambda w: w.data[1:],
        lambda w: memoryview(w.data),
        lambda w: w.detach(),
        lambda w: w.reshape((2, 1)),
        lambda w: w.exp().reshape((2, 1)) * w,
    ],
)
def test_in_place_leaves_what_others_hold_as_it_was(hold: Any) -> None:
    w = Tensor([1.0, 2.0])
    held = hold(w)
    before = np.array(held.data if isinstance(held, Tensor) else held)
    with cr.no_grad():
        w += np.array([10.0, 20.0])
    assert w.data.tolist() == [11.0, 22.0]
    np.testing.assert_array_equal(held.data if isinstance(held, Tensor) else held, before)


def test_in_place_does_not_touch_a_view_that_the_graph_reads() -> None:
    w, c = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[5.0, 6.0], [7.0, 8.0]])
    y = (w.T * c).sum()
    with cr.no_grad():
        w -= np.ones((2, 2))
    y.backward()
    assert c.grad.tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_in_place_on_data_that_are_read_only() -> None:
    a = np.array([1.0, 2.0])
    w = Tensor.from_numpy(a)
    with cr.no_grad():
        w += np.array([10.0, 20.0])
    assert w.data.tolist() == [11.0, 22.0]
    assert a.tolist() == [1.0, 2.0]
