"""Products on several threads: the blocks cover C once, and NumPy finds the same."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import threads
from chainrule.backends.numba.gemm import PARALLEL
from chainrule.backends.numba.gemm_shared import BLOCKS, edge, grid
from chainrule.backends.numba.products import linear, matmul


def test_blocks_cover_an_axis_once():
    for length in (0, 1, 13, 14, 100, 1000):
        for parts in (1, 2, 3, 7, 16):
            edges = [edge(length, parts, part, 14) for part in range(parts + 1)]
            assert edges == sorted(edges)
            assert (edges[0], edges[-1]) == (0, length)
            assert all(e % 14 == 0 for e in edges[:-1] if e < length)


def test_grids():
    for m, n in ((1000, 1000), (5, 5000), (5000, 5), (30, 30), (100, 3000)):
        for count in (2, 3, 5, 64):
            down, across = grid(m, n, count)
            assert down * across == count * BLOCKS
    assert grid(5000, 40, 2) == (4, 1)
    assert grid(40, 5000, 2) == (1, 4)


SHAPES = [(97, 111, 103), (131, 257, 64), (300, 310, 400), (5000, 10, 70), (64, 1000, 20), (5, 1300, 520),
          (9000, 9, 40), (14, 32, 9000), (1025, 1, 1030), (33, 65, 1111)]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_odd_shapes_in_every_layout(count, dtype, set_threads):
    set_threads(count)
    rng = np.random.default_rng(count)
    for m, n, depth in SHAPES:
        assert m * n * depth >= PARALLEL
        a, b, bias = (rng.standard_normal(s).astype(dtype) for s in ((m, depth), (depth, n), n))
        wide = np.zeros((m, 2 * depth), dtype)
        wide[:, ::2] = a
        expected = a.astype(float) @ b.astype(float)
        close = {"rtol": 0, "atol": 20 * np.finfo(dtype).eps * depth**0.5 * (1 + np.log(depth))}
        for x, y in ((a, b), (a, np.asfortranarray(b)), (np.asfortranarray(a), b), (wide[:, ::2], b)):
            np.testing.assert_allclose(matmul(x, y), expected, **close)
        for w in (b.T, np.ascontiguousarray(b.T)):
            np.testing.assert_allclose(linear(a, w, bias, "relu"), np.maximum(expected + bias, 0), **close)


def test_infinity_and_nan_stay_in_their_rows_and_columns(set_threads):
    set_threads(2)
    x, y = np.ones((200, 120), np.float32), np.ones((120, 200), np.float32)
    x[150, 7], y[3, 20] = np.inf, np.nan
    np.testing.assert_array_equal(matmul(x, y), x @ y)


def test_callers_hammer_while_the_count_changes(set_threads):
    rng = np.random.default_rng(5)
    cases = [[rng.standard_normal((n, n)) for n in (size, size)] for size in (110, 150, 201)]
    expected = [x @ y for x, y in cases]

    def call(k):
        if k % 10 == 0:
            threads.set_num_threads(1 + k // 10 % 5)
        return np.abs(matmul(*cases[k % 3]) - expected[k % 3]).max()

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(call, range(600))) < 1e-11


def test_the_same_bits_whoever_else_is_at_work(set_threads):
    set_threads(3)
    rng = np.random.default_rng(6)
    x, y = (rng.standard_normal((300, 300)).astype(np.float32) for _ in range(2))
    expected = matmul(x, y)
    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(lambda _: matmul(x, y), range(60)):
            np.testing.assert_array_equal(result, expected)
