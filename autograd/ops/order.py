"""Sorting, and what follows from it."""

import math
from typing import Any

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.indexing import getitem, take_along_axis
from chainrule.autograd.ops.reduce import Axis, axes, mean
from chainrule.autograd.ops.shape import one_axis, reshape, shape, transpose

_ARGSORT = Op("argsort", "constant")


def argsort(x: Operand, axis: int = -1) -> Any:
    """The indices that sort along one axis; equal elements keep their order. No gradient.

    Args:
        x: a Tensor with at least one axis.
        axis: the axis to sort along.

    Returns:
        An integer Tensor of the same shape.

    Raises:
        ShapeError: there is no such axis.

    Example:
        >>> argsort(Tensor([3.0, 1.0, 2.0]))
        Tensor([1, 2, 0])
    """
    return apply(_ARGSORT, x, axis=one_axis("argsort", shape(x), axis))


def sort(x: Operand, axis: int = -1) -> Any:
    """Sort along one axis, smallest first; arguments as `argsort`.

    Example:
        >>> sort(Tensor([3.0, 1.0, 2.0]))
        Tensor([1., 2., 3.], op=take_along_axis)
    """
    return take_along_axis(x, argsort(x, axis), axis)


def median(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements over axes; of an even number, the mean of the two in the middle.

    Args:
        x: a Tensor of any shape.
        axis: one axis, several, or None for all.
        keepdims: keep the reduced axes with length 1.

    Returns:
        A Tensor without the reduced axes.

    Raises:
        ShapeError: the reduced axes hold no element.

    Example:
        >>> median(Tensor([5.0, 1.0, 2.0])).item()
        2.0
    """
    over, dims = axes("median", x, axis), shape(x)
    count = math.prod(dims[i] for i in over)
    if not count:
        raise ShapeError(
            f"median: shape {dims} has no element along axis {axis}; there is no median of nothing"
        )
    rest = tuple(i for i in range(len(dims)) if i not in over)
    rows = reshape(transpose(x, (*rest, *over)), (*(dims[i] for i in rest), count))
    middle = slice((count - 1) // 2, count // 2 + 1)
    found = mean(getitem(sort(rows), (..., middle)), -1)
    return reshape(found, tuple(1 if i in over else n for i, n in enumerate(dims))) if keepdims else found
