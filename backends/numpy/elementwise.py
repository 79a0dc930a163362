"""Functions of single elements that NumPy lacks, written so that no input overflows on the way to a finite answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends.floats import SELU_ALPHA, SELU_SCALE
from chainrule.backends.special import erfc

Array = NDArray[Any]


def identity(x: Array) -> Array:
    return x


def stop_gradient(x: Array) -> Array:
    return x


def guard(g: Array, contribution: Array) -> Array:
    """Return `contribution`, exactly zero where the cotangent is zero, so that 0·inf never becomes nan."""
    total = np.add.reduce(contribution, None)
    if total - total == 0:  # finite: no element is inf or nan, which is the usual case
        return contribution
    return np.where(np.equal(g, 0), 0, contribution)


def clip(x: Array, low: float | None, high: float | None) -> Array:
    return np.clip(x, low, high)


def nan_to_num(x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    return np.nan_to_num(x, True, nan, posinf, neginf)


def logit(x: Array) -> Any:
    with np.errstate(all="ignore"):
        return np.log(np.true_divide(x, 1 - x))


def xlogy(x: Array, y: Array) -> Array:
    with np.errstate(all="ignore"):
        product = np.multiply(x, np.log(y, dtype=np.result_type(x, y)))
        return np.where(np.equal(x, 0) & ~np.isnan(y), 0, product)


def sigmoid(x: Array) -> Any:
    small = np.exp(-np.abs(x))  # in (0, 1]: cannot overflow
    return np.where(np.greater_equal(x, 0), 1, small) / (1 + small)


def log_sigmoid(x: Array) -> Array:
    return -softplus(-x)


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def leaky_relu(x: Array, negative_slope: float) -> Array:
    return np.where(np.greater(x, 0), x, x * negative_slope)


def prelu(x: Array, slope: Array) -> Array:
    return np.where(np.greater(x, 0), x, np.multiply(x, slope))


def elu(x: Array, alpha: float) -> Array:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x: Array, alpha: float) -> Array:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def selu(x: Array) -> Array:
    return SELU_SCALE * elu(x, SELU_ALPHA)


def silu(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(np.equal(x, -np.inf), -0.0, x * sigmoid(x))


def mish(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(np.equal(x, -np.inf), -0.0, x * np.tanh(softplus(x)))


def gelu(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(np.equal(x, -np.inf), -0.0, 0.5 * x * erfc(x * -(0.5**0.5)))


def softsign(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))


def hardtanh(x: Array, low: float, high: float) -> Array:
    return np.clip(x, low, high)


def relu6(x: Array) -> Array:
    return np.clip(x, 0, 6) + 0.0  # never -0.0, as relu


def hardsigmoid(x: Array) -> Any:
    return np.clip(x + 3, 0, 6) * (1 / 6)


def hardswish(x: Array) -> Array:
    return np.where(np.less_equal(x, -3), 0, x * np.minimum(x + 3, 6) * (1 / 6))


def bce_with_logits(logits: Array, labels: Array) -> Array:
    return np.maximum(logits, 0) - np.multiply(logits, labels) + np.log1p(np.exp(-np.abs(logits)))
