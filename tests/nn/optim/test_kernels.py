"""The optimizers with the numba backend's kernels: the steps of the formulas, up to rounding."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

import chainrule as cr
from chainrule import nn
from chainrule.backends.numba import updates
from chainrule.nn import optim

SETTINGS = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.02, "momentum": 0.9}),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
]
SHAPES = [(), (1,), (37,), (8, 5), (0, 3)]


def trained(backend, name, settings, dtype, steps=20, resume=None):
    rng = np.random.default_rng(0)
    params = [nn.Parameter(rng.standard_normal(shape), dtype=dtype) for shape in SHAPES]
    optimizer = getattr(optim, name)(params, **settings)
    with cr.use_backend(backend):
        for step in range(steps):
            for parameter in params:
                parameter.grad = np.asarray(rng.standard_normal(parameter.shape), dtype)
            if step == resume:
                saved = optimizer.state_dict()
                optimizer = getattr(optim, name)(params, **settings)
                optimizer.load_state_dict(saved)
            optimizer.step()
    return params, optimizer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_the_same_steps_as_with_numpy(name, settings, dtype, monkeypatch):
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-14}
    expected, reference = trained("numpy", name, settings, dtype)
    monkeypatch.setattr(updates, "KERNELS", {})
    found, optimizer = trained("numba", name, settings, dtype)
    assert len(updates.KERNELS) == 1
    for ours, other in zip(found, expected, strict=True):
        assert (ours.dtype, ours.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(ours.data, other.data, **tolerance)
    for ours, other in zip(optimizer.state, reference.state, strict=True):
        assert ours.keys() == other.keys()
        for key in ours:
            np.testing.assert_allclose(ours[key], other[key], **tolerance)
    resumed, _ = trained("numba", name, settings, dtype, resume=7)
    for ours, other in zip(resumed, found, strict=True):
        np.testing.assert_array_equal(ours.data, other.data)


def test_a_graph_keeps_the_old_parameter():
    w = nn.Parameter([1.0, 2.0])
    before = w.data
    with cr.use_backend("numba"):
        optimizer = optim.Adam([w])
        w.grad = np.ones(2, np.float32)
        optimizer.step()
    assert before.tolist() == [1, 2]
    assert w.data is not before


def test_gradients_that_no_kernel_takes():
    for g in (
        np.ones((4, 6), np.float32)[:, ::2],
        np.ones((4, 3)),
        np.asfortranarray(np.ones((4, 3), np.float32)),
    ):
        results = []
        for backend in ("numpy", "numba"):
            w = nn.Parameter(np.ones((4, 3)))
            w.grad = g
            with cr.use_backend(backend):
                optim.SGD([w], lr=0.5, momentum=0.5).step()
            results.append(w.data)
        np.testing.assert_array_equal(*results)
        assert results[1].dtype == np.float32
