"""The formulas of the optimizers in NumPy: the new data of one parameter, in a new array.

Each takes the parameter w, its gradient g, what is remembered of it, which changes in place, and numbers. The kernels
of `chainrule.backends.numba.updates` have the same names and arguments.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def sgd(w: Array, g: Array, lr: float, decay: float) -> Array:
    """Return w − lr·g.

    Args:
        w: the parameter.
        g: its gradient; decay·w is added to it, here and in the others.
        lr: the learning rate.
        decay: the weight decay.

    Example:
        >>> sgd(np.array([2.0]), np.array([1.0]), 0.5, 0.25)
        array([1.25])
    """
    if decay:
        g = g + decay * w
    return _less(w, g, lr)


def momentum(w: Array, g: Array, velocity: Array, lr: float, keep: float, decay: float) -> Array:
    """Return w − lr·v, after v ← keep·v + g (Polyak 1964).

    Example:
        >>> momentum(np.array([2.0]), np.array([1.0]), np.array([4.0]), 0.5, 0.25, 0.0)
        array([1.])
    """
    if decay:
        g = g + decay * w
    velocity *= keep
    velocity += g
    return _less(w, velocity, lr)


def nesterov(w: Array, g: Array, velocity: Array, lr: float, keep: float, decay: float) -> Array:
    """Return w − lr·(g + keep·v), after v ← keep·v + g (Sutskever et al. 2013).

    Example:
        >>> nesterov(np.array([2.0]), np.array([1.0]), np.array([4.0]), 0.5, 0.25, 0.0)
        array([1.25])
    """
    if decay:
        g = g + decay * w
    velocity *= keep
    velocity += g
    return _less(w, g + keep * velocity, lr)


def rmsprop(
    w: Array, g: Array, square: Array, lr: float, keep: float, rest: float, eps: float, decay: float
) -> Array:
    """Return w − lr·g / (√s + eps), after s ← keep·s + rest·g²; with keep = rest = 1 this is Adagrad.

    Example:
        >>> rmsprop(np.array([2.0]), np.array([2.0]), np.array([0.0]), 0.5, 0.75, 0.25, 0.0, 0.0)
        array([1.])
    """
    if decay:
        g = g + decay * w
    square *= keep
    square += rest * np.square(g)
    return _scaled(w, g, square, lr, eps)


def adam(
    w: Array, g: Array, mean: Array, square: Array,
    lr: float, keep1: float, rest1: float, keep2: float, rest2: float, eps: float, decay: float, shrink: float,
) -> Array:  # fmt: skip
    """Return shrink·w − lr·m / (√s + eps), after m ← keep1·m + rest1·g and s ← keep2·s + rest2·g².

    Example:
        >>> adam(np.array([2.0]), np.array([2.0]), np.zeros(1), np.zeros(1), 0.5, 0.5, 0.5, 0.75, 0.25, 0.0, 0.0, 1.0)
        array([1.5])
    """
    if decay:
        g = g + decay * w
    mean *= keep1
    mean += rest1 * g
    square *= keep2
    square += rest2 * np.square(g)
    return _scaled(w * shrink if shrink != 1 else w, mean, square, lr, eps)


FORMULAS: dict[str, Callable[..., Array]] = {
    "sgd": sgd, "momentum": momentum, "nesterov": nesterov, "rmsprop": rmsprop, "adam": adam
}  # fmt: skip


def _less(w: Array, g: Array, lr: float) -> Array:
    """Return w − lr·g, in one new array."""
    step = np.multiply(g, lr, np.empty_like(w))
    return np.subtract(w, step, step)


def _scaled(w: Array, g: Array, square: Array, lr: float, eps: float) -> Array:
    """Return w − lr·g / (√square + eps), in one new array."""
    work = np.sqrt(square, np.empty_like(w))
    work += eps
    np.divide(g, work, work)
    work *= lr
    return np.subtract(w, work, work)
