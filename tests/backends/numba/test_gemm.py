"""The kernel of the matrix product against NumPy's in float64, over shapes, layouts and values that are not numbers."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64
from chainrule.backends.numba.gemm import (
    COLUMNS,
    DEPTH,
    LARGE,
    PARALLEL,
    ROWS,
    THIN,
    multiply,
    multiply_and_finish,
)

FORMATS = [pytest.param(f, id=f.name) for f in (FLOAT32, FLOAT64)]
LAYOUTS = {
    "rows": lambda a: a,
    "transposed": np.asfortranarray,
    "gaps": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
}
# every height of a tile, one and two vectors, full and partly empty; narrow results; more than one block
SIZES = [
    (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (29, 33, 16), (15, 7, 31), (14, 32, 64), (64, 100, 17),
    (70, 10, 33), (32, 16, 16), (33, 1, 40), (20, 90, 35),
]  # fmt: skip
BLOCKS = [(ROWS + 5, 40, DEPTH // 4 + 3), (20, COLUMNS + 9, 21), (9, 70, DEPTH), (30, 600, 520)]


def matrices(m, n, depth, f, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, depth)).astype(f.real), rng.standard_normal((depth, n)).astype(f.real)


def run(x, y, f):
    out = np.full((x.shape[0], y.shape[1]), np.nan, f.real)
    multiply_and_finish(f)(x, y, out, out[:0].ravel(), 0)
    return out


def agree(result, x, y, f):
    exact = x.astype(float) @ y.astype(float)
    tolerance = 16 * np.finfo(f.real).eps * max(1, x.shape[1]) ** 0.5
    np.testing.assert_allclose(result, exact, rtol=0, atol=tolerance * max(1, abs(exact).max(initial=0)))


@pytest.mark.parametrize("f", FORMATS)
@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
def test_shapes_and_layouts(first, second, f):
    for m, n, depth in SIZES if "gaps" in (first, second) else SIZES + BLOCKS:
        x, y = matrices(m, n, depth, f)
        x, y = LAYOUTS[first](x), LAYOUTS[second](y)
        agree(run(x, y, f), x, y, f)


@pytest.mark.parametrize("f", FORMATS)
def test_power_of_two_strides_are_packed(f):
    x, y = matrices(40, 1024, 1024, f)
    agree(run(x, y, f), x, y, f)
    agree(run(y.T, x.T, f), y.T, x.T, f)


@pytest.mark.parametrize("f", FORMATS)
def test_nothing_is_written_beside_c(f):
    for m, n in ((15, 33), (3, 5), (37, 10)):
        x, y = matrices(m, n, 20, f)
        frame = np.full((m + 2, n + 40), 7, f.real)
        out = frame[1:-1, 20:-20]
        multiply_and_finish(f)(x, y, out, frame[0], 0)
        agree(out, x, y, f)
        out[...] = 7
        assert (frame == 7).all()


@pytest.mark.parametrize("f", FORMATS)
def test_infinite_and_missing_numbers(f):
    x, y = matrices(20, 40, 50, f)
    x[3, 4], x[5, 6], y[7, 8], y[9, 10], y[6, 3] = np.inf, np.nan, -np.inf, np.nan, 0
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(run(x, y, f), x @ y, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(run(y.T, x.T, f), y.T @ x.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("f", FORMATS)
def test_what_is_refused_is_left_alone(f):
    rows = -(-PARALLEL // 900)
    for m, n, depth, reason in (
        (3, 50, 5, THIN),
        (50, 3, 5, THIN),
        (rows, 30, 30, LARGE),
        (4, 9, 40, THIN),
        (5, 8, 40, THIN),
        (5, 5, 90, THIN),
        (5, 5, 9, 0),
    ):
        x, y = matrices(m, n, depth, f)
        out = np.full((m, n), 7, f.real)
        assert multiply(f)(x, y, out) == reason
        assert (out == 7).all() == bool(reason)
    x, y = matrices(8, 8, 9, f)
    assert multiply(f)(x, y[1:], np.empty((8, 8), f.real)) == THIN
