"""What follows a matrix product while its result is still in the cache: the bias, and the activation.

After BLAS has written the product, a second and a third pass over memory finish a layer. `gemm.py` calls the functions
here on each block of C that is complete. It is given their addresses, so it is compiled once for all of them.

No mask is saved for the backward pass: where relu's result is positive its slope is 1, so the result is the mask
(`FROM_RESULT` in `chainrule.backends.layers`).
"""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types

from chainrule.backends.numba import math
from chainrule.backends.numba.bits import at
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import native

carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker
ACTIVATIONS = ("relu", "tanh", "sigmoid", "silu", "gelu", "softplus")


@cache
def epilogue(f: Format, activation: str) -> Any:
    """A native function `(c, c_row, rows, columns, bias)`: C = activation(C + bias), in place.

    Args:
        f: the float format.
        activation: one of `ACTIVATIONS`, or "" for none.

    Returns:
        An object with its `address`, which is good for as long as the object lives.
    """
    floats, size = at(f), np.dtype(f.real).itemsize
    function: Any = getattr(math, activation)(f) if activation else None

    def add(c: int, c_row: int, rows: int, columns: int, bias: int) -> None:
        b = carray(floats(bias), columns)
        for i in range(rows):
            row = carray(floats(c + i * c_row * size), columns)
            for j in range(columns):
                row[j] += b[j]

    def add_and_apply(c: int, c_row: int, rows: int, columns: int, bias: int) -> None:
        b = carray(floats(bias), columns)
        for i in range(rows):
            row = carray(floats(c + i * c_row * size), columns)
            for j in range(columns):
                row[j] = function(row[j] + b[j])

    body = add_and_apply if activation else add
    return native(body, f"epilogue-{activation or 'bias'}-{f.name}", *[types.int64] * 5)
