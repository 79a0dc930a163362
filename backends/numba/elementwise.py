"""Functions of one array, element by element: one loop around a function of `math.py`, one for each float format."""

import math as libm
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba import activations, math
from chainrule.backends.numba.bits import Scalar, select
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64, Format
from chainrule.backends.numba.compile import kernel, read_only, writeable
from chainrule.backends.numba.slices import LARGE, Sliced

Array = NDArray[Any]
FORMATS = {np.dtype(f.real): f for f in (FLOAT32, FLOAT64)}
C_ALIGNED = 0x101  # `flags.num` of an array that is C-contiguous and aligned

# From how many elements on each kernel is measured to be faster than NumPy's function, the call included
# (`benchmarks/kernels.py`). log and log1p are missing: NumPy's are as fast.
SMALLEST = {
    "exp": 4096,
    "expm1": 4096,
    "sin": 8192,
    "cos": 8192,
    "erf": 0,
    "tanh": 4096,
    "sigmoid": 0,
    "log_sigmoid": 0,
    "softplus": 0,
    "silu": 0,
    "gelu": 0,
    "relu": 0,
    "leaky_relu": 0,
    "elu": 0,
    "selu": 0,
    "celu": 0,
    "mish": 0,
    "softsign": 0,
    "relu6": 0,
    "hardsigmoid": 0,
    "hardswish": 0,
}
WITH_PARAMETER = ("leaky_relu", "elu", "celu")


def loop_over(scalar: Scalar) -> Callable[..., Any]:
    """Apply a scalar function to each element of a flat array."""

    def loop(x: Array, out: Array) -> None:
        for i in range(out.size):
            out[i] = scalar(x[i])

    return loop


def loop_with_parameter(scalar: Scalar) -> Callable[..., Any]:
    """The same for a function of an element and a number."""

    def loop(x: Array, parameter: float, out: Array) -> None:
        for i in range(out.size):
            out[i] = scalar(x[i], parameter)

    return loop


def trigonometric_loop(f: Format, quarter_turns: int) -> Callable[..., Any]:
    """The vector loop for the arguments it is exact for, then, if there are any others, a slow loop for those."""
    fast, slow, limit = math.sin_or_cos(f, quarter_turns), (libm.sin, libm.cos)[quarter_turns], f.exact_sin
    integer, no, yes = (
        f.integer,
        f.integer(0),
        f.integer(1),
    )  # as wide as the numbers: a wider one halves the vectors

    def loop(x: Array, out: Array) -> None:
        far = no
        for i in range(out.size):
            out[i] = fast(x[i])
            far = integer(far | select(abs(x[i]) > limit, yes, no))
        if far:
            for i in range(out.size):
                if abs(x[i]) > limit:
                    out[i] = slow(x[i])

    return loop


def compiled(name: str, f: Format) -> Callable[..., Any]:
    """The kernel `(x, out) -> None` or `(x, parameter, out) -> None` of a function for flat arrays of one format."""
    types: list[Any] = [read_only(f.real), writeable(f.real)]
    place = math if hasattr(math, name) else activations
    if name in ("sin", "cos"):
        loop = trigonometric_loop(f, ("sin", "cos").index(name))
    elif name in WITH_PARAMETER:
        loop = loop_with_parameter(getattr(place, name)(f))
        types.insert(1, numba.from_dtype(np.dtype(f.real)))
    else:
        loop = loop_over(getattr(place, name)(f))
    return kernel(loop, f"{name}-{f.name}", *types)


def sliced(name: str, f: Format) -> Sliced:
    """The same kernel for large arrays."""
    return Sliced(compiled(name, f), 0, 2 if name in WITH_PARAMETER else 1)


def elementwise(name: str) -> Callable[..., Array]:
    """The table's function: any array in, a fresh array out; what has no kernel goes to the NumPy table.

    Args:
        name: a key of `SMALLEST`.

    Returns:
        A function of one array of any shape, strides and dtype (and of a number, if it has a parameter). Its
        kernel is compiled at the first call for float32 and for float64.

    Example:
        >>> elementwise("relu")(np.array([-1.0, 2.0]))
        array([0., 2.])
    """
    fallback, smallest = getattr(reference, name), SMALLEST.get(name, 0)
    kernels: dict[np.dtype[Any], Callable[..., Any]] = {}
    shared: dict[np.dtype[Any], Callable[..., Any]] = {}

    def function(x: Array, *parameters: float) -> Array:
        if type(x) is not np.ndarray or (size := x.size) < smallest:
            return fallback(x, *parameters)  # type: ignore[no-any-return]
        run = (kernels if size < LARGE else shared).get(x.dtype)
        if run is None or x.flags.num & C_ALIGNED != C_ALIGNED:
            return otherwise(x, *parameters)
        out = np.empty(x.shape, x.dtype)
        run(x.ravel(), *parameters, out.ravel())
        return out

    def otherwise(x: Array, *parameters: float) -> Array:
        if x.dtype not in FORMATS:
            return fallback(x, *parameters)  # type: ignore[no-any-return]
        if x.dtype not in kernels:
            shared[x.dtype] = several = sliced(name, FORMATS[x.dtype])
            kernels[x.dtype] = several.alone
        if x.flags.num & C_ALIGNED == C_ALIGNED:
            return function(x, *parameters)
        if x.T.flags.num & C_ALIGNED == C_ALIGNED:
            return function(x.T, *parameters).T
        return function(np.array(x, order="C"), *parameters)

    function.__name__ = name
    return function


def leaky_relu(x: Array, negative_slope: float) -> Array:
    return _leaky_relu(x, negative_slope)


def elu(x: Array, alpha: float) -> Array:
    return _elu(x, alpha)


def celu(x: Array, alpha: float) -> Array:
    return _celu(x, alpha)


def prelu(x: Array, slope: Array) -> Any:
    """By the kernel where there is one slope for all."""
    if (
        type(x) is type(slope) is np.ndarray
        and slope.size == 1
        and slope.ndim <= x.ndim
        and slope.dtype == x.dtype
    ):
        return _leaky_relu(x, slope.item())
    return reference.prelu(x, slope)


_leaky_relu, _elu, _celu = map(elementwise, WITH_PARAMETER)
TABLE = {name: elementwise(name) for name in SMALLEST} | {
    "leaky_relu": leaky_relu, "elu": elu, "celu": celu, "prelu": prelu
}  # fmt: skip
