"""Functions that rearrange, repeat or leave out elements: all linear, so each rule is the inverse rearrangement."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.indexing import getitem, scatter, take
from chainrule.autograd.ops.reduce import Axis, axes, sum
from chainrule.autograd.ops.shape import (
    broadcast_to,
    expand_dims,
    moveaxis,
    ndim,
    one_axis,
    ravel,
    reshape,
    shape,
    swapaxes,
)

_FLIP = Op("flip", "linear", lambda xp, g, out, x, axis: xp.flip(g, axis))
_ROLL = Op("roll", "linear", lambda xp, g, out, x, shift, axis: xp.roll(g, tuple(-n for n in shift), axis))
_TRIL = Op("tril", "linear", lambda xp, g, out, x, k: xp.tril(g, k))
_TRIU = Op("triu", "linear", lambda xp, g, out, x, k: xp.triu(g, k))


def flip(x: Operand, axis: Axis = None) -> Any:
    """Reverse the order along axes: those named, or all.

    Example:
        >>> Tensor([1.0, 2.0]).flip(0)
        Tensor([2., 1.], op=flip)
    """
    return apply(_FLIP, x, axis=axes("flip", x, axis))


def roll(x: Operand, shift: int | tuple[int, ...], axis: Axis = None) -> Any:
    """Move elements along axes; what leaves at one end comes back at the other.

    Args:
        x: a Tensor of any shape.
        shift: by how many places, for each axis.
        axis: one axis, several, or None for the flattened tensor, whose shape is then restored.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: there is no such axis, or there are more shifts than axes.

    Example:
        >>> roll(Tensor([1.0, 2.0, 3.0]), 1)
        Tensor([3., 1., 2.], op=roll)
    """
    if axis is None and ndim(x) != 1:
        return reshape(roll(ravel(x), shift, 0), shape(x))
    over = axes("roll", x, axis)
    by = shift if isinstance(shift, tuple | list) else (shift,) * len(over)
    if len(by) != len(over):
        raise ShapeError(f"roll: {len(by)} shifts for {len(over)} axes; give one for each axis")
    return apply(_ROLL, x, shift=tuple(by), axis=over)


def rot90(x: Operand, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turn by 90 degrees, k times, from the first of two axes towards the second.

    Example:
        >>> rot90(Tensor([[1.0, 2.0], [3.0, 4.0]])).numpy()
        array([[2., 4.],
               [1., 3.]])
    """
    first, second = (one_axis("rot90", shape(x), a) for a in axes)
    if first == second:
        raise ShapeError(f"rot90: axes {axes} must be two different axes")
    if k % 2 == 0:
        return flip(x, (first, second) if k % 4 else ())
    turned = swapaxes(x, first, second)
    return flip(turned, first if k % 4 == 1 else second)


