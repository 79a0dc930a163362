"""Sums, means, maxima and minima along any axes, in one pass over memory.

A reduction over axes that lie side by side sees an array as (outer, length, inner). With inner = 1 the numbers that
belong together are neighbours, and each row is reduced by itself. Otherwise whole rows are reduced, into a strip
that stays in the fastest cache. Axes that do not lie side by side are reduced one after the other.

Sums are blocked: a block of a row is summed in many lanes at once, a block of rows eight rows at a time, and the sums
of blocks are added with compensation (D. Knuth's TwoSum; T. Ogita, S. Rump, S. Oishi, SIAM J. Sci. Comput. 26, 2005).
So the error does not grow with the length; NumPy's does along all axes but the last.
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba import slices
from chainrule.backends.numba.bits import Scalar, select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined, inlined_sum, intrinsic, kernel, read_only, writeable
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS
from chainrule.backends.numba.slices import Sliced, slices_for

Array = NDArray[Any]
Axes = tuple[int, ...]
BLOCK = 1024  # of one row
STRIP = 4096  # columns
ROWS = 128  # that are summed before compensation sets in
# What a kernel is measured to be faster for than NumPy, the call included (`benchmarks/kernels_nn.py`):
MANY = 64  # rows that NumPy reduces, or adds, one by one
LARGE = 16_384  # elements
LONG = 4096  # but the maximum of a row from this length on NumPy finds as fast
QUICK = 4  # elements that are reduced in the time of one elementary function
SHARED = QUICK * slices.LARGE  # elements from which on two threads are worth it


def extreme(instruction: str) -> Any:
    """The larger or smaller of two numbers, NaN if either is; which zero wins is free (`nsz`)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = arguments[0].type
        kind = ir.FunctionType(real, [real, real])
        function = builder.module.declare_intrinsic(f"llvm.{instruction}", [real], kind)
        return builder.call(function, arguments, fastmath=("nsz",))

    @intrinsic
    def extreme(typing_context: Any, x: Any, y: Any) -> Any:
        return x(x, y), generate

    return extreme


EXTREMES = {"max": (extreme("maximum"), -np.inf), "min": (extreme("minimum"), np.inf)}


@cache
def compensation(f: Format) -> tuple[Scalar, Scalar]:
    """Two functions: the error of a rounded sum, exactly; the sum with the error put right, if it is finite."""
    infinity = f.real(np.inf)

    @inlined
    def lost(x: Any, y: Any, total: Any) -> Any:
        z = total - x
        return (x - (total - z)) + (y - z)

    @inlined
    def repaired(total: Any, error: Any) -> Any:
        return select(abs(total) < infinity, total + error, total)

    return lost, repaired


@cache
def adding(f: Format) -> Any:
    """A function that adds a number to a total, and to the error what the total loses by it."""
    lost, _ = compensation(f)

    @inlined
    def add(total: Any, error: Any, part: Any) -> Any:
        new = total + part
        return new, error + lost(total, part, new)

    return add


@cache
def block_sum(f: Format) -> Any:
    """The sum of a short row, in any order."""
    zero = f.real(0)

    @inlined_sum
    def block_sum(x: Array) -> Any:
        total = zero
        for j in range(x.size):
            total += x[j]
        return total

    return block_sum


def sum_rows(f: Format) -> Callable[..., Any]:
    """The sum of each row of x (rows, length)."""
    of_block, add, (_, repaired), zero = block_sum(f), adding(f), compensation(f), f.real(0)

    def loop(x: Array, out: Array) -> None:
        length = x.shape[1]
        for i in range(x.shape[0]):
            row = x[i]
            if length <= BLOCK:
                out[i] = of_block(row)
                continue
            total = error = zero
            for j in range(0, length, BLOCK):
                total, error = add(total, error, of_block(row[j : min(j + BLOCK, length)]))
            out[i] = repaired(total, error)

    return loop


