"""Running a backend's function, and saying what was wrong when it could not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.op import Op


def compute(function: Any, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> NDArray[Any]:
    """Run a backend's function of an op on arrays and numbers.

    Raises:
        ShapeError: the shapes do not broadcast.
        MemoryError: the result is too large to allocate.
    """
    try:
        if op.variadic:
            data = function(operands, **(params or {}))
        else:
            data = function(*operands, **params) if params else function(*operands)
    except (ValueError, MemoryError) as error:
        raise explain(op, operands, error) from None
    return data if type(data) is np.ndarray else np.asarray(data)


def explain(op: Op, operands: Sequence[Any], error: Exception) -> Exception:
    """Return a ShapeError that names the first axis on which the shapes differ, or what else went wrong."""
    if isinstance(error, np.linalg.LinAlgError):
        return error  # of a matrix, not of shapes
    shapes = [np.shape(data_of(x)) for x in operands]
    if isinstance(error, MemoryError):
        text = " and ".join(str(s) for s in shapes)
        return MemoryError(f"{op} of shapes {text}: the result does not fit in memory ({error})")
    depth = max(len(s) for s in shapes)
    padded = [(1,) * (depth - len(s)) + s for s in shapes]
    for axis, lengths in enumerate(zip(*padded, strict=True)):
        distinct = {n for n in lengths if n != 1}
        if len(distinct) > 1:
            text = " and ".join(str(s) for s in shapes)
            counts = " vs ".join(str(n) for n in lengths)
            return ShapeError(
                f"{op}: shapes {text} do not broadcast (axis {axis}: {counts}){_origins(operands)}"
            )
    return error


def _origins(operands: Sequence[Any]) -> str:
    made = [f"argument {i} made at {x.line[0]}:{x.line[1]}" for i, x in enumerate(operands)
            if isinstance(x, Node) and x.line]  # fmt: skip
    return f"; {', '.join(made)}" if made else ""
