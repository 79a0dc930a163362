"""Picking elements by index, and the transposes of that: elements named twice add up their gradients."""

from typing import Any

import numpy as np

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import add
from chainrule.autograd.ops.misindexed import explain_index, out_of_range
from chainrule.autograd.ops.shape import alike, broadcast_to, one_axis, ravel, shape

_GETITEM = Op("getitem", "linear", lambda xp, g, out, x, index: xp.scatter(g, index, xp.shape(x)))
_SCATTER = Op("scatter", "linear", lambda xp, g, out, x, index, shape: xp.getitem(g, index))
# Indices are operands, so that a recorded program can be run again with others.
_TAKE = Op(
    "take",
    "bilinear",
    lambda xp, g, out, x, indices, axis: xp.scatter_axis(g, indices, axis, xp.shape(x)[axis]),
    None,
)
_SCATTER_AXIS = Op(
    "scatter_axis", "bilinear", lambda xp, g, out, x, indices, axis, length: xp.take(g, indices, axis), None
)
_TAKE_ALONG_AXIS = Op(
    "take_along_axis",
    "bilinear",
    lambda xp, g, out, x, indices, axis: xp.scatter_along_axis(g, indices, axis, xp.shape(x)),
    None,
)
_SCATTER_ALONG_AXIS = Op(
    "scatter_along_axis",
    "bilinear",
    lambda xp, g, out, x, indices, axis, shape: xp.take_along_axis(g, indices, axis),
    None,
)
_ONE_HOT = Op("one_hot", "constant")
_FROM_ZERO = "classes are numbered from 0: labels = numpy.unique(labels, return_inverse=True)[1]"


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """Return the index that takes everything before `axis`, and `index` there."""
    return (*(slice(None),) * axis, index)


def getitem(x: Operand, index: Any) -> Any:
    """Index as NumPy does: numbers, slices, None, ..., integer and boolean arrays.

    Raises:
        IndexError: the index is outside the shape, or no index; the message names the axis.

    Example:
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]])[:, 1]
        Tensor([2., 4.], op=getitem)
    """
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(_index_part(part) for part in parts)
    found = plain if isinstance(index, tuple) else plain[0]
    try:
        return apply(_GETITEM, x, index=found)
    except (IndexError, TypeError) as error:
        raise explain_index("getitem", shape(x), found, error) from None


def _picked(name: str, dims: tuple[int, ...], index: Any) -> tuple[int, ...]:
    """Return the shape of what an index picks."""
    try:
        return np.shape(np.broadcast_to(np.False_, dims)[index])
    except (IndexError, TypeError) as error:
        raise explain_index(name, dims, index, error) from None


def _index_part(part: Any) -> Any:
    """Return a part of an index as the graph may keep it: an array is copied, since the caller may change theirs."""
    if isinstance(part, Node):
        part = part._data
    if isinstance(part, list) or (hasattr(part, "__array__") and not isinstance(part, np.generic)):
        array = np.array(part)
        return array if array.size else array.astype(int if array.dtype.kind == "f" else array.dtype)
    return part