@cache
def block_of_rows(f: Format) -> Any:
    """The sum of some rows of x, from column `start` on."""
    zero = f.real(0)

    @inlined
    def add_rows(x: Array, first: int, last: int, start: int, part: Array) -> None:
        stop = start + part.size
        part[:] = zero
        i = first
        while last - i >= 8:
            a, b, c, d = x[i, start:stop], x[i + 1, start:stop], x[i + 2, start:stop], x[i + 3, start:stop]
            e, f, g, h = (
                x[i + 4, start:stop],
                x[i + 5, start:stop],
                x[i + 6, start:stop],
                x[i + 7, start:stop],
            )
            for j in range(part.size):
                part[j] += ((a[j] + b[j]) + (c[j] + d[j])) + ((e[j] + f[j]) + (g[j] + h[j]))
            i += 8
        while i < last:
            a = x[i, start:stop]
            for j in range(part.size):
                part[j] += a[j]
            i += 1

    return add_rows


@cache
def accumulation(f: Format) -> Any:
    """A function that adds numbers to totals, and to the errors what the totals lose by it."""
    lost, _ = compensation(f)

    @inlined
    def accumulate(total: Array, part: Array, error: Array) -> None:
        for j in range(total.size):
            new = total[j] + part[j]
            error[j] += lost(total[j], part[j], new)
            total[j] = new

    return accumulate


def sum_columns(f: Format) -> Callable[..., Any]:
    """The sum over the middle axis of x (outer, length, inner)."""
    add_rows, accumulate, (_, repaired) = block_of_rows(f), accumulation(f), compensation(f)
    zero = f.real(0)

    def loop(x: Array, out: Array) -> None:
        outer, length, inner = x.shape
        parts, errors = np.empty(STRIP, x.dtype), np.empty(STRIP, x.dtype)
        for k in range(outer):
            for start in range(0, inner, STRIP):
                columns = min(STRIP, inner - start)
                total, part, error = out[k, start : start + columns], parts[:columns], errors[:columns]
                add_rows(x[k], 0, min(ROWS, length), start, total)
                if length <= ROWS:
                    continue
                error[:] = zero
                for first in range(ROWS, length, ROWS):
                    add_rows(x[k], first, min(first + ROWS, length), start, part)
                    accumulate(total, part, error)
                for j in range(columns):
                    total[j] = repaired(total[j], error[j])

    return loop


def extreme_rows(f: Format, name: str) -> Callable[..., Any]:
    """The largest or smallest number of each row of x (rows, length)."""
    (better, start), real = EXTREMES[name], f.real
    first = real(start)

    def loop(x: Array, out: Array) -> None:
        for i in range(x.shape[0]):
            row, found = x[i], first
            for j in range(row.size):
                found = better(found, row[j])
            out[i] = found

    return loop


def extreme_columns(f: Format, name: str) -> Callable[..., Any]:
    """The same over the middle axis of x (outer, length, inner)."""
    (better, start), real = EXTREMES[name], f.real
    first = real(start)

    def loop(x: Array, out: Array) -> None:
        outer, length, inner = x.shape
        for k in range(outer):
            for left in range(0, inner, STRIP):
                right = min(left + STRIP, inner)
                found = out[k, left:right]
                found[:] = first
                i = 0
                while length - i >= 4:
                    a, b = x[k, i, left:right], x[k, i + 1, left:right]
                    c, d = x[k, i + 2, left:right], x[k, i + 3, left:right]
                    for j in range(found.size):
                        found[j] = better(better(found[j], better(a[j], b[j])), better(c[j], d[j]))
                    i += 4
                while i < length:
                    a = x[k, i, left:right]
                    for j in range(found.size):
                        found[j] = better(found[j], a[j])
                    i += 1

    return loop


@cache
def compiled(name: str, f: Format, inner: bool) -> Sliced:
    """The kernel of one reduction for one format, of rows or of columns."""
    if name == "sum":
        loop = sum_columns(f) if inner else sum_rows(f)
    else:
        loop = extreme_columns(f, name) if inner else extreme_rows(f, name)
    shape = "columns" if inner else "rows"
    arguments = read_only(f.real, 2 + inner), writeable(f.real, 1 + inner)
    return Sliced(kernel(loop, f"{name}_{shape}-{f.name}", *arguments), 0, 1, unit=1)


