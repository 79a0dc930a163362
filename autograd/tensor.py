"""`Tensor`: an n-dimensional array in a graph."""

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import bridge, broadcasting, mode as modes, ops
from chainrule.autograd.annotate import annotate
from chainrule.autograd.backward import backward
from chainrule.autograd.compute import compute, explain
from chainrule.autograd.construct import as_array, as_operand
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, next_serial, where_made
from chainrule.autograd.op import Op, by_name
from chainrule.autograd.reading import ArrayReading
from chainrule.autograd.walk import ALONE, seed

_IN_PLACE = {"__add__": by_name("add"), "__sub__": by_name("sub"), "__mul__": by_name("mul")}
_new = object.__new__
_current = modes.current
_ndarray = np.ndarray


def _binary(op: Op, reflected: bool = False) -> Callable[["Tensor", Any], "Tensor"]:
    index = op.index

    def method(self: "Tensor", other: Any) -> "Tensor":
        if isinstance(other, Tensor):
            y = other._data
            grad = self.requires_grad or other.requires_grad
        else:
            other = y = as_operand(op, other)
            grad = self.requires_grad
        operands, x = (self, other), self._data
        if reflected:
            operands, x, y = (other, self), y, x
        mode = _current()
        functions = mode.functions
        forward = functions[index] if index < len(functions) else mode.load()[index]
        try:
            data = forward(x, y)
        except (ValueError, MemoryError) as error:
            raise explain(op, operands, error) from None
        if type(data) is not _ndarray:
            data = np.asarray(data)
        elif data.shape != self._data.shape:
            broadcasting.warn_if_outer(op, operands, data.shape)
        out = _new(Tensor)
        out._data = data
        if (grad and mode.grad) or mode.whole:
            out.op = op
            out._parents = operands
            out._kept = out._params = None
            out.requires_grad = grad
        else:
            out.op = None
            out.requires_grad = False
        out.serial = next_serial()
        if mode.annotates:
            annotate(out, mode, op, operands)
        return out

    return method


def _comparison(op: Op) -> Callable[["Tensor", Any], Any]:
    def method(self: "Tensor", other: Any) -> Any:
        if other is None or isinstance(other, str):  # Python then says that == is False, and < impossible
            return NotImplemented
        return self.record(op, (self, other), None)

    return method


