"""Convolutions and their transposes against the reference in float64."""

from itertools import product

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import numpy as reference
from chainrule.backends.numba import conv

# images (N, C, *lengths), kernel (O, C, *size), stride, padding
CASES = [
    ((2, 3, 9, 11), (5, 3, 3, 3), (1, 1), (0, 0)),
    ((2, 3, 9, 11), (5, 3, 3, 3), (1, 1), (1, 1)),
    ((32, 1, 28, 28), (8, 1, 3, 3), (1, 1), (0, 0)),
    ((32, 8, 14, 14), (16, 8, 3, 3), (1, 1), (1, 1)),
    ((3, 2, 8, 7), (4, 2, 2, 3), (2, 2), (1, 0)),
    ((3, 2, 8, 7), (4, 2, 5, 1), (1, 3), (2, 2)),
    ((1, 2, 12, 13), (3, 2, 2, 2), (3, 3), (0, 1)),
    ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0)),
    ((2, 4, 5, 5), (15, 4, 1, 1), (1, 1), (0, 0)),
    ((2, 4, 6, 5), (9, 4, 1, 1), (2, 2), (0, 0)),
    ((1, 1, 70, 400), (2, 1, 7, 9), (1, 1), (3, 4)),
    ((2, 3, 20), (4, 3, 5), (1,), (2,)),
    ((2, 3, 20), (4, 3, 3), (2,), (0,)),
    ((1, 1, 5), (1, 1, 5), (1,), (0,)),
    ((2, 2, 6), (3, 2, 2), (4,), (1,)),
]
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


def operands(x_shape, w_shape, stride, padding, dtype):
    rng = np.random.default_rng([*x_shape, *w_shape])
    x, w = rng.standard_normal(x_shape).astype(dtype), rng.standard_normal(w_shape).astype(dtype)
    g = rng.standard_normal(reference.conv(x, w, stride, padding).shape).astype(dtype)
    return x, w, g


def all_three(table, x, w, g, stride, padding):
    return (
        table.conv(x, w, stride, padding),
        table.conv_input(g, w, x.shape[2:], stride, padding),
        table.conv_weight(x, g, w.shape[2:], stride, padding),
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_and_both_transposes(case, dtype):
    stride, padding = case[2:]
    x, w, g = operands(*case, dtype)
    expected = all_three(reference, *(a.astype("f8") for a in (x, w, g)), stride, padding)
    for found, exact in zip(all_three(conv, x, w, g, stride, padding), expected, strict=True):
        assert (found.shape, found.dtype) == (exact.shape, x.dtype)
        np.testing.assert_allclose(found, exact, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(exact).max()))


def test_many_sizes():
    for high, wide, rows, columns, step, pad in product((3, 6), (4, 7), (1, 3), (2, 4), (1, 2, 5), (0, 1)):
        case = (2, 1, high, wide), (2, 1, rows, columns), (step, 1), (pad, pad)
        if rows > high + 2 * pad or columns > wide + 2 * pad:
            continue
        x, w, g = operands(*case, "float64")
        expected = all_three(reference, x, w, g, *case[2:])
        for found, exact in zip(all_three(conv, x, w, g, *case[2:]), expected, strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12, err_msg=str(case))


def test_a_transpose_to_a_larger_image():
    """The last rows of an image may lie in no window: their gradient is zero."""
    _, w, g = operands((1, 1, 8, 8), (2, 1, 3, 3), (2, 2), (0, 0), "float32")
    found = conv.conv_input(g, w, (8, 8), (2, 2), (0, 0))
    assert (found[..., 7, :] == 0).all()
    assert (found[..., :, 7] == 0).all()


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 5, -1])
@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[4], CASES[11]], ids=str)
def test_infinite_and_missing_numbers(case, which, place, special):
    arrays = operands(*case, "float32")
    arrays[which].flat[place] = special
    with np.errstate(all="ignore"):
        expected = all_three(reference, *arrays, *case[2:])
        for found, exact in zip(all_three(conv, *arrays, *case[2:]), expected, strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-3)


LAYOUTS = {
    "transposed": lambda a: a.swapaxes(-1, -2).copy().swapaxes(-1, -2),
    "negative strides": lambda a: a[..., ::-1].copy()[..., ::-1],
    "float16": lambda a: a.astype(np.float16),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_operands(layout):
    case = CASES[1]
    arrays = [LAYOUTS[layout](a) for a in operands(*case, "float32")]
    expected = all_three(reference, *arrays, *case[2:])
    for found, exact in zip(all_three(conv, *arrays, *case[2:]), expected, strict=True):
        assert found.dtype == exact.dtype
        np.testing.assert_allclose(found, exact, rtol=1e-2 if layout == "float16" else 1e-4, atol=1e-2)


def test_empty_and_three_axes():
    x, w = np.zeros((0, 1, 3, 3), np.float32), np.ones((2, 1, 2, 2), np.float32)
    assert conv.conv(x, w, (1, 1), (0, 0)).shape == (0, 2, 2, 2)
    x, w = np.ones((1, 2, 3, 3, 3)), np.ones((1, 2, 2, 2, 2))
    np.testing.assert_array_equal(conv.conv(x, w, (1, 1, 1), (0, 0, 0)), np.full((1, 1, 2, 2, 2), 16.0))


def test_the_same_bits_each_time():
    case = CASES[3]
    first, second = (all_three(conv, *operands(*case, "float32"), *case[2:]) for _ in range(2))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_images_on_several_threads(stride, dtype, set_threads):
    """Every image has the same bits as on one thread; what is added over images, each time."""
    x, w, g = operands((13, 4, 30, 31), (8, 4, 3, 3), stride, (1, 1), dtype)
    set_threads(1)
    expected = all_three(conv, x, w, g, stride, (1, 1))
    for count in (2, 3, 16):
        set_threads(count)
        found = all_three(conv, x, w, g, stride, (1, 1))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        scale = np.abs(expected[2]).max()
        np.testing.assert_allclose(found[2], expected[2], rtol=0, atol=TOLERANCE[dtype] * scale)
        np.testing.assert_array_equal(found[2], all_three(conv, x, w, g, stride, (1, 1))[2])
