"""The table's matrix products: by the kernel of `gemm.py` or by NumPy's BLAS, on one thread or several."""

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends import numpy as reference, threads
from chainrule.backends.numba.coefficients import FLOAT32
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.epilogue import epilogue
from chainrule.backends.numba.gemm import FEWEST, LARGE, PARALLEL, multiply, multiply_and_finish
from chainrule.backends.numba.tile import shape

Array = NDArray[Any]
Kernel = Callable[..., Any]

STEP = shape(FLOAT32).rows, 2 * shape(FLOAT32).lanes  # of the seams between threads: whole tiles
KERNELS: dict[np.dtype[Any], Kernel] = {}  # of `matmul`: those that have been needed
# what lists, other dtypes, vectors, stacks and the first call raise
MISFITS = (AttributeError, KeyError, TypeError, ValueError)
empty = np.empty


def matmul(x: Array, y: Array) -> Array:
    """The matrix product, by the kernel where it is measured to be at least as fast as NumPy's BLAS."""
    try:
        m, _ = x.shape
        _, n = y.shape
        out = empty((m, n), x.dtype)
        refused = KERNELS[x.dtype](x, y, out)
        if not refused:
            return out
    except MISFITS:
        if is_new(x):
            return matmul(x, y)
        return np.matmul(x, y)  # type: ignore[no-any-return]
    if refused == LARGE:
        side_by_side(x, y, out, out[0], 0)
        return out
    return np.matmul(x, y)  # type: ignore[no-any-return]


def is_new(x: Any) -> bool:
    """Whether x's dtype has a kernel that is not compiled yet; then it is made now."""
    dtype = getattr(x, "dtype", None)
    if dtype in KERNELS or dtype not in FORMATS:
        return False
    KERNELS[dtype] = multiply(FORMATS[dtype])
    return True


def linear(x: Array, weight: Array, bias: Array, activation: str = "") -> Array:
    """activation(x Wᵀ + b), the bias and the activation applied to blocks that are still in the cache.

    Args:
        x: shape (..., in).
        weight: shape (out, in).
        bias: shape (out,).
        activation: one of `epilogue.ACTIVATIONS`, or "" for none.

    Returns:
        Shape (..., out).

    Example:
        >>> linear(np.ones((8, 2)), np.array([[1.0, -4.0]] * 8), np.ones(8), "relu").max()
        np.float64(0.0)
    """
    n, depth = weight.shape
    m = x.size // max(depth, 1)
    if m >= FEWEST and n >= FEWEST and x.dtype in FORMATS:  # BLAS is slow with Wᵀ, but good with vectors
        out = empty((m, n), x.dtype)
        rows = x if x.ndim == 2 else x.reshape(m, depth)
        run, finish = finishing(x.dtype, activation)
        try:
            if m * n * depth < PARALLEL:
                run(rows, weight.T, out, bias, finish)
            else:
                side_by_side(rows, weight.T, out, bias, finish)
            return out if x.ndim == 2 else out.reshape(*x.shape[:-1], n)
        except TypeError:  # weight or bias is of another dtype, or with gaps
            pass
    out = reference.linear(x, weight, bias)
    return getattr(reference, activation)(out) if activation else out


@cache
def finishing(dtype: np.dtype[Any], activation: str) -> tuple[Kernel, int]:
    """The kernel with an epilogue for a dtype, and the epilogue's address."""
    f = FORMATS[dtype]
    return multiply_and_finish(f), epilogue(f, activation).address


def side_by_side(x: Array, y: Array, out: Array, bias: Array, finish: int) -> None:
    """Share the blocks of a grid over C among threads; where it is cut depends on nothing but their number."""
    run, count, (m, n) = multiply_and_finish(FORMATS[x.dtype]), threads.num_threads(), out.shape
    grids = [(down, count // down) for down in range(1, count + 1) if count % down == 0]
    down, across = min(grids, key=lambda grid: grid[1] * m + grid[0] * n)  # each packs its part of A and of B
    threads.share(
        [
            partial(run, x[i], y[:, j], out[i, j], bias[j], finish)
            for i in cuts(m, down, STEP[0])
            for j in cuts(n, across, STEP[1])
        ]
    )


def cuts(length: int, parts: int, step: int) -> list[slice]:
    """An axis in so many parts of nearly equal length, cut at multiples of a step."""
    places = [min(length, round(length * p / parts / step) * step) for p in range(parts)] + [length]
    return [slice(i, j) for i, j in pairwise(places) if i < j]


TABLE = {"matmul": matmul, "linear": linear}