def scatter(g: Operand, index: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with g added at `index`; elements named twice add up.

    Raises:
        IndexError: the index is outside the shape.
        ShapeError: g does not broadcast to what the index picks.

    Example:
        >>> scatter(Tensor([1.0, 2.0, 4.0]), np.array([0, 2, 2]), (3,))
        Tensor([1., 0., 6.], op=scatter)
    """
    parts = tuple(_index_part(part) for part in (index if isinstance(index, tuple) else (index,)))
    try:
        return apply(_SCATTER, g, index=parts, shape=shape)
    except (IndexError, TypeError, ValueError):
        _check_fit("scatter", np.shape(data_of(g)), _picked("scatter", shape, parts))
        raise


def index_add(x: Operand, index: Any, values: Operand) -> Any:
    """Return x with values added at an index, where NumPy would write ``np.add.at``; x itself stays as it is.

    Args:
        x: a Tensor of any shape.
        index: what ``x[index]`` takes; elements named twice get both their values.
        values: a Tensor that broadcasts to the shape of ``x[index]``.

    Returns:
        A Tensor of the shape of x.

    Raises:
        IndexError: the index is outside the shape.
        ShapeError: the values do not broadcast.

    Example:
        >>> index_add(Tensor([1.0, 2.0, 3.0]), [0, 0], Tensor([10.0, 20.0]))
        Tensor([31.,  2.,  3.], op=add)
    """
    dims = shape(x)
    whole = index if isinstance(index, tuple) else (index,)
    parts = tuple(_index_part(part) for part in whole)
    place = _picked("index_add", dims, parts)
    _check_fit("index_add", shape(values), place)
    return add(x, scatter(broadcast_to(alike(values, x), place), parts, dims))


def _check_fit(name: str, dims: tuple[int, ...], place: tuple[int, ...]) -> None:
    padded = (1,) * (len(place) - len(dims)) + dims
    if len(padded) != len(place) or any(n not in (1, m) for n, m in zip(padded, place)):
        raise ShapeError(f"{name}: values of shape {dims} do not broadcast to {place}, what the index picks")


def take(x: Operand, indices: Any, axis: int | None = None) -> Any:
    """Pick slices along one axis by integer indices; the gradient of one picked twice adds up.

    Args:
        x: a Tensor of any shape.
        indices: integers, of any shape.
        axis: the axis to pick along, or None for the flattened tensor.

    Returns:
        A Tensor whose `axis` is replaced by the axes of `indices`.

    Raises:
        IndexError: an index is out of range.
        TypeError: the indices are no integers.

    Example:
        >>> Tensor([10.0, 20.0, 30.0]).take([2, 0], 0)
        Tensor([30., 10.], op=take)
    """
    if axis is None:
        x, axis = ravel(x), 0
    position = one_axis("take", shape(x), axis)
    found = _indices("take", indices, shape(x), position)
    return apply(_TAKE, x, found, axis=position)


def scatter_axis(g: Operand, indices: Any, axis: int, length: int) -> Any:
    """Return zeros with the slices of g added at indices along an axis of that length: the transpose of `take`.

    Example:
        >>> scatter_axis(Tensor([1.0, 2.0, 4.0]), [0, 2, 2], 0, 3)
        Tensor([1., 0., 6.], op=scatter_axis)
    """
    dims = (*shape(g)[:axis], length)
    return apply(_SCATTER_AXIS, g, _indices("scatter_axis", indices, dims, axis), axis=axis, length=length)


def take_along_axis(x: Operand, indices: Any, axis: int) -> Any:
    """Pick one element for each index, along one axis, as NumPy does; what `argsort` gives sorts.

    Args:
        x: a Tensor of any shape.
        indices: integers, with as many axes as x; the other axes broadcast.
        axis: the axis that the indices count along.

    Returns:
        A Tensor of the shape of `indices`, broadcast.

    Raises:
        IndexError: an index is out of range.
        ShapeError: `indices` has another number of axes.
        TypeError: the indices are no integers.

    Example:
        >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], 1)
        Tensor([[2.],
                [3.]], op=take_along_axis)
    """
    dims = shape(x)
    position = one_axis("take_along_axis", dims, axis)
    found = _indices("take_along_axis", indices, dims, position)
    if len(shape(found)) != len(dims):
        raise ShapeError(
            f"take_along_axis: indices of shape {shape(found)} must have as many axes as x of shape {dims}"
        )
    return apply(_TAKE_ALONG_AXIS, x, found, axis=position)


def scatter_along_axis(g: Operand, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with g added at indices along an axis: the transpose of `take_along_axis`.

    Example:
        >>> scatter_along_axis(Tensor([[1.0], [2.0]]), [[1], [0]], 1, (2, 2))
        Tensor([[0., 1.],
                [2., 0.]], op=scatter_along_axis)
    """
    found = _indices("scatter_along_axis", indices, shape, axis)
    return apply(_SCATTER_ALONG_AXIS, g, found, axis=axis, shape=shape)


