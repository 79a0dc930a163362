"""What is left of a layer's backward pass beside its products, on several threads."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba.layers import before_activation
from chainrule.backends.numpy import neural as reference


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_same_each_time_on_several_threads(activation, dtype, set_threads):
    rng = np.random.default_rng(4)
    g, y = (rng.standard_normal((1031, 203)).astype(dtype) for _ in range(2))
    set_threads(1)
    alone, _ = before_activation(g, y, activation)
    _, exact = reference.before_activation(g.astype(float), y.astype(float), activation)
    for count in (2, 3, 16):
        set_threads(count)
        found, total = before_activation(g, y, activation)
        np.testing.assert_array_equal(found, alone)
        np.testing.assert_array_equal(total, before_activation(g, y, activation)[1])
        error = 4 * np.finfo(dtype).eps * np.abs(alone).sum(0, dtype=float)
        assert (np.abs(total - exact) <= error).all()
