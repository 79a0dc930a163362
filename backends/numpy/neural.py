"""Primitives of neural networks."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends import layers
from chainrule.backends.gradients import Keeping
from chainrule.backends.numpy.elementwise import gelu, guard, relu, sigmoid, silu, softplus
from chainrule.backends.numpy.reduce import max, mean, sum
from chainrule.backends.special import erf

Array = NDArray[Any]
Axes = tuple[int, ...]


# The activations that a layer may end in, and what of the table their derivative rules use.
_ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "relu": relu, "tanh": np.tanh, "sigmoid": sigmoid, "silu": silu, "gelu": gelu, "softplus": softplus
}  # fmt: skip
_IN_RULES = SimpleNamespace(
    where=np.where, greater=np.greater, exp=np.exp, erf=erf, sigmoid=sigmoid, guard=guard
)


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Return x Wᵀ + b for x (..., in), weight (out, in) and bias (out,)."""
    out: Array = np.dot(x, weight.T)  # has less to ask about small operands than matmul
    out += bias
    return out


def linear_activation(x: Array, weight: Array, bias: Array, activation: str = "") -> Array:
    """Return `linear`, and an activation of it."""
    out = linear(x, weight, bias)
    return _apply(activation, out) if activation else out


def _apply(activation: str, z: Array) -> Array:
    return _ACTIVATIONS[activation](z)


def before_activation(g: Array, y: Array, activation: str) -> tuple[Array, Array]:
    """Return the cotangent of z, and the sum of its rows; see `chainrule.backends.layers`."""
    found = layers.before_activation(_IN_RULES, g, y, activation)
    return found, np.dot(np.ones(len(found), found.dtype), found)


def _linear_weight(g: Array, out: Array, x: Array, weight: Array, bias: Array) -> Array | None:
    return np.dot(g.T, x) if g.ndim == 2 else None


def _linear_bias(g: Array, out: Array, x: Array, weight: Array, bias: Array) -> Array | None:
    return np.dot(np.ones(len(g), g.dtype), g) if g.ndim == 2 else None


def softmax(x: Array, axis: int) -> Any:
    with np.errstate(all="ignore"):
        powers = np.exp(x - max(x, axis, keepdims=True, initial=-np.inf))
        return powers / sum(powers, axis, keepdims=True)


def log_softmax(x: Array, axis: int) -> Any:
    with np.errstate(all="ignore"):
        shifted = x - max(x, axis, keepdims=True, initial=-np.inf)
        return shifted - np.log(sum(np.exp(shifted), axis, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> Any:
    """Return −log softmax(logits)[label] for each row of (N, C) logits and (N,) integer labels."""
    return _cross_entropy(logits, labels)[0]


def _cross_entropy(logits: Array, labels: Array) -> tuple[Any, tuple[Any, ...]]:
    """Return `cross_entropy`, and for its derivative softmax as numerators and denominators."""
    with np.errstate(all="ignore"):
        axis, scores, powers, sums = _powers(logits)
        rows = np.arange(len(labels))
        place = (rows, labels) if axis else (labels, rows)
        return np.log(sums.reshape(len(labels))) - scores[place], (place, powers, sums)


def _cross_entropy_gradient(
    kept: tuple[Any, Array, Array], g: Array, out: Array, logits: Array, labels: Array
) -> Array:
    """Return g (softmax(logits) − one_hot(labels))."""
    place, powers, sums = kept
    found: Array = powers * (g.reshape(sums.shape) / sums)
    found[place] -= g
    return found.T if place[0] is labels else found


def soft_cross_entropy(logits: Array, targets: Array) -> Any:
    """Return −Σ y log softmax(logits) for each row y of (N, C) targets; y = 0 counts nothing, even of −inf."""
    return _soft_cross_entropy(logits, targets)[0]


def _soft_cross_entropy(logits: Array, targets: Array) -> tuple[Any, tuple[Any, ...]]:
    """Return `soft_cross_entropy`, and for its derivative numerators, their factors, and the targets as these lie."""
    with np.errstate(all="ignore"):
        axis, scores, powers, sums = _powers(logits)
        rows, scores = (targets, scores) if axis else (targets.T, scores.T)
        shares, chosen = sum(rows, axis, keepdims=True), np.vecdot(targets, scores)
        if np.isnan(chosen).any():
            nothing = (targets == 0) & (scores == -np.inf)
            chosen = np.vecdot(targets, np.where(nothing, 0, scores))
        logarithms = np.log(np.maximum(sums, 1))  # below 1 is the sum of no classes alone
        return (shares * logarithms).reshape(len(logits)) - chosen, (axis, powers, shares / sums, rows)


def _soft_logits(kept: tuple[Any, ...], g: Array, out: Array, logits: Array, targets: Array) -> Array:
    """Return g (softmax(logits) Σ y − y)."""
    axis, powers, factors, rows = kept
    found: Array = powers * factors
    found -= rows
    found *= g.reshape(factors.shape)
    return found if axis else found.T


def _soft_targets(kept: Any, g: Array, out: Array, logits: Array, targets: Array) -> Any:
    """Return −g log softmax(logits)."""
    return np.expand_dims(-g, -1) * log_softmax(logits, -1)


def _powers(logits: Array) -> tuple[int, Array, Array, Array]:
    """Return the axis of the classes, the logits less the largest, their exponentials, and the sums of these.

    NumPy reduces a short last axis slowly: many rows of few classes are laid upright.
    """
    n, classes = logits.shape
    upright = classes < min(n, 64)
    axis, scores = (0, logits.T.copy()) if upright else (1, logits)
    scores = scores - max(scores, axis, keepdims=True, initial=-np.inf)
    powers = np.exp(scores)
    return axis, scores, powers, sum(powers, axis, keepdims=True)


gradients = {
    "linear": (lambda g, out, x, weight, bias: np.dot(g, weight), _linear_weight, _linear_bias),
}
keeping = {
    "cross_entropy": Keeping(_cross_entropy, (_cross_entropy_gradient, None)),
    "soft_cross_entropy": Keeping(_soft_cross_entropy, (_soft_logits, _soft_targets)),
    "linear_activation": layers.keeping(linear_activation, _apply, before_activation, np.dot),
}


def standardize(x: Array, axis: Axes, eps: float) -> Any:
    centred = x - mean(x, axis, True)
    return centred / np.sqrt(mean(np.square(centred), axis, True) + eps)


def normalize(x: Array, weight: Array, bias: Array, axis: Axes, eps: float) -> Any:
    """Return `standardize` scaled and shifted by arrays that broadcast to x."""
    return standardize(x, axis, eps) * weight + bias
