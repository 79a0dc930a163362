"""Functions that change the shape and leave the elements in order, and `transpose`. All are linear."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand

_RESHAPE = Op("reshape", "linear", lambda xp, g, out, x, shape: xp.reshape(g, xp.shape(x)))
_TRANSPOSE = Op("transpose", "linear", lambda xp, g, out, x, axes: xp.transpose(g, _inverse(axes)))
_SWAPAXES = Op("swapaxes", "linear", lambda xp, g, out, x, axis1, axis2: xp.swapaxes(g, axis1, axis2))
_BROADCAST_TO = Op("broadcast_to", "linear", lambda xp, g, out, x, shape: g)  # the walk sums it back
_SQUEEZE = Op("squeeze", "linear", lambda xp, g, out, x, axis: xp.reshape(g, xp.shape(x)))
_EXPAND_DIMS = Op("expand_dims", "linear", lambda xp, g, out, x, axis: xp.reshape(g, xp.shape(x)))
_ASTYPE = Op("astype", "linear", lambda xp, g, out, x, dtype: g)  # the walk casts it back
_CAST = Op("cast", "constant")


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


def shape(x: Operand) -> tuple[int, ...]:
    """Return the shape of a Tensor, array or number.

    Example:
        >>> shape(Tensor([[1.0, 2.0]]))
        (1, 2)
    """
    data = x._data if isinstance(x, Node) else x
    return data.shape if type(data) is np.ndarray else np.shape(data)


def ndim(x: Operand) -> int:
    """Return the number of axes of a Tensor, array or number.

    Example:
        >>> ndim(Tensor([[1.0, 2.0]]))
        2
    """
    return np.ndim(data_of(x))


def alike(x: Operand, other: Operand) -> Any:
    """Return x; a Python number as an array of the other's dtype, if that is a float: it never widens it."""
    kind = np.asarray(data_of(other)).dtype
    return np.asarray(x, kind) if isinstance(x, float | int) and kind.kind == "f" else x


def one_axis(name: str, dims: Sequence[int], axis: int) -> int:
    """Return an axis as a non-negative number.

    Raises:
        ShapeError: there is no such axis.
    """
    if not -len(dims) <= axis < len(dims):
        axes = f"axes 0 to {len(dims) - 1} (or -{len(dims)} to -1)" if dims else "no axes"
        raise ShapeError(f"{name}: there is no axis {axis}: shape {tuple(dims)} has {axes}")
    return axis % len(dims)


