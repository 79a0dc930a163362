"""A warning about shapes that broadcast by accident."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.node import OWN_CODE, Node, data_of
from chainrule.autograd.op import Op

_MAKES_COLUMNS = {"expand_dims", "getitem", "reshape"}


def warn_if_outer(op: Op, operands: Sequence[Any], result: tuple[int, ...]) -> None:
    """Warn where (N,) meets (N, 1): NumPy makes an (N, N) matrix of them, which is seldom meant."""
    if len(result) != 2 or result[0] != result[1] or result[0] < 2:
        return
    shapes = [np.shape(data_of(x)) for x in operands]
    n = result[0]
    if sorted(shapes) != [(n,), (n, 1)]:
        return
    column = operands[shapes.index((n, 1))]
    if isinstance(column, Node) and _was_asked_for(column):
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(OWN_CODE):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"{op}: shapes {shapes[0]} and {shapes[1]} broadcast to {result}: every element meets every other. "
        "If you meant element by element, flatten the column with .ravel(); if you meant this, say so with "
        ".expand_dims(1)",
        stacklevel=level,
    )


def _was_asked_for(column: Node) -> bool:
    if column.op is not None:
        return column.op.name in _MAKES_COLUMNS
    # A constant keeps no op; but what those ops make is a view of an array of another shape.
    data = column._data
    viewed = data.base is not None and data.base.shape not in (data.shape, data.shape[::-1])
    return viewed and not column.requires_grad
