"""A linear layer with its activation: its backward pass.

The cotangent goes through the activation, and the rows of what comes out are summed for the bias, while they are in
the cache: in one pass before the two products, or in a prologue where there is one product. The activation's part of
the loop is generated from its derivative rule by `codegen.py`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import layers
from chainrule.backends.numba import elementwise
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import kernel, read_only, writeable
from chainrule.backends.numba.crew import crew
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.gemm import THIN, product, thin, turns, types_of
from chainrule.backends.numba.gemm_shared import BLOCKS, block_of, sharing_product, worth
from chainrule.backends.numba.products import linear, matmul
from chainrule.backends.numba.prologue import SOURCE, before, prologue
from chainrule.backends.numba.reduce import ROWS, accumulation, block_of_rows, compensation
from chainrule.backends.numba.slices import Sliced
from chainrule.backends.numba.tile import shape
from chainrule.backends.numpy import neural as reference

Array = NDArray[Any]
FLAT = 12  # times as many columns as rows has a product of which threads rather share out the columns


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
    fused = before(activation)
    matrix = read_only(f.real, 2)
    arguments = matrix, matrix, writeable(f.real, 2), writeable(f.real)
    loop = before_loop(f, fused.functions(f)["rule"])
    run = kernel(loop, f"{fused.name}-{f.name}", *arguments, source=fused.text)
    return Sliced(run, 0, 1, 2, summed=(3,), unit=ROWS // 4)


@cache
def with_prologue(f: Format) -> Callable[..., int]:
    """The kernel `(g, y, x, dw, db, prologue, down, crew, members, block)`: dw = dzᵀ x and db, the sum of dz's rows.

    The prologue makes dz of g and y. It returns 0, or does nothing and returns THIN.
    """
    product_of, share_product, (_, repaired) = product(f), sharing_product(f), compensation(f)
    turns_of, real, size = turns(f), f.real, np.dtype(f.real).itemsize

    def with_prologue(
        g: Array, y: Array, x: Array, dw: Array, db: Array, prologue: int,
        down: int, crew: int, members: int, block: int,
    ) -> int:  # fmt: skip
        (depth, m), n = g.shape, x.shape[1]
        if y.shape != g.shape or x.shape[0] != depth or thin(m, n, depth):
            return THIN
        if turns_of(m, n, depth, m, x.strides[1] // size):
            return THIN
        error, source = np.zeros(m, real), np.empty(SOURCE, np.int64)
        source[0], source[1], source[2] = g.ctypes.data, y.ctypes.data, m
        source[3], source[4] = db.ctypes.data, error.ctypes.data
        db[:] = real(0)
        if down == 1:
            product_of(g.T, x, dw, 0, 0, source.ctypes.data, prologue)
        else:
            share_product(g.T, x, dw, 0, 0, source.ctypes.data, prologue, down, 1, crew, members, block)
        for j in range(m):
            db[j] = repaired(db[j], error[j])
        return 0 * source.size  # its last use, up to which it lives

    matrix, (operand, _) = read_only(f.real, 2), types_of(f)
    arguments = matrix, matrix, operand, writeable(f.real, 2), writeable(f.real), *[types.int64] * 5
    return kernel(with_prologue, f"with-prologue-{f.name}", *arguments, nogil=True)


@cache
def prepared(dtype: np.dtype[Any], activation: str) -> tuple[Callable[..., int], int]:
    """`with_prologue` for a dtype, and the address of a prologue."""
    f = FORMATS[dtype]
    return with_prologue(f), prologue(f, activation).address


def weight_and_bias(g: Array, y: Array, x: Array, activation: str) -> tuple[Array, Array] | None:
    """The gradients of weight and bias where nothing else needs that of z; see `chainrule.backends.layers`."""
    try:
        run, address = prepared(g.dtype, activation)
        (depth, m), n = g.shape, x.shape[1]
        count, down, members, block = worth(m, n, depth), 1, 0, 0
        if count > 1:
            down = min(count * BLOCKS, m // shape(FORMATS[g.dtype]).rows)
            if down < 2 or n > FLAT * m:
                return None
            members, block = crew(count - 1).address, block_of(FORMATS[g.dtype]).address
        dw, db = np.empty((m, n), g.dtype), np.empty(m, g.dtype)
        refused = run(g, y, x, dw, db, address, down, members, count - 1, block)
    except (KeyError, TypeError):  # another dtype, or an array with gaps
        return None
    return None if refused else (dw, db)


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
KEEPING = {
    "linear_activation": layers.keeping(linear, apply, before_activation, matmul, weight_and_bias),
}
