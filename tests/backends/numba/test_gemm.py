"""The matrix product against NumPy's, in float64, over shapes, layouts and values that are not numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import numpy as reference
from chainrule.backends.numba import table
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64
from chainrule.backends.numba.gemm import COLUMNS, DEPTH, ROWS, matmul, multiply, pays

FORMATS = [pytest.param(f, id=f.name) for f in (FLOAT32, FLOAT64)]
LAYOUTS = {
    "rows": lambda a: a,
    "transposed": np.asfortranarray,
    "gaps": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
}
# every height of a tile, one and two vectors, full and partly empty, and more than one block
SIZES = [(0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (29, 33, 16), (15, 7, 31), (14, 32, 64), (64, 100, 17)]
LARGE = [(ROWS + 5, 40, DEPTH + 3), (20, COLUMNS + 9, 21), (9, 70, 2 * DEPTH), (30, 600, 520)]


def matrices(m, n, depth, f, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, depth)).astype(f.real), rng.standard_normal((depth, n)).astype(f.real)


def run(x, y, f, start=0.0, add=False):
    out = np.full((x.shape[0], y.shape[1]), start, f.real)
    multiply(f)(x, y, out, add)
    return out


def agree(result, x, y, f, extra=0.0):
    exact = x.astype(float) @ y.astype(float) + extra
    tolerance = 4 * np.finfo(f.real).eps * max(1, x.shape[1]) ** 0.5 * 4
    np.testing.assert_allclose(result, exact, rtol=0, atol=tolerance * max(1, abs(exact).max(initial=0)))


@pytest.mark.parametrize("f", FORMATS)
@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
def test_shapes_and_layouts(first, second, f):
    for m, n, depth in SIZES if "gaps" in (first, second) else SIZES + LARGE:
        x, y = matrices(m, n, depth, f)
        x, y = LAYOUTS[first](x), LAYOUTS[second](y)
        agree(run(x, y, f, start=np.nan), x, y, f)
        agree(run(x, y, f, start=1.5, add=True), x, y, f, extra=1.5)


@pytest.mark.parametrize("f", FORMATS)
def test_power_of_two_strides_are_packed(f):
    x, y = matrices(40, 1024, 1024, f)
    agree(run(x, y, f), x, y, f)
    agree(run(y.T, x.T, f), y.T, x.T, f)


@pytest.mark.parametrize("f", FORMATS)
def test_nothing_is_written_beside_c(f):
    for m, n in ((15, 33), (3, 5)):
        x, y = matrices(m, n, 20, f)
        frame = np.full(m * n + 64, 7, f.real)
        multiply(f)(x, y, frame[32:-32].reshape(m, n), 0)
        assert (frame[:32] == 7).all()
        assert (frame[-32:] == 7).all()


@pytest.mark.parametrize("f", FORMATS)
def test_infinite_and_missing_numbers(f):
    x, y = matrices(20, 40, 50, f)
    x[3, 4], x[5, 6], y[7, 8], y[9, 10], y[6, 3] = np.inf, np.nan, -np.inf, np.nan, 0
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(run(x, y, f), x @ y, rtol=1e-4, atol=1e-4)


def test_matmul_takes_whatever_numpy_takes():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((64, 128)), rng.standard_normal((128, 64))
    cases = [
        (a, b), (a.astype("f4"), b), (a.astype("f4"), b.astype("f4")), (a[0], b), (a, b[:, 0]), (a[0], b[:, 0]),
        (np.stack([a, a]), b), ((a * 9).astype(int), (b * 9).astype(int)), (a.astype(">f8"), b), (a.astype("f2"), b),
    ]  # fmt: skip
    for x, y in cases:
        expected = np.matmul(x, y)
        result = matmul(x, y)
        assert result.dtype == expected.dtype
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-3)
    unaligned = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    np.testing.assert_allclose(matmul(unaligned, b), a @ b)
    with pytest.raises(ValueError, match="matmul"):
        matmul(a, a)


@pytest.mark.parametrize("f", FORMATS)
def test_linear(f):
    rng = np.random.default_rng(2)
    for shape, n in (
        ((64, 100), 48),
        ((4, 16, 100), 48),
        ((100,), 48),
        ((2, 100), 3),
        ((0, 100), 48),
        ((64, 0), 48),
    ):
        x, weight, bias = (rng.standard_normal(s).astype(f.real) for s in (shape, (n, shape[-1]), (n,)))
        for w in (weight, np.asfortranarray(weight)):
            result = table.linear(x, w, bias)
            expected = reference.linear(x.astype(float), w, bias)
            assert result.shape == expected.shape
            assert result.dtype == f.real
            np.testing.assert_allclose(result, expected, rtol=0, atol=200 * np.finfo(f.real).eps)


def test_read_only_operands():
    x, y = matrices(64, 64, 128, FLOAT32)
    x.flags.writeable = y.flags.writeable = False
    assert pays(64, 64, 128, False)
    np.testing.assert_allclose(matmul(x, y), x @ y, rtol=1e-3, atol=1e-4)


def test_threads():
    x, y = matrices(90, 300, 500, FLOAT64)
    expected = run(x, y, FLOAT64)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: run(x, y, FLOAT64), range(20)):
            np.testing.assert_array_equal(result, expected)
