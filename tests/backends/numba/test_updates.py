"""Every update against its formula in NumPy, in float64."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba.updates import UPDATES, update


def formula(name, w, g, remembered, n):
    if name == "sgd":
        return w - n[0] * (g + n[1] * w), ()
    if name in ("momentum", "nesterov"):
        g = g + n[2] * w
        v = n[1] * remembered[0] + g
        return w - n[0] * (g + n[1] * v if name == "nesterov" else v), (v,)
    if name == "rmsprop":
        g = g + n[4] * w
        s = n[1] * remembered[0] + n[2] * g**2
        return w - n[0] * g / (np.sqrt(s) + n[3]), (s,)
    g = g + n[6] * w
    m, s = n[1] * remembered[0] + n[2] * g, n[3] * remembered[1] + n[4] * g**2
    return n[7] * w - n[0] * m / (np.sqrt(s) + n[5]), (m, s)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (37,), (8, 5)])
@pytest.mark.parametrize("name", UPDATES)
def test_formulas(name, shape, dtype):
    rng = np.random.default_rng(0)
    _, count, numbers = UPDATES[name]
    w, g, *remembered = (np.asarray(rng.uniform(0.1, 1, shape), dtype) for _ in range(count + 2))
    settings = tuple(rng.uniform(0.1, 0.9, numbers))
    exact, memory = formula(
        name, *(a.astype(np.float64) for a in (w, g)), [a.astype(float) for a in remembered], settings
    )
    before = w.copy(), g.copy()
    result = update(name, w, g, tuple(remembered), *settings)
    tolerance = {"rtol": 3e-6 if dtype == "float32" else 1e-14, "atol": 1e-6 if dtype == "float32" else 1e-14}
    np.testing.assert_allclose(result, exact, **tolerance)
    assert result.dtype == dtype
    assert result.shape == shape
    for array, expected in zip(remembered, memory, strict=True):
        np.testing.assert_allclose(array, expected, **tolerance)
    np.testing.assert_array_equal(w, before[0])
    np.testing.assert_array_equal(g, before[1])


def test_what_has_no_kernel_changes_nothing():
    w, v = np.ones((4, 4), np.float32), np.ones((4, 4), np.float32)
    for g in (np.ones((4, 4)), np.ones((4, 4), np.float32).T[::2], np.ones((4, 4), np.float32)[:, :2]):
        assert update("momentum", w, g, (v,), 0.1, 0.9, 0.0) is None
    assert update("sgd", np.ones(3, np.float16), np.ones(3, np.float16), (), 0.1, 0.0) is None
    assert (v == 1).all()
    unaligned = np.frombuffer(bytearray(65), np.uint8)[1:].view(np.float32).reshape(4, 4)
    for memory in (
        v[:, ::-1],
        v.T[:3],
        v.astype(float),
        unaligned,
        np.asfortranarray(np.arange(16.0).reshape(4, 4)),
    ):
        before = memory.copy()
        assert update("momentum", w, w, (memory,), 0.1, 0.9, 0.0) is None
        np.testing.assert_array_equal(memory, before)


def test_a_gradient_of_any_order_will_do():
    w, g = np.ones((4, 3), np.float32), np.arange(12, dtype=np.float32).reshape(3, 4).T
    np.testing.assert_array_equal(update("sgd", w, g, (), 0.5, 0.0), 1 - 0.5 * g)
    np.testing.assert_array_equal(
        update("sgd", w, np.tile(g, 2)[:, ::2], (), 0.5, 0.0), 1 - 0.5 * np.tile(g, 2)[:, ::2]
    )
