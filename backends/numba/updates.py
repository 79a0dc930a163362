"""The optimizers' updates: one call for a list of parameters, and for each of them one pass over its memory.

NumPy needs a pass, and most often a temporary array, for every operator of a formula. The formulas are those of
`chainrule.backends.updates`, compiled for registers full of numbers and for single ones: the new parameter goes to a
new array, what is remembered changes in place.

A network of teaching size has so few numbers that a call costs more than its arithmetic: most of all the unpacking of
its arrays, of which a parameter has up to five. So a kernel is given the address of one Python list of all arrays, and
unpacks them itself (`objects.py`).
"""

from collections.abc import Callable, Sequence
from functools import cache
from inspect import getsource, signature
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
from chainrule.backends.numba.slices import LARGE, Sliced, slices_for
from chainrule.backends.numba.tile import shape
from chainrule.backends.numba.vectors import vectors
from chainrule.backends.updates import FORMULAS

Array = NDArray[Any]
carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker

# The vectors of an array that are read one after the other before the next array's turn comes: the processor fetches
# ahead what it sees read upwards. With a vector of each array in turn, a step of Adam takes 20 to 45% longer for the
# layers of a network, and 5 to 11% longer for an array of 10⁶; with runs that LLVM may mix, 30% longer for that.
RUN = 8


def operands(name: str) -> tuple[list[str], int]:
    """The names of a formula's arrays, and how many numbers it takes."""
    parameters = signature(FORMULAS[name]).parameters.values()
    arrays = [parameter.name for parameter in parameters if parameter.annotation is not float]
    return arrays, len(parameters) - len(arrays)


UPDATES = {name: operands(name) for name in FORMULAS}


MISFIT = -1  # instead of a number of elements


def written(name: str) -> str:
    """The text of a function: the formula for the elements of parameter i between two places, in a list as for `over`.

    For Adam, with runs of one vector, it would read:

        new, w, g, mean, square = data(o[0 * n + i], start), data(o[1 * n + i], start), ...
        here, end = 0, (stop - start) * item
        while here <= end - 1 * size:
            w0 = load(w + here + 0 * size)
            ...
            new0, mean0, square0, = formula(w0, g0, mean0, square0, *numbers)
            store(new0, new + here + 0 * size)
            ...
            here += 1 * size
        of_new = rest(new + here, end - here)
        ...
        for k in range(of_new.size):
            of_new[k], of_mean[k], of_square[k], = formula(of_w[k], of_g[k], of_mean[k], of_square[k], *numbers)
    """
    given = UPDATES[name][0]
    changed, every = ["new", *given[2:]], ["new", *given]

    def listed(text: str, names: list[str], k: int = 0) -> str:
        return "".join(text.format(x, k) + ", " for x in names)

    loads = [f"        {x}{k} = load({x} + here + {k} * size)" for x in given for k in range(RUN)]
    steps = []
    for k in range(RUN):
        steps.append(f"        {listed('{}{}', changed, k)}= formula({listed('{}{}', given, k)}*numbers)")
        steps += [f"        store({x}{k}, {x} + here + {k} * size)" for x in reversed(changed)]
    places = ", ".join(f"data(o[{k} * n + i], start)" for k in range(len(every)))
    return "\n".join(
        [
            "def apply(o, n, i, start, stop, numbers):",
            f"    {', '.join(every)} = {places}",
            "    here, end = 0, (stop - start) * item",
            f"    while here <= end - {RUN} * size:",
            *loads,
            *steps,
            f"        here += {RUN} * size",
            *(f"    of_{x} = rest({x} + here, end - here)" for x in every),
            "    for k in range(of_new.size):",
            f"        {listed('of_{}[k]', changed)}= formula({listed('of_{}[k]', given)}*numbers)",
        ]
    )


@cache
def application(f: Format, name: str) -> Any:
    """The function whose text is `written`."""
    floats, item, v = at(f), np.dtype(f.real).itemsize, vectors(f)

    @inlined
    def data(array: int, start: int) -> Any:
        return words(array)[DATA] + start * item

    @inlined
    def rest(place: int, size: int) -> Any:
        return carray(floats(place), size // item)

    scope = {
        "data": data,
        "rest": rest,
        "item": item,
        "size": v.size,
        "load": v.load_in_turn,
        "store": v.store,
    }
    scope["formula"] = inlined(FORMULAS[name])
    exec(written(name), scope)  # noqa: S102 -- the text above
    return inlined(scope["apply"])


def source(name: str) -> str:
    """All the text that the kernels of an update depend on beside this package's."""
    return written(name) + getsource(FORMULAS[name])


def over(f: Format, name: str) -> Callable[..., int]:
    """A formula for a list of parameters: `(list, count, most, numbers)`.

    The list, given as an address, holds the new parameters, the old ones, the gradients, and what is remembered:
    `count` arrays of each. Where something in it does not fit, the result is `MISFIT`; where there are more than
    `most` elements, it is their number; and then nothing has changed.
    """
    apply, kinds = application(f, name), len(UPDATES[name][0]) + 1

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
    """The same for some of the slices that every parameter is cut into: `(list, count, slices, which, numbers)`.

    Runs are left whole: an element that is computed by itself may be rounded otherwise.
    """
    apply, run_length = application(f, name), RUN * shape(f).lanes

    def run(objects: int, count: int, slices: int, which: Array, numbers: Any) -> None:
        o = words(words(objects)[ITEMS])
        for i in range(count):
            length = size(o[i])
            start = edge(length, slices, which[0], run_length)
            stop = edge(length, slices, which[-1] + 1, run_length)
            apply(o, count, i, start, stop, numbers)

    return run


KERNELS: dict[tuple[str, np.dtype[Any]], Callable[..., int]] = {}  # those that have been needed


def numbers_of(name: str, f: Format) -> Any:
    """The type of an update's numbers."""
    return types.UniTuple(numba.from_dtype(np.dtype(f.real)), UPDATES[name][1])  # type: ignore[no-untyped-call]


@cache
def compiled(name: str, f: Format) -> Callable[..., int]:
    """The kernel of one update for arrays of one format."""
    arguments = *[types.int64] * 3, numbers_of(name, f)
    return kernel(over(f, name), f"{name}-{f.name}", *arguments, source=source(name))


@cache
def sliced(name: str, f: Format) -> Sliced:
    """The kernel of one update for large arrays."""
    arguments = *[types.int64] * 3, read_only(np.int64), numbers_of(name, f)
    run = kernel(over_slices(f, name), f"{name}-slices-{f.name}", *arguments, source=source(name))
    return Sliced(run, 3, unit=1)


def update(name: str, arrays: Sequence[Sequence[Any]], numbers: tuple[float, ...]) -> list[Array] | None:
    """Compute an optimizer's new parameters, and change what it remembers.

    Args:
        name: a key of `UPDATES`.
        arrays: the parameters, of any shapes, at least one; of each the gradient, of its shape and dtype; then of each
            what is remembered, likewise.
        numbers: the formula's numbers, in its order.

    Returns:
        The new parameters; None, with nothing changed, if these are not arrays of one float format whose shapes agree,
        or what is to change is not contiguous: then the formula has to do.

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
