"""Is a gradient right? Comparison with finite differences in float64."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autograd import tree
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.transforms import grad, vjp
from chainrule.autograd.value import Value


def check_grad(
    f: Callable[..., Any],
    *args: Any,
    order: int = 1,
    step: float | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-7,
) -> float:
    """Compare the gradient of a function with central differences, element by element, and raise if they differ.

    Args:
        f: a function of floats, arrays or nests of them; its result may have any shape, and is then multiplied by
            fixed random numbers and summed.
        args: where to compare; computed in float64. Stay away from kinks and from the edge of the domain.
        order: 1 compares f with its gradient; 2 also compares the gradient with its own gradient.
        step: distance of the differences, relative to max(1, |x|); None takes 2e-4, which suits their fourth order.
        rtol: a difference of at most atol + rtol · |gradient| passes.
        atol: see `rtol`.

    Returns:
        The largest difference found, relative to max(1, |gradient|).

    Raises:
        AssertionError: a gradient is wrong; the message names the order, the argument and the worst element.

    Example:
        >>> check_grad(lambda x: x * x * x, 2.0, order=2) < 1e-8
        True
    """
    wide = tree.transform(_wide, list(args))
    parts = tree.leaves(wide)
    weights = _weights(f, wide)

    def scalar(*leaves: Any) -> Any:
        result = f(*tree.rebuild(wide, leaves))
        return result if isinstance(data_of(result), float) else (result * weights).sum()

    worst = _compare(scalar, parts, 1, step, rtol, atol)
    if order >= 2:
        worst = max(worst, _compare(_directional(scalar, parts), parts, 2, step, rtol, atol))
    return worst


def _wide(leaf: Any) -> Any:
    data = data_of(leaf)
    return float(data) if isinstance(data, float | int) else np.array(data, dtype=np.float64)


def _weights(f: Callable[..., Any], args: Sequence[Any]) -> Any:
    value, _ = vjp(f, *args)
    shape = np.shape(data_of(value))
    return np.random.default_rng(0).uniform(0.5, 1.5, shape)


def _directional(scalar: Callable[..., Any], parts: Sequence[Any]) -> Callable[..., Any]:
    """Return the derivative of `scalar` along fixed random directions: a scalar again, to differentiate once more."""
    rng = np.random.default_rng(1)
    directions = [np.asarray(rng.uniform(0.5, 1.5, np.shape(x))) for x in parts]
    gradient = grad(scalar, tuple(range(len(parts))))

    arrays = any(isinstance(x, np.ndarray) for x in parts)

    def along(*leaves: Any) -> Any:
        total: Any = 0.0
        for found, direction in zip(gradient(*leaves), directions, strict=True):
            lifted = Tensor.from_values(found) if arrays and isinstance(found, Value) else found
            total = total + (lifted * direction).sum() if arrays else total + lifted * direction
        return total

    return along


def _compare(
    scalar: Callable[..., Any], parts: Sequence[Any], order: int, step: float | None, rtol: float, atol: float
) -> float:
    gradients = grad(scalar, tuple(range(len(parts))))(*parts)
    worst = 0.0
    for position, (part, gradient) in enumerate(zip(parts, gradients, strict=True)):
        for index in np.ndindex(np.shape(part)):
            expected = _difference(scalar, parts, position, index, step)
            found = float(np.asarray(data_of(gradient))[index])
            error = abs(found - expected)
            if not error <= atol + rtol * abs(expected):
                where = f"argument {position}" + (f", element {index}" if index else "")
                raise AssertionError(
                    f"check_grad: order {order}, {where}: the gradient is {found!r}, "
                    f"central differences give {expected!r} (difference {error:.3g})"
                )
            worst = max(worst, error / max(1.0, abs(expected)))
    return worst


def _difference(
    scalar: Callable[..., Any],
    parts: Sequence[Any],
    position: int,
    index: tuple[int, ...],
    step: float | None,
) -> float:
    """Central difference by one element, with one Richardson step: the error falls with the fourth power."""
    x = float(np.asarray(parts[position])[index])
    width = (step or 2e-4) * max(1.0, abs(x))

    def at(offset: float) -> float:
        moved = list(parts)
        if np.ndim(parts[position]):
            moved[position] = parts[position].copy()
            moved[position][index] += offset
        else:
            moved[position] = x + offset if isinstance(parts[position], float) else np.array(x + offset)
        result = scalar(*[Value(p) if isinstance(p, float) else Tensor(p) for p in moved])
        return float(data_of(result) if isinstance(result, Node) else result)

    def slope(h: float) -> float:
        return (at(h) - at(-h)) / (2 * h)

    return (4 * slope(width) - slope(2 * width)) / 3
