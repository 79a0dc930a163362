"""The table's products: whatever NumPy takes, layers with their epilogues, and several threads."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import numpy as reference, threads
from chainrule.backends.numba import table
from chainrule.backends.numba.epilogue import ACTIVATIONS
from chainrule.backends.numba.gemm import PARALLEL
from chainrule.backends.numba.products import linear, matmul


@pytest.fixture
def three_threads():
    before = threads.num_threads()
    threads.set_num_threads(3)
    yield
    threads.set_num_threads(before)


def test_matmul_takes_whatever_numpy_takes():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((64, 128)), rng.standard_normal((128, 64))
    cases = [
        (a, b), (a.astype("f4"), b), (a, b.astype("f4")), (a.astype("f4"), b.astype("f4")), (a[0], b), (a, b[:, 0]),
        (a[0], b[:, 0]), (np.stack([a, a]), b), (a, np.stack([b, b])), ((a * 9).astype(int), (b * 9).astype(int)),
        (a.astype(">f8"), b), (a, b.astype(">f8")), (a.astype("f2"), b), (a.tolist(), b), (a, b.tolist()),
        (a, b[:, :2]), (a[:2], b), (a, b[:, :0]), (a[:, :0], b[:0]),
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
    for y in (a, a[0]):
        with pytest.raises(ValueError, match="matmul"):
            matmul(a[:, :9], y)


def test_read_only_operands():
    x, y = np.ones((64, 64), np.float32), np.ones((64, 32), np.float32)
    x.flags.writeable = y.flags.writeable = False
    np.testing.assert_array_equal(matmul(x, y), x @ y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["", *ACTIVATIONS])
def test_linear(activation, dtype):
    rng = np.random.default_rng(2)
    sizes = [((64, 100), 48), ((4, 16, 100), 48), ((100,), 48), ((2, 100), 3), ((0, 100), 48), ((64, 0), 48),
             ((70, 40), 10), ((20, 2500), 33), ((2500, 30), 70)]  # fmt: skip
    for shape, n in sizes:
        x, weight, bias = (rng.standard_normal(s).astype(dtype) for s in (shape, (n, shape[-1]), (n,)))
        weight /= np.asarray(max(1, shape[-1]) ** 0.5, dtype)
        for w in (weight, np.asfortranarray(weight)):
            result = linear(x, w, bias, activation)
            expected = reference.linear(x.astype(float), w.astype(float), bias.astype(float))
            expected = getattr(reference, activation)(expected) if activation else expected
            assert result.shape == expected.shape
            assert result.dtype == dtype
            np.testing.assert_allclose(result, expected, rtol=0, atol=100 * np.finfo(dtype).eps)


def test_linear_with_other_operands_takes_numpys_way():
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal((8, 20)), rng.standard_normal((6, 20)), rng.standard_normal(12)
    for args in (
        (x, w, b[::2]),
        (x.astype("f4"), w, b[:6]),
        (x, w.astype("f4"), b[:6]),
        (x, w, b[:6].astype("f4")),
    ):
        result, expected = table.linear(*args), reference.linear(*args)
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_so_many_threads_give_the_same_bits_each_time(dtype, three_threads):
    rng = np.random.default_rng(4)
    for m, n, depth in ((300, 310, 400), (5000, 10, 700), (64, 1000, 600), (5, 1300, 5200), (9000, 9, 1000)):
        assert m * n * depth >= PARALLEL
        x, y, b = (rng.standard_normal(s).astype(dtype) for s in ((m, depth), (depth, n), n))
        several = matmul(x, y), linear(x, y.T, b, "relu")
        np.testing.assert_array_equal(several, (matmul(x, y), linear(x, y.T, b, "relu")))
        threads.set_num_threads(1)
        np.testing.assert_allclose(several[0], matmul(x, y), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(several[1], linear(x, y.T, b, "relu"), rtol=1e-4, atol=1e-3)
        threads.set_num_threads(3)


CHILD = """
import multiprocessing, sys
import numpy as np
from chainrule.backends import threads
from chainrule.backends.numba import products

threads.set_num_threads(2)

def product(seed):
    x = np.random.default_rng(seed).standard_normal((340, 330))
    return float(abs(products.matmul(x, x.T) - x @ x.T).max())

if __name__ == "__main__":
    worst = product(0)  # the parent's threads are running when the child begins
    for method in sys.argv[1:]:
        with multiprocessing.get_context(method).Pool(2) as pool:
            worst = max(worst, *pool.map(product, range(4)))
    print(worst)
"""


def test_spawned_and_forked_processes(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    methods = ["spawn", "fork"] if sys.platform == "linux" else ["spawn"]
    command = [sys.executable, "-P", "-W", "ignore::DeprecationWarning", str(script), *methods]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ, check=True)
    assert float(done.stdout) < 1e-11
