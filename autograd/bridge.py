"""Between `Value` and `Tensor`, with gradients flowing both ways (first derivatives; second ones stay on one side)."""

from typing import Any

import numpy as np

from chainrule.autograd.mode import current
from chainrule.autograd.node import Node, next_serial
from chainrule.autograd.op import Op
from chainrule.autograd.value import Value

_FROM_VALUES = Op(
    "from_values",
    "linear",
    lambda xp, g, out, *inputs, position, shape: xp.getitem(xp.reshape(g, (-1,)), position),
    variadic=True,
)
_TO_VALUE = Op("to_value", "linear", lambda xp, g, out, x, index: xp.scatter(g, index, xp.shape(x)))


def from_values(kind: Any, values: Any, label: str) -> Any:
    """Return a Tensor of nested lists of Values; see `Tensor.from_values`."""
    grid = np.array(values, dtype=object)
    flat = [x if isinstance(x, Value) else _number(x) for x in grid.ravel()]
    tensor = kind([float(x) for x in flat], label=label, requires_grad=False)
    tensor._data = tensor._data.reshape(grid.shape)
    if not current().grad:
        return tensor
    tensor.op = _FROM_VALUES
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

    def element(index: tuple[int, ...]) -> Value:
        grad = tensor.requires_grad and current().grad
        value = Value(float(tensor._data[index]), requires_grad=grad)
        if not grad:
            return value
        value.op = _TO_VALUE
        value.a = tensor
        value._params = {"index": index}
        value.serial = next_serial()
        return value

    grid = np.empty(tensor.shape, dtype=object)
    for index in np.ndindex(tensor.shape):
        grid[index] = element(index)
    return grid.tolist()
