"""Running totals along one axis."""

from typing import Any

from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import sub
from chainrule.autograd.ops.indexing import along, getitem
from chainrule.autograd.ops.join import concatenate
from chainrule.autograd.ops.shape import alike, broadcast_to, ndim, one_axis, ravel, shape


def _later(xp: Any, x: Any, axis: int, by: int) -> Any:
    """Return x moved towards the front of an axis, zeros behind."""
    rest = xp.getitem(x, along(axis, slice(by, None)))
    return xp.pad(rest, tuple((0, by if i == axis else 0) for i in range(xp.ndim(x))))


def _collect(xp: Any, g: Any, factor: Any, axis: int) -> Any:
    """Return r with rᵢ = gᵢ + factorᵢ rᵢ₊₁ along an axis, in log₂ n vectorised steps (Hillis & Steele 1986)."""
    reach, length = 1, xp.shape(g)[axis]
    while reach < length:
        g = g + factor * _later(xp, g, axis, reach)
        factor = factor * _later(xp, factor, axis, reach)
        reach *= 2
    return g


def _others(xp: Any, g: Any, out: Any, x: Any, axis: int) -> Any:
    """Each element's share in the products that it is a factor of, without dividing by it: it may be zero."""
    ones = xp.ones_like(xp.getitem(x, along(axis, slice(0, 1))))
    before = xp.concatenate((ones, xp.getitem(out, along(axis, slice(0, -1)))), axis)
    return before * _collect(xp, g, _later(xp, x, axis, 1), axis)


def _shares(xp: Any, g: Any, out: Any, x: Any, axis: int) -> Any:
    """Each element's share in the sums of exponentials that it is a term of; all exponents are ≤ 0."""
    finite = xp.greater(out, -float("inf"))
    level = xp.where(finite, out, 0)
    last = xp.getitem(level, along(axis, slice(-1, None)))
    after = xp.concatenate((xp.getitem(level, along(axis, slice(1, None))), last), axis)
    decay = xp.where(finite, xp.exp(level - after), 0)
    return _collect(xp, g, decay, axis) * xp.where(finite, xp.exp(x - level), 0)


_CUMSUM = Op("cumsum", "linear", lambda xp, g, out, x, axis: xp.flip(xp.cumsum(xp.flip(g, axis), axis), axis))
_CUMPROD = Op("cumprod", "general", _others)
_LOGCUMSUMEXP = Op("logcumsumexp", "general", _shares)


def cumsum(x: Operand, axis: int | None = None) -> Any:
    """Running sum along one axis.

    Args:
        x: a Tensor of any shape.
        axis: the axis, or None for the flattened tensor.

    Returns:
        A Tensor of the same shape, or flat.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> Tensor([1.0, 2.0, 3.0]).cumsum()
        Tensor([1., 3., 6.], op=cumsum)
    """
    return _run(_CUMSUM, x, axis)


def _run(op: Op, x: Operand, axis: int | None) -> Any:
    if axis is None:
        x, axis = x if ndim(x) == 1 else ravel(x), 0
    return apply(op, x, axis=one_axis(op.name, shape(x), axis))


def cumprod(x: Operand, axis: int | None = None) -> Any:
    """Running product along one axis; the gradient is right where elements are zero too. Arguments as `cumsum`.

    Example:
        >>> Tensor([1.0, 2.0, 3.0]).cumprod(0)
        Tensor([1., 2., 6.], op=cumprod)
    """
    return _run(_CUMPROD, x, axis)


def logcumsumexp(x: Operand, axis: int | None = None) -> Any:
    """ln of the running sum of eˣ along one axis, without overflow; arguments as `cumsum`.

    Example:
        >>> Tensor([1000.0, 1000.0]).logcumsumexp(0)
        Tensor([1000.    , 1000.6931], op=logcumsumexp)
    """
    return _run(_LOGCUMSUMEXP, x, axis)


def diff(
    x: Operand, n: int = 1, axis: int = -1, prepend: Operand | None = None, append: Operand | None = None
) -> Any:
    """Differences of neighbours along one axis, taken n times.

    Args:
        x: a Tensor with at least one axis.
        n: how often; each time the axis gets shorter by one, until it is empty.
        axis: the axis.
        prepend: a number, or a Tensor, to put before x along the axis first.
        append: likewise, to put behind x.

    Returns:
        A Tensor whose `axis` is shorter by n.

    Raises:
        ShapeError: there is no such axis, or what is put before or behind does not fit.
        ValueError: n is negative.

    Example:
        >>> diff(Tensor([1.0, 4.0, 9.0]))
        Tensor([3., 5.], op=sub)
    """
    position = one_axis("diff", shape(x), axis)
    if n < 0:
        raise ValueError(f"diff: n counts how often to take differences, got {n}")
    single = tuple(1 if i == position else length for i, length in enumerate(shape(x)))
    ends = [e if e is None or ndim(e) else broadcast_to(alike(e, x), single) for e in (prepend, append)]
    if n and any(end is not None for end in ends):
        x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], position)
    for _ in range(n):
        x = sub(getitem(x, along(position, slice(1, None))), getitem(x, along(position, slice(0, -1))))
    return x