def reshape(x: Operand, *shape: int | tuple[int, ...]) -> Any:
    """Arrange the elements in another shape, in C order.

    Args:
        x: a Tensor of any shape.
        shape: the new lengths, as numbers or one tuple; one of them may be -1, and is then inferred.

    Returns:
        A Tensor of that shape.

    Raises:
        ShapeError: the number of elements differs.

    Example:
        >>> Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).shape
        (2, 2)
    """
    wanted: tuple[Any, ...] = shape
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        wanted = tuple(shape[0])
    data = np.asarray(data_of(x))
    known = math.prod(n for n in wanted if n != -1)
    holes = wanted.count(-1)
    if holes > 1 or (data.size % known if holes and known else data.size != known):
        raise ShapeError(f"reshape: {data.size} elements of shape {data.shape} do not fill shape {wanted}")
    filled = tuple(data.size // known if n == -1 and known else n for n in wanted)
    return apply(_RESHAPE, x, shape=filled)


def ravel(x: Operand) -> Any:
    """Flatten to one axis.

    Example:
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).ravel().shape
        (4,)
    """
    return reshape(x, -1)


def transpose(x: Operand, axes: int | tuple[int, ...] | None = None, *more: int) -> Any:
    """Permute the axes; None reverses them.

    Args:
        x: a Tensor of any shape.
        axes: where each axis of the result comes from, as one tuple or as numbers.
        more: the numbers that follow.

    Returns:
        A Tensor with the axes permuted.

    Raises:
        ShapeError: `axes` is no permutation of the axes.

    Example:
        >>> Tensor([[1.0, 2.0, 3.0]]).transpose().shape
        (3, 1)
    """
    dims = shape(x)
    wanted = (axes, *more) if isinstance(axes, int) else range(len(dims))[::-1] if axes is None else axes
    order = tuple(one_axis("transpose", dims, a) for a in wanted)
    if sorted(order) != list(range(len(dims))):
        advice = f"; to exchange two of them write swapaxes{order}" if len(order) == 2 else ""
        raise ShapeError(
            f"transpose: axes {tuple(wanted)} is no permutation of the axes of shape {dims}{advice}"
        )
    return apply(_TRANSPOSE, x, axes=order)


def moveaxis(x: Operand, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Any:
    """Move axes to new places; the others keep their order.

    Args:
        x: a Tensor of any shape.
        source: one axis or several.
        destination: where each of them goes.

    Returns:
        A Tensor with the axes permuted.

    Raises:
        ShapeError: there is no such axis, one is named twice, or the two numbers of axes differ.

    Example:
        >>> moveaxis(Tensor([[[1.0, 2.0, 3.0]]]), 2, 0).shape
        (3, 1, 1)
    """
    dims = shape(x)
    old, new = (
        [one_axis("moveaxis", dims, a) for a in (axes if isinstance(axes, tuple | list) else (axes,))]
        for axes in (source, destination)
    )
    if len(old) != len(new) or len(set(old)) != len(old) or len(set(new)) != len(new):
        raise ShapeError(
            f"moveaxis: source {source} and destination {destination} must name equally many different axes"
        )
    order = [i for i in range(len(dims)) if i not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


def swapaxes(x: Operand, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    Example:
        >>> Tensor([[1.0, 2.0, 3.0]]).swapaxes(0, 1).shape
        (3, 1)
    """
    dims = shape(x)
    return apply(
        _SWAPAXES, x, axis1=one_axis("swapaxes", dims, axis1), axis2=one_axis("swapaxes", dims, axis2)
    )


def broadcast_to(x: Operand, shape: int | tuple[int, ...]) -> Any:
    """Repeat along axes of length 1, or new ones, to reach a shape; the gradient is summed back.

    Raises:
        ShapeError: the shape cannot be reached.

    Example:
        >>> Tensor([1.0, 2.0]).broadcast_to((3, 2)).shape
        (3, 2)
    """
    dims = np.shape(data_of(x))
    target = (shape,) if isinstance(shape, int) else tuple(shape)
    padded = (1,) * (len(target) - len(dims)) + dims
    if len(padded) != len(target) or any(a not in (1, b) for a, b in zip(padded, target, strict=True)):
        raise ShapeError(f"broadcast_to: shape {dims} does not broadcast to {target}")
    return apply(_BROADCAST_TO, x, shape=target)


def squeeze(x: Operand, axis: int | tuple[int, ...] | None = None) -> Any:
    """Drop axes of length 1: those named, or all.

    Raises:
        ShapeError: a named axis has another length.

    Example:
        >>> Tensor([[1.0, 2.0]]).squeeze().shape
        (2,)
    """
    dims = shape(x)
    if axis is None:
        drop = tuple(i for i, n in enumerate(dims) if n == 1)
    else:
        drop = tuple(
            one_axis("squeeze", dims, a) for a in (axis if isinstance(axis, tuple | list) else (axis,))
        )
    for i in drop:
        if dims[i] != 1:
            raise ShapeError(f"squeeze: axis {i} of shape {dims} has length {dims[i]}, not 1")
    return apply(_SQUEEZE, x, axis=drop)


def expand_dims(x: Operand, axis: int | tuple[int, ...]) -> Any:
    """Insert axes of length 1; the numbers are positions in the result.

    Example:
        >>> Tensor([1.0, 2.0]).expand_dims(1).shape
        (2, 1)
    """
    new = axis if isinstance(axis, tuple | list) else (axis,)
    dims = (1,) * (len(shape(x)) + len(new))
    return apply(_EXPAND_DIMS, x, axis=tuple(one_axis("expand_dims", dims, a) for a in new))


def astype(x: Operand, dtype: Any) -> Any:
    """Convert to another float type; the gradient is converted back.

    Args:
        x: a Tensor of any shape.
        dtype: what NumPy takes for one. An integer or boolean result is a constant.

    Returns:
        A Tensor of the same shape.

    Raises:
        TypeError: the type is complex, or no number.

    Example:
        >>> Tensor([1.0, 2.0]).astype("float32").dtype
        dtype('float32')
    """
    target = np.dtype(dtype)
    if target.kind not in "fiub":
        raise TypeError(f"astype: a Tensor holds floats, integers or booleans, and not {target}")
    if target.kind != "f":
        return apply(_CAST, x, dtype=target)
    return apply(_ASTYPE, x, dtype=target)