class Tensor(ArrayReading):
    """An array that remembers how it was computed.

    Args:
        data: numbers: nested lists, an array, a table or series of pandas, or a Tensor; they are copied.
        dtype: what NumPy takes for one; None keeps that of the data.
        requires_grad: whether gradients flow to it; None means yes for floats, no for integers and booleans.
        label: a name for drawings, tables and messages.

    Raises:
        TypeError: the data are no numbers, or `requires_grad` is True for integers.
        ValueError: nested lists of unequal lengths.

    Example:
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]], label="x")
        >>> (x * x).sum().backward()
        >>> x.grad
        array([[2., 4.],
               [6., 8.]])
    """

    __slots__ = ("_parents",)

    _parents: tuple[Any, ...]

    def __init__(
        self, data: Any, dtype: Any = None, requires_grad: bool | None = None, label: str = ""
    ) -> None:
        array = as_array(data, dtype)
        self._setup(array, array.dtype.kind == "f" if requires_grad is None else requires_grad, label)

    def _setup(self, array: NDArray[Any], requires_grad: bool, label: str) -> None:
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(f"requires_grad needs a float dtype, got {array.dtype}; pass dtype=float64")
        self._data = array
        self.op = None
        self.serial = next_serial()
        self.requires_grad = requires_grad
        self.version = 0
        if label:
            self.label = label
        mode = _current()
        if mode.annotates:
            annotate(self, mode)

    @classmethod
    def from_numpy(cls, array: Any, requires_grad: bool | None = None, label: str = "") -> "Tensor":
        """Make a Tensor that shares a read-only view of an array, without copying.

        Args:
            array: of floats, integers or booleans; its own flags stay as they are.
            requires_grad: as for `Tensor`.
            label: as for `Tensor`.

        Raises:
            TypeError: `array` is no array of numbers.

        Example:
            >>> a = np.zeros(3)
            >>> np.shares_memory(a, Tensor.from_numpy(a).data)
            True
        """
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            got = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            raise TypeError(f"from_numpy needs a NumPy array of numbers, got {got}; use Tensor(...)")
        view = array.view()
        view.flags.writeable = False
        tensor = _new(cls)
        tensor._setup(view, array.dtype.kind == "f" if requires_grad is None else requires_grad, label)
        return tensor

    @property
    def data(self) -> NDArray[Any]:
        """The array. That of a leaf may be assigned: same shape, cast to the leaf's dtype. Others are read-only."""
        if self.op is None:
            array: NDArray[Any] = self._data
            return array
        view: NDArray[Any] = self._data.view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, array: Any) -> None:
        if self.op is not None:
            raise TypeError(
                f"cannot assign the data of a tensor that {self.op} computed{where_made(self)}; "
                "change the leaves that it comes from and compute it again"
            )
        self._take(as_array(array, self._data.dtype))

    def _take(self, fresh: NDArray[Any]) -> None:
        """Make an array that nobody else holds the data of this leaf."""
        old = self._data
        if fresh.shape != old.shape:
            raise ShapeError(
                f"cannot assign data of shape {fresh.shape} to a tensor of shape {old.shape}; "
                "make a new Tensor instead"
            )
        self._data = fresh if fresh.dtype is old.dtype else fresh.astype(old.dtype)
        self.version = next_serial()

    def _change(self, operator: str, other: Any) -> None:
        """`Node._change`, but written over the old data where nobody else can see them: a new array costs more."""
        op, old, mode = _IN_PLACE.get(operator), self._data, _current()
        y = other._data if isinstance(other, Tensor) else other
        fits = type(y) in (float, int) or (
            type(y) is _ndarray and y.shape == old.shape and y.dtype is old.dtype
        )
        if op and fits and getrefcount(old) == ALONE + 1 and old.flags.owndata and old.flags.writeable:
            function = mode.function(op)
            if type(function) is np.ufunc and not (mode.annotates or mode.whole):
                function(old, y, out=old)
                self.version = next_serial()
                return
        super()._change(operator, other)

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands in order: Tensors, and constants as numbers or arrays."""
        return () if self.op is None else self._parents

    def record(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Apply an op to Tensors and constants."""
        mode = _current()
        kept, arrays, grad = [], [], False
        for x in operands:
            if isinstance(x, Tensor):
                arrays.append(x._data)
                if x.requires_grad:
                    grad = True
            else:
                x = as_operand(op, x)
                arrays.append(x)
            kept.append(x)
        functions, memory = mode.functions, None
        function = functions[op.index] if op.index < len(functions) else mode.load()[op.index]
        grad = grad and mode.grad and bool(op.rules)
        keeping = mode.keeping.get(op) if grad else None
        if keeping is not None:
            try:
                data, remembered = keeping.forward(*arrays, **(params or {}))
            except (ValueError, MemoryError) as error:
                raise explain(op, kept, error) from None
            memory = keeping, remembered
        else:
            data = compute(function, op, arrays, params)
        if data.ndim == 2 and op.arity == 2 and op.structure == "elementwise":
            broadcasting.warn_if_outer(op, kept, data.shape)
        out = _new(Tensor)
        out._data = data
        if grad or mode.whole:
            out.op = op
            out._parents = tuple(kept)
            out._params = params
            out._kept = memory
            out.requires_grad = grad
        else:
            out.op = None
            out.requires_grad = False
        out.serial = next_serial()
        if mode.annotates:
            annotate(out, mode, op, kept)
        return out

    def record1(self, op: Op) -> Any:
        """Apply an op of one argument and no parameters."""
        mode = _current()
        functions = mode.functions
        function = functions[op.index] if op.index < len(functions) else mode.load()[op.index]
        try:
            data = function(self._data)
        except MemoryError as error:
            raise explain(op, (self,), error) from None
        out = _new(Tensor)
        out._data = data if type(data) is _ndarray else np.asarray(data)
        if mode.whole or (self.requires_grad and mode.grad and op.rules):
            out.op = op
            out._parents = (self,)
            out._kept = out._params = None
            out.requires_grad = self.requires_grad and bool(op.rules)
        else:
            out.op = None
            out.requires_grad = False
        out.serial = next_serial()
        if mode.annotates:
            annotate(out, mode, op, (self,))
        return out

    def backward(self, grad: Any = None) -> None:
        """Compute the gradient of this tensor with respect to everything that it was computed from.

        Leaves add the new gradient to the one they have; what lies between gets the gradient of this pass. Each
        gradient is an array of its own.

        Args:
            grad: the gradient to start from, of this tensor's shape; None means 1, and needs a single element.

        Raises:
            RuntimeError: the tensor is no scalar and `grad` is missing, nothing requires grad, or a leaf's data
                changed after it was used.
            ShapeError: `grad` has another shape.

        Example:
            >>> x = Tensor([1.0, 2.0])
            >>> (x * x).backward(grad=[1.0, 10.0])
            >>> x.grad
            array([ 2., 40.])
        """
        backward(self, seed(self, grad))

    @classmethod
    def from_values(cls, values: Any, label: str = "") -> "Tensor":
        """Make a Tensor of Values; gradients flow back to each of them.

        Args:
            values: Values and numbers in nested lists.
            label: as for `Tensor`.

        Returns:
            A float64 Tensor of the lists' shape.

        Example:
            >>> x = Value(3.0)
            >>> (Tensor.from_values([x, 2.0]) * [10.0, 1.0]).sum().backward()
            >>> x.grad
            10.0
        """
        tensor: Tensor = bridge.from_values(cls, values, label)
        return tensor

    def to_values(self) -> Any:
        """Return the elements as Values in nested lists; gradients flow back to this Tensor.

        Example:
            >>> x = Tensor([1.0, 2.0])
            >>> a, b = x.to_values()
            >>> (a * b).backward()
            >>> x.grad
            array([2., 1.])
        """
        return bridge.to_values(self)

    def detach(self) -> "Tensor":
        """Return a constant with the same data: no gradient flows through it.

        Example:
            >>> Tensor([3.0]).detach().requires_grad
            False
        """
        return Tensor.from_numpy(self._data, requires_grad=False, label=self.label)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor's elements cannot be assigned, since the graph would not know; write "
            "chainrule.where(mask, new, x) to replace elements, chainrule.concatenate([...]) to build a tensor "
            "from parts, or x.data = array to give a leaf new data"
        )

    def __pos__(self) -> "Tensor":
        return self

    def __neg__(self) -> "Tensor":
        result: Tensor = ops.neg(self)
        return result

    def __abs__(self) -> "Tensor":
        result: Tensor = ops.abs(self)
        return result

    def __matmul__(self, other: Any) -> "Tensor":
        result: Tensor = ops.matmul(self, other)
        return result

    def __rmatmul__(self, other: Any) -> "Tensor":
        result: Tensor = ops.matmul(other, self)
        return result

    __add__ = _binary(by_name("add"))
    __radd__ = _binary(by_name("add"), reflected=True)
    __sub__ = _binary(by_name("sub"))
    __rsub__ = _binary(by_name("sub"), reflected=True)
    __mul__ = _binary(by_name("mul"))
    __rmul__ = _binary(by_name("mul"), reflected=True)
    __truediv__ = _binary(by_name("div"))
    __rtruediv__ = _binary(by_name("div"), reflected=True)
    __pow__ = _binary(by_name("pow"))
    __rpow__ = _binary(by_name("pow"), reflected=True)
    __floordiv__ = _binary(by_name("floor_divide"))
    __rfloordiv__ = _binary(by_name("floor_divide"), reflected=True)
    __mod__ = _binary(by_name("remainder"))
    __rmod__ = _binary(by_name("remainder"), reflected=True)
    __and__ = ops.logical_and
    __or__ = ops.logical_or
    __invert__ = ops.logical_not
    __lt__ = _comparison(by_name("less"))
    __le__ = _comparison(by_name("less_equal"))
    __gt__ = _comparison(by_name("greater"))
    __ge__ = _comparison(by_name("greater_equal"))
    __eq__ = _comparison(by_name("equal"))
    __ne__ = _comparison(by_name("not_equal"))
    __hash__ = Node.__hash__
