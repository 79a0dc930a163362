"""`Parameter`: a tensor that a module learns."""

from typing import Any

import numpy as np

from chainrule.autograd.construct import as_array
from chainrule.autograd.node import next_serial
from chainrule.autograd.tensor import Tensor


class Parameter(Tensor):
    """A leaf of the graph that an optimizer changes; a `Module` finds it in its attributes.

    Args:
        data: what `Tensor` takes; copied.
        dtype: a float dtype; float32 unless told.
        requires_grad: False freezes it: no gradient is computed, so optimizers leave it alone.
        label: a name for drawings; a module names it after the attribute.

    Raises:
        TypeError: `dtype` is no float type.

    Example:
        >>> Parameter([1.0, 2.0], label="b")
        Parameter([1., 2.], dtype=float32, label='b')
    """

    __slots__ = ()

    def __init__(
        self, data: Any, dtype: Any = np.float32, requires_grad: bool = True, label: str = ""
    ) -> None:
        array = as_array(data, dtype)
        if array.dtype.kind != "f":
            raise TypeError(f"a Parameter needs a float dtype, got {array.dtype}; pass dtype=float32")
        self._setup(array, requires_grad, label)

    def replace(self, array: np.ndarray[Any, Any]) -> None:
        """Put an array of the same shape and dtype in place of the data, without a copy: for optimizers.

        The old array is left as it was, for graphs that still hold views of it.
        """
        self._data = array
        self.version = next_serial()

    def __repr__(self) -> str:
        return super().__repr__().replace("Tensor(", "Parameter(", 1)
