"""Joining tensors, cutting them, and padding them. All are linear."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import add
from chainrule.autograd.ops.indexing import along, getitem, take
from chainrule.autograd.ops.shape import one_axis, ravel, shape

PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")

_PAD = Op("pad", "linear", lambda xp, g, out, x, width: xp.getitem(g, _inside(width, xp.shape(x))))
_CONCATENATE = Op(
    "concatenate",
    "linear",
    lambda xp, g, out, *inputs, position, axis: xp.getitem(g, _part(xp, inputs, position, axis)),
    variadic=True,
)
_STACK = Op(
    "stack",
    "linear",
    lambda xp, g, out, *inputs, position, axis: xp.getitem(g, along(axis, position)),
    variadic=True,
)


def _inside(width: tuple[tuple[int, int], ...], dims: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for (before, _), n in zip(width, dims, strict=True))


def _part(xp: Any, inputs: tuple[Any, ...], position: int, axis: int) -> tuple[Any, ...]:
    lengths = [xp.shape(x)[axis] for x in inputs[: position + 1]]
    end = np.sum(lengths)
    return along(axis, slice(end - lengths[-1], end))


def pad(x: Operand, width: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """Surround with a number, or with elements of the tensor itself.

    Args:
        x: a Tensor of any shape.
        width: a number for all sides, or a pair (before, after) for each axis.
        mode: as in NumPy: ``"constant"`` fills with `value`, ``"edge"`` repeats the border, ``"reflect"`` mirrors at
            the border, ``"symmetric"`` mirrors the border too, ``"wrap"`` goes on from the other side.
        value: what to fill with.

    Returns:
        The larger Tensor.

    Raises:
        ShapeError: `width` does not fit the axes, or is negative, or an axis has no elements to repeat.
        ValueError: there is no such mode.

    Example:
        >>> Tensor([1.0, 2.0]).pad(1)
        Tensor([0., 1., 2., 0.], op=pad)
        >>> Tensor([1.0, 2.0]).pad((2, 0), "edge")
        Tensor([1., 1., 1., 2.], op=take)
    """
    if mode not in PAD_MODES:
        raise ValueError(
            f"pad: mode must be one of {', '.join(PAD_MODES)}, got {mode!r}; a number to fill with is named, value=1.0"
        )
    dims = shape(x)
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(dims), 2)).tolist()
    except ValueError:
        raise ShapeError(
            f"pad: width {width} does not fit shape {dims}; give a number, or a pair for each axis"
        ) from None
    if any(n < 0 for pair in pairs for n in pair):
        raise ShapeError(f"pad: width {width} is negative; cut with an index instead")
    if mode != "constant":
        return _extended(x, pairs, mode)
    padded = apply(_PAD, x, width=tuple((int(a), int(b)) for a, b in pairs))
    if value == 0:
        return padded
    frame = np.full(shape(padded), value, padded.dtype)
    frame[_inside(tuple(pairs), dims)] = 0
    return add(padded, frame)


def _extended(x: Operand, pairs: Sequence[Sequence[int]], mode: Any) -> Any:
    """Return x with more elements on each axis, which are its own, picked by an index that NumPy extended."""
    for axis, (length, pair) in enumerate(zip(shape(x), pairs, strict=True)):
        if not any(pair):
            continue
        if not length:
            raise ShapeError(
                f"pad: axis {axis} of shape {shape(x)} is empty; mode {mode!r} has nothing to repeat"
            )
        x = take(x, np.pad(np.arange(length), pair, mode), axis)
    return x


def concatenate(tensors: Sequence[Operand], axis: int | None = 0) -> Any:
    """Join tensors along an axis that they have.

    Args:
        tensors: Tensors or arrays whose shapes agree on every other axis.
        axis: where to join; None flattens them first.

    Returns:
        One Tensor.

    Raises:
        ShapeError: the other axes differ.

    Example:
        >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])])
        Tensor([1., 2., 3.], op=concatenate)
    """
    if axis is None:
        tensors, axis = [ravel(x) for x in tensors], 0
    dims = _shapes("concatenate", tensors)
    position = one_axis("concatenate", dims[0], axis)
    for other in dims[1:]:
        if len(other) != len(dims[0]) or _without(other, position) != _without(dims[0], position):
            raise ShapeError(
                f"concatenate: shapes {dims[0]} and {other} differ on an axis other than {position}"
            )
    return apply(_CONCATENATE, *tensors, axis=position)


def _shapes(name: str, tensors: Sequence[Operand]) -> list[tuple[int, ...]]:
    if any(isinstance(x, Node) and isinstance(x._data, float) for x in tensors):
        raise TypeError(
            f"{name} joins Tensors, and a Value is one number; make a Tensor of Values with Tensor.from_values([...])"
        )
    dims = [shape(x) for x in tensors]
    if not dims:
        raise ShapeError(f"{name}: there is nothing to join; give at least one tensor")
    return dims


def _without(dims: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return dims[:axis] + dims[axis + 1 :]


def stack(tensors: Sequence[Operand], axis: int = 0) -> Any:
    """Join tensors of one shape along a new axis.

    Args:
        tensors: Tensors or arrays of equal shapes.
        axis: position of the new axis in the result.

    Returns:
        One Tensor.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]).shape
        (2, 2)
    """
    dims = _shapes("stack", tensors)
    for other in dims[1:]:
        if other != dims[0]:
            raise ShapeError(f"stack: shapes {dims[0]} and {other} differ; stack joins equal shapes")
    return apply(_STACK, *tensors, axis=one_axis("stack", (1, *dims[0]), axis))


def split(x: Operand, parts: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Cut along an axis.

    Args:
        x: a Tensor of any shape.
        parts: a number of equal parts, or the positions to cut at.
        axis: the axis to cut.

    Returns:
        A list of Tensors.

    Raises:
        ShapeError: the axis does not divide into so many equal parts.

    Example:
        >>> [part.shape for part in split(Tensor([1.0, 2.0, 3.0, 4.0]), 2)]
        [(2,), (2,)]
    """
    position = one_axis("split", shape(x), axis)
    length = shape(x)[position]
    if isinstance(parts, int):
        if parts < 1 or length % parts:
            raise ShapeError(f"split: axis {position} of length {length} has no {parts} equal parts")
        parts = range(length // parts, length, length // parts)
    cuts = [0, *parts, length]
    return [getitem(x, along(position, slice(a, b))) for a, b in pairwise(cuts)]
