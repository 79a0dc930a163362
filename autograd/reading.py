"""What a Tensor shows of its array: shape, elements, conversions, text."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import ops
from chainrule.autograd.methods import ArrayMethods


def _refuse_pandas_dot(caller: FrameType) -> None:
    """Raise for ``table @ tensor``: pandas would take the array and drop the graph, without asking our operator."""
    if caller.f_code.co_name == "dot" and caller.f_globals.get("__name__", "").startswith("pandas."):
        raise TypeError(
            "table @ tensor would lose the graph in pandas; write chainrule.matmul(table, tensor)"
        )


class ArrayReading(ArrayMethods):
    """The part of a `Tensor` that reads its array, and records nothing."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        dims: tuple[int, ...] = self._data.shape
        return dims

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        kind: np.dtype[Any] = self._data.dtype
        return kind

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._data.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(self._data.size)

    @property
    def T(self) -> Any:
        """The tensor with its axes reversed."""
        return ops.transpose(self)

    def item(self) -> float:
        """Return the only element as a Python number.

        Raises:
            ValueError: there is not exactly one.
        """
        if self._data.size != 1:
            raise ValueError(
                f"item() needs exactly one element, got shape {self.shape}; index it or reduce it"
            )
        number: float = self._data.item()
        return number

    def numpy(self) -> NDArray[Any]:
        """Return the data as an array that is yours: a copy."""
        copy: NDArray[Any] = self._data.copy()
        return copy

    def __dlpack__(
        self, *, copy: bool | None = None, dl_device: tuple[int, int] | None = None, **request: Any
    ) -> Any:
        """Hand a copy of the data to another library, which may write into it."""
        if copy is False:
            raise BufferError(
                "a Tensor hands over a copy, since its graph relies on the data: leave copy=False out, or share the "
                "read-only array x.data"
            )
        if dl_device not in (None, self.__dlpack_device__()):
            raise BufferError(
                f"a Tensor lies in main memory and cannot be handed over on device {dl_device}; take it without "
                "a device, then move it with the other library"
            )
        return self.numpy().__dlpack__(**request)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # main memory

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        _refuse_pandas_dot(sys._getframe(1))
        if copy or (dtype is not None and np.dtype(dtype) != self._data.dtype):
            return np.array(self._data, dtype=dtype)
        view: NDArray[Any] = self._data.view()
        view.flags.writeable = False
        return view

    def __len__(self) -> int:
        if not self._data.shape:
            raise TypeError("a Tensor of shape () has no length; it holds one number, x.item()")
        return int(self._data.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ValueError(
                f"the truth of a Tensor of shape {self.shape} is ambiguous; use chainrule.where to choose element by "
                "element, or reduce it first"
            )
        return bool(self._data)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", precision=4, prefix="Tensor(", threshold=100)
        parts = [text]
        parts += [f"shape={self.shape}"] if self._data.size > 100 or not self._data.size else []
        parts += [f"dtype={self.dtype}"] if self.dtype not in (np.float64, np.int64, np.bool_) else []
        parts += [f"op={self.op}"] if self.op is not None else []
        parts += [f"label={self.label!r}"] if self.label else []
        return f"Tensor({', '.join(parts)})"
