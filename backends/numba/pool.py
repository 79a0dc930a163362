"""Pooling: what `reduce.py` does, over the windows of an image, which are a view of it and lie nowhere in a row.

In the engine a pool is `windows` followed by `max` or `mean`. So the kernels here are those of the two reductions, and
of their gradients, for arrays with any strides: batch, place of the window (2 axes), place in the window (2 axes).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba import reduce
from chainrule.backends.numba.bits import select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined, kernel, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.slices import Sliced

Array = NDArray[Any]
Axes = tuple[int, ...]
LARGEST = 64  # elements of a window; NumPy reduces longer rows as fast


@cache
def folding(f: Format, name: str) -> tuple[Any, Any, Any]:
    """How a window is reduced: two numbers to one, the first of them, and what is done at the end."""
    one = f.real(1)
    if name != "mean":
        better, start = reduce.EXTREMES[name]
        return better, f.real(start), inlined(lambda total, count: total)
    return inlined(lambda x, y: x + y), f.real(0), inlined(lambda total, count: total / (count * one))


def pool(f: Format, name: str) -> Callable[..., Any]:
    """Reduce each window of x (batch, rows, columns, high, wide)."""
    join, start, finish = folding(f, name)

    def loop(x: Array, out: Array) -> None:
        batch, rows, columns, high, wide = x.shape
        pairs = high == 2 and wide == 2
        for b in range(batch):
            for p in range(rows):
                for q in range(columns):
                    if pairs:
                        upper = join(x[b, p, q, 0, 0], x[b, p, q, 0, 1])
                        found = join(upper, join(x[b, p, q, 1, 0], x[b, p, q, 1, 1]))
                    else:
                        found = start
                        for u in range(high):
                            for v in range(wide):
                                found = join(found, x[b, p, q, u, v])
                    out[b, p, q] = finish(found, high * wide)

    return loop


def ties(f: Format) -> Callable[..., Any]:
    """Give each number of g to the elements of its window that equal the result; those that tie share it."""
    zero, one = f.real(0), f.real(1)

    def loop(g: Array, found: Array, x: Array, out: Array) -> None:
        batch, rows, columns, high, wide = x.shape
        pairs = high == 2 and wide == 2
        for b in range(batch):
            for p in range(rows):
                for q in range(columns):
                    top, mine = found[b, p, q], g[b, p, q]
                    if pairs:
                        e = select(x[b, p, q, 0, 0] == top, one, zero)
                        f = select(x[b, p, q, 0, 1] == top, one, zero)
                        h = select(x[b, p, q, 1, 0] == top, one, zero)
                        k = select(x[b, p, q, 1, 1] == top, one, zero)
                        part = one / ((e + f) + (h + k))
                        out[b, p, q, 0, 0], out[b, p, q, 0, 1] = mine * (e * part), mine * (f * part)
                        out[b, p, q, 1, 0], out[b, p, q, 1, 1] = mine * (h * part), mine * (k * part)
                        continue
                    count = zero
                    for u in range(high):
                        for v in range(wide):
                            count += select(x[b, p, q, u, v] == top, one, zero)
                    share, rest = mine * (one / count), mine * (zero / count)
                    for u in range(high):
                        for v in range(wide):
                            out[b, p, q, u, v] = select(x[b, p, q, u, v] == top, share, rest)

    return loop


def overlap(f: Format) -> Callable[..., Any]:
    """Add windows g (batch, rows, columns, high, wide) to where they lie in out (batch, height, width)."""

    def loop(g: Array, down: int, right: int, out: Array) -> None:
        batch, rows, columns, high, wide = g.shape
        for b in range(batch):
            for p in range(rows):
                for u in range(high):
                    target = out[b, p * down + u]
                    if wide == 2:
                        for q in range(columns):
                            target[q * right] += g[b, p, q, u, 0]
                            target[q * right + 1] += g[b, p, q, u, 1]
                    else:
                        for q in range(columns):
                            for v in range(wide):
                                target[q * right + v] += g[b, p, q, u, v]

    return loop


@cache
def compiled(name: str, f: Format) -> Sliced:
    """The kernel of one function for one format."""
    view = types.Array(numba.from_dtype(np.dtype(f.real)), 5, "A", readonly=True)
    places = types.Array(numba.from_dtype(np.dtype(f.real)), 3, "C", readonly=True)
    if name == "ties":
        arguments = places, places, view, writeable(f.real, 5)
        return Sliced(kernel(ties(f), f"pool_ties-{f.name}", *arguments), 2, 0, 1, 3, unit=1)
    if name == "overlap":
        number, image = types.int64, writeable(f.real, 3)
        run = kernel(overlap(f), f"overlap-{f.name}", view, number, number, image)
        return Sliced(run, 0, 3, unit=1)
    return Sliced(kernel(pool(f, name), f"pool_{name}-{f.name}", view, writeable(f.real, 3)), 0, 1, unit=1)


def as_windows(x: Any, n: int) -> Array | None:
    """View an array as (batch, rows, columns, high, wide); None if that needs a copy.

    The last n axes of x are places in a window, the n before them places of windows.
    """
    if type(x) is not np.ndarray or x.dtype not in FORMATS or not x.flags.aligned or not x.size:
        return None
    if n not in (1, 2) or x.ndim < 2 * n:
        return None
    first = x.ndim - 2 * n
    batch, step = 1, 0
    for length, stride in zip(reversed(x.shape[:first]), reversed(x.strides[:first])):
        if length > 1:
            if batch > 1 and stride != batch * step:
                return None
            step = step if batch > 1 else stride
            batch *= length
    if n == 2:
        return as_strided(x, (batch, *x.shape[first:]), (step, *x.strides[first:]), writeable=False)
    (rows, size), (row, place) = x.shape[first:], x.strides[first:]
    return as_strided(x, (batch, 1, rows, 1, size), (step, 0, row, 0, place), writeable=False)


def windows_of(x: Any, axis: Any) -> Array | None:
    """View an array whose axes to reduce are those of small windows; None for what NumPy does as fast."""
    if type(x) is not np.ndarray or not isinstance(axis, tuple):
        return None
    n = len(axis)
    if tuple(sorted(axis)) != tuple(range(x.ndim - n, x.ndim)) or x.strides[-1:] != (x.itemsize,):
        return None
    return as_windows(x, n) if math.prod(x.shape[x.ndim - n :]) <= LARGEST else None


def pooled(name: str, x: Any, axis: Any) -> Array | None:
    """The reduction of windows that are a view of an image, or None if x is something else."""
    view = None if type(x) is not np.ndarray or x.flags.c_contiguous else windows_of(x, axis)
    if view is None:
        return None
    out = np.empty(x.shape[: x.ndim - len(axis)], x.dtype)
    compiled(name, FORMATS[x.dtype]).suited(view.size)(view, out.reshape(view.shape[:3]))
    return out


def kept(found: Array, axis: Axes, keepdims: bool) -> Array:
    """The result with the reduced axes, the last ones, kept with length 1 if asked for."""
    return found.reshape(found.shape + (1,) * len(axis)) if keepdims else found


def max_over(x: Array, axis: Any = 0, keepdims: bool = False, **initial: float) -> Any:
    found = None if initial else pooled("max", x, axis)
    return reduce.max_over(x, axis, keepdims, **initial) if found is None else kept(found, axis, keepdims)


def min_over(x: Array, axis: Any = 0, keepdims: bool = False) -> Any:
    found = pooled("min", x, axis)
    return reduce.min_over(x, axis, keepdims) if found is None else kept(found, axis, keepdims)


def mean_over(x: Array, axis: Any, keepdims: bool) -> Any:
    found = pooled("mean", x, axis)
    return reduce.mean_over(x, axis, keepdims) if found is None else kept(found, axis, keepdims)


def extreme_gradient(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array | None:
    view = windows_of(x, axis)
    if view is None or g.dtype != x.dtype or out.dtype != x.dtype:
        return None
    result = np.empty(x.shape, x.dtype)
    places, shape = [np.ascontiguousarray(a).reshape(view.shape[:3]) for a in (g, out)], view.shape
    compiled("ties", FORMATS[x.dtype]).suited(view.size)(*places, view, result.reshape(shape))
    return result


def mean_gradient(g: Array, out: Array, x: Array, axis: Axes, keepdims: bool) -> Array | None:
    """For windows, which are no array of their own, nor is the gradient: a view that repeats it."""
    if x.flags.c_contiguous or windows_of(x, axis) is None:
        return None
    n, share = len(axis), np.true_divide(g, reference.count(x, axis)).astype(x.dtype, copy=False)
    return np.broadcast_to(share.reshape(*x.shape[: x.ndim - n], *(1,) * n), x.shape)


def overlap_add(g: Array, shape: Axes, stride: Axes) -> Any:
    view = as_windows(g, len(stride))
    if view is None:
        return reference.overlap_add(g, shape, stride)
    out = np.zeros(shape, g.dtype)
    down, right = (1,) * (2 - len(stride)) + stride
    image = out.reshape(-1, 1, shape[-1]) if len(stride) == 1 else out.reshape(-1, *shape[-2:])
    compiled("overlap", FORMATS[g.dtype]).suited(view.size)(view, down, right, image)
    return out


TABLE = {"max": max_over, "min": min_over, "mean": mean_over, "overlap_add": overlap_add}
GRADIENTS = {"max": (extreme_gradient,), "min": (extreme_gradient,), "mean": (mean_gradient,)}
