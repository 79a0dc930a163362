"""Layer norm and batch norm: (x - mean) / sqrt(variance + eps) weight + bias, forward and backward.

With NumPy this is a dozen passes over memory. Here what belongs together is read once from memory: its mean, its
variance and the result are computed while it lies in the fastest cache. The variance is that of the differences from
the mean, as in the reference: the mean of squares minus the squared mean would lose all digits for a large mean.

Three layouts have kernels of their own: **rows** are standardized each by itself (layer norm), **channels** of shape
(N, C, S) over N and S (batch norm of images), and **columns** of shape (N, C) over N (batch norm of features).
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import compiled_apart, kernel, read_only, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.moments import (
    channel_statistics,
    channel_sums,
    column_statistics,
    column_sums,
    row_statistics,
    row_sums,
)
from chainrule.backends.numba.reduce import ROWS, accumulation, compensation
from chainrule.backends.numba.rows import fits
from chainrule.backends.numba.slices import Sliced

Array = NDArray[Any]
Axes = tuple[int, ...]
CHANNELS = numba.types.Array(numba.types.int64, 1, "C", readonly=True)


def rows_forward(f: Format) -> Callable[..., Any]:
    statistics = row_statistics(f)

    def loop(x: Array, weight: Array, bias: Array, eps: float, out: Array) -> None:
        for i in range(x.shape[0]):
            row = x[i]
            _, mean, scale = statistics(row, eps)
            for j in range(row.size):
                out[i, j] = (row[j] - mean) * scale * weight[j] + bias[j]

    return loop


def rows_of_input(f: Format) -> Callable[..., Any]:
    statistics, sums = row_statistics(f), row_sums(f)

    def loop(g: Array, x: Array, weight: Array, eps: float, out: Array) -> None:
        for i in range(x.shape[0]):
            row = x[i]
            count, mean, scale = statistics(row, eps)
            plain, along = sums(g[i], weight, row, mean, scale)
            plain, along = plain / count, along / count
            for j in range(row.size):
                out[i, j] = (g[i, j] * weight[j] - plain - (row[j] - mean) * scale * along) * scale

    return loop


def rows_of_weight(f: Format) -> Callable[..., Any]:
    statistics, accumulate, (_, repaired) = row_statistics(f), accumulation(f), compensation(f)
    zero = f.real(0)

    @compiled_apart
    def add_rest(g: Array, x: Array, eps: float, out: Array) -> None:
        part, error = np.empty_like(out), np.zeros_like(out)
        for first in range(ROWS, x.shape[0], ROWS):
            part[:] = zero
            for i in range(first, min(first + ROWS, x.shape[0])):
                row = x[i]
                _, mean, scale = statistics(row, eps)
                for j in range(row.size):
                    part[j] += g[i, j] * ((row[j] - mean) * scale)
            accumulate(out, part, error)
        for j in range(out.size):
            out[j] = repaired(out[j], error[j])

    def loop(g: Array, x: Array, eps: float, out: Array) -> None:
        out[:] = zero
        for i in range(min(ROWS, x.shape[0])):
            row = x[i]
            _, mean, scale = statistics(row, eps)
            for j in range(row.size):
                out[j] += g[i, j] * ((row[j] - mean) * scale)
        if x.shape[0] > ROWS:
            add_rest(g, x, eps, out)

    return loop


def channels_forward(f: Format) -> Callable[..., Any]:
    statistics = channel_statistics(f)

    def loop(x: Array, weight: Array, bias: Array, eps: float, channels: Array, out: Array) -> None:
        for c in channels:
            _, mean, scale = statistics(x, c, eps)
            for n in range(x.shape[0]):
                row = x[n, c]
                for j in range(row.size):
                    out[n, c, j] = (row[j] - mean) * scale * weight[c] + bias[c]

    return loop


def channels_of_input(f: Format) -> Callable[..., Any]:
    statistics, sums = channel_statistics(f), channel_sums(f)

    def loop(g: Array, x: Array, weight: Array, eps: float, channels: Array, out: Array) -> None:
        for c in channels:
            count, mean, scale = statistics(x, c, eps)
            plain, along = sums(g, x, c, mean, scale)
            plain, along, factor = plain / count, along / count, scale * weight[c]
            for n in range(x.shape[0]):
                row = x[n, c]
                for j in range(row.size):
                    out[n, c, j] = (g[n, c, j] - plain - (row[j] - mean) * scale * along) * factor

    return loop


def channels_of_weight(f: Format) -> Callable[..., Any]:
    statistics, sums = channel_statistics(f), channel_sums(f)

    def loop(g: Array, x: Array, eps: float, channels: Array, out: Array) -> None:
        for c in channels:
            _, mean, scale = statistics(x, c, eps)
            _, out[c] = sums(g, x, c, mean, scale)

    return loop


def columns_forward(f: Format) -> Callable[..., Any]:
    statistics = column_statistics(f)

    def loop(x: Array, weight: Array, bias: Array, eps: float, out: Array) -> None:
        _, mean, scale = statistics(x, eps)
        for i in range(x.shape[0]):
            for j in range(mean.size):
                out[i, j] = (x[i, j] - mean[j]) * scale[j] * weight[j] + bias[j]

    return loop


def columns_of_input(f: Format) -> Callable[..., Any]:
    statistics, sums = column_statistics(f), column_sums(f)

    def loop(g: Array, x: Array, weight: Array, eps: float, out: Array) -> None:
        count, mean, scale = statistics(x, eps)
        plain, along = sums(g, x, mean, scale)
        for j in range(mean.size):
            plain[j] /= count
            along[j] /= count
        for i in range(x.shape[0]):
            for j in range(mean.size):
                z = (x[i, j] - mean[j]) * scale[j]
                out[i, j] = (g[i, j] - plain[j] - z * along[j]) * scale[j] * weight[j]

    return loop


def columns_of_weight(f: Format) -> Callable[..., Any]:
    statistics, sums = column_statistics(f), column_sums(f)

    def loop(g: Array, x: Array, eps: float, out: Array) -> None:
        _, mean, scale = statistics(x, eps)
        _, along = sums(g, x, mean, scale)
        out[:] = along

    return loop


# layout: how many axes it has, and its loops
LOOPS: dict[str, tuple[int, dict[str, Callable[..., Any]]]] = {
    "rows": (2, {"forward": rows_forward, "of_input": rows_of_input, "of_weight": rows_of_weight}),
    "channels": (
        3,
        {"forward": channels_forward, "of_input": channels_of_input, "of_weight": channels_of_weight},
    ),
    "columns": (
        2,
        {"forward": columns_forward, "of_input": columns_of_input, "of_weight": columns_of_weight},
    ),
}


@cache
def compiled(layout: str, name: str, f: Format) -> Sliced:
    """The kernel of one function for one layout and format.

    Rows are cut. So is a list of the channels, which tells the kernel which of them are its own. Columns are not: to
    read a part of every row takes as long as to read them all.
    """
    ndim, loops = LOOPS[layout]
    x, vector, real = read_only(f.real, ndim), read_only(f.real), numba.from_dtype(np.dtype(f.real))
    arguments, out = {
        "forward": ([x, vector, vector, real], writeable(f.real, ndim)),
        "of_input": ([x, x, vector, real], writeable(f.real, ndim)),
        "of_weight": ([x, x, real], writeable(f.real)),
    }[name]
    if layout == "channels":
        arguments.append(CHANNELS)
    run, last = kernel(loops[name](f), f"norm_{layout}_{name}-{f.name}", *arguments, out), len(arguments)
    if layout == "channels":
        return Sliced(run, last - 1, counted=0, unit=1)
    if name == "of_weight":
        return Sliced(run, 0, 1, summed=(last,), unit=1, weight=layout == "rows")
    return Sliced(run, *((0, 1) if name == "of_input" else (0,)), last, unit=1, weight=layout == "rows")


@lru_cache(maxsize=64)
def channels(layout: str, shape: Axes) -> tuple[Array, ...]:
    """The list of all channels, as an argument of a kernel that is told which ones are its own."""
    return (np.arange(shape[1]),) if layout == "channels" else ()


@lru_cache(maxsize=4096)
def layout_of(shape: Axes, axis: Axes) -> tuple[str, Axes, Axes] | None:
    """The layout for statistics over these axes, the array's shape in it, and that of weight and bias in the op."""
    n, over = len(shape), tuple(sorted(axis))
    if 0 in shape or not over:
        return None
    first = n - len(over)
    if over == tuple(range(first, n)):
        return "rows", (math.prod(shape[:first]), math.prod(shape[first:])), shape[first:]
    if over == (0, *range(2, n)):
        vector, inner = (shape[1],) + (1,) * (n - 2), math.prod(shape[2:])
        return ("columns", shape[:2], vector) if inner == 1 else ("channels", (*shape[:2], inner), vector)
    return None


