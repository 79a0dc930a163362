"""What goes before a matrix product: its first operand is made, block by block, just before it is read.

The gradient of a layer's weight is dzᵀ x, with dz = g · activation'(z). Where nothing else needs dz, as in a network's
first layer, it is never written as a whole: `gemm.py` calls the functions here where it would pack a block of A, and
multiplies with the block while it is in the cache. On the way the rows of dz are summed, for the bias.

`gemm.py` is given their addresses, so it is compiled once for all of them.
"""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import layers
from chainrule.backends.numba.bits import at, words
from chainrule.backends.numba.codegen import Fused
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import native
from chainrule.backends.numba.reduce import ROWS, accumulation, block_of_rows

Array = NDArray[Any]
carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker
# words: the addresses of g and of what forward kept, the length of their rows; the addresses of the sums of dz's rows
# and of what those lost by rounding
SOURCE = 5


def before(activation: str) -> Fused:
    """The cotangent of z, as a function of that of activation(z) and of what forward kept."""
    rule = lambda xp, g, y: layers.before_activation(xp, g, y, activation)  # noqa: E731
    return Fused(f"{activation}-before", rule, (), ())


@cache
def prologue(f: Format, activation: str) -> Any:
    """A native function `(block, block_row, a, depth, rows, source)`: make a block of A = dzᵀ, columns side by side.

    Args:
        f: the float format.
        activation: one of `layers.ACTIVATIONS`.

    Returns:
        An object with its `address`, which is good for as long as the object lives. The function takes the address a in
        g where the block's part begins, and in the source, an address too, how g lies (`SOURCE`).
    """
    fused, floats, size, real = before(activation), at(f), np.dtype(f.real).itemsize, f.real
    rule, add_rows, accumulate = fused.functions(f)["rule"], block_of_rows(f), accumulation(f)

    def make(block: int, block_row: int, a: int, depth: int, rows: int, source: int) -> None:
        g, y, length, totals, errors = carray(words(source), SOURCE)
        dz, part, place = carray(floats(block), (depth, block_row)), np.empty(rows, real), a - g
        k, i = divmod(place // size, length)
        total, error = carray(floats(totals + i * size), rows), carray(floats(errors + i * size), rows)
        for first in range(0, depth, ROWS):
            last = min(first + ROWS, depth)
            for n in range(first, last):
                row = place + n * length * size
                of_g, of_y, of_z = carray(floats(g + row), rows), carray(floats(y + row), rows), dz[n]
                for j in range(rows):
                    of_z[j] = rule(of_g[j], of_y[j])
            if k + first == 0:
                add_rows(dz, first, last, 0, total)
                continue
            add_rows(dz, first, last, 0, part)
            accumulate(total, part, error)

    return native(make, f"prologue-{activation}-{f.name}", *[types.int64] * 6, source=fused.text)
