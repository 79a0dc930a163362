"""Pooling over windows against the reference, and gradients against the rules of the ops."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

import chainrule as cr
from chainrule.autograd.op import by_name
from chainrule.backends import numpy as reference
from chainrule.backends.numba import pool

# shape, size, stride
CASES = [
    ((32, 8, 28, 28), (2, 2), (2, 2)),
    ((2, 3, 9, 8), (3, 2), (1, 2)),
    ((5, 7), (2, 2), (1, 1)),
    ((3, 1, 1, 5), (1, 3), (1, 1)),
    ((2, 6, 6), (2, 3), (3, 1)),
    ((4, 11), (3,), (2,)),
    ((9,), (2,), (1,)),
]
NAMES = ["max", "min", "mean"]


def windows(case, dtype):
    shape, size, stride = case
    x = np.random.default_rng([*shape]).integers(-3, 3, shape).astype(dtype)  # with ties
    return reference.windows(x, size, stride), tuple(range(-len(size), 0))


def places(x, axis):
    return tuple(a % x.ndim for a in axis)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_forward_and_backward(name, case, dtype):
    x, axis = windows(case, dtype)
    axis = places(x, axis)
    assert pool.pooled(name, x, axis) is not None
    for keepdims in (False, True):
        found = pool.TABLE[name](x, axis, keepdims=keepdims)
        expected = getattr(reference, name)(x, axis, keepdims=keepdims)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert (found.shape, found.dtype) == (expected.shape, x.dtype)
        g = np.random.default_rng(1).standard_normal(found.shape).astype(dtype)
        (rule,) = by_name(name).rules
        expected = rule(reference, g, found, x, axis=axis, keepdims=keepdims)
        (gradient,) = pool.GRADIENTS[name]
        contribution = gradient(g, found, x, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(contribution, expected, rtol=1e-6)
        assert contribution.dtype == dtype
        shape, _, stride = case
        np.testing.assert_allclose(
            pool.overlap_add(contribution, shape, stride),
            reference.overlap_add(expected, shape, stride),
            rtol=1e-5,
            atol=1e-5,
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_infinite_and_missing_numbers(special, name):
    x = np.zeros((2, 6, 6), np.float32)
    x[0, 2, 3] = x[1, :, 0] = x[1, 0, 1:3] = special
    x, axis = reference.windows(x, (2, 2), (1, 1)), (3, 4)
    with np.errstate(all="ignore"):
        found, expected = (
            pool.TABLE[name](x, axis, keepdims=False),
            getattr(reference, name)(x, axis, keepdims=False),
        )
        np.testing.assert_array_equal(found, expected)
        g = np.ones_like(found)
        g[0, 0] = np.inf
        (rule,), (gradient,) = by_name(name).rules, pool.GRADIENTS[name]
        np.testing.assert_array_equal(
            gradient(g, found, x, axis=axis, keepdims=False),
            rule(reference, g, found, x, axis=axis, keepdims=False),
        )


def test_a_maximum_along_the_last_axis_of_any_array():
    x = np.array([[1.0, 3.0, 3.0], [0.0, -1.0, 2.0]])
    found = pool.extreme_gradient(np.array([4.0, 5.0]), np.array([3.0, 2.0]), x, (1,), False)
    np.testing.assert_array_equal(found, [[0, 2, 2], [0, 0, 5]])


def test_what_is_no_window():
    x = np.arange(24.0).reshape(4, 6)
    long = np.zeros((3, 100))[:, :80]
    for array, axis in (
        (x, (1,)), (x.T, (1,)), (x[:, :3], (0,)), (x[:, :3].astype(int), (1,)), (x[::2, :3], -1), (x[:0, :3], (1,)),
        (long, (1,)), (x[:, :3], ()), (2.0, (0,)),
    ):  # fmt: skip
        assert pool.pooled("max", array, axis) is None
    assert pool.pooled("max", x[:, :3], (1,)).tolist() == [2, 8, 14, 20]
    for array in (x.T, x[:, ::2], x[::-1, ::-1]):
        np.testing.assert_array_equal(pool.TABLE["max"](array, (1,), False), array.max(1))
        np.testing.assert_allclose(pool.TABLE["mean"](array, (1,), False), array.mean(1))
    swapped = np.zeros((4, 3, 5, 6)).transpose(1, 0, 2, 3)
    assert pool.as_windows(swapped, 1) is None
    assert pool.TABLE["mean"](swapped, (3,), True).shape == (3, 4, 5, 1)


@pytest.mark.parametrize("function", [cr.max_pool2d, cr.avg_pool2d], ids=["max", "avg"])
@pytest.mark.parametrize("arguments", [(2,), (3, 2, 1), ((1, 2), 1)], ids=str)
def test_in_the_engine(function, arguments):
    data = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    grads = []
    for backend in ("numpy", "numba"):
        with cr.use_backend(backend):
            x = cr.Tensor(data, requires_grad=True)
            (function(x, *arguments) ** 2).sum().backward()
            grads.append(x.grad)
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-5, atol=1e-6)
    assert grads[1].flags.writeable


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(2, 2), (3, 2)])
def test_the_same_bits_on_several_threads(size, dtype, set_threads):
    case = (7, 5, 60, 62), size, (2, 2)
    x, axis = windows(case, dtype)
    axis = places(x, axis)

    def results():
        for name in NAMES:
            yield pool.TABLE[name](x, axis, keepdims=False)
        (gradient,) = pool.GRADIENTS["max"]
        out = pool.max_over(x, axis)
        yield gradient(np.cos(out), out, x, axis, False)
        yield pool.overlap_add(np.sin(x), case[0], case[2])

    set_threads(1)
    expected = list(results())
    for count in (2, 3, 50):
        set_threads(count)
        for found, exact in zip(results(), expected, strict=True):
            np.testing.assert_array_equal(found, exact)
