"""The optimizers' updates: one pass over a parameter, its gradient and what the optimizer remembers.

NumPy needs a pass, and most often a temporary array, for every operator of a formula. The formulas are those of
`chainrule.nn.optim`: the new parameter goes to a new array, what is remembered changes in place.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import kernel, read_only, writeable
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS

Array = NDArray[Any]


def sgd(w: Array, g: Array, out: Array, lr: float, decay: float) -> None:
    """w - lr g, with g + decay w for g."""
    for i in range(out.size):
        out[i] = w[i] - lr * (g[i] + decay * w[i])


def momentum(w: Array, g: Array, velocity: Array, out: Array, lr: float, keep: float, decay: float) -> None:
    """v = keep v + g; w - lr v."""
    for i in range(out.size):
        v = keep * velocity[i] + (g[i] + decay * w[i])
        velocity[i] = v
        out[i] = w[i] - lr * v


def nesterov(w: Array, g: Array, velocity: Array, out: Array, lr: float, keep: float, decay: float) -> None:
    """v = keep v + g; w - lr (g + keep v)."""
    for i in range(out.size):
        gradient = g[i] + decay * w[i]
        v = keep * velocity[i] + gradient
        velocity[i] = v
        out[i] = w[i] - lr * (gradient + keep * v)


def rmsprop(
    w: Array,
    g: Array,
    square: Array,
    out: Array,
    lr: float,
    keep: float,
    rest: float,
    eps: float,
    decay: float,
) -> None:
    """s = keep s + rest g²; w - lr g / (sqrt s + eps). With keep = rest = 1 this is Adagrad."""
    for i in range(out.size):
        gradient = g[i] + decay * w[i]
        s = keep * square[i] + rest * (gradient * gradient)
        square[i] = s
        out[i] = w[i] - lr * (gradient / (np.sqrt(s) + eps))


def adam(
    w: Array, g: Array, mean: Array, square: Array, out: Array,
    lr: float, keep1: float, rest1: float, keep2: float, rest2: float, eps: float, decay: float, shrink: float,
) -> None:  # fmt: skip
    """m = keep1 m + rest1 g; s = keep2 s + rest2 g²; shrink w - lr m / (sqrt s + eps)."""
    for i in range(out.size):
        gradient = g[i] + decay * w[i]
        m = keep1 * mean[i] + rest1 * gradient
        s = keep2 * square[i] + rest2 * (gradient * gradient)
        mean[i] = m
        square[i] = s
        out[i] = shrink * w[i] - lr * (m / (np.sqrt(s) + eps))


# name: the function, how many arrays it remembers, how many numbers it takes
UPDATES: dict[str, tuple[Callable[..., None], int, int]] = {
    "sgd": (sgd, 0, 2),
    "momentum": (momentum, 1, 3),
    "nesterov": (nesterov, 1, 3),
    "rmsprop": (rmsprop, 1, 5),
    "adam": (adam, 2, 8),
}


KERNELS: dict[tuple[str, np.dtype[Any]], Callable[..., Any]] = {}  # those that have been needed


@cache
def compiled(name: str, f: Format) -> Callable[..., Any]:
    """The kernel of one update for flat arrays of one format."""
    function, remembered, numbers = UPDATES[name]
    inputs, outputs = [read_only(f.real)] * 2, [writeable(f.real)] * (remembered + 1)
    real = numba.from_dtype(np.dtype(f.real))
    return kernel(function, f"{name}-{f.name}", *inputs, *outputs, *[real] * numbers)


def update(name: str, w: Array, g: Array, remembered: tuple[Array, ...], *numbers: float) -> Array | None:
    """Compute an optimizer's new parameter, and change what it remembers.

    Args:
        name: a key of `UPDATES`.
        w: the parameter, of any shape.
        g: its gradient, of the same shape and dtype.
        remembered: arrays of the same shape and dtype, changed in place.
        numbers: the function's numbers, in its order.

    Returns:
        The new parameter; None, with nothing changed, if the arrays are not all of one float format and shape, or
        what is to change is not contiguous: then the optimizer's own formula has to do.

    Example:
        >>> update("sgd", np.array([1.0]), np.array([0.5]), (), 0.1, 0.0)
        array([0.95])
    """
    dtype, shape = w.dtype, w.shape
    run = KERNELS.get((name, dtype))
    if run is None:
        if dtype not in FORMATS:
            return None
        run = KERNELS[name, dtype] = compiled(name, FORMATS[dtype])
    if g.shape != shape:
        return None
    flat = [w.ravel(), g.ravel()]
    for array in remembered:
        if array.shape != shape or array.flags.num & C_ALIGNED != C_ALIGNED:
            return None
        flat.append(array.ravel())
    out = np.empty(shape, dtype)
    try:
        run(*flat, out.ravel(), *numbers)
    except TypeError:  # they are of several dtypes
        return None
    return out
