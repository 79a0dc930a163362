"""How PyTorch's arguments become ours: axes, sizes, paddings and options by their names and defaults."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.autograd import ops
from chainrule.autograd.node import data_of

Translation = Callable[..., Any]


def axis(dim: Any) -> Any:
    """PyTorch's dim as our axis: a list becomes a tuple, an empty one means all."""
    if dim is None or (isinstance(dim, list | tuple) and not len(dim)):
        return None
    return tuple(dim) if isinstance(dim, list | tuple) else dim


def reduction(name: str) -> Translation:
    function = getattr(ops, name)
    return lambda x, dim=None, keepdim=False, dtype=None: function(x, axis(dim), keepdim)


def variance(name: str) -> Translation:
    function = getattr(ops, name)

    def translated(x: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **more: Any) -> Any:
        if isinstance(dim, bool):  # var(x, unbiased)
            dim, unbiased = None, dim
        correction = more.get("correction", int(unbiased))
        return function(x, axis(dim), keepdim, ddof=1 if correction is None else correction)

    return translated


def along(name: str) -> Translation:
    function = getattr(ops, name)
    return lambda x, dim, **more: function(x, dim)


def turned(name: str) -> Translation:
    """The function with its two arguments exchanged."""
    function = getattr(ops, name)
    return lambda x, y: function(y, x)


def sizes(sizes: Any) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], list | tuple) else tuple(sizes)


def expand(x: Any, *lengths: Any) -> Any:
    shape = sizes(lengths)
    own = (1,) * (len(shape) - x.ndim) + x.shape
    return ops.broadcast_to(x, tuple(o if n == -1 else n for n, o in zip(shape, own, strict=True)))


def permute(x: Any, *dims: Any) -> Any:
    return ops.transpose(x, sizes(dims))


def last_two(x: Any) -> Any:
    return ops.swapaxes(x, -1, -2)


def flat_pad(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """PyTorch lists (before, after) from the last axis to the first; a negative width cuts."""
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    wider = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
    names = {"replicate": "edge"}
    if mode == "circular":  # goes on from what is left
        return ops.pad(_cut(x, pairs), wider, "wrap")
    return _cut(ops.pad(x, wider, names.get(mode, mode), value or 0.0), pairs)


def _cut(x: Any, pairs: list[tuple[int, int]]) -> Any:
    return x[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, x.shape, strict=True))]


def split(x: Any, size: Any, dim: int = 0) -> Any:
    cuts = (
        list(np.cumsum(size)[:-1])
        if isinstance(size, list | tuple)
        else list(range(size, x.shape[dim], size))
    )
    return ops.split(x, cuts, dim)


def tensor_split(x: Any, parts: Any, dim: int = 0) -> Any:
    if isinstance(parts, np.ndarray):
        parts = parts.tolist()
    if isinstance(parts, int):
        sections = np.array_split(np.arange(x.shape[dim]), parts)
        parts = np.cumsum([len(s) for s in sections])[:-1].tolist()
    length = x.shape[dim]
    parts = [max(p + length, 0) if p < 0 else min(p, length) for p in parts]
    bounds = [0, *parts, length]
    ahead = (slice(None),) * (dim % x.ndim)
    return [x[(*ahead, slice(a, max(a, b)))] for a, b in pairwise(bounds)]


def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    return split(x, math.ceil(x.shape[dim] / chunks) or 1, dim)


def slice_from(x: Any, dim: int, start: Any, length: int) -> Any:
    start = int(start) % (x.shape[dim] + 1) if int(start) >= 0 else x.shape[dim] + int(start)
    return x[(*(slice(None),) * (dim % x.ndim), slice(start, start + length))]


def getitem(x: Any, index: Any) -> Any:
    return x[index]


def take_flat(x: Any, index: Any) -> Any:
    return ops.take(ops.ravel(x), index, 0)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    if any(isinstance(b, cr.Tensor | np.ndarray) for b in (min, max)):
        x = x if min is None else ops.maximum(x, min)
        return x if max is None else ops.minimum(x, max)
    return ops.clip(x, min, max)