def layout_for(x: Any, vectors: tuple[Any, ...], axis: Axes) -> tuple[str, Axes, Axes] | None:
    """The layout, if there is a kernel for these operands."""
    found = layout_of(x.shape, axis) if fits(x) else None
    if found and all(fits(v) and v.dtype == x.dtype and v.shape == found[2] for v in vectors):
        return found
    return None


def normalize(x: Array, weight: Array, bias: Array, axis: Axes, eps: float) -> Any:
    found = layout_for(x, (weight, bias), axis)
    if found is None:
        return reference.normalize(x, weight, bias, axis, eps)
    layout, shape, _ = found
    out = np.empty(x.shape, x.dtype)
    run = compiled(layout, "forward", FORMATS[x.dtype]).suited(x.size)
    run(x.reshape(shape), weight.ravel(), bias.ravel(), eps, *channels(layout, shape), out.reshape(shape))
    return out


def input_gradient(
    g: Array, out: Any, x: Array, weight: Array, bias: Any, axis: Axes, eps: float
) -> Array | None:
    found = layout_for(x, (weight,), axis)
    if found is None or g.dtype != x.dtype:
        return None
    layout, shape, _ = found
    # The kernel multiplies the sum of g by the weight, not every g, which may make infinity of a NaN.
    if layout != "rows" and not np.isfinite(weight).all():
        return None
    result = np.empty(x.shape, x.dtype)
    run = compiled(layout, "of_input", FORMATS[x.dtype]).suited(x.size)
    operands = np.ascontiguousarray(g).reshape(shape), x.reshape(shape), weight.ravel()
    run(*operands, eps, *channels(layout, shape), result.reshape(shape))
    return result


