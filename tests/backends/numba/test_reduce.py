"""Reductions along every axis: against exact sums, and against NumPy where numbers are infinite or missing."""

import math
from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.autograd.walk import unbroadcast
from chainrule.backends import numpy as reference
from chainrule.backends.numba import reduce

SHAPES = [(3001,), (70, 41), (3, 5, 7, 30), (2, 300, 17), (1, 4099), (4099, 1), (1, 1, 5000), (9, 5001)]
NAMES = ["sum", "mean", "max", "min"]


def numbers(shape, dtype):
    return np.random.default_rng([*shape]).standard_normal(shape).astype(dtype)


def every_axis(ndim):
    return [axes for count in range(1, ndim + 1) for axes in combinations(range(ndim), count)]


def call(table, name, x, axis, keepdims=False):
    return np.asarray(table[name](x, axis, keepdims=keepdims))


REFERENCE = {name: getattr(reference, name) for name in NAMES}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_along_every_axis(name, shape, dtype):
    x = numbers(shape, dtype)
    for axis in every_axis(x.ndim):
        for keepdims in (False, True):
            found = call(reduce.TABLE, name, x, axis, keepdims)
            expected = call(REFERENCE, name, x.astype("f8"), axis, keepdims)
            assert (found.shape, found.dtype) == (expected.shape, x.dtype)
            if name in ("max", "min"):
                np.testing.assert_array_equal(found, expected.astype(dtype))
            else:
                scale = np.abs(x).sum(axis, keepdims=keepdims, dtype="f8")
                assert (np.abs(found - expected) <= 8 * np.finfo(dtype).eps * scale).all()


def exact_error(found, x, axis):
    """The error of sums in units of what rounding the exact sum of absolute values once may cost."""
    columns = np.moveaxis(x, axis, 0)
    exact = np.array([math.fsum(column) for column in columns.T])
    size = np.array([math.fsum(abs(column)) for column in columns.T])
    return float(np.max(np.abs(found.astype("f8") - exact) / (np.finfo(x.dtype).eps / 2 * size)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "axis"), [((200_000, 3), 0), ((3, 200_000), 1), ((4, 30_000), 1)])
def test_the_error_does_not_grow_with_the_length(shape, axis, dtype):
    x = np.random.default_rng(0).uniform(0, 1, shape).astype(dtype)
    found = reduce.TABLE["sum"](x, axis)
    assert exact_error(found, x, axis) < 4  # measured: 2.0
    if axis == 0 and dtype == "float32":
        assert exact_error(np.add.reduce(x, axis), x, axis) > 100  # NumPy adds row after row


def test_the_error_of_undoing_a_broadcast():
    x = np.random.default_rng(0).uniform(0, 1, (100_000, 10)).astype(np.float32)
    total = reduce.TABLE["sum"]
    assert exact_error(unbroadcast(x, (10,), total), x, 0) < 200  # by BLAS, twice as fast; measured: 50
    for shape, target in [((1000, 100, 10), (10,)), ((100_000, 10), (1, 10)), ((100, 1000, 10), (1, 1, 10))]:
        found = unbroadcast(x.reshape(shape), target, total)
        assert found.shape == target
        assert exact_error(found.ravel(), x, 0) < 4  # measured: 0.8


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(70, 80), (3, 6000), (6000, 3), (300, 60)])
def test_infinite_and_missing_numbers(name, shape):
    inf, nan = np.inf, np.nan
    for specials in ([nan], [-nan], [inf], [-inf], [inf, -inf], [inf, nan], [-inf, nan], [-inf, -inf]):
        x = numbers(shape, "float32")
        x[1, : len(specials)] = specials
        x[-len(specials) :, -1] = specials
        with np.errstate(all="ignore"):
            for axis in ((0,), (1,), (0, 1)):
                found, expected = (call(t, name, x, axis) for t in (reduce.TABLE, REFERENCE))
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_all_infinite_and_overflow():
    for value in (np.inf, -np.inf, np.nan, 3e38):
        x = np.full((70, 60), value, np.float32)
        with np.errstate(all="ignore"):
            for name in NAMES:
                np.testing.assert_array_equal(
                    call(reduce.TABLE, name, x, (0,)), call(REFERENCE, name, x, (0,))
                )