def tensordot(x: Any, y: Any, dims: Any = 2) -> Any:
    return ops.tensordot(x, y, dims if isinstance(dims, int) else tuple(map(tuple, dims)))


def argsort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return ops.argsort(ops.neg(x) if descending else x, dim)


def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return ops.neg(ops.sort(ops.neg(x), dim)) if descending else ops.sort(x, dim)


def diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return ops.diff(x, n, dim, prepend, append) if n else x * 1.0


def index_add(x: Any, dim: int, index: Any, source: Any, alpha: float = 1) -> Any:
    if x.ndim == 0:
        return x + ops.sum(source) * alpha
    ahead = (slice(None),) * (dim % x.ndim)
    return ops.index_add(x, (*ahead, np.atleast_1d(index)), source * alpha)


def scatter_add(x: Any, dim: int, index: Any, source: Any) -> Any:
    if not index.size:
        return x + 0.0
    grids = list(np.indices(index.shape)) if index.ndim else []
    part = source[tuple(slice(0, n) for n in index.shape)] if index.ndim else source
    if x.ndim == 0:
        return x + ops.sum(part)
    if not index.ndim:
        return ops.index_add(x, (np.atleast_1d(index),), ops.reshape(part, (1,)))
    grids[dim] = index
    return ops.index_add(x, tuple(grids), part)


def norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return ops.norm(x, axis=axis(dim), keepdims=keepdim, ord=ord)


def matrix_norm(
    x: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: Any = None
) -> Any:
    found = ops.matrix_norm(ops.moveaxis(x, tuple(dim), (-2, -1)), ord=ord, keepdims=keepdim)
    return ops.moveaxis(found, (-2, -1), tuple(dim)) if keepdim else found


def reduced(loss: Any, reduction: str) -> Any:
    return loss if reduction == "none" else getattr(ops, reduction)(loss)


def softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    return ops.where(data_of(x) * beta > threshold, x, ops.softplus(x * beta) / beta)


def bce(x: Any, y: Any, reduction: str = "mean", weight: Any = None) -> Any:
    loss = ops.bce_with_logits(x, y)
    return reduced(loss if weight is None else loss * weight, reduction)


def cross_entropy(x: Any, y: Any, reduction: str = "mean", **more: Any) -> Any:
    def rows(z: Any) -> Any:
        return ops.reshape(ops.moveaxis(z, 1, -1), (-1, z.shape[1]))

    if x.ndim == 1:
        labels = y[None] if y.ndim else np.atleast_1d(y)
        return reduced(ops.cross_entropy(x[None], labels)[0], reduction if reduction != "mean" else "sum")
    loss = ops.cross_entropy(rows(x), rows(y) if y.ndim == x.ndim else np.ravel(y))
    return reduced(ops.reshape(loss, (x.shape[0], *x.shape[2:])), reduction)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if weight.ndim == 1:
        return ops.matmul(x, weight) + (0.0 if bias is None else bias)
    return ops.linear(x, weight, np.zeros(weight.shape[0]) if bias is None else bias)


def layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return ops.layer_norm(x, weight, bias, eps, tuple(range(-len(shape), 0)))


