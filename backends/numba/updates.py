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
from chainrule.backends.numba.compile import inlined, kernel, read_only
from chainrule.backends.numba.crew import edge
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS
from chainrule.backends.numba.objects import DATA, ITEMS, READABLE, SIZE, WRITEABLE, fits, size
from chainrule.backends.numba.slices import LARGE, UNIT, Sliced, slices_for

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


MISFIT = -1  # instead of a number of elements


@cache
def application(f: Format, name: str) -> Any:
    """A function: the formula for the elements of parameter i between two places, in a list as `over` is given."""
    function, remembered, _ = UPDATES[name]
    floats, formula, item = at(f), inlined(function), np.dtype(f.real).itemsize

    @inlined
    def data(array: int, start: int, stop: int) -> Array:
        return carray(floats(words(array)[DATA] + start * item), stop - start)  # type: ignore[no-any-return]

    def without(o: Any, n: int, i: int, a: int, b: int, numbers: Any) -> None:
        formula(data(o[n + i], a, b), data(o[2 * n + i], a, b), data(o[i], a, b), *numbers)

    def with_one(o: Any, n: int, i: int, a: int, b: int, numbers: Any) -> None:
        old, g, first = data(o[n + i], a, b), data(o[2 * n + i], a, b), data(o[3 * n + i], a, b)
        formula(old, g, first, data(o[i], a, b), *numbers)

    def with_two(o: Any, n: int, i: int, a: int, b: int, numbers: Any) -> None:
        old, g, first = data(o[n + i], a, b), data(o[2 * n + i], a, b), data(o[3 * n + i], a, b)
        formula(old, g, first, data(o[4 * n + i], a, b), data(o[i], a, b), *numbers)

    return inlined((without, with_one, with_two)[remembered])


def over(f: Format, name: str) -> Callable[..., int]:
    """A formula for a list of parameters: `(list, count, most, numbers)`.

    The list, given as an address, holds the new parameters, the old ones, the gradients, and what is remembered:
    `count` arrays of each. Where something in it does not fit, the result is `MISFIT`; where there are more than
    `most` elements, it is their number; and then nothing has changed.
    """
    apply, kinds = application(f, name), UPDATES[name][1] + 3

    def run(objects: int, count: int, most: int, numbers: Any) -> int:
        if words(objects)[SIZE] != kinds * count:
            return MISFIT
        o, elements = words(words(objects)[ITEMS]), 0
        for kind in range(1, kinds):
            flags = C_ALIGNED if kind < 3 else C_ALIGNED | WRITEABLE
            for i in range(count):
                if not fits(o[kind * count + i], o[i], flags):
                    return MISFIT
        for i in range(count):
            elements += size(o[i])
        if elements > most:
            return elements
        for i in range(count):
            apply(o, count, i, 0, size(o[i]), numbers)
        return 0

    return run


def over_slices(f: Format, name: str) -> Callable[..., None]:
    """The same for some of the slices that every parameter is cut into: `(list, count, slices, which, numbers)`."""
    apply = application(f, name)

    def run(objects: int, count: int, slices: int, which: Array, numbers: Any) -> None:
        o = words(words(objects)[ITEMS])
        for i in range(count):
            length = size(o[i])
            start, stop = edge(length, slices, which[0], UNIT), edge(length, slices, which[-1] + 1, UNIT)
            apply(o, count, i, start, stop, numbers)

    return run


KERNELS: dict[tuple[str, np.dtype[Any]], Callable[..., int]] = {}  # those that have been needed


def numbers_of(name: str, f: Format) -> Any:
    """The type of an update's numbers."""
    return types.UniTuple(numba.from_dtype(np.dtype(f.real)), UPDATES[name][2])  # type: ignore[no-untyped-call]


@cache
def compiled(name: str, f: Format) -> Callable[..., int]:
    """The kernel of one update for arrays of one format."""
    return kernel(over(f, name), f"{name}-{f.name}", *[types.int64] * 3, numbers_of(name, f))


@cache
def sliced(name: str, f: Format) -> Sliced:
    """The kernel of one update for large arrays."""
    arguments = *[types.int64] * 3, read_only(np.int64), numbers_of(name, f)
    return Sliced(kernel(over_slices(f, name), f"{name}-slices-{f.name}", *arguments), 3, unit=1)


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
        found = run(id(objects), count, LARGE, numbers)
        if found == MISFIT:
            # The gradient of a parameter that was used transposed is transposed.
            objects[count : 3 * count] = [
                np.asarray(array, order="C") for array in objects[count : 3 * count]
            ]
            found = run(id(objects), count, LARGE, numbers)
        if found > LARGE:
            slices = slices_for(found)
            if slices == 1:
                run(id(objects), count, found, numbers)
            else:
                sliced(name, FORMATS[dtype]).run(
                    found, id(objects), count, slices, np.arange(slices), numbers
                )
    except TypeError:  # the numbers are none
        return None
    return None if found == MISFIT else outs
