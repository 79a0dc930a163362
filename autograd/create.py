"""Tensors from nothing: filled, counted, or like another."""

from typing import Any

import numpy as np

from chainrule.autograd.construct import allocate, as_array
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
    shape: Shape,
    fill_value: float,
    dtype: Any = np.float64,
    requires_grad: bool | None = None,
    label: str = "",
) -> Tensor:
    """A Tensor filled with one number; other arguments as `zeros`.

    Example:
        >>> full(2, 7.0)
        Tensor([7., 7.])
    """
    try:
        array = np.full(shape, fill_value, dtype)
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


def eye(
    n: int,
    m: int | None = None,
    k: int = 0,
    dtype: Any = np.float64,
    requires_grad: bool | None = None,
    label: str = "",
) -> Tensor:
    """The identity matrix of n rows, or a matrix with ones on another diagonal.

    Args:
        n: number of rows.
        m: number of columns; None means n.
        k: which diagonal; 0 is the main one, positive numbers lie above it.
        dtype: what NumPy takes for one.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Example:
        >>> eye(2)
        Tensor([[1., 0.],
                [0., 1.]])
    """
    return Tensor(allocate("eye", np.eye, n, m, k), dtype, requires_grad, label)


def arange(*bounds: float, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Numbers at equal steps, as `numpy.arange`: (stop), (start, stop) or (start, stop, step).

    Example:
        >>> arange(3)
        Tensor([0, 1, 2])
    """
    return Tensor(allocate("arange", np.arange, *bounds), dtype, requires_grad, label)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = np.float64,
    requires_grad: bool | None = None,
    label: str = "",
) -> Tensor:
    """`num` numbers at equal distances; with `endpoint` both ends are included. Other arguments as `zeros`.

    Example:
        >>> linspace(0, 1, 3)
        Tensor([0. , 0.5, 1. ])
    """
    return Tensor(allocate("linspace", np.linspace, start, stop, num, endpoint), dtype, requires_grad, label)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Zeros of the shape of x, and of its dtype if none is given.

    Example:
        >>> zeros_like(Tensor([1.0, 2.0]))
        Tensor([0., 0.])
    """
    return full_like(x, 0, dtype, requires_grad, label)


def ones_like(x: Any, dtype: Any = None, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Ones of the shape of x, and of its dtype if none is given.

    Example:
        >>> ones_like(Tensor([1.0, 2.0]))
        Tensor([1., 1.])
    """
    return full_like(x, 1, dtype, requires_grad, label)


def full_like(
    x: Any, fill_value: float, dtype: Any = None, requires_grad: bool | None = None, label: str = ""
) -> Tensor:
    """One number, in the shape of x, and in its dtype if none is given.

    Example:
        >>> full_like(Tensor([1.0, 2.0]), 7)
        Tensor([7., 7.])
    """
    like = as_array(x)
    return full(like.shape, fill_value, like.dtype if dtype is None else dtype, requires_grad, label)


_MAIN_MEMORY = {1, 3, 11, 13}  # kDLCPU, kDLCUDAHost, kDLROCMHost, kDLCUDAManaged of dlpack.h


def from_dlpack(array: Any, requires_grad: bool | None = None, label: str = "") -> Tensor:
    """Make a Tensor of an array of another library (PyTorch, JAX, NumPy, ...), without copying.

    The Tensor reads the other library's memory and never writes to it; what the other writes there, it sees. For the
    other direction give a Tensor to that library's own `from_dlpack`: it gets a copy.

    Args:
        array: anything with ``__dlpack__``, in main memory.
        requires_grad: as for `Tensor`.
        label: as for `Tensor`.

    Raises:
        TypeError: it is no such array, or one of a type that NumPy lacks, such as bfloat16.
        BufferError: it is not in main memory, or its library does not hand it over.

    Example:
        >>> from_dlpack(np.zeros(2))
        Tensor([0., 0.])
    """
    if not hasattr(array, "__dlpack__"):
        raise TypeError(
            f"from_dlpack needs an array of another library, with __dlpack__, got {type(array).__name__}; "
            "use Tensor(...)"
        )
    device = tuple(array.__dlpack_device__())
    if device[0] not in _MAIN_MEMORY:
        raise BufferError(
            f"from_dlpack reads main memory, and this {type(array).__name__} lies on device {device}; move it first, "
            "in PyTorch with .cpu()"
        )
    try:
        shared = np.from_dlpack(array)
    except RuntimeError as error:  # NumPy's word for a type that it does not know
        raise TypeError(f"from_dlpack: {error} NumPy has no such type; convert it, say to float32") from None
    if shared.dtype.kind not in "fiub":
        raise TypeError(f"from_dlpack needs real numbers, got dtype {shared.dtype}")
    return Tensor.from_numpy(shared, requires_grad, label)
