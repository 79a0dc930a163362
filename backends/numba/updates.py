"""The optimizers' updates: one call for a list of parameters, and for each of them one pass over its memory.

NumPy needs a pass, and most often a temporary array, for every operator of a formula. The formulas are those of
`chainrule.nn.optim`: the new parameter goes to a new array, what is remembered changes in place.

A network of teaching size has so few numbers that a call costs more than its arithmetic: most of all the unpacking of
its arrays, of which a parameter has up to five. So a kernel is given the address of one Python list of all arrays, and
unpacks them itself (`objects.py`).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends.numba.bits import at, words
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined, kernel
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS
from chainrule.backends.numba.objects import DATA, ITEMS, READABLE, SIZE, WRITEABLE, fits, size

Array = NDArray[Any]
carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker


# The formulas, for flat arrays: the parameter, its gradient, what is remembered, the new parameter, and the numbers.


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


def over(f: Format, function: Callable[..., None], remembered: int) -> Callable[..., bool]:
    """A formula for a list of parameters: `(list, count, numbers)`, False if anything in it does not fit.

    The list, given as an address, holds the new parameters, the old ones, the gradients, and what is remembered:
    `count` arrays of each. Nothing has changed where it does not fit.
    """
    floats, formula = at(f), inlined(function)

    @inlined
    def data(array: int) -> Array:
        return carray(floats(words(array)[DATA]), size(array))  # type: ignore[no-any-return]

    def without(o: Any, n: int, i: int, numbers: Any) -> None:
        formula(data(o[n + i]), data(o[2 * n + i]), data(o[i]), *numbers)

    def with_one(o: Any, n: int, i: int, numbers: Any) -> None:
        formula(data(o[n + i]), data(o[2 * n + i]), data(o[3 * n + i]), data(o[i]), *numbers)

    def with_two(o: Any, n: int, i: int, numbers: Any) -> None:
        old, g, first, second = data(o[n + i]), data(o[2 * n + i]), data(o[3 * n + i]), data(o[4 * n + i])
        formula(old, g, first, second, data(o[i]), *numbers)

    apply, kinds = inlined((without, with_one, with_two)[remembered]), remembered + 3

    def run(objects: int, count: int, numbers: Any) -> bool:
        if words(objects)[SIZE] != kinds * count:
            return False
        o = words(words(objects)[ITEMS])
        for kind in range(1, kinds):
            flags = C_ALIGNED if kind < 3 else C_ALIGNED | WRITEABLE
            for i in range(count):
                if not fits(o[kind * count + i], o[i], flags):
                    return False
        for i in range(count):
            apply(o, count, i, numbers)
        return True

    return run


KERNELS: dict[tuple[str, np.dtype[Any]], Callable[..., bool]] = {}  # those that have been needed


@cache
def compiled(name: str, f: Format) -> Callable[..., bool]:
    """The kernel of one update for arrays of one format."""
    function, remembered, numbers = UPDATES[name]
    real = numba.from_dtype(np.dtype(f.real))
    values: Any = types.UniTuple(real, numbers)  # type: ignore[no-untyped-call]
    return kernel(over(f, function, remembered), f"{name}-{f.name}", types.int64, types.int64, values)


def update(name: str, arrays: Sequence[Sequence[Any]], numbers: tuple[float, ...]) -> list[Array] | None:
    """Compute an optimizer's new parameters, and change what it remembers.

    Args:
        name: a key of `UPDATES`.
        arrays: the parameters, of any shapes, at least one; of each the gradient, of its shape and dtype; then of each
            what is remembered, likewise.
        numbers: the function's numbers, in its order.

    Returns:
        The new parameters; None, with nothing changed, if these are not arrays of one float format whose shapes agree,
        or what is to change is not contiguous: then the optimizer's own formula has to do.

    Example:
        >>> update("sgd", [[np.array([1.0])], [np.array([0.5])]], (0.1, 0.0))
        [array([0.95])]
    """
    ws = arrays[0]
    dtype, count = ws[0].dtype, len(ws)
    run = KERNELS.get((name, dtype))
    if run is None:
        if name not in UPDATES or dtype not in FORMATS or not READABLE:
            return None
        run = KERNELS[name, dtype] = compiled(name, FORMATS[dtype])
    outs = [np.empty(w.shape, dtype) for w in ws]
    objects = outs.copy()
    for each in arrays:
        objects += each
    try:
        if run(id(objects), count, numbers):
            return outs
        # The gradient of a parameter that was used transposed is transposed.
        objects[count : 3 * count] = [np.asarray(array, order="C") for array in objects[count : 3 * count]]
        return outs if run(id(objects), count, numbers) else None
    except TypeError:  # the numbers are none
        return None
