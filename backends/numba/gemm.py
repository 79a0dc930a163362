"""The matrix product C = A B, blocked for the caches (K. Goto and R. van de Geijn, ACM TOMS 34, 2008).

A core multiplies and adds 16 float32 numbers in a cycle, 0.27 ns; in the same time memory delivers two. So a number
that has been fetched is to be used many times before it makes room for others. A product allows that, each number of
A is used n times and each of B m times; three plain loops don't do it, since between two uses of a number of B all
the others pass. Here the loops are cut into blocks, so that at each level of memory something stays and is used again:

| where | what stays there | how often it is used |
|---|---|---|
| registers | a tile of C, 14 x 32 numbers (`tile.py`) | for each k |
| first- and second-level cache | a panel of B: 32 columns, 1024 rows | by each tile below, 12 times |
| second-level cache, 1 MB | a block of A: 168 rows, 1024 columns | by each panel, 64 times |
| third-level cache | a block of B: 1024 rows, 2048 columns | by each block of A |

From outside in: `blocks` goes through the blocks of B and of A, `sweep` through the panels of a block and down the
tiles of a panel, a tile through k. C is read and written once for each 1024 k.

*Packing* copies a block of B to a place where each panel is contiguous, so that a tile reads it from the first number
to the last. It costs a copy of B and pays where C has many rows. For ABᵀ the copy is transposed on the way, 16 x 16
numbers at a time in registers. Where the matrices fit the cache, or C has few rows, B is read where it is. So is A,
through two strides, so AᵀB needs no copy: a tile takes 14 numbers of A for each k, wherever they are. Only where its
rows lie a multiple of 1024 bytes apart is A packed too: they would share places of the cache and drive each other out.

Where C is so narrow that the lanes of a vector would stay empty, Cᵀ = BᵀAᵀ is computed instead.

When a block of C is complete it is still in the cache: then an epilogue adds the bias and applies the activation
(`epilogue.py`). And where A comes from something else, number by number, it need not be written as a whole before: a
prologue makes a block of it where it would have been packed (`prologue.py`).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends.numba.bits import native_call
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import compiled_apart, inlined, kernel, native, symbol
from chainrule.backends.numba.tile import heights, move, shape, tile, transpose

Array = NDArray[Any]
# Measured on 512 x 512 to 2048 x 2048: half of DEPTH is 1 to 4% slower, more no faster; ROWS from 126 to 210 are alike.
DEPTH = 4096  # bytes of a row of a block of A, 1024 float32: the longer, the less often C is read and written
ROWS = 168  # of a block of A, 688 kB: it is to stay in the second-level cache
COLUMNS = 2048  # of a block of B, if it serves several blocks of A
AHEAD = 32  # rows of B, 240 ns: so early the first tile that reads a panel asks for them; memory takes 100
GAP = 8  # packed rows lie this much more apart than their length: at a power of two they would share a place
NEAR = 1 << 20  # bytes of B that are read in place; more are too if
FEW_ROWS = 256  # C has at most so many, for which packing B would not pay
FAR = 2048  # bytes between rows from which on they are read in place no more, if
CROWD = 1024  # divides them: then the rows of a tile share few places of the fastest cache
FEWEST = 4  # rows and columns of C from which on the kernel is as fast as BLAS (`benchmarks/dispatch.py`) if
SHALLOW = 32  # the depth is at most this; where it is more:
FEWEST_ROWS, FEWEST_COLUMNS = 5, 9
PARALLEL = 1 << 20  # multiplications, 20 microseconds, for each thread: to wake one takes 4, once in 200
THIN, LARGE = 1, 2  # why `multiply` did nothing: for NumPy, and for several threads


@cache
def sweep(f: Format) -> Any:
    """Multiply a block: C (m x n) = A B, or C += A B, from addresses and strides in elements.

    Panel p of B begins `panel` elements after panel p - 1. The first tile of a panel brings it nearer, and asks for its
    rows early; the tiles below find it in the cache. What is left at the lower edge is shared among lower tiles, at
    the right edge the lanes outside are masked.
    """
    (highest, lanes), size = shape(f), np.dtype(f.real).itemsize
    width, lines = 2 * lanes, []
    scope: dict[str, Any] = {"size": size, "first": tile(f, highest, 2, whole=True, ahead=AHEAD)}
    for rows in heights(f):
        scope |= {f"whole_{rows}": tile(f, rows, 2, whole=True)}
        scope |= {f"partly_{rows}_{vectors}": tile(f, rows, vectors) for vectors in (1, 2)}
        call = "(a + i * a_row * size, a_row, a_k, of_b, b_row, of_c + i * c_row * size, c_row, depth, columns, add)"
        lines += [
            f"        {'while' if rows == highest else 'if'} m - i >= {rows}:",
            f"            if columns == {width}: whole_{rows}{call}",
            f"            elif columns > {lanes}: partly_{rows}_2{call}",
            f"            else: partly_{rows}_1{call}",
            f"            i += {rows}",
        ]
    source = "\n".join(
        [
            "def sweep(a, a_row, a_k, b, b_row, panel, c, c_row, m, n, depth, add):",
            f"    for j in range(0, n, {width}):",
            f"        columns = min(n - j, {width})",
            f"        of_b, of_c, i = b + j // {width} * panel * size, c + j * size, 0",
            f"        if columns == {width} and m >= {highest}:",
            "            first(a, a_row, a_k, of_b, b_row, of_c, c_row, depth, columns, add)",
            f"            i = {highest}",
            *lines,
        ]
    )
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
                count = min(columns - part, lanes)
                if b_k == 1 and depth >= lanes:
                    for square in range(0, depth, lanes):
                        k = min(square, depth - lanes)  # the last may overlap the one before it
                        transpose_of(source + k * size, b_column, target + k * width * size, width, count)
                else:
                    for i in range(count):
                        for k in range(depth):
                            move_of(
                                source + (i * b_column + k * b_k) * size, target + (k * width + i) * size, 1
                            )

    return copy_rows, into_panels


@cache
def turning(f: Format) -> Any:
    """A function that transposes a matrix, both with contiguous rows; whole squares of the source are read."""
    lanes, size, real = shape(f).lanes, np.dtype(f.real).itemsize, f.real
    (copy_rows, _), transpose_of = packing(f), transpose(f)

    @compiled_apart
    def turned(source: int, source_row: int, target: int, target_row: int, rows: int, columns: int) -> None:
        square = np.empty(lanes * lanes, real)
        for i in range(0, rows, lanes):
            for j in range(0, columns, lanes):
                transpose_of(
                    source + (i * source_row + j) * size, source_row, square.ctypes.data, lanes, lanes
                )
                place = target + (j * target_row + i) * size
                copy_rows(
                    square.ctypes.data,
                    lanes,
                    place,
                    target_row,
                    min(columns - j, lanes),
                    min(rows - i, lanes),
                )

    return turned


@cache
def plan(f: Format) -> Any:
    """A function that says how a product is computed.

    B in place or not; A packed or not; rows, depth and columns of a block; the room for what is packed. A prologue
    makes all of A once, and all its rows together where they take no more room than `ROWS` of full depth.
    """
    size, width, high = np.dtype(f.real).itemsize, 2 * shape(f).lanes, shape(f).rows
    deepest = DEPTH // size

    @inlined
    def plan(m: int, n: int, depth: int, a_row: int, a_k: int, b_k: int, b_column: int, made: bool) -> Any:
        crowded = b_k * size >= FAR and b_k * size % CROWD == 0
        in_place = b_column == 1 and not crowded and (m <= FEW_ROWS or depth * n * size <= NEAR)
        near, far = min(a_row, a_k), max(a_row, a_k) * size
        pack = (not in_place or depth > deepest) and near == 1 and far >= FAR and far % CROWD == 0
        rows, deep, columns = ROWS // high * high, deepest, COLUMNS if m > ROWS else 2 * width
        if made:
            deep = max(deepest // 4, min(deepest, ROWS * deepest // max(m, 1)))
            rows, columns = ROWS * deepest // deep, n
        elif in_place and not pack:
            rows, deep = m, depth
        if in_place:
            columns = n
        for_a = max(ROWS * (deepest + GAP), deepest * (ROWS + GAP)) if pack or made else 0
        for_b = 0 if in_place else min(depth, deepest) * (min(n, columns) + width)
        return in_place, pack, min(rows, m), deep, columns, for_a, for_b

    return plan


@cache
def turns(f: Format) -> Any:
    """A function that says whether Cᵀ is computed in place of C.

    It is where C is so narrow that the lanes of a vector would stay empty, unless A would have to be transposed for
    it; and where B would have to be transposed but is larger than A.
    """
    lanes = shape(f).lanes

    @inlined
    def turns(m: int, n: int, depth: int, a_k: int, b_column: int) -> Any:
        narrow = n <= lanes and m >= 2 * lanes and (a_k != 1 or b_column != 1)
        larger = b_column != 1 and a_k == 1 and lanes <= m and m < n
        return depth >= lanes and (narrow or larger)

    return turns


@cache
def blocks(f: Format) -> Any:
    """The loops over the blocks; without blocks, for small matrices, each runs once and nothing is packed."""
    sweep_of, (copy_rows, into_panels), plan_of = sweep(f), packing(f), plan(f)
    size, width = np.dtype(f.real).itemsize, 2 * shape(f).lanes
    deepest = DEPTH // size

    @compiled_apart
    def blocks(
        a: int, a_row: int, a_k: int, b: int, b_k: int, b_column: int, c: int, c_row: int,
        m: int, n: int, depth: int, bias: int, epilogue: int, source: int, prologue: int, work: int,
    ) -> None:  # fmt: skip
        in_place, pack, rows_step, deep, columns_step, room, _ = plan_of(
            m, n, depth, a_row, a_k, b_k, b_column, prologue != 0
        )
        for_a, for_b = work, work + room * size
        depth_step = -(-depth // -(-depth // deep)) if depth else 0
        for j in range(0, n, max(columns_step, 1)):
            columns = min(n - j, columns_step)
            for k in range(0, max(depth, 1), max(depth_step, 1)):
                here = min(depth - k, depth_step)
                panels, b_row, panel = b + k * b_k * size, b_k, width
                if not in_place:
                    panels, b_row, panel = for_b, width, width * here
                    into_panels(b + (k * b_k + j * b_column) * size, b_k, b_column, panels, here, columns)
                for i in range(0, m, max(rows_step, 1)):
                    rows = min(m - i, rows_step)
                    of_a, row, step = a + (i * a_row + k * a_k) * size, a_row, a_k
                    if prologue:
                        step = rows_step + GAP
                        native_call(prologue, (for_a, step, of_a, here, rows, source))
                    elif pack and a_k == 1:
                        row = deepest + GAP
                        copy_rows(of_a, a_row, for_a, row, rows, here)
                    elif pack:
                        step = ROWS + GAP
                        copy_rows(of_a, a_k, for_a, step, here, rows)
                    if prologue or pack:
                        of_a = for_a
                    place = c + (i * c_row + j) * size
                    sweep_of(of_a, row, step, panels, b_row, panel, place, c_row, rows, columns, here, k)
                    if epilogue and k + here >= depth:
                        native_call(epilogue, (place, c_row, rows, columns, bias + j * size))

    return blocks


@cache
def core(f: Format) -> str:
    """Compile the product from addresses and strides in elements; return the name by which kernels link to it."""
    blocks_of, turned, turns_of = blocks(f), turning(f), turns(f)
    lanes, size = shape(f).lanes, np.dtype(f.real).itemsize

    def multiply(
        a: int, a_row: int, a_k: int, b: int, b_k: int, b_column: int, c: int, c_row: int,
        m: int, n: int, depth: int, bias: int, epilogue: int, source: int, prologue: int, work: int,
    ) -> None:  # fmt: skip
        if not prologue and turns_of(m, n, depth, a_k, b_column):
            long = -(-m // lanes) * lanes  # whole squares
            rest = work + -(-n // lanes) * lanes * long * size
            blocks_of(b, b_column, b_k, a, a_k, a_row, work, long, n, m, depth, 0, 0, 0, 0, rest)
            turned(work, long, c, c_row, n, m)
            if epilogue:
                native_call(epilogue, (c, c_row, m, n, bias))
        else:
            blocks_of(
                a, a_row, a_k, b, b_k, b_column, c, c_row, m, n, depth, bias, epilogue, source, prologue, work
            )

    name = f"multiply-{f.name}"
    return symbol(name, native(multiply, name, *[types.int64] * 16))


@cache
def room(f: Format) -> Any:
    """A function that says how many numbers of room a product needs for what it packs, makes or turns."""
    plan_of, turns_of, lanes = plan(f), turns(f), shape(f).lanes

    @inlined
    def room(
        m: int, n: int, depth: int, a_row: int, a_k: int, b_k: int, b_column: int, made: bool = False
    ) -> Any:
        if not made and turns_of(m, n, depth, a_k, b_column):
            _, _, _, _, _, for_a, for_b = plan_of(n, m, depth, b_column, b_k, a_k, a_row, False)
            return for_a + for_b + (-(-n // lanes) * lanes) * (-(-m // lanes) * lanes)
        _, _, _, _, _, for_a, for_b = plan_of(m, n, depth, a_row, a_k, b_k, b_column, made)
        return for_a + for_b

    return room


@cache
def product(f: Format) -> Any:
    """The call of `core` with arrays: A and B with any strides, C with contiguous rows."""
    multiply: Any = types.ExternalFunction(core(f), types.void(*[types.int64] * 16))
    room_of, real, size = room(f), f.real, np.dtype(f.real).itemsize

    @inlined
    def product(
        a: Array, b: Array, c: Array, bias: int, epilogue: int, source: int = 0, prologue: int = 0
    ) -> Any:
        (m, depth), n, c_row = a.shape, b.shape[1], c.strides[0] // size
        a_row, a_k = a.strides[0] // size, a.strides[1] // size
        b_k, b_column = b.strides[0] // size, b.strides[1] // size
        work = np.empty(room_of(m, n, depth, a_row, a_k, b_k, b_column, prologue != 0), real)
        multiply(
            a.ctypes.data, a_row, a_k, b.ctypes.data, b_k, b_column, c.ctypes.data, c_row,
            m, n, depth, bias, epilogue, source, prologue, work.ctypes.data,
        )  # fmt: skip
        return work.size  # its last use, up to which it lives

    return product


def types_of(f: Format) -> tuple[Any, Any]:
    """The types of an operand with any strides, and of the result."""
    element = numba.from_dtype(np.dtype(f.real))
    return types.Array(element, 2, "A", readonly=True), types.Array(element, 2, "A")


@inlined
def thin(m: int, n: int, depth: int) -> bool:
    """Whether NumPy's BLAS is faster."""
    few = m < FEWEST or n < FEWEST or 2 * m * n < depth
    return few or (depth > SHALLOW and (m < FEWEST_ROWS or n < FEWEST_COLUMNS))


