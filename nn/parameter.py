"""`Parameter`: a tensor that a module learns; `Buffer`: one that it keeps beside them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd.construct import as_array
from chainrule.autograd.node import Node, next_serial
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.update import update
from chainrule.nn import init as inits

Array = NDArray[Any]


class _Held(Tensor):
    """A leaf of the graph that belongs to a module."""

    __slots__ = ()

    @classmethod
    def filled(cls, shape: tuple[int, ...], make: Callable[[], Array], dtype: Any) -> Self:
        """Return one that holds the array that `make` returns; inside `skeleton`, a read-only stand-in for it."""
        held = cls.__new__(cls)
        places = _places.get()
        if places is None:
            held._setup(make(), cls is not Buffer, "")
        else:
            places.take()
            held._setup(np.broadcast_to(np.zeros((), dtype), shape), cls is not Buffer, "")
        return held

    def replace(self, array: Array) -> None:
        """Put an array of the same shape and dtype in place of the data, without a copy: for optimizers.

        The old array is left as it was, for graphs that still hold views of it.
        """
        self._data = array
        self.version = next_serial()

    def __repr__(self) -> str:
        return super().__repr__().replace("Tensor(", f"{type(self).__name__}(", 1)


class Parameter(_Held):
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

    @classmethod
    def drawn(
        cls, shape: tuple[int, ...], init: str | inits.Init, generator: inits.Generator, dtype: Any
    ) -> Self:
        """Return a parameter that begins as an `init` says; it is not drawn at all inside `skeleton`.

        Raises:
            TypeError: `dtype` is no float type.
            ValueError: an unknown name.

        Example:
            >>> Parameter.drawn((1, 2), "constant", None, np.float32)
            Parameter([[1., 1.]], dtype=float32)
        """
        begin, kind = inits.by_name(init), np.dtype(dtype)
        if kind.kind != "f":
            raise TypeError(f"parameters need a float dtype, got {kind}; pass dtype='float32'")
        return cls.filled(shape, lambda: as_array(begin(shape, generator=generator, dtype=kind), kind), kind)


class Buffer(_Held):
    """State of a module that no optimizer changes, such as running statistics: saved with it, and never learned.

    Args:
        data: what `Tensor` takes; copied.
        dtype: of numbers; float32 unless told.
        label: a name for drawings; a module names it after the attribute.

    Example:
        >>> class Counter(nn.Module):
        ...     def __init__(self):
        ...         self.calls = Buffer(0, np.int64)
        ...     def forward(self, x):
        ...         self.calls.update(self.calls + 1)
        ...         return x
        >>> counter = Counter()
        >>> y = counter(counter(1.0))
        >>> counter.state_dict()
        {'calls': array(2)}
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = np.float32, label: str = "") -> None:
        self._setup(as_array(data, dtype), False, label)

    def update(self, value: Any) -> None:
        """Give it its next value, of the same shape; compiled code does so when the whole step is over.

        Args:
            value: a Tensor or array; compute it inside `no_grad`, or the graph of every step stays alive in the next.

        Raises:
            ShapeError: another shape.
        """
        update(self, value)


def replace_all(pairs: Iterable[tuple[_Held, Array]]) -> None:
    """`replace` many at once.

    Args:
        pairs: a parameter or buffer, and an array of its shape and dtype.

    Example:
        >>> w = Parameter([1.0])
        >>> replace_all([(w, np.zeros(1, np.float32))])
        >>> w.data
        array([0.], dtype=float32)
    """
    version = next_serial()
    for held, array in pairs:
        held._data, held.version = array, version


class _Places:
    """How many parameters and buffers a file has room for."""

    def __init__(self, count: int) -> None:
        self.left = count

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ValueError("the config describes more parameters than the file holds arrays")


_places: ContextVar[_Places | None] = ContextVar("chainrule_places", default=None)


@contextmanager
def skeleton(count: int) -> Iterator[None]:
    """Build modules, while the block runs, whose parameters take no memory and draw no random numbers.

    Args:
        count: how many parameters and buffers may be made.

    Raises:
        ValueError: there are more.

    Example:
        >>> with skeleton(2):
        ...     nn.Linear(10**6, 10**6).weight.shape
        (1000000, 1000000)
    """
    token = _places.set(_Places(count))
    try:
        yield
    finally:
        _places.reset(token)


def as_input(x: Any, parameter: Tensor) -> Any:
    """Return x for use beside a parameter: a constant is cast to the parameter's dtype, a variable is left alone.

    Raises:
        TypeError: x holds no numbers.
    """
    dtype = parameter._data.dtype
    if isinstance(x, Node):
        if not isinstance(x, Tensor):
            raise TypeError(
                "a Value is one number; nn.scalar has the networks of Values, this one takes arrays"
            )
        return x if x.requires_grad or x._data.dtype == dtype else x.astype(dtype)
    array = x if isinstance(x, np.ndarray) and x.dtype.kind in "fiub" else as_array(x)
    return array if array.dtype == dtype else array.astype(dtype)
