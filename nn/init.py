"""Initial weights: functions from a shape to an array, drawn from the package's generator or a given one.

Shapes are (out, in), or (out, in, *window) for convolutions. Numbers are drawn in float64 and then rounded, so that
one seed gives the same weights in every dtype. Biases begin at 0.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import random
from chainrule.nn.names import look_up

Array = NDArray[Any]
Shape = tuple[int, ...]
Init = Callable[..., Array]
Generator = np.random.Generator | None


def zeros(shape: Shape, generator: Generator = None, dtype: Any = np.float32) -> Array:
    """All 0: right for biases and for a single layer; the units of a hidden layer would all stay alike.

    Args:
        shape: of the array.
        generator: not needed; every function here takes one.
        dtype: a float dtype.

    Example:
        >>> zeros((1, 2))
        array([[0., 0.]], dtype=float32)
    """
    return np.zeros(shape, dtype)


def constant(shape: Shape, generator: Generator = None, dtype: Any = np.float32, value: float = 1.0) -> Array:
    """All the same `value`; other arguments as `zeros`.

    Example:
        >>> constant((1, 2), value=0.5)
        array([[0.5, 0.5]], dtype=float32)
    """
    return np.full(shape, value, dtype)


def normal(shape: Shape, generator: Generator = None, dtype: Any = np.float32, std: float = 0.01) -> Array:
    """Small random numbers around 0, ``randn(*shape) * 0.01``, where sigmoid and tanh have their steepest slope.

    Args:
        shape: of the array.
        generator: what to draw from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.
        std: standard deviation.

    Example:
        >>> normal((100, 100), np.random.default_rng(0)).std().round(3)
        np.float32(0.01)
    """
    rng = random.generator() if generator is None else generator
    return (std * rng.standard_normal(shape)).astype(dtype)


def uniform(shape: Shape, generator: Generator = None, dtype: Any = np.float32, bound: float = 0.01) -> Array:
    """Random numbers between −bound and bound, all equally likely; other arguments as `normal`.

    Example:
        >>> bool((abs(uniform((9, 9), bound=0.1)) <= 0.1).all())
        True
    """
    rng = random.generator() if generator is None else generator
    return rng.uniform(-bound, bound, shape).astype(dtype)


def xavier_normal(shape: Shape, generator: Generator = None, dtype: Any = np.float32) -> Array:
    """Normal with variance 2 / (fan_in + fan_out): tanh and sigmoid layers pass signals on at their size.

    Arguments as `normal` (Glorot and Bengio 2010).

    Example:
        >>> xavier_normal((100, 300), np.random.default_rng(0)).std().round(3)
        np.float32(0.071)
    """
    fan_in, fan_out = fans(shape)
    return normal(shape, generator, dtype, math.sqrt(2 / (fan_in + fan_out)))


def xavier_uniform(shape: Shape, generator: Generator = None, dtype: Any = np.float32) -> Array:
    """Uniform with the variance of `xavier_normal`: the bound is √(6 / (fan_in + fan_out)).

    Example:
        >>> bool((abs(xavier_uniform((2, 4))) <= 1).all())
        True
    """
    fan_in, fan_out = fans(shape)
    return uniform(shape, generator, dtype, math.sqrt(6 / (fan_in + fan_out)))


def he_normal(
    shape: Shape, generator: Generator = None, dtype: Any = np.float32, negative_slope: float = 0.0
) -> Array:
    """Normal with variance 2 / fan_in: makes up for the half of the signal that relu cuts off.

    Arguments as `normal` (He et al. 2015), and the `negative_slope` of a leaky relu.

    Example:
        >>> he_normal((300, 200), np.random.default_rng(0)).std().round(3)
        np.float32(0.1)
    """
    return normal(shape, generator, dtype, math.sqrt(2 / (1 + negative_slope**2) / fans(shape)[0]))


def he_uniform(
    shape: Shape, generator: Generator = None, dtype: Any = np.float32, negative_slope: float = 0.0
) -> Array:
    """Uniform with the variance of `he_normal`: the bound is √(6 / fan_in) for relu.

    Example:
        >>> bool((abs(he_uniform((2, 6))) <= 1).all())
        True
    """
    return uniform(shape, generator, dtype, math.sqrt(6 / (1 + negative_slope**2) / fans(shape)[0]))


def orthogonal(
    shape: Shape, generator: Generator = None, dtype: Any = np.float32, gain: float = 1.0
) -> Array:
    """Rows (or columns, if there are fewer) of length `gain`, at right angles to each other: no signal grows or fades.

    All axes after the first count as one, as in PyTorch. Arguments as `normal` (Saxe et al. 2014), and the `gain`.

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> weights = orthogonal((2, 3), np.random.default_rng(0), np.float64)
        >>> bool(np.allclose(weights @ weights.T, np.eye(2)))
        True
    """
    if len(shape) < 2:
        raise ValueError(
            f"orthogonal needs a weight of shape (out, in, ...), got {shape}; use zeros or normal"
        )
    rng = random.generator() if generator is None else generator
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # The signs of R's diagonal make every orthogonal matrix equally likely (Mezzadri 2007).
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


INITS: dict[str, Init] = {
    f.__name__: f
    for f in (
        zeros, constant, normal, uniform, xavier_normal, xavier_uniform, he_normal, he_uniform, orthogonal,
    )
}  # fmt: skip
_BY_ACTIVATION: dict[str, Init] = {
    "relu": he_normal,
    "leaky_relu": partial(he_normal, negative_slope=0.01),
    "elu": he_normal,
    "gelu": he_normal,
    "silu": he_normal,
    "softplus": he_normal,
}


def by_name(init: str | Init) -> Init:
    """Return an init function itself, or the one of this name.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> by_name("zeros") is zeros
        True
    """
    return init if callable(init) else look_up("init", init, INITS)


def for_activation(name: str) -> Init:
    """Return the init that suits the activation after a layer: He for relu and its kin, Xavier for the others.

    Example:
        >>> for_activation("relu").__name__, for_activation("tanh").__name__
        ('he_normal', 'xavier_normal')
    """
    return _BY_ACTIVATION.get(name, xavier_normal)


def fans(shape: Shape) -> tuple[int, int]:
    """Return how many inputs feed one output of a layer with weights of this shape, and the other way round.

    Raises:
        ValueError: fewer than two axes.

    Example:
        >>> fans((32, 64)), fans((8, 3, 5, 5))
        ((64, 32), (75, 200))
    """
    if len(shape) < 2:
        raise ValueError(
            f"Xavier and He need a weight of shape (out, in, ...), got {shape}; use zeros or normal"
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window
