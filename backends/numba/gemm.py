"""The matrix product C = A B, blocked for the caches (K. Goto and R. van de Geijn, ACM TOMS 34, 2008).

`sweep` covers a block of C with tiles. It reads A in place through its two strides, so AᵀB needs no copy, and B row
by row. Where the matrices fit the cache and the rows of B are contiguous nothing else is needed. Otherwise B is
packed into panels as wide as a tile (for ABᵀ it is transposed on the way, 16 x 16 numbers at a time in registers)
and A, block by block, into rows that lie close together.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba.coefficients import FLOAT32, Format
from chainrule.backends.numba.compile import compiled_apart, kernel, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.tile import heights, move, shape, tile, transpose

Array = NDArray[Any]
DEPTH = 384  # of a block: a panel of B, 384 x 32 float32, is 48 kB
ROWS = 168  # of a block of A, 258 kB: a part of the second-level cache
COLUMNS = 2048  # of a block of B
ROWS_GAP, DEPTH_GAP = (
    ROWS + 8,
    DEPTH + 16,
)  # strides of packed A: no power of two, or the rows would share a place
NEAR = 1 << 20  # bytes of B that are read in place
LANES = shape(FLOAT32).lanes
SMALL = 30_000  # multiplications up to which the call itself costs more than BLAS takes
FAR = 2048  # bytes between rows from which on they crowd into the same places of the cache, and are packed


@cache
def sweep(f: Format) -> Any:
    """Multiply a block: C (m x n) = A B, or C += A B, from addresses and strides in elements.

    Panel p of B begins `panel` elements after panel p - 1.
    """
    lanes, size = shape(f).lanes, np.dtype(f.real).itemsize
    names, lines = {}, []
    for rows in heights(f):
        for vectors in (2, 1):
            names[f"tile_{rows}_{vectors}"] = tile(f, rows, vectors)
        test = "while" if rows == max(heights(f)) else "if"
        call = "a + i * a_row * size, a_row, a_k, of_b, b_row, of_c + i * c_row * size, c_row, depth, columns, add"
        lines += [
            f"        {test} m - i >= {rows}:",
            f"            if columns > {lanes}:",
            f"                tile_{rows}_2({call})",
            "            else:",
            f"                tile_{rows}_1({call})",
            f"            i += {rows}",
        ]
    source = "\n".join(
        [
            "def sweep(a, a_row, a_k, b, b_row, panel, c, c_row, m, n, depth, add):",
            f"    for j in range(0, n, {2 * lanes}):",
            f"        columns = min(n - j, {2 * lanes})",
            f"        of_b, of_c, i = b + j // {2 * lanes} * panel * size, c + j * size, 0",
            *lines,
        ]
    )
    scope: dict[str, Any] = names | {"size": size}
    exec(source, scope)  # noqa: S102 -- the text above
    return compiled_apart(scope["sweep"])


@cache
def packing(f: Format) -> tuple[Any, Any]:
    """Two functions: copy rows closer together; copy a block of B into panels."""
    lanes, size = shape(f).lanes, np.dtype(f.real).itemsize
    width, move_of, transpose_of = 2 * lanes, move(f), transpose(f)

    @compiled_apart
    def copy_rows(
        source: int, source_row: int, target: int, target_row: int, rows: int, columns: int
    ) -> None:
        for i in range(rows):
            for j in range(0, columns, lanes):
                count = min(columns - j, lanes)
                move_of(source + (i * source_row + j) * size, target + (i * target_row + j) * size, count)

    @compiled_apart
    def into_panels(b: int, b_k: int, b_column: int, panels: int, depth: int, n: int) -> None:
        for j in range(0, n, width):
            panel, columns = panels + j * depth * size, min(n - j, width)
            if b_column == 1:
                copy_rows(b + j * size, b_k, panel, width, depth, columns)
                continue
            for part in range(0, columns, lanes):
                source, target = b + (j + part) * b_column * size, panel + part * size
                squares = depth // lanes * lanes if columns - part >= lanes and b_k == 1 else 0
                for k in range(0, squares, lanes):
                    transpose_of(source + k * size, b_column, target + k * width * size, width)
                for i in range(min(columns - part, lanes)):
                    for k in range(squares, depth):
                        move_of(source + (i * b_column + k * b_k) * size, target + (k * width + i) * size, 1)

    return copy_rows, into_panels


@cache
def blocks(f: Format) -> Any:
    """The loops over the blocks; without blocks, for small matrices, each runs once and nothing is packed.

    The buffers are arguments so that they live as long as the loops, which only know their addresses.
    """
    sweep_of, (copy_rows, into_panels) = sweep(f), packing(f)
    size, width = np.dtype(f.real).itemsize, 2 * shape(f).lanes

    @compiled_apart
    def blocks(
        a: Array, b: Array, c: Array, add: int, in_place: bool, pack: bool, for_a: Array, for_b: Array
    ) -> None:
        (m, depth), n = a.shape, b.shape[1]
        a_row, a_k = a.strides[0] // size, a.strides[1] // size
        b_k, b_column = b.strides[0] // size, b.strides[1] // size
        rows_step, columns_step, depth_step = (m, n, depth) if in_place else (ROWS, COLUMNS, DEPTH)
        for k in range(0, max(depth, 1), max(depth_step, 1)):
            here = min(depth - k, depth_step)
            for j in range(0, n, max(columns_step, 1)):
                columns = min(n - j, columns_step)
                panels, b_row, panel = b.ctypes.data, b_k, width
                if not in_place:
                    start = panels + (k * b_k + j * b_column) * size
                    panels, b_row, panel = for_b.ctypes.data, width, width * here
                    into_panels(start, b_k, b_column, panels, here, columns)
                for i in range(0, m, max(rows_step, 1)):
                    rows = min(m - i, rows_step)
                    source, row, step = a.ctypes.data + (i * a_row + k * a_k) * size, a_row, a_k
                    if pack:
                        if a_k == 1:
                            row = DEPTH_GAP
                            copy_rows(source, a_row, for_a.ctypes.data, row, rows, here)
                        else:
                            step = ROWS_GAP
                            copy_rows(source, a_k, for_a.ctypes.data, step, here, rows)
                        source = for_a.ctypes.data
                    place = c.ctypes.data + (i * n + j) * size
                    sweep_of(source, row, step, panels, b_row, panel, place, n, rows, columns, here, add + k)

    return blocks


@cache
def multiply(f: Format) -> Callable[..., Any]:
    """The kernel `(a, b, c, add)`: C = A B, or C += A B, for A and B with any strides."""
    blocks_of, real, size, width = blocks(f), f.real, np.dtype(f.real).itemsize, 2 * shape(f).lanes

    def multiply(a: Array, b: Array, c: Array, add: int) -> None:
        depth, n = b.shape
        in_place = b.strides[1] == size and b.strides[0] < FAR and depth * n * size <= NEAR
        near, far = min(a.strides), max(a.strides)
        pack = not in_place and near == size and far >= FAR
        for_a = np.empty(max(ROWS * DEPTH_GAP, DEPTH * ROWS_GAP) if pack else 0, real)
        for_b = np.empty(0 if in_place else min(depth, DEPTH) * (min(n, COLUMNS) + width), real)
        blocks_of(a, b, c, add, in_place, pack, for_a, for_b)

    strided = types.Array(numba.from_dtype(np.dtype(real)), 2, "A", readonly=True)
    return kernel(
        multiply, f"multiply-{f.name}", strided, strided, writeable(real, 2), types.int64, nogil=True
    )


KERNELS: dict[np.dtype[Any], Callable[..., Any]] = {}  # those that have been needed


def kernel_for(dtype: np.dtype[Any]) -> Callable[..., Any] | None:
    """The kernel for a dtype, or None."""
    if dtype in FORMATS and dtype not in KERNELS:
        KERNELS[dtype] = multiply(FORMATS[dtype])
    return KERNELS.get(dtype)


def matmul(x: Array, y: Array) -> Array:
    """The matrix product, by the kernel where it is measured to be at least as fast as NumPy's BLAS."""
    if type(x) is np.ndarray and type(y) is np.ndarray and x.ndim == 2 and y.ndim == 2:
        m, depth = x.shape
        same, n = y.shape
        if depth == same and pays(m, n, depth, y.flags.f_contiguous):
            run = KERNELS.get(x.dtype) or kernel_for(x.dtype)
            if run:
                out = np.empty((m, n), x.dtype)
                try:
                    run(x, y, out, 0)
                    return out
                except TypeError:  # y is of another dtype, or one of them is unaligned
                    pass
    return np.matmul(x, y)  # type: ignore[no-any-return]


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """x Wᵀ + b: the tiles are added to rows that already hold the bias."""
    n, depth = weight.shape
    m = x.size // max(depth, 1)
    if bias.dtype == x.dtype and pays(m, n, depth, weight.flags.c_contiguous):
        run = KERNELS.get(x.dtype) or kernel_for(x.dtype)
        if run:
            out = np.empty((m, n), x.dtype)
            out[...] = bias
            try:
                run(x.reshape(m, depth), weight.T, out, 1)
                return out.reshape(*x.shape[:-1], n)
            except TypeError:
                pass
    return reference.linear(x, weight, bias)


def pays(m: int, n: int, depth: int, transposed: bool) -> bool:
    """Whether the kernel was measured to be at least as fast as BLAS (`benchmarks/kernels.py`).

    BLAS is slow with a transposed B. The kernel is slow with few rows, and where much of its last vector of columns
    is empty.
    """
    vectors = -(-n // LANES)
    if transposed:
        return m >= 8 and m * n * depth > SMALL and n * 10 >= vectors * LANES * 6
    return m >= 8 and m * n * depth > 10 * SMALL and n * 10 >= vectors * LANES * 9


TABLE = {"matmul": matmul, "linear": linear}