def batch_norm(
    x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    statistics = {} if training else {"mean": data_of(mean), "var": data_of(var)}
    return ops.batch_norm(x, weight, bias, eps=eps, **statistics)


def batched(function: Translation, axes: int) -> Translation:
    """PyTorch lets the batch axis be left out."""

    def translated(x: Any, *args: Any, **more: Any) -> Any:
        if x.ndim == axes - 1:
            return function(x[None], *args, **more)[0]
        return function(x, *args, **more)

    return translated


def conv(x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, **more: Any) -> Any:
    spatial = weight.ndim - 2
    stride, padding = (pair(0 if n == "valid" else n, spatial) for n in (stride, padding))
    if spatial == 1:
        return ops.conv1d(x, weight, bias, stride[0], padding[0])
    return ops.conv2d(x, weight, bias, stride, padding)


def pair(n: Any, spatial: int) -> tuple[int, ...]:
    n = tuple(n) if isinstance(n, list | tuple) else (n,)
    return n * spatial if len(n) == 1 else n


def avg_pool(spatial: int) -> Translation:
    function = ops.avg_pool1d if spatial == 1 else ops.avg_pool2d

    def translated(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *rest: Any, **more: Any
    ) -> Any:
        sizes = [pair(n, spatial) for n in (kernel_size, stride or kernel_size, padding)]
        return function(x, *(s[0] if spatial == 1 else s for s in sizes))

    return batched(translated, spatial + 2)


def max_pool(spatial: int) -> Translation:
    """Ours where it has the options, else the maximum over windows, of which every `dilation`-th element counts."""
    function = ops.max_pool1d if spatial == 1 else ops.max_pool2d

    def translated(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # fmt: skip
        k, s, p, d = (pair(n, spatial) for n in (kernel_size, stride or kernel_size, padding, dilation))
        if not ceil_mode and set(d) == {1}:
            return function(x, *(n[0] if spatial == 1 else n for n in (k, s, p)))
        span = tuple((n - 1) * step + 1 for n, step in zip(k, d, strict=True))
        after = [end(n, *sizes, ceil_mode) for n, *sizes in zip(x.shape[2:], span, s, p, strict=True)]
        padded = ops.pad(x, ((0, 0), (0, 0), *zip(p, after, strict=True)), value=-np.inf)
        found = ops.windows(padded, span, s)[(..., *(slice(None, None, step) for step in d))]
        return ops.max(found, tuple(range(-spatial, 0)))

    return batched(translated, spatial + 2)


def end(length: int, span: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Padding behind the data, so that the windows are those of PyTorch."""
    steps = length + 2 * padding - span
    windows = (-(-steps // stride) if ceil_mode else steps // stride) + 1
    if ceil_mode and (windows - 1) * stride >= length + padding:
        windows -= 1  # no window begins behind the data
    return max((windows - 1) * stride + span - length - padding, 0)


def prelu(x: Any, weight: Any) -> Any:
    """PyTorch has one slope for each channel, axis 1."""
    if weight.size > 1 and x.ndim > 1:
        weight = ops.reshape(weight, (-1,) + (1,) * (x.ndim - 2))
    elif x.ndim == 0:
        weight = ops.reshape(weight, ())
    return ops.prelu(x, weight)


def scaled(name: str) -> Translation:
    function = getattr(ops, name)
    return lambda x, y, alpha=1: function(x, y * alpha if alpha != 1 else y)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if x.ndim == 0:
        return ops.reshape(x, (1,))
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return ops.reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


def squeeze(x: Any, dim: Any = None) -> Any:
    """PyTorch keeps an axis that is named and is longer than 1."""
    if dim is None:
        return ops.squeeze(x)
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    return ops.squeeze(x, tuple(d for d in dims if x.ndim and x.shape[d] == 1))


def masked(x: Any, mask: Any) -> Any:
    shape = np.broadcast_shapes(x.shape, np.shape(mask))
    return ops.broadcast_to(x, shape)[np.broadcast_to(mask, shape)]


def take_along(x: Any, indices: Any, dim: Any = None) -> Any:
    if dim is None:
        return ops.take_along_axis(ops.ravel(x), np.ravel(indices), 0)
    lengths = list(
        np.broadcast_shapes(*[(*s[:dim], 1, *s[dim % len(s) + 1 :]) for s in (x.shape, indices.shape)])
    )
    spread = [list(lengths), list(lengths)]
    spread[0][dim], spread[1][dim] = x.shape[dim], indices.shape[dim]
    return ops.take_along_axis(
        ops.broadcast_to(x, tuple(spread[0])), np.broadcast_to(indices, spread[1]), dim
    )


def first_of_three(x: Any, dim: Any) -> int:
    return x.shape.index(3) if dim is None else int(dim)


def solve(a: Any, b: Any) -> Any:
    """PyTorch takes a stack of vectors where NumPy 2 takes a vector or matrices."""
    if b.ndim > 1 and b.shape == a.shape[:-1]:
        return ops.solve(a, b[..., None])[..., 0]
    return ops.solve(a, b)