def weight_gradient(
    g: Array, out: Any, x: Array, weight: Array, bias: Any, axis: Axes, eps: float
) -> Array | None:
    found = layout_for(x, (weight,), axis)
    if found is None or g.dtype != x.dtype:
        return None
    layout, shape, _ = found
    result = np.empty(weight.shape, x.dtype)
    run = compiled(layout, "of_weight", FORMATS[x.dtype]).suited(x.size)
    operands = np.ascontiguousarray(g).reshape(shape), x.reshape(shape)
    run(*operands, eps, *channels(layout, shape), result.ravel())
    return result


@lru_cache(maxsize=64)
def neutral(shape: Axes, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """A weight and a bias that change nothing."""
    return np.ones(shape, dtype), np.zeros(shape, dtype)


def standardize(x: Array, axis: Axes, eps: float) -> Any:
    found = layout_for(x, (), axis)
    if found is None:
        return reference.standardize(x, axis, eps)
    return normalize(x, *neutral(found[2], x.dtype), axis, eps)


def standardize_gradient(g: Array, out: Any, x: Array, axis: Axes, eps: float) -> Array | None:
    found = layout_for(x, (), axis)
    return found and input_gradient(g, out, x, neutral(found[2], x.dtype)[0], None, axis, eps)


TABLE = {"normalize": normalize, "standardize": standardize}
GRADIENTS: dict[str, tuple[Callable[..., Any] | None, ...]] = {
    "normalize": (input_gradient, weight_gradient, None),
    "standardize": (standardize_gradient,),
}
