"""The sums that layer norm and batch norm are made of: means, deviations, and what the backward pass needs.

What is summed is cut into blocks; the sums of blocks are added with compensation (see `reduce.py`), so the error does
not grow with the length. Rows are summed each by itself; a channel of (N, C, S) over N and S; the columns of (N, C) all
at once, a block of rows after the other.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import compiled_apart, inlined, inlined_sum
from chainrule.backends.numba.reduce import (
    BLOCK,
    ROWS,
    accumulation,
    adding,
    block_of_rows,
    block_sum,
    compensation,
)

Array = NDArray[Any]


@inlined_sum
def square_sum(x: Array, mean: Any, zero: Any) -> Any:
    """The sum of (x - mean)²."""
    total = zero
    for j in range(x.size):
        d = x[j] - mean
        total += d * d
    return total


@inlined_sum
def product_sums(g: Array, x: Array, mean: Any, scale: Any, zero: Any) -> Any:
    """The sums of g and of g (x - mean) scale."""
    plain = along = zero
    for j in range(x.size):
        plain += g[j]
        along += g[j] * ((x[j] - mean) * scale)
    return plain, along


@inlined_sum
def weighted_sums(g: Array, weight: Array, x: Array, mean: Any, scale: Any, zero: Any) -> Any:
    """The sums of g weight and of g weight (x - mean) scale."""
    plain = along = zero
    for j in range(x.size):
        h = g[j] * weight[j]
        plain += h
        along += h * ((x[j] - mean) * scale)
    return plain, along


@cache
def long_sums(f: Format) -> tuple[Any, Any, Any]:
    """`block_sum`, `square_sum` and `weighted_sums` of a row of more than one block.

    They are compiled apart, so that what short rows take to the same names stays one tight loop.
    """
    sum_of, add, (_, repaired), zero = block_sum(f), adding(f), compensation(f), f.real(0)

    @compiled_apart
    def long_sum(x: Array) -> Any:
        total = error = zero
        for j in range(0, x.size, BLOCK):
            total, error = add(total, error, sum_of(x[j : min(j + BLOCK, x.size)]))
        return repaired(total, error)

    @compiled_apart
    def long_square_sum(x: Array, mean: Any) -> Any:
        total = error = zero
        for j in range(0, x.size, BLOCK):
            total, error = add(total, error, square_sum(x[j : min(j + BLOCK, x.size)], mean, zero))
        return repaired(total, error)

    @compiled_apart
    def long_weighted_sums(g: Array, weight: Array, x: Array, mean: Any, scale: Any) -> Any:
        plain = along = lost_plain = lost_along = zero
        for j in range(0, x.size, BLOCK):
            k = min(j + BLOCK, x.size)
            one, two = weighted_sums(g[j:k], weight[j:k], x[j:k], mean, scale, zero)
            plain, lost_plain = add(plain, lost_plain, one)
            along, lost_along = add(along, lost_along, two)
        return repaired(plain, lost_plain), repaired(along, lost_along)

    return long_sum, long_square_sum, long_weighted_sums


@cache
def row_statistics(f: Format) -> Any:
    """The length, the mean and one over the deviation of a row."""
    sum_of, (long_sum, long_square_sum, _) = block_sum(f), long_sums(f)
    real, zero, one = f.real, f.real(0), f.real(1)

    @inlined
    def statistics(row: Array, eps: Any) -> Any:
        short, count = row.size <= BLOCK, real(row.size)
        mean = (sum_of(row) if short else long_sum(row)) / count
        square = square_sum(row, mean, zero) if short else long_square_sum(row, mean)
        return count, mean, one / np.sqrt(square / count + eps)

    return statistics


@cache
def row_sums(f: Format) -> Any:
    """The sums of `weighted_sums` over a row."""
    (_, _, long_weighted_sums), zero = long_sums(f), f.real(0)

    @inlined
    def sums(g: Array, weight: Array, x: Array, mean: Any, scale: Any) -> Any:
        if x.size <= BLOCK:
            return weighted_sums(g, weight, x, mean, scale, zero)
        return long_weighted_sums(g, weight, x, mean, scale)

    return sums


@cache
def channel_statistics(f: Format) -> Any:
    """The size, the mean and one over the deviation of a channel of x (N, C, S)."""
    sum_of, add, (_, repaired) = block_sum(f), adding(f), compensation(f)
    real, zero, one = f.real, f.real(0), f.real(1)

    @inlined
    def statistics(x: Array, channel: int, eps: Any) -> Any:
        size = x.shape[2]
        count = real(x.shape[0] * size)
        total = error = square = missed = zero
        for n in range(x.shape[0]):
            for j in range(0, size, BLOCK):
                total, error = add(total, error, sum_of(x[n, channel, j : min(j + BLOCK, size)]))
        mean = repaired(total, error) / count
        for n in range(x.shape[0]):
            for j in range(0, size, BLOCK):
                part = square_sum(x[n, channel, j : min(j + BLOCK, size)], mean, zero)
                square, missed = add(square, missed, part)
        return count, mean, one / np.sqrt(repaired(square, missed) / count + eps)

    return statistics


@cache
def channel_sums(f: Format) -> Any:
    """The sums of `product_sums` over a channel of g and x (N, C, S)."""
    add, (_, repaired), zero = adding(f), compensation(f), f.real(0)

    @inlined
    def sums(g: Array, x: Array, channel: int, mean: Any, scale: Any) -> Any:
        plain = along = lost_plain = lost_along = zero
        for n in range(x.shape[0]):
            for j in range(0, x.shape[2], BLOCK):
                k = min(j + BLOCK, x.shape[2])
                one, two = product_sums(g[n, channel, j:k], x[n, channel, j:k], mean, scale, zero)
                plain, lost_plain = add(plain, lost_plain, one)
                along, lost_along = add(along, lost_along, two)
        return repaired(plain, lost_plain), repaired(along, lost_along)

    return sums


@cache
def rest_of_columns(f: Format) -> tuple[Any, Any]:
    """What adds to the sums of the first block of rows those of the others, of x and of (x - mean)²."""
    (_, repaired), accumulate, zero = compensation(f), accumulation(f), f.real(0)
    add_rows = block_of_rows(f)

    @compiled_apart
    def add_sums(x: Array, total: Array) -> None:
        part, error = np.empty_like(total), np.zeros_like(total)
        for first in range(ROWS, x.shape[0], ROWS):
            add_rows(x, first, min(first + ROWS, x.shape[0]), 0, part)
            accumulate(total, part, error)
        for j in range(total.size):
            total[j] = repaired(total[j], error[j])

    @compiled_apart
    def add_squares(x: Array, mean: Array, total: Array) -> None:
        part, error = np.empty_like(total), np.zeros_like(total)
        for first in range(ROWS, x.shape[0], ROWS):
            part[:] = zero
            for i in range(first, min(first + ROWS, x.shape[0])):
                for j in range(total.size):
                    d = x[i, j] - mean[j]
                    part[j] += d * d
            accumulate(total, part, error)
        for j in range(total.size):
            total[j] = repaired(total[j], error[j])

    return add_sums, add_squares


@cache
def column_statistics(f: Format) -> Any:
    """The length, the means and one over the deviations of the columns of x (N, C)."""
    (add_sums, add_squares), real, one = rest_of_columns(f), f.real, f.real(1)

    @inlined
    def statistics(x: Array, eps: Any) -> Any:
        mean, scale, count = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype), real(x.shape[0])
        for i in range(min(ROWS, x.shape[0])):
            for j in range(mean.size):
                mean[j] += x[i, j]
        if x.shape[0] > ROWS:
            add_sums(x, mean)
        for j in range(mean.size):
            mean[j] /= count
        for i in range(min(ROWS, x.shape[0])):
            for j in range(mean.size):
                d = x[i, j] - mean[j]
                scale[j] += d * d
        if x.shape[0] > ROWS:
            add_squares(x, mean, scale)
        for j in range(mean.size):
            scale[j] = one / np.sqrt(scale[j] / count + eps)
        return count, mean, scale

    return statistics


@cache
def column_sums(f: Format) -> Any:
    """The sums of g and of g (x - mean) scale over the columns of g and x (N, C)."""
    (_, repaired), accumulate, zero = compensation(f), accumulation(f), f.real(0)

    @compiled_apart
    def long_sums(g: Array, x: Array, mean: Array, scale: Array) -> Any:
        plain, along = np.zeros_like(mean), np.zeros_like(mean)
        lost_plain, lost_along = np.zeros_like(mean), np.zeros_like(mean)
        of_g, of_product = np.empty_like(mean), np.empty_like(mean)
        for first in range(0, x.shape[0], ROWS):
            of_g[:] = zero
            of_product[:] = zero
            for i in range(first, min(first + ROWS, x.shape[0])):
                for j in range(mean.size):
                    of_g[j] += g[i, j]
                    of_product[j] += g[i, j] * ((x[i, j] - mean[j]) * scale[j])
            accumulate(plain, of_g, lost_plain)
            accumulate(along, of_product, lost_along)
        for j in range(mean.size):
            plain[j] = repaired(plain[j], lost_plain[j])
            along[j] = repaired(along[j], lost_along[j])
        return plain, along

    @inlined
    def sums(g: Array, x: Array, mean: Array, scale: Array) -> Any:
        if x.shape[0] > ROWS:
            return long_sums(g, x, mean, scale)
        plain, along = np.zeros_like(mean), np.zeros_like(mean)
        for i in range(x.shape[0]):
            for j in range(mean.size):
                plain[j] += g[i, j]
                along[j] += g[i, j] * ((x[i, j] - mean[j]) * scale[j])
        return plain, along

    return sums
