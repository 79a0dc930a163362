"""A linear layer with its activation: what is left of its backward pass beside the two products, in one pass.

The cotangent goes through the activation, and the rows of what comes out are summed for the bias, while they are in
the cache. The activation's part of the loop is generated from its derivative rule by `codegen.py`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends import layers
from chainrule.backends.numba import elementwise
from chainrule.backends.numba.codegen import Fused
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import kernel, read_only, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.products import linear, matmul
from chainrule.backends.numba.reduce import ROWS, accumulation, block_of_rows, compensation
from chainrule.backends.numba.slices import Sliced
from chainrule.backends.numpy import neural as reference

Array = NDArray[Any]


def before_loop(f: Format, rule: Any) -> Callable[..., Any]:
    """The cotangent of z from that of activation(z), (rows, columns), and the sums of its columns."""
    add_rows, accumulate, (_, repaired) = block_of_rows(f), accumulation(f), compensation(f)
    zero = f.real(0)

    def loop(g: Array, y: Array, out: Array, total: Array) -> None:
        rows, columns = g.shape
        flat_g, flat_y, flat = g.reshape(g.size), y.reshape(y.size), out.reshape(out.size)
        part, error = np.empty(columns, g.dtype), np.zeros(columns, g.dtype)
        total[:] = zero
        for first in range(0, rows, ROWS):
            last = min(first + ROWS, rows)
            start, stop = first * columns, last * columns
            of_g, of_y, of_out = flat_g[start:stop], flat_y[start:stop], flat[start:stop]
            for i in range(of_out.size):
                of_out[i] = rule(of_g[i], of_y[i])
            if first == 0:
                add_rows(out, first, last, 0, total)
                continue
            add_rows(out, first, last, 0, part)
            accumulate(total, part, error)
        for j in range(columns):
            total[j] = repaired(total[j], error[j])

    return loop


@cache
def compiled(activation: str, f: Format) -> Sliced:
    """The kernel of one activation for one format."""
    name = f"before_{activation}"
    fused = Fused(name, lambda xp, g, out: layers.before_activation(xp, g, out, activation), (), ())
    matrix = read_only(f.real, 2)
    arguments = matrix, matrix, writeable(f.real, 2), writeable(f.real)
    loop = before_loop(f, fused.functions(f)["rule"])
    run = kernel(loop, f"{name}-{f.name}", *arguments, source=fused.text)
    return Sliced(run, 0, 1, 2, summed=(3,), unit=ROWS // 4)


def before_activation(g: Array, y: Array, activation: str) -> tuple[Array, Array]:
    """The cotangent of z, and the sum of its rows; see `chainrule.backends.layers`."""
    try:
        if g.shape == y.shape:
            out, total = np.empty(g.shape, g.dtype), np.empty(g.shape[1], g.dtype)
            compiled(activation, FORMATS[g.dtype]).suited(g.size)(g, y, out, total)
            return out, total
    except (KeyError, TypeError):  # another dtype, or an array with gaps
        pass
    return reference.before_activation(g, y, activation)


def apply(activation: str, z: Array) -> Array:
    """An activation of a matrix."""
    function: Callable[[Array], Array] = elementwise.TABLE[activation]
    return function(z)


TABLE = {"linear_activation": linear}
KEEPING = {"linear_activation": layers.keeping(linear, apply, before_activation, matmul)}
