"""Tensors from nothing: filled, counted, or like another."""

from typing import Any

import numpy as np

from chainrule.autograd.construct import as_array
from chainrule.autograd.tensor import Tensor

Shape = int | tuple[int, ...]


def zeros(
    shape: Shape, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = ""
) -> Tensor:
    """A Tensor of zeros.

    Args:
        shape: a length, or the length of each axis.
        dtype: what NumPy takes for one.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Raises:
        MemoryError: there is not enough memory for it; the message gives shape and bytes.

    Example:
        >>> zeros((1, 2))
        Tensor([[0., 0.]])
    """
    return full(shape, 0, dtype, requires_grad, label)


def ones(shape: Shape, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """A Tensor of ones; arguments as `zeros`.

    Example:
        >>> ones(3)
        Tensor([1., 1., 1.])
    """
    return full(shape, 1, dtype, requires_grad, label)


def full(
    shape: Shape, value: float, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = ""
) -> Tensor:
    """A Tensor filled with one number; other arguments as `zeros`.

    Example:
        >>> full(2, 7.0)
        Tensor([7., 7.])
    """
    try:
        array = np.full(shape, value, dtype)
    except (MemoryError, ValueError) as error:
        dims = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(n < 0 for n in dims):
            raise ValueError(f"full: shape {dims} has a negative length") from None
        size = np.dtype(dtype).itemsize * float(np.prod(np.array(dims, dtype=float)))
        raise MemoryError(
            f"full: shape {dims} of {np.dtype(dtype)} needs {size:.3g} bytes ({error})"
        ) from None
    tensor = Tensor.from_numpy(array, requires_grad, label)
    tensor._data = array  # it is the tensor's own: writable, unlike a view of somebody's array
    return tensor


def eye(n: int, dtype: Any = np.float64, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """The identity matrix of n rows; other arguments as `zeros`.

    Example:
        >>> eye(2)
        Tensor([[1., 0.],
                [0., 1.]])
    """
    return Tensor(np.eye(n), dtype, requires_grad, label)


def arange(*bounds: float, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Numbers at equal steps, as `numpy.arange`: (stop), (start, stop) or (start, stop, step).

    Example:
        >>> arange(3)
        Tensor([0, 1, 2])
    """
    return Tensor(np.arange(*bounds), dtype, requires_grad, label)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    dtype: Any = np.float64,
    requires_grad: bool | None = None,
    label: str = "",
) -> Tensor:
    """`num` numbers at equal distances, both ends included; other arguments as `zeros`.

    Example:
        >>> linspace(0, 1, 3)
        Tensor([0. , 0.5, 1. ])
    """
    return Tensor(np.linspace(start, stop, num), dtype, requires_grad, label)


def zeros_like(x: Any, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Zeros of the shape and dtype of x.

    Example:
        >>> zeros_like(Tensor([1.0, 2.0]))
        Tensor([0., 0.])
    """
    return full_like(x, 0, requires_grad, label)


def ones_like(x: Any, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Ones of the shape and dtype of x.

    Example:
        >>> ones_like(Tensor([1.0, 2.0]))
        Tensor([1., 1.])
    """
    return full_like(x, 1, requires_grad, label)


def full_like(x: Any, value: float, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """One number, in the shape and dtype of x.

    Example:
        >>> full_like(Tensor([1.0, 2.0]), 7)
        Tensor([7., 7.])
    """
    like = as_array(x)
    return full(like.shape, value, like.dtype, requires_grad, label)
