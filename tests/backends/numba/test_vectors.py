import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

import numba

from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64
from chainrule.backends.numba.compile import FLAGS
from chainrule.backends.numba.tile import shape
from chainrule.backends.numba.vectors import vectors

FORMATS = [pytest.param(f, id=f.name) for f in (FLOAT32, FLOAT64)]


def numbers(f):
    """Two vectors of numbers, NaN in some lanes of each."""
    lanes = shape(f).lanes
    x, y = np.random.default_rng(0).standard_normal((2, lanes)).astype(f.real)
    x[1], y[lanes - 1], y[0] = np.nan, np.nan, x[0]
    return x, y


@pytest.mark.parametrize("f", FORMATS)
def test_arithmetic_with_vectors_and_numbers(f):
    v, three = vectors(f), f.real(3)
    load, store, filled, size = v.load, v.store, v.filled, v.size

    @numba.njit(**FLAGS)
    def compute(x, y, out):
        p, q, place = load(x.ctypes.data), load(y.ctypes.data), np.intp(out.ctypes.data)
        store((p - q) * (three + p) + q * three, place)
        store(three - filled(three) + p, place + size)

    x, y = numbers(f)
    out = np.empty((2, x.size), f.real)
    compute(x, y, out)
    np.testing.assert_allclose(out[0], (x - y) * (3 + x) + y * 3, rtol=20 * np.finfo(f.real).eps)
    np.testing.assert_array_equal(out[1], x)


@pytest.mark.parametrize("f", FORMATS)
def test_assignments_quotients_and_roots(f):
    v, three = vectors(f), f.real(3)
    load, store = v.load_in_turn, v.store

    @numba.njit(**FLAGS)
    def compute(x, y, out):
        p, q = load(x.ctypes.data), load(y.ctypes.data)
        q = three / np.sqrt(q * q + three) / q
        q += p
        q *= three
        q -= p * p
        q /= three
        store(q, out.ctypes.data)

    x, y = numbers(f)
    out = np.empty_like(x)
    compute(x, y, out)
    expected = 3 / np.sqrt(y * y + 3) / y + x - x * x / 3
    np.testing.assert_allclose(out, expected, rtol=50 * np.finfo(f.real).eps, atol=50 * np.finfo(f.real).eps)


@pytest.mark.parametrize("f", FORMATS)
def test_larger_leaves_nan_out_and_unordered_finds_it(f):
    v = vectors(f)
    load, store, larger, unordered, either, some = v.load, v.store, v.larger, v.unordered, v.either, v.some

    @numba.njit(**FLAGS)
    def compute(x, y, out):
        p, q = load(x.ctypes.data), load(y.ctypes.data)
        store(larger(p, q), out.ctypes.data)
        both = either(unordered(p, p), unordered(q, q))
        return some(unordered(p, p)), some(unordered(p, q)), some(both), some(p < q)

    x, y = numbers(f)
    out = np.empty_like(x)
    assert compute(x, y, out) == (True, True, True, (x < y).any())
    np.testing.assert_array_equal(out, np.where(x > y, x, y))
    whole = np.nan_to_num(x)
    for lane in range(x.size):
        one = whole.copy()
        one[lane] = np.nan
        assert compute(whole, whole, out) == (False, False, False, False)
        assert compute(one, whole, out) == (True, True, True, False)
        assert compute(whole, one, out) == (False, True, True, False)


@pytest.mark.parametrize("f", FORMATS)
def test_over_lanes(f):
    v = vectors(f)
    load, total, largest, last = v.load, v.total, v.largest, v.last

    @numba.njit(**FLAGS)
    def compute(x, count):
        p = load(x.ctypes.data)
        return total(p), largest(p), total(last(p, count))

    x = numbers(f)[1][::-1].copy()
    x[0] = -7  # where NaN was
    for count in range(x.size + 1):
        found = compute(x, count)
        rest = x[x.size - count :].sum()
        np.testing.assert_allclose(found, [x.sum(), x.max(), rest], rtol=0, atol=50 * np.finfo(f.real).eps)


def test_vectors_of_two_formats_do_not_mix():
    filled, other = vectors(FLOAT32).filled, vectors(FLOAT64).filled

    @numba.njit
    def mixed():
        return vectors_differ(filled(np.float32(1)), other(1.0))

    @numba.njit
    def vectors_differ(x, y):
        (x + y)
        return 0

    with pytest.raises(numba.TypingError, match="add"):
        mixed()
