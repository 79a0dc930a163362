"""Any shape, strides and dtype; and that the loops really are vector code."""

import re

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import doctor, numpy as reference
from chainrule.backends.numba import compile as compiler, elementwise, table
from chainrule.backends.numba.coefficients import FLOAT32

LAYOUTS = {
    "0-d": lambda a: a[0, 0, 0:1].reshape(()),
    "empty": lambda a: a[:0],
    "one": lambda a: a[0, 0, :1],
    "odd length": lambda a: a[0, 0, :37],
    "3-d": lambda a: a,
    "transposed": lambda a: a.T,
    "negative strides": lambda a: a[::-1, :, ::-1],
    "gaps": lambda a: a[:, ::2, 1::3],
    "broadcast": lambda a: np.broadcast_to(a[0, 0], (3, *a[0, 0].shape)),
}


def data(dtype):
    return (np.random.default_rng(0).standard_normal((4, 6, 50)) * 3).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f8", "float16", "int64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["sigmoid", "relu", "gelu"])
def test_layouts_and_dtypes(name, layout, dtype):
    x = LAYOUTS[layout](data(dtype))
    before = x.copy()
    x.flags.writeable = False
    result = getattr(table, name)(x)
    expected = np.asarray(getattr(reference, name)(x))
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=2e-3 if dtype == "float16" else 2e-5, atol=1e-6)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(result, x)


def test_unaligned_data():
    raw = np.zeros(8 * 20 + 1, np.uint8)[1:].view(np.float64)
    raw[:] = np.linspace(-3, 3, 20)
    assert not raw.flags.aligned
    np.testing.assert_allclose(table.sigmoid(raw), reference.sigmoid(raw))


def test_numbers_and_parameters():
    assert table.relu(-2.0) == 0
    assert table.sigmoid(np.float64(0)) == 0.5
    x = data("float32")
    np.testing.assert_array_equal(table.leaky_relu(x, negative_slope=0.1), reference.leaky_relu(x, 0.1))
    np.testing.assert_allclose(table.elu(x, alpha=0.5), reference.elu(x, 0.5), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", elementwise.SMALLEST)
def test_small_and_large_arrays_agree_with_numpy(name):
    x = np.linspace(-4, 4, 9001)
    parameters = (0.3,) if name in elementwise.WITH_PARAMETER else ()
    for part in (x[:7], x):
        expected = getattr(reference, name)(part, *parameters)
        np.testing.assert_allclose(getattr(table, name)(part, *parameters), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.skipif(
    "avx2" not in doctor.compiled_for()[1],
    reason="platform: reads the names of wide x86 vector registers",
)
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "sin"])
def test_loops_are_vector_code(name, monkeypatch):
    monkeypatch.setattr(compiler, "cache_directory", lambda: None)  # numba keeps no assembly of cached code
    loop = elementwise.compiled(name, FLOAT32)
    assembly = loop.inspect_asm(loop.signatures[0])
    assert len(re.findall(r"v(?:mul|fma\w*|div)ps.*[yz]mm", assembly)) > 5
