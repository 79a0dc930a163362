"""Reductions: functions that take axes away. `axis` and `keepdims` are NumPy's."""

import math
from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.choice import abs, isnan, where
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import div, square, sub
from chainrule.autograd.ops.shape import one_axis, reshape, shape

Axis = int | tuple[int, ...] | None


def _kept(of: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape `of` with the reduced axes kept as 1."""
    return tuple([1 if i in axis else n for i, n in enumerate(of)])


def _spread(xp: Any, g: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """Undo a reduction: repeat g along the axes that were summed over."""
    dims = xp.shape(x)
    return xp.broadcast_to(xp.reshape(g, _kept(dims, axis)) if len(axis) < len(dims) else g, dims)


def _size(of: tuple[int, ...], axis: tuple[int, ...]) -> int:
    return math.prod(of[i] for i in axis)


def _share_ties(xp: Any, g: Any, out: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """Give g to the element that won the reduction; several that tie share it equally."""
    kept = _kept(xp.shape(x), axis)
    winner = xp.where(xp.equal(x, xp.reshape(out, kept)), xp.ones_like(x), 0)
    return xp.reshape(g, kept) * xp.div(winner, xp.sum(winner, axis, keepdims=True))


def _others(xp: Any, g: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """Return g times the product of all other elements along `axis`, right where elements are zero too."""
    dims = xp.shape(x)
    rest = tuple(i for i in range(len(dims)) if i not in axis)
    order = (*rest, *axis)
    flat = xp.reshape(xp.transpose(x, order), (*(dims[i] for i in rest), _size(dims, axis)))
    ones = xp.ones_like(flat[..., :1])
    before = xp.cumprod(xp.concatenate((ones, flat[..., :-1]), -1), -1)
    after = xp.flip(xp.cumprod(xp.flip(xp.concatenate((flat[..., 1:], ones), -1), -1), -1), -1)
    product = xp.reshape(before * after, tuple(dims[i] for i in order))
    back = tuple(order.index(i) for i in range(len(dims)))
    return xp.reshape(g, _kept(dims, axis)) * xp.transpose(product, back)


def _norm_slope(xp: Any, g: Any, out: Any, x: Any, axis: tuple[int, ...], ord: float) -> Any:
    """Return g · sign(x) (|x| / out)^(ord − 1), and 0 where out = 0 or x = 0."""
    kept = _kept(xp.shape(x), axis)
    if ord == 2:
        return x * xp.reshape(xp.where(xp.equal(out, 0), 0, xp.div(g, out)), kept)
    zero = xp.equal(x, 0)
    part = xp.where(zero, 1, xp.div(xp.abs(x), xp.reshape(out, kept)))
    return xp.reshape(g, kept) * xp.where(zero, 0, xp.sign(x) * xp.pow(part, ord - 1))


_SUM = Op("sum", "linear", lambda xp, g, out, x, axis, keepdims: _spread(xp, g, x, axis))
_MEAN = Op(
    "mean",
    "linear",
    lambda xp, g, out, x, axis, keepdims: _spread(xp, xp.div(g, _size(xp.shape(x), axis)), x, axis),
)
_MAX = Op("max", "general", lambda xp, g, out, x, axis, keepdims: _share_ties(xp, g, out, x, axis))
_MIN = Op("min", "general", lambda xp, g, out, x, axis, keepdims: _share_ties(xp, g, out, x, axis))
_PROD = Op("prod", "general", lambda xp, g, out, x, axis, keepdims: _others(xp, g, x, axis))
_LOGSUMEXP = Op(
    "logsumexp",
    "general",
    lambda xp, g, out, x, axis, keepdims: (
        xp.reshape(g, _kept(xp.shape(x), axis)) * xp.exp(x - xp.reshape(out, _kept(xp.shape(x), axis)))
    ),
)
_NORM = Op(
    "norm", "general", lambda xp, g, out, x, axis, keepdims, ord: _norm_slope(xp, g, out, x, axis, ord)
)
_ARGMAX = Op("argmax", "constant")
_ARGMIN = Op("argmin", "constant")
_ANY = Op("any", "constant")
_ALL = Op("all", "constant")


def axes(name: str, x: Operand, axis: Axis) -> tuple[int, ...]:
    """Return `axis` as a tuple of non-negative numbers; None means all."""
    dims = shape(x)
    if axis is None:
        return tuple(range(len(dims)))
    found = tuple(one_axis(name, dims, a) for a in (axis if isinstance(axis, tuple | list) else (axis,)))
    if len(set(found)) != len(found):
        raise ShapeError(f"{name}: axis {axis} names an axis twice")
    return found


def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over axes.

    Args:
        x: a Tensor of any shape.
        axis: one axis, several, or None for all.
        keepdims: keep the summed axes with length 1.

    Returns:
        A Tensor without the summed axes.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0)
        Tensor([4., 6.], op=sum)
    """
    return apply(_SUM, x, axis=axes("sum", x, axis), keepdims=keepdims)


def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Average over axes; arguments as `sum`.

    Example:
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).mean()
        Tensor(2.5, op=mean)
    """
    return apply(_MEAN, x, axis=axes("mean", x, axis), keepdims=keepdims)


def var(x: Operand, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """Variance over axes: the mean square distance from the mean.

    Args:
        x: a Tensor of any shape.
        axis: one axis, several, or None for all.
        keepdims: keep the reduced axes with length 1.
        ddof: the sum of squares is divided by n − ddof; 0 as in NumPy (PyTorch's default is 1).

    Returns:
        A Tensor without the reduced axes.

    Example:
        >>> Tensor([1.0, 2.0, 3.0, 4.0]).var()
        Tensor(1.25, op=mean)
    """
    over = axes("var", x, axis)
    squares = square(sub(x, mean(x, over, keepdims=True)))
    if not ddof:
        return mean(squares, over, keepdims)
    return div(sum(squares, over, keepdims), _freedom(x, over, ddof))


def std(x: Operand, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """Standard deviation over axes, the square root of `var`; arguments as there. Its derivative at 0 is 0.

    Example:
        >>> Tensor([1.0, 3.0]).std()
        Tensor(1., op=div)
    """
    over = axes("std", x, axis)
    return div(
        norm(sub(x, mean(x, over, keepdims=True)), axis=over, keepdims=keepdims),
        math.sqrt(_freedom(x, over, ddof)),
    )


def _freedom(x: Operand, axis: tuple[int, ...], ddof: int) -> float:
    """Return n − ddof, or 0 where that is negative."""
    free = _size(shape(x), axis) - ddof
    return float(free) if free > 0 else 0.0


def prod(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Multiply over axes; arguments as `sum`. The gradient is right where elements are zero too.

    Example:
        >>> Tensor([2.0, 3.0, 4.0]).prod()
        Tensor(24., op=prod)
    """
    return apply(_PROD, x, axis=axes("prod", x, axis), keepdims=keepdims)


def max(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element over axes; arguments as `sum`. Elements that tie share the gradient equally.

    Raises:
        ShapeError: the reduced axes hold no element.

    Example:
        >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).max(axis=1)
        Tensor([5., 4.], op=max)
    """
    return apply(_MAX, x, axis=_filled("max", x, axis), keepdims=keepdims)


def min(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest element over axes; see `max`.

    Example:
        >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).min(axis=1)
        Tensor([1., 3.], op=min)
    """
    return apply(_MIN, x, axis=_filled("min", x, axis), keepdims=keepdims)


def _filled(name: str, x: Operand, axis: Axis) -> tuple[int, ...]:
    over = axes(name, x, axis)
    if _size(shape(x), over) == 0:
        raise ShapeError(
            f"{name}: shape {shape(x)} has no element along axis {axis}; there is no {name} of nothing"
        )
    return over


def argmax(x: Operand, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the largest element, the first of several; no gradient.

    Args:
        x: a Tensor of any shape.
        axis: one axis, or None for the flattened tensor.
        keepdims: keep that axis, or all, with length 1.

    Returns:
        An integer Tensor without that axis.

    Raises:
        ShapeError: there is no such axis, or it holds no element.

    Example:
        >>> Tensor([[1.0, 5.0], [3.0, 2.0]]).argmax(axis=1)
        Tensor([1, 0])
    """
    return _position(_ARGMAX, x, axis, keepdims)


def argmin(x: Operand, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the smallest element; see `argmax`.

    Example:
        >>> Tensor([[1.0, 5.0], [3.0, 2.0]]).argmin(axis=1)
        Tensor([0, 1])
    """
    return _position(_ARGMIN, x, axis, keepdims)


def _position(op: Op, x: Operand, axis: int | None, keepdims: bool) -> Any:
    over = _filled(op.name, x, axis)
    found = apply(op, x, axis=None if axis is None else over[0])
    return reshape(found, _kept(shape(x), over)) if keepdims else found


def logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """ln Σ eˣ over axes without overflow; arguments as `sum`.

    Example:
        >>> Tensor([1000.0, 1000.0]).logsumexp()
        Tensor(1000.6931, op=logsumexp)
    """
    return apply(_LOGSUMEXP, x, axis=axes("logsumexp", x, axis), keepdims=keepdims)


def norm(x: Operand, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Any:
    """Length of vectors, (Σ |x|^ord)^(1/ord): NumPy's `vector_norm`, over all the axes together.

    Over two axes, ord=2 is the Frobenius norm; `matrix_norm` has the others. The derivative is 0 at 0.
    Arguments are named, since NumPy and PyTorch have them in different orders.

    Args:
        x: a Tensor of any shape.
        axis: one axis, several, or None for all.
        keepdims: keep the reduced axes with length 1.
        ord: 2 is the Euclidean length, 1 the sum of the absolute values, inf and -inf the largest and the
            smallest of them; any other number but 0.

    Returns:
        A Tensor without the reduced axes.

    Raises:
        ShapeError: there is no such axis.
        ValueError: `ord` is 0 or no number.

    Example:
        >>> x = Tensor([3.0, -4.0])
        >>> norm(x).item(), norm(x, ord=1).item(), norm(x, ord=math.inf).item()
        (5.0, 7.0, 4.0)
    """
    if ord == 0 or not np.isreal(ord) or ord != ord:
        raise ValueError(
            f"norm: ord must be a number other than 0, such as 1, 2 or inf; got {ord!r}; "
            "norms of matrices are in matrix_norm"
        )
    if ord == 1:
        return sum(abs(x), axis, keepdims)
    if math.isinf(ord):
        return (max if ord > 0 else min)(abs(x), axis, keepdims)
    return apply(_NORM, x, axis=axes("norm", x, axis), keepdims=keepdims, ord=float(ord))


def any(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether an element is true (not zero); no gradient. Arguments as `sum`.

    Example:
        >>> bool((Tensor([1.0, -2.0]) < 0).any())
        True
    """
    return apply(_ANY, x, axis=axes("any", x, axis), keepdims=keepdims)


def all(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements are true (not zero); no gradient. Arguments as `sum`.

    Example:
        >>> bool((Tensor([1.0, -2.0]) < 0).all())
        False
    """
    return apply(_ALL, x, axis=axes("all", x, axis), keepdims=keepdims)


def nansum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum that leaves out nan, whose gradient is 0; arguments as `sum`.

    Example:
        >>> nansum(Tensor([1.0, np.nan, 3.0])).item()
        4.0
    """
    return sum(where(isnan(x), 0, x), axis, keepdims)


def nanmean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """Average that leaves out nan, whose gradient is 0; arguments as `sum`.

    Example:
        >>> nanmean(Tensor([1.0, np.nan, 3.0])).item()
        2.0
    """
    count = sum(where(isnan(x), 0, np.ones_like(data_of(x))), axis, keepdims)
    return div(nansum(x, axis, keepdims), count)
