"""What is wrong with an index: said with the op, the shape, the axis, and what to write instead."""

from collections.abc import Sequence
from typing import Any

import numpy as np

_ALLOWED = "integers, slices, None, ..., and arrays of integers or booleans"


def explain_index(name: str, dims: tuple[int, ...], index: Any, error: Exception) -> Exception:
    """Return an IndexError that says which part of an index does not fit a shape; else `error` itself.

    Args:
        name: of the op.
        dims: the shape that was indexed.
        index: what stood in the brackets.
        error: what NumPy raised.
    """
    parts = index if isinstance(index, tuple) else (index,)
    text = _no_index(parts) or _too_many(dims, parts) or _outside(dims, parts) or _apart(parts)
    return IndexError(f"{name}: {text}") if text else error


def _no_index(parts: Sequence[Any]) -> str:
    """Say which part is no index at all."""
    for part in parts:
        if isinstance(part, slice):
            odd = [
                b for b in (part.start, part.stop, part.step) if b is not None and not hasattr(b, "__index__")
            ]
            if odd:
                return f"a slice needs integers, got {odd[0]!r}; write int({odd[0]!r})"
        elif isinstance(part, np.ndarray) and part.ndim:
            if part.dtype.kind not in "iub":
                return (
                    f"an array of dtype {part.dtype} is no index; write .astype(int) for positions, or a comparison "
                    "such as x > 0 for a mask"
                )
        elif part is not None and part is not Ellipsis and not hasattr(part, "__index__"):
            shown = part.item() if isinstance(part, np.ndarray | np.generic) else part
            advice = f"; write int({shown!r})" if isinstance(shown, float) else ""
            return f"{shown!r} is no index: use {_ALLOWED}{advice}"
    if sum(part is Ellipsis for part in parts) > 1:
        return "an index can have only one '...'; write ':' for the other axes"
    return ""


def _covers(part: Any) -> int:
    """Return how many axes a part of an index stands for."""
    if part is None or part is Ellipsis or isinstance(part, bool | np.bool_):
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1


def _too_many(dims: tuple[int, ...], parts: Sequence[Any]) -> str:
    covered = sum(_covers(part) for part in parts)
    if covered <= len(dims):
        return ""
    axes = "no axes" if not dims else "1 axis" if len(dims) == 1 else f"{len(dims)} axes"
    return f"too many indices: shape {dims} has {axes}, the index covers {covered}; leave {covered - len(dims)} out"


def _outside(dims: tuple[int, ...], parts: Sequence[Any]) -> str:
    """Say which number lies outside its axis, or which mask has another shape than the axes that it covers."""
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += len(dims) - sum(_covers(other) for other in parts)
        elif isinstance(part, np.ndarray) and part.dtype == bool:
            covered = dims[axis : axis + part.ndim]
            if part.shape != covered:
                return (
                    f"a mask of shape {part.shape} does not fit shape {dims}: from axis {axis} on it must have shape "
                    f"{covered}; make it by a comparison of the same tensor"
                )
        elif not isinstance(part, slice) and _covers(part):
            numbers = np.asarray(part)
            wrong = numbers[(numbers < -dims[axis]) | (numbers >= dims[axis])]
            if wrong.size:
                return out_of_range(dims, axis, int(wrong.flat[0]))
        axis += _covers(part)
    return ""


def out_of_range(dims: tuple[int, ...], axis: int, number: int) -> str:
    """Return words for a number that is no position on an axis."""
    n = dims[axis]
    range_ = f"it takes 0 to {n - 1}, or -{n} to -1 from the end" if n else "that axis is empty"
    return f"index {number} is out of bounds for axis {axis} of shape {dims}: {range_}"


def _apart(parts: Sequence[Any]) -> str:
    """Say which arrays of positions do not broadcast against each other."""
    shapes = [part.shape for part in parts if isinstance(part, np.ndarray) and part.dtype != bool]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return (
            f"index arrays of shapes {' and '.join(map(str, shapes))} do not broadcast; they pick elements together, "
            "so to pick rows and columns separately write x[rows][:, columns]"
        )
    return ""