def gather(x: Operand, indices: Any, axis: int) -> Any:
    """Pick one element for each index, along one axis, as PyTorch does: on the other axes `indices` may be shorter.

    Args:
        x: a Tensor of any shape.
        indices: integers, with as many axes as x.
        axis: the axis that the indices count along.

    Returns:
        A Tensor of the shape of `indices`.

    Raises:
        IndexError: an index is out of range.
        ShapeError: `indices` has another number of axes, or is longer than x on another axis.
        TypeError: the indices are no integers.

    Example:
        >>> gather(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1, 0, 1]], 1)
        Tensor([[2., 1., 2.]], op=take_along_axis)
    """
    dims = shape(x)
    position = one_axis("gather", dims, axis)
    found = shape(_indices("gather", indices, dims, position))
    if len(found) != len(dims) or any(n > m for i, (n, m) in enumerate(zip(found, dims)) if i != position):
        raise ShapeError(f"gather: indices of shape {found} do not fit x of shape {dims} along axis {axis}")
    part = tuple(slice(None) if i == position else slice(n) for i, n in enumerate(found))
    return take_along_axis(getitem(x, part), indices, position)


def _indices(name: str, indices: Any, dims: tuple[int, ...], axis: int) -> Any:
    """Return positions on an axis as an array of the op's own, or a Tensor as it is.

    Raises:
        IndexError: one is out of range.
        TypeError: they are no integers.
    """
    found = indices if isinstance(indices, Node) else np.array(indices)
    numbers = np.asarray(data_of(found))
    if not numbers.size:
        return (
            found if numbers.dtype.kind in "iu" else np.zeros(numbers.shape, int)
        )  # NumPy makes floats of []
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices must be integers, got {numbers.dtype}; write indices.astype(int)")
    outside = (numbers < -dims[axis]) | (numbers >= dims[axis])
    if outside.any():
        raise IndexError(f"{name}: {out_of_range(dims, axis, int(numbers[outside][0]))}")
    return found


def one_hot(labels: Any, classes: int) -> Any:
    """Rows with a 1 at the label and 0 elsewhere.

    Args:
        labels: integers of any shape, from 0 to classes − 1.
        classes: length of the new last axis.

    Returns:
        A constant of shape (*labels.shape, classes).

    Raises:
        IndexError: a label is out of range.

    Example:
        >>> one_hot([2, 0], 3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    check_labels("one_hot", np.asarray(data_of(labels)), classes)
    return apply(_ONE_HOT, labels if isinstance(labels, Node) else np.asarray(labels), classes=classes)


def check_labels(name: str, labels: Any, classes: int) -> None:
    """Raise unless all labels are integers from 0 to classes − 1, naming the first that is not."""
    if name == "embedding" and not labels.size:  # NumPy makes floats of []
        return
    if labels.dtype.kind not in "iu":
        advice = "write labels.astype(int)" if labels.dtype.kind in "fb" else _FROM_ZERO
        raise TypeError(f"{name}: labels must be integers, got {labels.dtype}; {advice}")
    unsigned = labels.view(f"u{labels.itemsize}")  # where what is negative is very large
    if not labels.size or np.maximum.reduce(unsigned, None) < classes:
        return
    row = int(np.argmax((labels < 0) | (labels >= classes)))
    # Numbering them anew helps where they are classes, and not too many.
    advice = f"; {_FROM_ZERO}" if name != "embedding" and len(np.unique(labels)) <= classes else ""
    raise IndexError(f"{name}: label {labels.flat[row]} at row {row} is outside 0..{classes - 1}{advice}")
