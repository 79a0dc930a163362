"""From what a user passes to arrays: what is accepted, and what is said of the rest."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.constants import as_constant, from_table, holds, odd_column, refuse_masked
from chainrule.autograd.node import Node
from chainrule.autograd.op import Op


def as_array(data: Any, dtype: Any = None) -> NDArray[Any]:
    """Copy numbers into a new array of floats, integers or booleans.

    Raises:
        TypeError: the data are no real numbers.
        ValueError: nested lists are ragged; the first row that differs is named.
        MemoryError: there is not enough memory for the copy.
    """
    if isinstance(data, Node):
        data = data._data
    if holds(data, Node):
        raise TypeError(
            "cannot make a Tensor from a list of nodes, which would cut their graph; "
            "use chainrule.stack([...]) for Tensors and Tensor.from_values([...]) for Values"
        )
    refuse_masked(type(data).__name__, data)
    if isinstance(dtype, str):
        _refuse_label(dtype)
    try:
        array = np.array(from_table(data), dtype=dtype)
    except ValueError:
        _refuse_ragged(data)
        raise
    except TypeError as error:
        raise TypeError(f"cannot make a Tensor from {type(data).__name__}: {error}") from None
    except MemoryError as error:
        raise MemoryError(f"cannot make a Tensor from {type(data).__name__}: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(_not_numbers(data, array.dtype))
    return array


def allocate(name: str, make: Callable[..., NDArray[Any]], *arguments: Any) -> NDArray[Any]:
    """Make a new array by a function of NumPy; where it is too large, say who asked for it.

    Raises:
        MemoryError: there is not enough memory for it; the message gives shape and bytes.
    """
    try:
        return make(*arguments)
    except MemoryError as error:
        raise MemoryError(f"{name}: the result does not fit in memory ({error})") from None


def _refuse_label(dtype: str) -> None:
    """Raise for a label where a dtype is expected; one letter is taken for a label too, though NumPy knows some."""
    try:
        known = len(dtype) > 1 and bool(np.dtype(dtype))
    except TypeError:
        known = False
    if not known:
        raise TypeError(
            f"{dtype!r} stands where a dtype is expected; for a name write Tensor(data, label={dtype!r}), "
            "for a type its full name, such as dtype='float32'"
        )


def _not_numbers(data: Any, dtype: np.dtype[Any]) -> str:
    shown = f"dtype {dtype}" if dtype.kind != "O" else f"{type(data).__name__} of Python objects"
    found = odd_column(data) or "; it needs real numbers (floats, integers or booleans)"
    return f"cannot make a Tensor from {shown}{found}"


def _refuse_ragged(rows: Any, where: str = "data") -> None:
    """Raise for the first row whose length differs from its neighbours'."""
    if _length(rows) in (None, 0):
        return
    lengths = [_length(row) for row in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            raise ValueError(
                f"cannot make a Tensor from ragged lists: {where}[{i}] has {_count(length)}, "
                f"{where}[0] has {_count(lengths[0])}; make all rows equally long"
            )
    for i, row in enumerate(rows):
        _refuse_ragged(row, f"{where}[{i}]")


def _length(row: Any) -> int | None:
    if isinstance(row, np.ndarray):
        return len(row) if row.ndim else None
    return len(row) if isinstance(row, Sequence) and not isinstance(row, str) else None


def _count(length: int | None) -> str:
    return "no length (it is a number)" if length is None else f"{length} element{'s' * (length != 1)}"


def as_operand(op: Op, x: Any) -> Any:
    """Return a constant operand: a Python number as it is (it never widens a float32), else an array.

    Raises:
        TypeError: it is no number and no array of numbers.
    """
    if isinstance(x, float | int):
        return x
    if isinstance(x, Node):
        raise TypeError(
            f"{op}: cannot combine a Tensor with a Value; lift the Value with "
            "Tensor.from_values(v), and gradients flow, or use v.data as a constant"
        )
    array = x if type(x) is np.ndarray or isinstance(x, np.generic) else as_constant(op, x, Node)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{op}: cannot combine a Tensor with {type(x).__name__} (dtype {array.dtype}){odd_column(x)}"
        )
    return array
