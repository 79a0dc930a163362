"""A linear layer with its activation in one step, against PyTorch's two functions."""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import backends
from chainrule.backends import layers
from chainrule.backends.layers import ACTIVATIONS, FROM_RESULT
from chainrule.backends.numpy import neural

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


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_cotangent_goes_through_the_activation_once(order: tuple[int, ...]) -> None:
    """One computation serves x, weight and bias, whichever is asked for first."""
    calls = []

    def before(g: Any, y: Any, activation: str) -> Any:
        calls.append(activation)
        return neural.before_activation(g, y, activation)

    keeping = layers.keeping(neural.linear_activation, lambda _, z: np.tanh(z), before, np.dot)
    assert keeping.shared is not None
    rng = np.random.default_rng(1)
    x, weight, bias, g = (rng.normal(size=shape) for shape in ((4, 3), (2, 3), 2, (4, 2)))
    out, kept = keeping.forward(x, weight, bias, "tanh")
    shared = keeping.shared(kept, g, out, x, weight, bias, "tanh")
    dz = g * (1 - np.tanh(x @ weight.T + bias) ** 2)
    expected = dz @ weight, dz.T @ x, dz.sum(0)
    for argument in order:
        rule = keeping.gradients[argument]
        assert rule is not None
        np.testing.assert_allclose(
            rule(shared, g, out, x, weight, bias, "tanh"), expected[argument], rtol=1e-13
        )
    assert calls == ["tanh"]


def test_numba_computes_weight_and_bias_in_one_step_where_x_needs_no_gradient() -> None:
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    from chainrule.backends.numba import layers as kernels

    calls = []

    def weight_and_bias(*arguments: Any) -> Any:
        calls.append("one step")
        return kernels.weight_and_bias(*arguments)

    def before(*arguments: Any) -> Any:
        calls.append("before")
        return kernels.before_activation(*arguments)

    observed = layers.keeping(kernels.linear, kernels.apply, before, kernels.matmul, weight_and_bias)
    rng = np.random.default_rng(2)
    weight, bias = (cr.Tensor(rng.normal(size=size)) for size in ((8, 16), 8))
    x = rng.normal(size=(12, 16))
    gradients = []
    with cr.use_backend("numba"):
        for first in (x, cr.Tensor(x)):
            out = cr.linear(first, weight, bias, activation="relu")
            assert out._kept is not None
            out._kept = (observed, out._kept[1])
            out.backward(np.ones(out.shape))
            gradients.append((weight.grad, bias.grad))
            weight.zero_grad()
            bias.zero_grad()
    assert calls == ["one step", "before"]
    for one, two in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


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
