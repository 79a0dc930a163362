"""A linear layer with its activation in one step, against PyTorch's two functions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import backends
from chainrule.backends.layers import ACTIVATIONS, FROM_RESULT

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install chainrule[oracle]")

BACKENDS = ("numpy", "numba")
# what may be smaller than a tile, wider than one, and longer than a block of rows
SHAPES = [((1, 1), 1), ((3, 5), 2), ((7, 64), 33), ((130, 20), 17), ((2, 3, 8), 5), ((0, 4), 3), ((6,), 4)]


def torch_function(name: str) -> Callable[..., Any]:
    if name == "softplus":  # from 20 on PyTorch's takes x for it, which is 1e-11 off
        return partial(torch.nn.functional.softplus, threshold=40)
    found: Callable[..., Any] = getattr(torch.nn.functional, name)
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("shape", "outputs"), SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-5)])
def test_result_and_gradients_are_those_of_pytorch(
    backend: str, name: str, shape: tuple[int, ...], outputs: int, dtype: str, tolerance: float
) -> None:
    rng = np.random.default_rng([outputs, *shape])
    arrays = [
        rng.normal(size=size).astype(dtype)
        for size in (shape, (outputs, shape[-1]), (outputs,), (*shape[:-1], outputs))
    ]
    *ours, g = map(cr.Tensor, arrays)
    *theirs, g_torch = (torch.tensor(a, requires_grad=True) for a in arrays)
    expected = torch_function(name)(torch.nn.functional.linear(*theirs))
    expected.backward(g_torch.detach())
    with cr.use_backend(backend):
        found = cr.linear(*ours, activation=name)
        found.backward(g.data)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.grad is not None
        assert mine.grad.dtype == dtype
        scale = max(1.0, float(np.abs(other.grad.numpy()).max(initial=0)))
        np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_gradient_comes_through_what_nobody_asked_for(backend: str, name: str) -> None:
    """Where the cotangent is zero nothing arrives, were it infinite there."""
    x = cr.Tensor([[1e3, 0.0], [0.0, 1.0]], dtype="float32")
    weight, bias = cr.Tensor(np.full((3, 2), 1e38, np.float32)), cr.Tensor(np.zeros(3, np.float32))
    with cr.use_backend(backend), np.errstate(all="ignore"):
        layer = cr.linear(x, weight, bias, activation=name)
        layer.backward(np.zeros((2, 3), np.float32))
    assert bias.grad is not None
    assert not bias.grad.any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_arrays_with_gaps_and_mixed_dtypes_give_the_same(backend: str) -> None:
    rng = np.random.default_rng(0)
    wide, weight, bias = rng.normal(size=(12, 8)), rng.normal(size=(5, 4)), rng.normal(size=5)
    g = rng.normal(size=(5, 6)).T
    cases = [
        (wide[::2, ::2], weight, bias),
        (wide[::2, ::2].astype("float32"), weight, bias),
        (np.asfortranarray(wide[::2, ::2]), np.asfortranarray(weight), bias),
    ]
    for arrays in cases:
        together, apart = [cr.Tensor(a) for a in arrays], [cr.Tensor(a) for a in arrays]
        with cr.use_backend(backend):
            one = cr.linear(*together, activation="silu")
            two = cr.silu(cr.linear(*apart))
            one.backward(g.astype(one.dtype))
            two.backward(g.astype(two.dtype))
        np.testing.assert_allclose(one.data, two.data, rtol=1e-6)
        for a, b in zip(together, apart, strict=True):
            np.testing.assert_allclose(a.grad, b.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_cotangent_goes_through_the_activation_once(backend: str) -> None:
    """One computation serves x, weight and bias."""
    keeping = backends.load(backend).keeping["linear_activation"]
    calls = []

    def counted(*arguments: Any, **params: Any) -> Any:
        calls.append(params["activation"])
        return keeping.shared(*arguments, **params)

    leaves = [cr.Tensor(np.ones(shape)) for shape in ((4, 3), (2, 3), (2,))]
    with cr.use_backend(backend):
        out = cr.linear(*leaves, activation="tanh")
        kept = out._kept
        assert kept is not None
        out._kept = (kept[0]._replace(shared=counted), kept[1])
        out.backward(np.ones((4, 2)))
    assert calls == ["tanh"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_only_what_backward_needs_is_kept(name: str) -> None:
    """The slopes of relu, tanh and sigmoid are told by their results; of the others z is kept."""
    keeping = backends.load("numpy").keeping["linear_activation"]
    x, weight, bias = np.ones((4, 3)), np.ones((2, 3)), np.ones(2)
    out, kept = keeping.forward(x, weight, bias, activation=name)
    assert (kept is out) is (name in FROM_RESULT)


def test_an_unknown_activation_is_refused_with_what_to_write_instead() -> None:
    x, weight, bias = np.ones((4, 3)), np.ones((2, 3)), np.ones(2)
    with pytest.raises(ValueError, match="'rellu'; did you mean 'relu'") as caught:
        cr.linear(x, weight, bias, activation="rellu")
    assert "chainrule.elu(chainrule.linear(x, weight, bias))" in str(caught.value)
    with pytest.raises(ValueError, match=r"must be one of 'relu', .*got \['relu'\]"):
        cr.linear(x, weight, bias, activation=["relu"])  # type: ignore[arg-type]