LAYOUTS = {
    "transposed": lambda x: x.T,
    "negative strides": lambda x: x[::-1, ::-1],
    "gaps": lambda x: x[::2, 1::3],
    "broadcast": lambda x: np.broadcast_to(x[0], (80, x.shape[1])),
    "float16": lambda x: x.astype(np.float16),
    "small": lambda x: x[:2, :3].copy(),
    "no axis": lambda x: x,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_kernel_takes_numpys_way(name, layout):
    x = LAYOUTS[layout](numbers((80, 90), "float32") * 4)
    axis = () if layout == "no axis" else (1,)
    found, expected = (call(t, name, x, axis) for t in (reduce.TABLE, REFERENCE))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int64", "bool", ">f4"])
def test_other_dtypes(dtype):
    x = np.arange(7200).reshape(80, 90).astype(dtype)
    for name in ("sum", "max", "min"):
        np.testing.assert_array_equal(call(reduce.TABLE, name, x, (0,)), call(REFERENCE, name, x, (0,)))


@pytest.mark.parametrize(
    ("name", "shape", "axis", "kernel"),
    [
        ("sum", (70, 80), (0,), True),
        ("sum", (70, 80), (1,), True),
        ("sum", (20_000,), (0,), True),
        ("sum", (2, 80), (1,), False),  # NumPy has one long row to add: the call alone costs more
        ("max", (3, 6000), (0,), True),
        ("max", (300, 60), (1,), True),
        ("max", (20_000,), (0,), False),
    ],
)
def test_where_a_kernel_is_used(name, shape, axis, kernel):
    assert (reduce.reduced(name, numbers(shape, "float32"), axis, False) is not None) == kernel


def test_empty_arrays_and_wrong_axes():
    assert reduce.TABLE["sum"](np.zeros((0, 3000), np.float32), (0,)).tolist() == [0] * 3000
    assert np.isnan(reduce.TABLE["mean"](np.zeros((0, 2), np.float32), (0,), False)).all()
    assert reduce.TABLE["mean"](np.array(2.0), (), False) == 2
    with pytest.raises(ValueError, match="zero-size array"):
        reduce.TABLE["max"](np.zeros((0, 3000), np.float32), (0,))
    for axis in (2, (0, 0), (0, -2)):
        with pytest.raises(ValueError, match="axis"):
            reduce.TABLE["sum"](np.ones((60, 60)), axis)


def test_keywords_that_rules_use():
    x = numbers((70, 80), "float32")
    np.testing.assert_array_equal(
        reduce.TABLE["max"](x, -1, keepdims=True, initial=-np.inf), x.max(1, keepdims=True)
    )
    assert (reduce.TABLE["max"](x, 0, initial=9.0) == 9).all()
    np.testing.assert_array_equal(reduce.TABLE["min"](x, None), x.min())


def test_the_same_bits_each_time():
    x = numbers((300, 4000), "float32")
    for axis in (0, 1, None):
        assert reduce.TABLE["sum"](x, axis).tobytes() == reduce.TABLE["sum"](x.copy(), axis).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axis", "whole"),
    [
        ((700, 801), (1,), True),  # rows, and so on, are reduced each by one thread
        ((5, 300, 401), (1,), True),
        ((30, 20, 23, 41), (0, 2, 3), True),
        ((701, 801), (0,), False),  # what has to be cut itself
        ((560_007,), (0,), False),
        ((2, 300_000), (1,), True),
        ((3, 200_000), (0,), False),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_on_several_threads(name, shape, axis, whole, dtype, set_threads):
    x = numbers(shape, dtype)
    set_threads(1)
    alone = call(reduce.TABLE, name, x, axis)
    exact, size = call(REFERENCE, name, x.astype(np.longdouble), axis), np.abs(x.astype(float)).sum(axis)
    for count in (2, 3, 16):
        set_threads(count)
        found = call(reduce.TABLE, name, x, axis)
        assert found.tobytes() == call(reduce.TABLE, name, x, axis).tobytes()
        if whole or name != "sum":
            assert found.tobytes() == alone.tobytes()
        else:
            assert (np.abs(found - exact) <= 4 * np.finfo(dtype).eps * size).all()


def test_infinite_and_missing_numbers_on_several_threads(set_threads):
    set_threads(2)
    x = np.ones((400_000, 2), np.float32)
    x[399_999, 0], x[7, 1] = np.nan, np.inf
    for name in ("sum", "max", "min"):
        expected = [np.nan, 1 if name == "min" else np.inf]
        np.testing.assert_array_equal(call(reduce.TABLE, name, x, (0,)), expected)
