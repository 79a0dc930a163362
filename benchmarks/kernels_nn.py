"""Rows of `kernels.py` for layers and reductions: convolution, pooling, norms, sums, optimizers over many parameters.

The rows of layers are whole forward and backward passes in each engine, gradients of every operand included; NumPy's
contestant is this engine with its NumPy backend.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from measure import Call, Rows, jax, jitted, numbers, tensor, torch  # isort: skip  (before NumPy)


import numpy as np

import chainrule as cr
from chainrule import backends, nn
from chainrule.autograd.walk import broadcast_axes, unbroadcast

numba, numpy = backends.load("numba"), backends.load("numpy")
functional: Any = torch.nn.functional if torch else None

IMAGES = ((32, 1, 28, 28), (32, 8, 14, 14))
CHANNELS = (8, 16)
POOLED = ((32, 8, 28, 28), (32, 16, 14, 14))
SUMMED = (
    ((128, 256), 0),
    ((128, 256), 1),
    ((1024, 1024), 0),
    ((1024, 1024), 1),
    ((32, 16, 14, 14), (0, 2, 3)),
)


def both_ways(
    ours: Callable[..., Any], theirs: Callable[..., Any], of_jax: Callable[..., Any], *operands: Any
) -> dict[str, Call]:
    """Forward and backward, with one cotangent for all, by each contestant."""
    out = ours(*map(cr.Tensor, operands))
    cotangent = numbers(*out.shape, dtype=out.dtype)

    def here(backend: str) -> Call:
        leaves = [cr.Tensor(x) for x in operands]

        def run() -> list[Any]:
            with cr.use_backend(backend):
                for leaf in leaves:
                    leaf.grad = None
                ours(*leaves).backward(cotangent)
                return [leaf.grad for leaf in leaves]

        return run

    calls = {"numba": here("numba"), "numpy": here("numpy")}
    if torch:
        leaves, given = [tensor(x.copy()).requires_grad_() for x in operands], tensor(cotangent)

        def there() -> list[Any]:
            for leaf in leaves:
                leaf.grad = None
            theirs(*leaves).backward(given)
            return [leaf.grad for leaf in leaves]

        calls["torch"] = there
    if jax:
        calls["jax"] = jitted(lambda g, *xs: jax.vjp(of_jax, *xs)[1](g), cotangent, *operands)
    return calls


def name_of(what: str, shape: tuple[int, ...], more: str = "") -> str:
    return f"{what} {'x'.join(map(str, shape))}{more}"


def convolutions() -> Rows:
    """Kernels of 3 x 3 with a bias, without and with padding."""
    for shape, channels in zip(IMAGES, CHANNELS, strict=True):
        for padding in (0, 1):
            operands = numbers(*shape), numbers(channels, shape[1], 3, 3), numbers(channels)
            ours = partial(cr.conv2d, padding=padding)
            theirs = partial(functional.conv2d, padding=padding) if torch else ours

            def of_jax(x: Any, w: Any, b: Any, padding: int = padding) -> Any:
                return jax.lax.conv(x, w, (1, 1), [(padding, padding)] * 2) + b[:, None, None]

            yield (
                name_of("conv2d", shape, f" to {channels}, padding {padding}"),
                both_ways(ours, theirs, of_jax, *operands),
            )


def pools() -> Rows:
    """Windows of 2 x 2."""
    window = {"window_dimensions": (1, 1, 2, 2), "window_strides": (1, 1, 2, 2), "padding": "VALID"}
    pooled = {
        "max": lambda x: jax.lax.reduce_window(x, -np.inf, jax.lax.max, **window),
        "avg": lambda x: jax.lax.reduce_window(x, 0.0, jax.lax.add, **window) / 4,
    }
    for shape in POOLED:
        x = numbers(*shape)
        for what in ("max", "avg"):
            theirs = getattr(functional, f"{what}_pool2d", None)
            ours = partial(getattr(cr, f"{what}_pool2d"), size=2)
            yield (
                name_of(f"{what} pool", shape),
                both_ways(ours, theirs and partial(theirs, kernel_size=2), pooled[what], x),
            )


def standardized(x: Any, axes: int | tuple[int, ...]) -> Any:
    """JAX's array with mean 0 and variance 1 along the axes."""
    return (x - x.mean(axes, keepdims=True)) * jax.lax.rsqrt(x.var(axes, keepdims=True) + 1e-5)


