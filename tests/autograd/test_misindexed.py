"""What is said about an index that does not fit: the op, the shape, the axis, and what to write instead."""

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor, Value

X = Tensor(np.arange(6.0).reshape(2, 3))
RANGE_0 = "axis 0 of shape (2, 3): it takes 0 to 1, or -2 to -1 from the end"
RANGE_1 = "axis 1 of shape (2, 3): it takes 0 to 2, or -3 to -1 from the end"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, f"index 5 is out of bounds for {RANGE_0}"),
        (-3, f"index -3 is out of bounds for {RANGE_0}"),
        ((slice(None), 3), f"index 3 is out of bounds for {RANGE_1}"),
        ((..., 7), f"index 7 is out of bounds for {RANGE_1}"),
        ((None, 0, 3), f"index 3 is out of bounds for {RANGE_1}"),
        ([0, 7], f"index 7 is out of bounds for {RANGE_0}"),
        ((0, np.array([[1], [-4]])), f"index -4 is out of bounds for {RANGE_1}"),
        ((0, 0, 0), "too many indices: shape (2, 3) has 2 axes, the index covers 3; leave 1 out"),
        (np.ones((2, 3, 1), bool), "too many indices: shape (2, 3) has 2 axes, the index covers 3"),
        (
            np.ones(3, bool),
            "a mask of shape (3,) does not fit shape (2, 3): from axis 0 on it must have shape (2,)",
        ),
        (
            (0, np.ones(2, bool)),
            "a mask of shape (2,) does not fit shape (2, 3): from axis 1 on it must have shape (3,)",
        ),
        (Tensor([True]), "a mask of shape (1,) does not fit shape (2, 3)"),
        (
            1.5,
            "1.5 is no index: use integers, slices, None, ..., and arrays of integers or booleans; write int(1.5)",
        ),
        ((0, np.float32(1)), "1.0 is no index: use integers"),
        (Value(1.0), "1.0 is no index: use integers"),
        ("a", "'a' is no index: use integers"),
        (
            Tensor([0.5]),
            "an array of dtype float64 is no index; write .astype(int) for positions, or a comparison",
        ),
        ([0.0, 1.0], "an array of dtype float64 is no index; write .astype(int)"),
        (slice(0.0, 2), "a slice needs integers, got 0.0; write int(0.0)"),
        ((..., 0, ...), "an index can have only one '...'; write ':' for the other axes"),
        (
            ([0, 1], [0, 1, 2]),
            "index arrays of shapes (2,) and (3,) do not broadcast; they pick elements together",
        ),
    ],
    ids=str,
)
def test_an_index_that_does_not_fit(index: Any, message: str) -> None:
    for x in (X, X * 1.0, X.detach()):
        with pytest.raises(IndexError, match=re.escape(f"getitem: {message}")):
            x[index]


def test_an_axis_without_elements() -> None:
    with pytest.raises(IndexError, match=r"out of bounds for axis 0 of shape .*: that axis is empty"):
        Tensor(np.ones((0, 2)))[0]
    with pytest.raises(IndexError, match="has no axes, the index covers 1; leave 1 out"):
        Tensor(1.0)[0]
    assert X[[]].shape == (0, 3)


@pytest.mark.parametrize("indices", [[0, 9], np.array([[-4]]), pytest.param(Tensor([9]), id="tensor")])
def test_picking_along_an_axis(indices: Any) -> None:
    row = np.asarray(indices).reshape(1, -1)
    for name, attempt in (
        ("take", lambda: cr.take(X, indices, 1)),
        ("take_along_axis", lambda: cr.take_along_axis(X, row, 1)),
        ("gather", lambda: cr.gather(X, row, 1)),
    ):
        with pytest.raises(IndexError, match=re.escape(f"{name}: index ") + ".*" + re.escape(RANGE_1)):
            attempt()
    with pytest.raises(
        TypeError, match=r"take: indices must be integers, got float64; write indices\.astype\(int\)"
    ):
        cr.take(X, [0.5], 0)


def test_taking_from_all_elements() -> None:
    assert cr.take(X, [4, 0]).data.tolist() == [4.0, 0.0]
    assert cr.check_grad(lambda x: cr.take(x, [[4, 0], [4, 1]]), X.data, order=2) < 1e-8
    with pytest.raises(IndexError, match=r"take: index 6 is out of bounds for axis 0 of shape \(6,\)"):
        cr.take(X, 6)


def test_adding_at_an_index() -> None:
    with pytest.raises(IndexError, match="index_add: index 7 is out of bounds for axis 0"):
        cr.index_add(X, [7], 1.0)
    with pytest.raises(
        ShapeError, match=r"index_add: values of shape \(2,\) do not broadcast to \(1, 3\), what the index"
    ):
        cr.index_add(X, [0], np.ones(2))
    with pytest.raises(IndexError, match=r"scatter: index 5 is out of bounds for axis 0 of shape \(2,\)"):
        cr.scatter(np.ones(2), [0, 5], (2,))
    with pytest.raises(ShapeError, match=r"scatter: values of shape \(2,\) do not broadcast to \(3,\)"):
        cr.scatter(Tensor([1.0, 2.0]), [0, 1, 1], (4,))
    assert cr.scatter(Tensor([1.0, 2.0]), [1, 1], (3,)).data.tolist() == [0, 3, 0]
