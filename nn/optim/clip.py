"""Keeping gradients from becoming too large, between `backward()` and the optimizer's step."""

import math
from collections.abc import Iterable

import numpy as np

from chainrule.nn.data.check import as_amount
from chainrule.nn.parameter import Parameter


def clip_grad_norm(params: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients by one factor, so that together they are no longer than `max_norm` (Pascanu et al. 2013).

    The direction stays. As in PyTorch, the factor is max_norm / (norm + 1e-6), at most 1.

    Args:
        params: what `model.parameters()` returns; those without a gradient are left out.
        max_norm: the largest Euclidean norm of all gradients together.

    Returns:
        The norm before.

    Raises:
        TypeError: `params` holds something else than parameters.
        ValueError: `max_norm` is negative or not finite.

    Example:
        >>> w = nn.Parameter([1.0, 1.0])
        >>> (3 * w[0] + 4 * w[1]).backward()
        >>> clip_grad_norm([w], max_norm=1.0)
        5.0
        >>> w.grad.round(3)
        array([0.6, 0.8], dtype=float32)
    """
    limit = as_amount("clip_grad_norm", max_norm, "max_norm")
    found = _with_gradients("clip_grad_norm", params)
    norm = math.sqrt(sum(float(np.vdot(w.grad, w.grad)) for w in found))
    factor = limit / (norm + 1e-6)
    if factor < 1:
        for w in found:
            w.grad = np.asarray(w.grad * factor)
    return norm


def clip_grad_value(params: Iterable[Parameter], max_value: float) -> None:
    """Bring each derivative between −max_value and max_value; this may turn the direction.

    Args:
        params: what `model.parameters()` returns; those without a gradient are left out.
        max_value: the largest absolute value.

    Raises:
        TypeError: `params` holds something else than parameters.
        ValueError: `max_value` is negative or not finite.

    Example:
        >>> w = nn.Parameter([1.0, 1.0])
        >>> (3 * w[0] - 4 * w[1]).backward()
        >>> clip_grad_value([w], max_value=0.5)
        >>> w.grad
        array([ 0.5, -0.5], dtype=float32)
    """
    limit = as_amount("clip_grad_value", max_value, "max_value")
    for w in _with_gradients("clip_grad_value", params):
        w.grad = np.asarray(np.clip(w.grad, -limit, limit))


def _with_gradients(where: str, params: Iterable[Parameter]) -> list[Parameter]:
    given = list(params)
    for w in given:
        if not isinstance(w, Parameter):
            raise TypeError(f"{where}: expected parameters, got {type(w).__name__}; pass model.parameters()")
    return [w for w in given if w.grad is not None]
