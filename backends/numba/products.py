"""The table's matrix products: by the kernel of `gemm.py` or by NumPy's BLAS, on one thread or several."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.epilogue import epilogue
from chainrule.backends.numba.gemm import FEWEST, LARGE, multiply
from chainrule.backends.numba.gemm_shared import multiply_and_share

Array = NDArray[Any]
Kernel = Callable[..., Any]

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
        multiply_and_share(x, y, out, out[0], 0)
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
        try:
            multiply_and_share(rows, weight.T, out, bias, finishing(x.dtype, activation))
            return out if x.ndim == 2 else out.reshape(*x.shape[:-1], n)
        except TypeError:  # weight or bias is of another dtype, or with gaps
            pass
    out = reference.linear(x, weight, bias)
    return getattr(reference, activation)(out) if activation else out


@cache
def finishing(dtype: np.dtype[Any], activation: str) -> int:
    """The address of an epilogue for a dtype."""
    return epilogue(FORMATS[dtype], activation).address  # type: ignore[no-any-return]


TABLE = {"matmul": matmul, "linear": linear}
