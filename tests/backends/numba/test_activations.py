"""Activations composed of few operations: NumPy's answers, at special values too, and the error of mish."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.autograd.op import by_name
from chainrule.backends import numpy as reference
from chainrule.backends.numba import elementwise, table
from chainrule.nn.activations import ACTIVATIONS

NAMES = [
    name
    for name in elementwise.SMALLEST
    if not hasattr(elementwise.math, name) and name not in ("sin", "cos")
]
PARAMETERS = {"celu": (1.5,)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_special_values(name, dtype):
    info = np.finfo(dtype)
    special = [
        0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        info.tiny,
        -info.tiny,
        info.max / 8,
        -info.max / 8,
        3,
        -3,
        6,
        100,
        -50,
    ]
    x = np.concatenate([special, np.linspace(-20, 20, 1001)]).astype(dtype)
    parameters = PARAMETERS.get(name, ())
    found = getattr(table, name)(x, *parameters)
    with np.errstate(all="ignore"):
        expected = getattr(reference, name)(x, *parameters)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=32 * info.eps, atol=4 * info.tiny)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mish_in_ulp(dtype):
    low = {"float32": -80.0, "float64": -650.0}[dtype]
    x = np.concatenate([np.linspace(low, -10, 20_000), np.linspace(-10, 10, 100_000)]).astype(dtype)
    wide = x.astype(np.longdouble)
    exact = wide * np.tanh(np.log1p(np.exp(wide)))
    assert (abs(table.mish(x) - exact) / np.spacing(abs(exact).astype(dtype))).max() <= 4.5


def test_every_activation_of_the_engine_has_a_kernel():
    plain = {n for n in ACTIVATIONS if getattr(table, n, None) is getattr(reference, n, None)}
    assert plain - {"identity"} == {"hardtanh"}  # NumPy's clip is one pass as well


@pytest.mark.parametrize("slope", [[0.25], [[0.25]], 0.25, [0.25] * 50, [[[0.25]]]])
def test_prelu(slope):
    x = np.random.default_rng(0).standard_normal((40, 50))
    np.testing.assert_array_equal(table.prelu(x, np.array(slope)), reference.prelu(x, np.array(slope)))
    assert table.prelu(x.astype("f4"), np.array(slope)).dtype == np.float64


def test_celu_backward_is_a_kernel():
    rule = by_name("celu").rules[0]
    found = table.fuse("celu-0", rule, 1)(np.ones(3), None, np.array([-1.5, 0.5, -3.0]), alpha=1.5)
    np.testing.assert_allclose(found, [np.exp(-1), 1, np.exp(-2)], rtol=1e-15)
