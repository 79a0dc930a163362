"""The formulas of the optimizers, each written once: NumPy runs them on arrays, the numba backend compiles them.

Each takes a parameter w, its gradient g, what is remembered of it, and numbers, which are annotated as floats. It
returns the new parameter, and what is remembered from now on. What changes is changed by augmented assignments, such
as ``mean *= keep``: an array then changes in place, which spares NumPy a temporary; a number, or a register full of
them, is replaced by another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Formula = Callable[..., tuple[Any, ...]]


def sgd(w: Any, g: Any, lr: float, decay: float) -> tuple[Any]:
    """Return w − lr·g.

    Args:
        w: the parameter.
        g: its gradient; decay·w is added to it, here and in the others.
        lr: the learning rate.
        decay: the weight decay.

    Example:
        >>> sgd(np.array([2.0]), np.array([1.0]), 0.5, 0.25)
        (array([1.25]),)
    """
    if decay:
        g = g + decay * w
    new = -lr * g
    new += w
    return (new,)


def momentum(w: Any, g: Any, velocity: Any, lr: float, keep: float, decay: float) -> tuple[Any, Any]:
    """Return w − lr·v, after v ← keep·v + g (Polyak 1964).

    Example:
        >>> momentum(2.0, 1.0, 4.0, 0.5, 0.25, 0.0)
        (1.0, 2.0)
    """
    if decay:
        g = g + decay * w
    velocity *= keep
    velocity += g
    new = -lr * velocity
    new += w
    return new, velocity


def nesterov(w: Any, g: Any, velocity: Any, lr: float, keep: float, decay: float) -> tuple[Any, Any]:
    """Return w − lr·(g + keep·v), after v ← keep·v + g (Sutskever et al. 2013).

    Example:
        >>> nesterov(2.0, 1.0, 4.0, 0.5, 0.25, 0.0)
        (1.25, 2.0)
    """
    if decay:
        g = g + decay * w
    velocity *= keep
    velocity += g
    new = keep * velocity
    new += g
    new *= -lr
    new += w
    return new, velocity


def rmsprop(
    w: Any, g: Any, square: Any, lr: float, keep: float, rest: float, eps: float, decay: float
) -> tuple[Any, Any]:
    """Return w − lr·g / (√s + eps), after s ← keep·s + rest·g²; with keep = rest = 1 this is Adagrad.

    Example:
        >>> rmsprop(np.array([2.0]), np.array([2.0]), np.array([0.0]), 0.5, 0.75, 0.25, 0.0, 0.0)
        (array([1.]), array([1.]))
    """
    if decay:
        g = g + decay * w
    square *= keep
    work = g * g
    work *= rest
    square += work
    work = np.sqrt(square)
    work += eps
    new = g / work
    new *= -lr
    new += w
    return new, square


def adam(
    w: Any, g: Any, mean: Any, square: Any,
    lr: float, keep1: float, rest1: float, keep2: float, rest2: float, eps: float, decay: float, shrink: float,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return shrink·w − lr·m / (√s + eps), after m ← keep1·m + rest1·g and s ← keep2·s + rest2·g².

    Example:
        >>> adam(np.array([2.0]), np.array([2.0]), np.zeros(1), np.zeros(1), 0.5, 0.5, 0.5, 0.75, 0.25, 0.0, 0.0, 1.0)
        (array([1.5]), array([1.]), array([1.]))
    """
    if decay:
        g = g + decay * w
    mean *= keep1
    mean += rest1 * g
    square *= keep2
    work = g * g
    work *= rest2
    square += work
    work = np.sqrt(square)
    work += eps
    new = mean / work
    new *= -lr
    new += w if shrink == 1 else shrink * w
    return new, mean, square


FORMULAS: dict[str, Formula] = {
    "sgd": sgd, "momentum": momentum, "nesterov": nesterov, "rmsprop": rmsprop, "adam": adam
}  # fmt: skip
