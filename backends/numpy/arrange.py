"""Where elements lie: shapes, indices, and the transposes of indexing, which add up what was picked twice."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = tuple[int, ...]


def reshape(x: Array, shape: Axes) -> Array:
    return x.reshape(shape)


def broadcast_to(x: Array, shape: Axes) -> Array:
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


def astype(x: Array, dtype: Any) -> Array:
    return x.astype(dtype)


def cast(x: Array, dtype: Any) -> Array:
    return np.asarray(x).astype(dtype)


def pad(x: Array, width: tuple[Axes, ...]) -> Array:
    inside = tuple(slice(before, before + n) for (before, _), n in zip(width, x.shape, strict=True))
    out = np.zeros([before + n + after for (before, after), n in zip(width, x.shape, strict=True)], x.dtype)
    out[inside] = x
    return out


def getitem(x: Array, index: Any) -> Any:
    return x[index]


def scatter(g: Array, index: Any, shape: Axes) -> Array:
    """Return zeros of `shape` with `g` added at `index`: the transpose of `getitem`."""
    out = np.zeros(shape, np.result_type(g))
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype != bool:
            np.add.at(out, index, g)  # an integer array may name one element twice
            return out
    out[index] = g
    return out


def scatter_axis(g: Array, indices: Array, axis: int, length: int) -> Array:
    """Return zeros with the slices of `g` added at `indices` of an axis: the transpose of `take`."""
    lead, tail = g.shape[:axis], g.shape[axis + np.ndim(indices) :]
    out = np.zeros((length, *lead, *tail), g.dtype)
    rows = np.moveaxis(g.reshape(*lead, np.size(indices), *tail), axis, 0)
    if rows.size:
        flat = np.ravel(indices) % length
        order = np.argsort(flat, kind="stable")  # sums over runs of equal indices: much faster than np.add.at
        sorted_ = flat[order]
        starts = np.flatnonzero(np.diff(sorted_, prepend=-1))
        out[sorted_[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return np.moveaxis(out, 0, axis)


def scatter_along_axis(g: Array, indices: Array, axis: int, shape: Axes) -> Array:
    """Return zeros of `shape` with `g` added at `indices` along an axis: the transpose of `take_along_axis`."""
    out = np.zeros(shape, g.dtype)
    mesh = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - 1 - i)) for i, n in enumerate(shape)]
    np.add.at(out, (*mesh[:axis], indices, *mesh[axis + 1 :]), g)
    return out


def one_hot(labels: Array, classes: int) -> Array:
    out = np.zeros((*labels.shape, classes), np.float32)
    rows = out.reshape(-1, classes)
    rows[np.arange(len(rows)), labels.reshape(-1)] = 1
    return out


def windows(x: Array, size: Axes, stride: Axes) -> Any:
    """Return the windows over the last axes, as a view of shape (..., *positions, *size)."""
    found = np.lib.stride_tricks.sliding_window_view(x, size, tuple(range(-len(size), 0)))
    steps = [slice(None, None, step) for step in stride]
    place: Any = (..., *steps, *(slice(None),) * len(size))
    return found[place]


def overlap_add(g: Array, shape: Axes, stride: Axes) -> Array:
    """Add windows up where they lie, in zeros of `shape`: the transpose of `windows`."""
    out = np.zeros(shape, g.dtype)
    n = len(stride)
    positions, size = g.shape[-2 * n : -n], g.shape[-n:]
    for offset in np.ndindex(size):
        steps = [slice(o, o + s * p, s) for o, s, p in zip(offset, stride, positions, strict=True)]
        place: Any = (..., *steps)
        out[place] += g[(..., *offset)]
    return out


def conv(x: Array, weight: Array, stride: Axes, padding: Axes) -> Array:
    """Correlate x (N, C, *lengths) with weight (O, C, *size); the result has shape (N, O, *positions)."""
    n = len(stride)
    found = windows(pad(x, _sides(padding)), weight.shape[2:], stride)
    inner = (1, *range(2 + n, 2 + 2 * n)), tuple(range(1, 2 + n))
    product = np.tensordot(found, weight, inner)
    return np.moveaxis(product, -1, 1)


def conv_input(g: Array, weight: Array, size: Axes, stride: Axes, padding: Axes) -> Any:
    """Return the transpose of `conv` in x: g (N, O, *positions) to (N, C, *size)."""
    n = len(stride)
    columns = np.moveaxis(np.tensordot(g, weight, ((1,), (0,))), n + 1, 1)
    full = (g.shape[0], weight.shape[1], *(s + 2 * p for s, p in zip(size, padding, strict=True)))
    inside: Any = (..., *(slice(p, p + s) for p, s in zip(padding, size, strict=True)))
    return overlap_add(columns, full, stride)[inside]


def conv_weight(x: Array, g: Array, size: Axes, stride: Axes, padding: Axes) -> Array:
    """Return the transpose of `conv` in its weight: x (N, C, *lengths), g (N, O, *positions) to (O, C, *size)."""
    n = len(stride)
    reach = tuple((p - 1) * s + k for p, s, k in zip(g.shape[2:], stride, size, strict=True))
    used: Any = (..., *(slice(r) for r in reach))  # the last rows may lie in no window
    found = windows(pad(x, _sides(padding))[used], size, stride)
    over = (0, *range(2, 2 + n))
    return np.tensordot(g, found, (over, over))


def _sides(padding: Sequence[int]) -> tuple[Axes, ...]:
    return ((0, 0), (0, 0), *((p, p) for p in padding))
