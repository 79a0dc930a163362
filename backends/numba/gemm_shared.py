"""The product of `gemm.py` on several threads: C is cut into blocks, and the threads of a crew take them in turn."""

from functools import cache, lru_cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import threads
from chainrule.backends.numba.bits import words
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64, Format
from chainrule.backends.numba.compile import inlined, kernel, native
from chainrule.backends.numba.crew import crew, edge, sharing
from chainrule.backends.numba.gemm import PARALLEL, core, multiply_and_finish, room, types_of
from chainrule.backends.numba.tile import shape

Array = NDArray[Any]
BLOCKS = 2  # for each thread: one that comes late, or loses its processor for a while, does fewer of them
FORMATS = {np.dtype(f.real): f for f in (FLOAT32, FLOAT64)}
carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker


def multiply_and_share(a: Array, b: Array, c: Array, bias: Array, epilogue: int) -> None:
    """C = A B, finished by an epilogue, on as many threads as are worth it.

    Args:
        a: shape (m, depth), of float32 or float64.
        b: shape (depth, n).
        c: shape (m, n); its rows are contiguous.
        bias: shape (n,).
        epilogue: the address of a function of `epilogue.py`, or 0.
    """
    (m, n), f = c.shape, FORMATS[a.dtype]
    count = worth(m, n, a.shape[1])
    if count == 1:
        multiply_and_finish(f)(a, b, c, bias, epilogue)
        return
    run, block = shared(f)
    members = crew(count - 1)
    run(a, b, c, bias, epilogue, *grid(m, n, count), members.address, count - 1, block.address)


def worth(m: int, n: int, depth: int) -> int:
    """How many threads a product is worth."""
    return min(threads.num_threads(), 1 + m * n * depth // PARALLEL)


@lru_cache(1024)  # a grid takes 4 microseconds, and a training has few shapes
def grid(m: int, n: int, count: int) -> tuple[int, int]:
    """Cut C into blocks: how many of them down, and how many across, so that little is packed more than once.

    Every column of blocks reads A, every row of blocks packs B, which takes longer. Blocks are not to be smaller than
    a tile.
    """
    blocks, tile = count * BLOCKS, shape(FLOAT32)
    grids = [(down, blocks // down) for down in range(1, blocks + 1) if blocks % down == 0]
    fits = [g for g in grids if m >= g[0] * tile.rows and n >= g[1] * tile.lanes] or grids
    return min(fits, key=lambda g: g[1] * m + 2 * g[0] * n)


@cache
def block_of(f: Format) -> Any:
    """The native function `(arguments, part)` that computes one block of C."""
    multiply: Any = types.ExternalFunction(core(f), types.void(*[types.int64] * 16))
    size, high, wide = np.dtype(f.real).itemsize, shape(f).rows, 2 * shape(f).lanes

    def block(arguments: int, part: int) -> None:
        w = carray(words(arguments), 19)
        (
            a, a_row, a_k, b, b_k, b_column, c, c_row, m, n, depth,
            bias, epilogue, source, prologue, down, across, work, room,
        ) = w  # fmt: skip
        top, bottom = edge(m, down, part // across, high), edge(m, down, part // across + 1, high)
        left, right = edge(n, across, part % across, wide), edge(n, across, part % across + 1, wide)
        if top < bottom and left < right:
            multiply(
                a + top * a_row * size, a_row, a_k, b + left * b_column * size, b_k, b_column,
                c + (top * c_row + left) * size, c_row, bottom - top, right - left, depth,
                bias + left * size, epilogue, source, prologue, work + part * room * size,
            )  # fmt: skip

    return native(block, f"block-{f.name}", types.int64, types.int64)


@cache
def sharing_product(f: Format) -> Any:
    """The call of `core` on several threads, as `gemm.product` is on one; C is cut into `down` x `across` blocks."""
    share_of, room_of, real, size = sharing(), room(f), f.real, np.dtype(f.real).itemsize
    high, wide = shape(f).rows, 2 * shape(f).lanes

    @inlined
    def share_product(
        a: Array, b: Array, c: Array, bias: int, epilogue: int, source: int, prologue: int,
        down: int, across: int, crew: int, members: int, block: int,
    ) -> Any:  # fmt: skip
        (m, depth), n = a.shape, b.shape[1]
        w = np.empty(19, np.int64)
        w[0], w[1], w[2] = a.ctypes.data, a.strides[0] // size, a.strides[1] // size
        w[3], w[4], w[5] = b.ctypes.data, b.strides[0] // size, b.strides[1] // size
        w[6], w[7], w[8], w[9], w[10] = c.ctypes.data, c.strides[0] // size, m, n, depth
        w[11], w[12], w[13], w[14], w[15], w[16] = bias, epilogue, source, prologue, down, across
        most = 0
        for i in range(down):
            for j in range(across):
                rows = edge(m, down, i + 1, high) - edge(m, down, i, high)
                columns = edge(n, across, j + 1, wide) - edge(n, across, j, wide)
                most = max(most, room_of(rows, columns, depth, w[1], w[2], w[4], w[5], prologue != 0))
        work = np.empty(most * down * across, real)
        w[17], w[18] = work.ctypes.data, most
        share_of(crew, members, block, w.ctypes.data, down * across)
        return w.size + work.size  # their last use, up to which they live

    return share_product


@cache
def shared(f: Format) -> tuple[Any, Any]:
    """The kernel `(a, b, c, bias, epilogue, down, across, crew, members, block)`, and its last argument."""
    share_product = sharing_product(f)

    def shared(
        a: Array, b: Array, c: Array, bias: Array, epilogue: int,
        down: int, across: int, crew: int, members: int, block: int,
    ) -> None:  # fmt: skip
        share_product(a, b, c, bias.ctypes.data, epilogue, 0, 0, down, across, crew, members, block)

    operand, result = types_of(f)
    flat = types.Array(result.dtype, 1, "C", readonly=True)
    arguments = operand, operand, result, flat, *[types.int64] * 6
    return kernel(shared, f"shared-{f.name}", *arguments, nogil=True), block_of(f)
