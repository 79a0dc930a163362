"""Primitives of neural networks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends.numpy.reduce import max, mean, sum

Array = NDArray[Any]
Axes = tuple[int, ...]


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Return x Wᵀ + b for x (..., in), weight (out, in) and bias (out,)."""
    out: Array = np.matmul(x, weight.T)
    out += bias
    return out


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
    rows = np.arange(labels.shape[0])
    return -log_softmax(logits, -1)[rows, labels]


def standardize(x: Array, axis: Axes, eps: float) -> Any:
    centred = x - mean(x, axis, True)
    return centred / np.sqrt(mean(np.square(centred), axis, True) + eps)
