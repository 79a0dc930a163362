"""Between `Value` and `Tensor`, with derivatives of every order flowing both ways.

Two ops that are each other's transpose: a Tensor made of Values, and one element of a Tensor as a Value. Where a
rule is run on nodes, to be recorded, it crosses by the other of the two.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.mode import current
from chainrule.autograd.node import Node, next_serial
from chainrule.autograd.op import Op
from chainrule.autograd.value import Value


def _element(xp: Any, g: Any, index: tuple[int, ...]) -> Any:
    """Return one element of a cotangent or tangent, as what belongs to a Value: a Value or a float."""
    if isinstance(g, Node):
        return _value(g, index)
    return float(np.asarray(g)[index]) if isinstance(g, np.ndarray | np.generic) else xp.getitem(g, index)


def _lifted(g: Any, x: Any) -> Any:
    """Return the cotangent of a Value as what belongs to the Tensor x."""
    return from_values(type(x.detach()), g, "") if isinstance(g, Value) else g


FROM_VALUES = Op(
    "from_values",
    "linear",
    lambda xp, g, out, *inputs, position, shape: _element(xp, g, np.unravel_index(position, shape)),
    variadic=True,
)
TO_VALUE = Op(
    "to_value", "linear", lambda xp, g, out, x, index: xp.scatter(_lifted(g, x), index, xp.shape(x))
)


def again(kind: Any, op: Op, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """Apply one of the two ops to tangents, of which some are nodes.

    Args:
        kind: the class `Tensor`.
        op: one of the two.
        operands: tangents of its operands.
        params: its parameters.
    """
    if op is TO_VALUE:
        return _element(None, operands[0], params["index"])
    grid = np.empty(len(operands), dtype=object)
    grid[:] = operands
    return from_values(kind, grid.reshape(params["shape"]), "")


def from_values(kind: Any, values: Any, label: str) -> Any:
    """Return a Tensor of nested lists of Values; see `Tensor.from_values`."""
    grid = np.array(values, dtype=object)
    flat = [x if isinstance(x, Value) else _number(x) for x in grid.ravel()]
    tensor = kind([float(x) for x in flat], label=label, requires_grad=False)
    tensor._data = tensor._data.reshape(grid.shape)
    if not current().grad:
        return tensor
    tensor.op = FROM_VALUES
    tensor._parents = tuple(flat)
    tensor._params = {"shape": grid.shape}
    tensor.requires_grad = any(isinstance(x, Node) and x.requires_grad for x in flat)
    return tensor


def _number(x: Any) -> float:
    if isinstance(x, float | int | np.number):
        return float(x)
    what = "ragged lists" if isinstance(x, list) else type(x).__name__
    advice = "; join Tensors with chainrule.stack" if isinstance(x, Node) else ""
    raise TypeError(f"from_values needs Values and numbers in lists of equal lengths, got {what}{advice}")


def to_values(tensor: Any) -> Any:
    """Return a Tensor's elements as Values in nested lists; see `Tensor.to_values`."""
    grid = np.empty(tensor.shape, dtype=object)
    for index in np.ndindex(tensor.shape):
        grid[index] = _value(tensor, index)
    return grid.tolist()


def _value(tensor: Any, index: tuple[int, ...]) -> Value:
    grad = tensor.requires_grad and current().grad
    value = Value(float(tensor._data[index]), requires_grad=grad)
    if grad:
        value.op = TO_VALUE
        value.a = tensor
        value._params = {"index": tuple(int(i) for i in index)}
        value.serial = next_serial()
    return value