def reduce_in_slices(run: Sliced, x: Array, out: Array) -> None:
    """Reduce a large x over its second axis. If its first has length 1, the second is cut, and the results reduced."""
    work = x.size // QUICK
    pieces = slices_for(work)
    length = x.shape[1] // pieces
    if len(x) > 1 or pieces == 1 or length == 0:
        run.run(work, x, out)
        return
    found, end = np.empty((pieces + 1, *out.shape[1:]), x.dtype), pieces * length
    run.run(work, x[0, :end].reshape(pieces, length, *x.shape[2:]), found[:pieces])
    run.alone(x[0, end:][None], found[pieces:])  # what is left over, which may be nothing
    run.alone(found[None], out)


class Plan(NamedTuple):
    """How a reduction is done: `steps` of (outer, length, inner), one after the other."""

    shape: Axes
    kept: Axes
    steps: tuple[tuple[int, int, int], ...]


@lru_cache(maxsize=4096)
def plan(name: str, shape: Axes, axis: int | Axes | None) -> Plan | None:
    """Plan the reduction of an array of this shape; None for what NumPy has to refuse, or does as fast."""
    n = len(shape)
    axes = tuple(range(n)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    over = {a + n if a < 0 else a for a in axes}
    if len(over) != len(axes) or not over <= set(range(n)) or 0 in shape or not over:
        return None
    groups: list[list[int]] = []  # lengths of neighbours that are all reduced, or all kept, in turn
    reduced: list[bool] = []
    for i, length in enumerate(shape):
        if groups and reduced[-1] == (i in over):
            groups[-1][0] *= length
        else:
            groups.append([length])
            reduced.append(i in over)
    lengths, steps, inner = [g[0] for g in groups], [], 1
    for place in reversed(range(len(lengths))):
        if reduced[place]:
            steps.append((math.prod(lengths[:place]), lengths[place], inner))
        else:
            inner *= lengths[place]
    outer, length, inner = steps[0]
    if (outer if inner == 1 else outer * length) < MANY and math.prod(shape) < LARGE:
        return None
    if name != "sum" and inner == 1 and (outer == 1 or length >= LONG):
        return None
    left = tuple(length for i, length in enumerate(shape) if i not in over)
    return Plan(left, tuple(1 if i in over else s for i, s in enumerate(shape)), tuple(steps))


def reduced(name: str, x: Any, axis: Any, keepdims: bool) -> Array | None:
    """The reduction by kernels; None for what NumPy has to do, or does as fast."""
    if type(x) is not np.ndarray or x.dtype not in FORMATS or x.flags.num & C_ALIGNED != C_ALIGNED:
        return None
    found = plan(name, x.shape, axis)
    if found is None:
        return None
    f, dtype, flat = FORMATS[x.dtype], x.dtype, x
    for outer, length, inner in found.steps:
        large = flat.size >= SHARED
        if inner == 1:
            run, out, flat = compiled(name, f, False), np.empty(outer, dtype), flat.reshape(outer, length)
        else:
            run, out = compiled(name, f, True), np.empty((outer, inner), dtype)
            flat = flat.reshape(outer, length, inner)
        if large:
            reduce_in_slices(run, flat, out)
        else:
            run.alone(flat, out)
        flat = out
    return flat.reshape(found.kept if keepdims else found.shape)


numpys: dict[str, Any] = {"max": reference.max, "min": reference.min}  # NumPy's types forbid our keywords


def sum_over(x: Array, axis: Any = 0, keepdims: bool = False) -> Any:
    found = reduced("sum", x, axis, keepdims)
    return reference.sum(x, axis, keepdims=keepdims) if found is None else found


def mean_over(x: Array, axis: Axes, keepdims: bool) -> Any:
    found = reduced("sum", x, axis, keepdims)
    if found is None:
        return reference.mean(x, axis, keepdims)
    found /= reference.count(x, axis)
    return found


def max_over(x: Array, axis: Any = 0, keepdims: bool = False, **initial: float) -> Any:
    found = reduced("max", x, axis, keepdims)
    if found is None:
        return numpys["max"](x, axis, keepdims=keepdims, **initial)
    return np.maximum(found, initial["initial"], out=found) if initial else found


def min_over(x: Array, axis: Any = 0, keepdims: bool = False) -> Any:
    found = reduced("min", x, axis, keepdims)
    return numpys["min"](x, axis, keepdims=keepdims) if found is None else found


TABLE = {"sum": sum_over, "mean": mean_over, "max": max_over, "min": min_over}