def repeat(x: Operand, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Repeat each element, one after the other.

    Args:
        x: a Tensor of any shape.
        repeats: how often, or how often for each place on the axis.
        axis: the axis to repeat along, or None for the flattened tensor.

    Returns:
        A Tensor with a longer axis.

    Raises:
        ShapeError: there is no such axis, or `repeats` does not fit it.

    Example:
        >>> repeat(Tensor([1.0, 2.0]), 2)
        Tensor([1., 1., 2., 2.], op=reshape)
    """
    if axis is None:
        return repeat(ravel(x), repeats, 0)
    dims = shape(x)
    position = one_axis("repeat", dims, axis)
    if not isinstance(repeats, int):
        counts = np.asarray(repeats)
        if counts.shape != (dims[position],):
            raise ShapeError(f"repeat: {counts.shape} repeats do not fit axis {position} of shape {dims}")
        return take(x, np.repeat(np.arange(dims[position]), counts), position)
    wide = (*dims[: position + 1], repeats, *dims[position + 1 :])
    longer = (*dims[:position], dims[position] * repeats, *dims[position + 1 :])
    return reshape(broadcast_to(expand_dims(x, position + 1), wide), longer)


def tile(x: Operand, reps: int | tuple[int, ...]) -> Any:
    """Lay copies of the whole tensor side by side.

    Args:
        x: a Tensor of any shape.
        reps: how many copies along each axis; axes missing on either side count as 1.

    Returns:
        The larger Tensor.

    Example:
        >>> tile(Tensor([1.0, 2.0]), 2)
        Tensor([1., 2., 1., 2.], op=reshape)
    """
    times = reps if isinstance(reps, tuple | list) else (reps,)
    dims = shape(x)
    depth = max(len(times), len(dims))
    times, dims = (1,) * (depth - len(times)) + tuple(times), (1,) * (depth - len(dims)) + dims
    narrow = tuple(n for length in dims for n in (1, length))
    wide = tuple(n for pair in zip(times, dims, strict=True) for n in pair)
    return reshape(
        broadcast_to(reshape(x, narrow), wide), tuple(t * n for t, n in zip(times, dims, strict=True))
    )


def tril(x: Operand, k: int = 0) -> Any:
    """The lower triangle of matrices, zeros above.

    Args:
        x: shape (..., n, m).
        k: the last diagonal to keep; 0 is the main one, positive numbers lie above it.

    Returns:
        A Tensor of the same shape.

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> tril(Tensor([[1.0, 2.0], [3.0, 4.0]])).numpy()
        array([[1., 0.],
               [3., 4.]])
    """
    return apply(_TRIL, _matrices("tril", x), k=k)


def triu(x: Operand, k: int = 0) -> Any:
    """The upper triangle of matrices, zeros below; k is the first diagonal to keep. See `tril`.

    Example:
        >>> triu(Tensor([[1.0, 2.0], [3.0, 4.0]])).numpy()
        array([[1., 2.],
               [0., 4.]])
    """
    return apply(_TRIU, _matrices("triu", x), k=k)


def _matrices(name: str, x: Operand) -> Any:
    if ndim(x) < 2:
        raise ShapeError(f"{name}: shape {shape(x)} has no matrices; it needs two axes or more")
    return x


def diagonal(x: Operand, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of two axes, as a new last axis.

    Args:
        x: a Tensor with at least two axes.
        offset: which diagonal; 0 is the main one, positive numbers lie above it.
        axis1: the axis of the rows.
        axis2: the axis of the columns.

    Returns:
        A Tensor without the two axes and with a new last one.

    Raises:
        ShapeError: there are no two such axes.

    Example:
        >>> diagonal(Tensor([[1.0, 2.0], [3.0, 4.0]]))
        Tensor([1., 4.], op=getitem)
    """
    matrices = moveaxis(_matrices("diagonal", x), (axis1, axis2), (-2, -1))
    rows, columns = shape(matrices)[-2:]
    return getitem(matrices, (..., *_places(rows, columns, offset)))


def _places(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    """Return the row and column numbers of a diagonal."""
    above, below = max(offset, 0), max(-offset, 0)
    steps = np.arange(max(min(rows - below, columns - above), 0))
    return steps + below, steps + above


def diag(x: Operand, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with a vector on its k-th diagonal and zeros elsewhere.

    Args:
        x: shape (n, m) or (n,).
        k: which diagonal; 0 is the main one, positive numbers lie above it.

    Returns:
        A vector, or a square matrix.

    Raises:
        ShapeError: x is neither.

    Example:
        >>> diag(Tensor([1.0, 2.0])).numpy()
        array([[1., 0.],
               [0., 2.]])
    """
    match shape(x):
        case (n,):
            size = n + abs(k)
            return scatter(x, _places(size, size, k), (size, size))
        case (_, _):
            return diagonal(x, k)
    raise ShapeError(
        f"diag: shape {shape(x)} is neither a vector nor a matrix; for stacks write diagonal(...)"
    )


def trace(x: Operand, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum along a diagonal; arguments as `diagonal`.

    Example:
        >>> trace(Tensor([[1.0, 2.0], [3.0, 4.0]])).item()
        5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)
