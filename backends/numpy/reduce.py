"""Reductions and running totals. `axis` is a tuple of non-negative numbers where several make sense."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = tuple[int, ...]

sum: Any = np.add.reduce
prod = np.multiply.reduce
max = np.maximum.reduce
min = np.minimum.reduce
any = np.logical_or.reduce
all = np.logical_and.reduce
logcumsumexp = np.logaddexp.accumulate


def mean(x: Array, axis: Axes, keepdims: bool) -> Any:
    n = count(x, axis)
    if n:
        return np.true_divide(sum(x, axis, keepdims=keepdims), n)
    with np.errstate(all="ignore"):  # the mean of nothing is nan
        return np.true_divide(sum(x, axis, keepdims=keepdims), n)


def count(x: Array, axis: Axes) -> int:
    """Return how many elements of `x` one element of a reduction over `axis` takes in."""
    size = 1
    for i in axis:
        size *= x.shape[i]
    return size


def norm(x: Array, axis: Axes, keepdims: bool, ord: float) -> Any:
    top = max(np.abs(x), axis, keepdims=True, initial=0)
    top = np.where((top == 0) | ~np.isfinite(top), 1, top)  # powers neither overflow nor vanish
    scaled = np.abs(x) / top
    with np.errstate(all="ignore"):
        if ord == 2:
            out = np.sqrt(sum(np.square(scaled), axis, keepdims=True)) * top
        else:
            out = np.power(sum(np.power(scaled, ord), axis, keepdims=True), 1 / ord) * top
    return out if keepdims else np.squeeze(out, axis)


def logsumexp(x: Array, axis: Axes, keepdims: bool) -> Any:
    top = max(x, axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(all="ignore"):
        out = np.log(sum(np.exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


def argsort(x: Array, axis: int) -> Array:
    return np.argsort(x, axis, kind="stable")