@cache
def multiply(f: Format) -> Callable[..., int]:
    """The kernel `(a, b, c)`: C = A B; it returns 0, or does nothing and returns THIN or LARGE.

    To look at the shapes here costs less than in Python, and a small product takes less time than its call.
    """
    product_of, (operand, result) = product(f), types_of(f)

    def multiply(a: Array, b: Array, c: Array) -> int:
        (m, depth), n = a.shape, b.shape[1]
        if b.shape[0] != depth or thin(m, n, depth):
            return THIN
        if m * n * depth >= PARALLEL:
            return LARGE
        product_of(a, b, c, 0, 0)
        return 0

    return kernel(multiply, f"matmul-{f.name}", operand, operand, result, nogil=True)


@cache
def multiply_and_finish(f: Format) -> Callable[..., Any]:
    """The kernel `(a, b, c, bias, epilogue)`: C = A B, finished by the function of `epilogue.py` at an address."""
    product_of, (operand, result) = product(f), types_of(f)

    def multiply_and_finish(a: Array, b: Array, c: Array, bias: Array, epilogue: int) -> None:
        product_of(a, b, c, bias.ctypes.data, epilogue)

    flat = types.Array(result.dtype, 1, "C", readonly=True)
    return kernel(
        multiply_and_finish, f"linear-{f.name}", operand, operand, result, flat, types.int64, nogil=True
    )