def layer_norms(
    shapes: Iterable[tuple[int, int]] = ((64, 256), (128, 1024)), dtype: Any = np.float32
) -> Rows:
    """With scale and shift."""
    for shape in shapes:
        operands = [numbers(*s, dtype=dtype) for s in (shape, shape[1:], shape[1:])]
        yield (
            name_of("layer norm", shape),
            both_ways(
                cr.layer_norm,
                lambda x, w, b: functional.layer_norm(x, w.shape, w, b),
                lambda x, w, b: standardized(x, -1) * w + b,
                *operands,
            ),
        )


def batch_norms() -> Rows:
    """With scale and shift."""
    for shape in ((32, 16, 14, 14), (128, 256)):
        operands = [numbers(*s) for s in (shape, shape[1:2], shape[1:2])]
        theirs = lambda x, w, b: functional.batch_norm(x, None, None, w, b, training=True)  # noqa: E731 -- as above
        axes = (0, *range(2, len(shape)))

        def of_jax(x: Any, w: Any, b: Any, axes: tuple[int, ...] = axes) -> Any:
            return standardized(x, axes) * jax.numpy.expand_dims(w, axes) + jax.numpy.expand_dims(b, axes)

        yield name_of("batch norm", shape), both_ways(cr.batch_norm, theirs, of_jax, *operands)


def reductions() -> Rows:
    """Along each axis; and what undoes the broadcast of a bias."""
    for name in ("sum", "mean", "max"):
        for shape, axis in SUMMED:
            x, axes = numbers(*shape), axis if isinstance(axis, tuple) else (axis,)
            theirs: Any = getattr(torch, "amax" if name == "max" else name, None)
            calls: dict[str, Call] = {
                "numba": partial(getattr(numba, name), x, axes, keepdims=False),
                "numpy": partial(getattr(numpy, name), x, axes, keepdims=False),
            }
            if torch:
                calls["torch"] = partial(theirs, tensor(x), axes)
            if jax:
                calls["jax"] = jitted(partial(getattr(jax.numpy, name), axis=axes), x)
            yield name_of(name, shape, f" axis {axis}"), calls
    for shape in ((128, 10), (128, 256), (32, 16, 14, 14)):
        x, target = numbers(*shape), shape[1:] if len(shape) == 2 else (shape[1], 1, 1)
        over = broadcast_axes(shape, target)
        calls = {
            "numba": partial(unbroadcast, x, target, numba.sum),
            "numpy": lambda x=x, over=over, target=target: np.sum(x, over).reshape(target),
        }
        if torch:
            calls["torch"] = partial(tensor(x).sum_to_size, target)
        if jax:
            calls["jax"] = jitted(lambda x, over=over, target=target: x.sum(over).reshape(target), x)
        yield name_of("un-broadcast", shape), calls


def optimizers() -> Rows:
    """A step over the six parameters of an MLP 784-256-128-10."""
    shapes = ((256, 784), (256,), (128, 256), (128,), (10, 128), (10,))
    for name, settings in (("SGD", {"momentum": 0.9}), ("Adam", {}), ("RMSprop", {})):
        arrays = [(numbers(*shape), numbers(*shape)) for shape in shapes]
        calls: dict[str, Call] = {}
        for backend in ("numba", "numpy"):
            params = [nn.Parameter(w) for w, _ in arrays]
            for parameter, (_, g) in zip(params, arrays, strict=True):
                parameter.grad = g
            optimizer = getattr(nn.optim, name)(params, lr=1e-3, **settings)
            calls[backend] = partial(stepped, backend, optimizer)
        if torch:
            leaves = [torch.nn.Parameter(tensor(w.copy())) for w, _ in arrays]
            for leaf, (_, g) in zip(leaves, arrays, strict=True):
                leaf.grad = tensor(g)
            fastest = {} if name == "RMSprop" else {"fused": True}
            calls["torch"] = getattr(torch.optim, name)(leaves, lr=1e-3, **settings, **fastest).step
        yield f"{name} step of an MLP", calls


def stepped(backend: str, optimizer: Any) -> None:
    with cr.use_backend(backend):
        optimizer.step()


GROUPS = (convolutions, pools, layer_norms, batch_norms, reductions, optimizers)
