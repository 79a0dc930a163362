"""Softmax and its logarithm, row by row of a matrix: every function reads its input once from memory.

Rows are taken in blocks that fit the fastest cache. The exponentials of a wide row are added as they are computed;
those of a block of narrow rows are computed in one flat loop: ten classes fill no vector register, ten rows of ten
classes fill six.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba import math
from chainrule.backends.numba.bits import select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import (
    compiled_apart,
    inlined,
    kernel,
    read_only,
    writeable,
)
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS
from chainrule.backends.numba.reduce import EXTREMES, block_sum
from chainrule.backends.numba.slices import Sliced
from chainrule.backends.numba.vectors import vectors

Array = NDArray[Any]
BLOCK = 2048  # elements
# columns from which on a row is worth a loop of its own: with vectors of 64 bytes; of less
WIDE, WIDE_OF_SHORT = 96, 384


@cache
def exponentials(f: Format) -> Any:
    """A function: e^(x - the row's largest) of some rows of x to `out`, the largest to `tops`, the sums to `sums`.

    A row that holds NaN or whose largest is infinite gets the sum NaN, which turns all that is made of it into NaN.
    """
    wide_row, largest, narrow_rows = of_wide_row(f), largest_of_wide_row(f), of_narrow_rows(f)
    (larger, start), infinity, nan = EXTREMES["max"], f.real(np.inf), f.real(np.nan)
    first, wide = f.real(start), WIDE if vectors(f).size >= 64 else WIDE_OF_SHORT

    @compiled_apart
    def exponentials(x: Array, out: Array, tops: Array, sums: Array) -> None:
        rows, columns = x.shape
        if columns >= wide:
            for i in range(rows):  # apart: nobody waits until the lanes of a vector are down to one number
                tops[i] = largest(x[i])
            for i in range(rows):
                sums[i] = wide_row(x[i], tops[i], out[i])
        else:
            for i in range(rows):
                row, top = x[i], first
                for j in range(columns):
                    top = larger(top, row[j])
                tops[i] = top
            narrow_rows(x, tops, out, sums)
        for i in range(rows):
            sums[i] = select(abs(tops[i]) < infinity, sums[i], nan)

    return exponentials


@cache
def largest_of_wide_row(f: Format) -> Any:
    """The largest number of a row; NaN if it holds one. Four vectors at a time hide what a comparison takes."""
    v, least, nan = vectors(f), f.real(-np.inf), f.real(np.nan)
    size, load, larger, unordered, either = v.size, v.load, v.larger, v.unordered, v.either
    filled, some, largest = v.filled, v.some, v.largest

    @inlined
    def largest_of_wide_row(row: Array) -> Any:
        place = np.intp(row.ctypes.data)  # signed, as sums of unsigned and signed integers are floats
        end = place + row.size * row.itemsize
        a = b = c = d = filled(least)
        missing = unordered(a, a)
        while place <= end - 4 * size:
            p, q, r, s = load(place), load(place + size), load(place + 2 * size), load(place + 3 * size)
            a, b, c, d = larger(p, a), larger(q, b), larger(r, c), larger(s, d)
            missing = either(missing, either(unordered(p, q), unordered(r, s)))
            place += 4 * size
        while place < end:
            p = load(min(place, end - size))  # the last vector may overlap the one before it
            a, missing = larger(p, a), either(missing, unordered(p, p))
            place += size
        return select(some(missing), nan, largest(larger(larger(a, b), larger(c, d))))

    return largest_of_wide_row


@cache
def of_wide_row(f: Format) -> Any:
    """e^(row - top) to `out`, and its sum."""
    exp, v, zero = math.exp_of_difference(f), vectors(f), f.real(0)
    size, load, store, filled, last, total = v.size, v.load, v.store, v.filled, v.last, v.total

    @inlined
    def of_wide_row(row: Array, top: Any, out: Array) -> Any:
        place, to_out = np.intp(row.ctypes.data), np.intp(out.ctypes.data - row.ctypes.data)
        end = place + row.size * row.itemsize
        a = b = c = d = filled(zero)
        while place <= end - 4 * size:
            p, q, r, s = load(place), load(place + size), load(place + 2 * size), load(place + 3 * size)
            p, q, r, s = exp(p - top), exp(q - top), exp(r - top), exp(s - top)
            store(p, place + to_out)
            store(q, place + to_out + size)
            store(r, place + to_out + 2 * size)
            store(s, place + to_out + 3 * size)
            a, b, c, d = a + p, b + q, c + r, d + s
            place += 4 * size
        while place < end:
            here = min(place, end - size)
            p = exp(load(here) - top)
            store(p, here + to_out)
            a = a + last(p, (here + size - place) // row.itemsize)
            place += size
        return total((a + b) + (c + d))

    return of_wide_row


@cache
def of_narrow_rows(f: Format) -> Any:
    """A function: e^(x - top) of each row to `out`, and their sums."""
    exp, sum_of = math.exp_of_difference(f), block_sum(f)

    @inlined
    def of_narrow_rows(x: Array, tops: Array, out: Array, sums: Array) -> None:
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                out[i, j] = x[i, j] - tops[i]
        flat = out.reshape(out.size)
        for k in range(flat.size):
            flat[k] = exp(flat[k])
        for i in range(x.shape[0]):
            sums[i] = sum_of(out[i])

    return of_narrow_rows


def softmax_loop(f: Format) -> Callable[..., Any]:
    """softmax of each row of x."""
    take, one = exponentials(f), f.real(1)

    def loop(x: Array, out: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        tops, sums = np.empty(step, x.dtype), np.empty(step, x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            take(x[start:stop], out[start:stop], tops, sums)
            for i in range(start, stop):
                scale, row = one / sums[i - start], out[i]
                for j in range(columns):
                    row[j] *= scale

    return loop


def log_softmax_loop(f: Format) -> Callable[..., Any]:
    """log softmax of each row of x: the row minus its largest, minus the logarithm of the sum."""
    take, log = exponentials(f), math.log(f)

    def loop(x: Array, out: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        tops, sums = np.empty(step, x.dtype), np.empty(step, x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            take(x[start:stop], out[start:stop], tops, sums)
            for i in range(start, stop):
                top, total = tops[i - start], log(sums[i - start])
                for j in range(columns):
                    out[i, j] = (x[i, j] - top) - total

    return loop


LOOPS = {"softmax": softmax_loop, "log_softmax": log_softmax_loop}


@cache
def compiled(name: str, f: Format) -> Sliced:
    """The kernel of one function for one format."""
    run = kernel(LOOPS[name](f), f"{name}-{f.name}", read_only(f.real, 2), writeable(f.real, 2))
    return Sliced(run, 0, 1, unit=1)


def fits(x: Any) -> bool:
    """Whether a kernel can read x in place."""
    return type(x) is np.ndarray and x.dtype in FORMATS and x.flags.num & C_ALIGNED == C_ALIGNED


def softmax(x: Array, axis: int) -> Array:
    return along_rows("softmax", x, axis)


def log_softmax(x: Array, axis: int) -> Array:
    return along_rows("log_softmax", x, axis)


def along_rows(name: str, x: Array, axis: int) -> Array:
    """Apply a kernel along the last axis; along another, and to other dtypes and strides, NumPy's function."""
    if not fits(x) or not x.size or axis not in (-1, x.ndim - 1):
        return getattr(reference, name)(x, axis)  # type: ignore[no-any-return]
    out = np.empty(x.shape, x.dtype)
    rows = (-1, x.shape[-1])
    compiled(name, FORMATS[x.dtype]).suited(x.size)(x.reshape(rows), out.reshape(rows))
    return out


TABLE = {"softmax": softmax, "log_softmax": log_softmax}
