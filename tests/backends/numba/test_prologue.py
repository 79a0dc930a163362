"""The gradients of weight and bias in one step, dz made block by block, against NumPy in float64."""

import math

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.layers import ACTIVATIONS
from chainrule.backends.numba.gemm import DEPTH, PARALLEL, ROWS
from chainrule.backends.numba.layers import FLAT, before_activation, weight_and_bias
from chainrule.backends.numba.products import matmul
from chainrule.backends.numpy import neural as reference

DTYPES = ("float32", "float64")
LAYOUTS = {
    "rows": lambda a: a,
    "transposed": np.asfortranarray,
    "gaps": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
}
# (batch, inputs, outputs): a partly filled tile; several heights; more rows than are summed at once; several blocks
# in depth; in rows too; and inputs of which so many are packed
SMALL = [(5, 17, 5), (29, 40, 33), (130, 70, 20)]
BLOCKS = [(DEPTH // 4 + 7, 70, 9), (DEPTH // 8 + 3, 50, 4 * ROWS + 9), (300, 1100, 260)]


@pytest.fixture(autouse=True)
def one_thread(set_threads):
    set_threads(1)


def given(batch, inputs, outputs, dtype, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (batch, outputs), (batch, outputs), (batch, inputs)
    return [rng.standard_normal(size).astype(dtype) for size in sizes]


def agree(found, g, y, x, activation):
    dz, bias = reference.before_activation(g.astype(float), y.astype(float), activation)
    eps = np.finfo(g.dtype).eps
    weight, db = found
    assert weight.dtype == db.dtype == g.dtype
    # The slope has a few ulp; sums of n random terms have an error of about sqrt(n).
    bound = 16 * eps * np.sqrt(len(x)) * max(1, abs(dz).max()) * max(1, abs(x).max())
    np.testing.assert_allclose(weight, dz.T @ x.astype(float), rtol=0, atol=bound)
    np.testing.assert_allclose(db, bias, rtol=0, atol=16 * eps * abs(dz).sum(0).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation, dtype):
    for shape in SMALL:
        g, y, x = given(*shape, dtype)
        agree(weight_and_bias(g, y, x, activation), g, y, x, activation)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_blocks_and_layouts(layout, dtype):
    for shape in SMALL + BLOCKS:
        g, y, x = given(*shape, dtype)
        x = LAYOUTS[layout](x)
        agree(weight_and_bias(g, y, x, "relu"), g, y, x, "relu")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sums_of_many_rows_are_compensated(dtype):
    g, y, x = given(20_000, 150, 70, dtype)
    g += 1000
    _, bias = weight_and_bias(g, y, x, "relu")
    exact = [math.fsum(column) for column in np.where(y > 0, g, 0).T.tolist()]
    np.testing.assert_allclose(bias, exact, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_infinite_and_missing_numbers(activation, dtype):
    g, y, x = given(140, 20, 18, dtype)
    g[3, 4], g[5, 6], g[135, 8] = np.nan, np.inf, -np.inf
    y[7, 8], y[9, 10], y[11, 12], y[5, 6] = np.nan, np.inf, -np.inf, -0.0
    x[2, 3], x[4, 5], x[6, 7] = np.nan, np.inf, -np.inf
    g[7, 8], g[9, 11] = 0, 0
    with np.errstate(all="ignore"):
        dz, bias = reference.before_activation(g, y, activation)
        weight, db = weight_and_bias(g, y, x, activation)
        np.testing.assert_allclose(weight, dz.T @ x, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(db, bias, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_each_time_on_several_threads(dtype, set_threads):
    g, y, x = given(515, 203, 101, dtype)
    assert x.size * 101 > 3 * PARALLEL
    for count in (2, 3, 16):
        set_threads(count)
        found = weight_and_bias(g, y, x, "tanh")
        agree(found, g, y, x, "tanh")
        for _ in range(3):
            for one, again in zip(found, weight_and_bias(g, y, x, "tanh"), strict=True):
                np.testing.assert_array_equal(one, again)


def test_what_is_not_for_it_is_left_to_the_two_steps(set_threads):
    g, y, x = given(64, 40, 30, "float32")
    wide = given(64, 80, 60, "float32")[0]
    assert weight_and_bias(g[:, :3].copy(), y[:, :3].copy(), x, "relu") is None  # for BLAS
    assert weight_and_bias(*given(64, 2, 40, "float32"), "relu") is None  # the product is computed transposed
    assert weight_and_bias(wide[:, ::2], y, x, "relu") is None  # gaps
    assert weight_and_bias(g, y[:, :7].copy(), x, "relu") is None
    assert weight_and_bias(g, y, x[:9], "relu") is None
    assert weight_and_bias(g, y, x.astype(float), "relu") is None
    assert weight_and_bias(g.astype("float16"), y.astype("float16"), x, "relu") is None
    set_threads(2)
    assert weight_and_bias(*given(999, 300, 20, "float32"), "relu") is None  # too few rows to share out
    assert weight_and_bias(*given(99, 40 * (FLAT + 1), 40, "float32"), "relu") is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_one_block_the_bits_are_those_of_the_two_steps(dtype):
    g, y, x = given(100, 64, 40, dtype)
    weight, bias = weight_and_bias(g, y, x, "sigmoid")
    dz, total = before_activation(g, y, "sigmoid")
    np.testing.assert_array_equal(bias, total)
    np.testing.assert_array_equal(weight, matmul(dz.T, x))
