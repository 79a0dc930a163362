"""`Value`: one number in a graph.

A Value node is the hot object of scalar graphs, so it holds its operands in plain slots (no tuple, no closure):
the graph has no reference cycles and is freed the moment the loss goes out of scope.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autograd import mode as modes
from chainrule.autograd.annotate import annotate
from chainrule.autograd.backward import backward_scalar
from chainrule.autograd.methods import ScalarMethods
from chainrule.autograd.node import Node, data_of, next_serial
from chainrule.autograd.op import Op, by_name

_new = object.__new__
_current = modes.current
_NEG, _ABS = by_name("neg"), by_name("abs")


def _binary(op: Op) -> Callable[["Value", Any], "Value"]:
    forward = op.scalar
    assert forward is not None

    def method(self: "Value", other: Any) -> "Value":
        if type(other) is Value:
            data = forward(self._data, other._data)
        elif type(other) is float:
            data = forward(self._data, other)
        else:
            other = _operand(op, other)
            data = forward(self._data, data_of(other))
        out = _new(Value)
        out._data = data
        out.op = op
        out.a = self
        out.b = other
        out.serial = next_serial()
        mode = _current()
        return out if mode.plain and (self.op is not None or self.requires_grad) else _finish(out, mode)

    return method


def _reflected(op: Op) -> Callable[["Value", Any], "Value"]:
    def method(self: "Value", other: Any) -> "Value":
        result: Value = self.record(op, (other, self), None)
        return result

    return method


def _comparison(op: Op) -> Callable[["Value", Any], bool]:
    forward = op.scalar
    assert forward is not None

    def method(self: "Value", other: Any) -> Any:
        if _current().whole:
            return self.record(op, (self, other), None)
        number = constant(other._data if isinstance(other, Value) else other)
        if number is NotImplemented:
            return NotImplemented
        result: bool = forward(self._data, number)
        return result

    return method


def constant(x: Any) -> Any:
    """Return a number as a float, or NotImplemented for what is none."""
    if isinstance(x, float | int | np.number | np.bool_):
        return float(x)
    if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind in "biuf":
        return float(x)
    return NotImplemented


def _number(data: Any) -> float:
    number = constant(data)
    if number is NotImplemented:
        raise TypeError(
            f"cannot make a Value from {type(data).__name__}: a Value is one real number; "
            "use Tensor for lists and arrays"
        )
    return float(number)


class Value(ScalarMethods):
    """A number that remembers how it was computed.

    Args:
        data: a real number; held as a Python float (64 bits).
        label: a name for drawings, tables and messages.
        requires_grad: False makes it a constant.

    Raises:
        TypeError: `data` is no real number.

    Example:
        >>> x = Value(2.0, label="x")
        >>> y = Value(5.0, label="y")
        >>> f = x.log() + x * y - y.sin()
        >>> f.backward()
        >>> round(f.data, 3), round(x.grad, 3), round(y.grad, 3)
        (11.652, 5.5, 1.716)
    """

    __slots__ = ("a", "b", "c")

    a: Any
    b: Any
    c: Any

    def __init__(self, data: float, label: str = "", requires_grad: bool = True) -> None:
        self._data = _number(data)
        self.op = None
        self.serial = next_serial()
        self.requires_grad = requires_grad
        self.version = 0
        if label:
            self.label = label
        mode = _current()
        if not mode.plain:
            annotate(self, mode)

    @property
    def data(self) -> float:
        """The number; that of a leaf may be assigned."""
        number: float = self._data
        return number

    @data.setter
    def data(self, number: float) -> None:
        if self.op is not None:
            raise TypeError(
                f"cannot assign the data of {self!r}: {self.op} computed it; "
                "change the leaves that it comes from and compute it again"
            )
        self._take(_number(number))

    def _take(self, number: float) -> None:
        self._data = number
        self.version = next_serial()

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands in order: Values, and floats for constants."""
        if self.op is None:
            return ()
        if self.op.arity == 1:
            return (self.a,)
        return (self.a, self.b) if self.op.arity == 2 else (self.a, self.b, self.c)

    def record(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Apply a scalar op to Values and numbers."""
        forward = op.scalar
        if forward is None:
            raise TypeError(f"{op} works on a Tensor; a Value is one number")
        if len(operands) > 3:
            raise TypeError(
                f"{op} has {len(operands)} arguments; an op of Values has at most three: use Tensors"
            )
        operands = [x if type(x) is Value else _operand(op, x) for x in operands]
        data = forward(*(x._data if isinstance(x, Value) else x for x in operands), **(params or {}))
        mode = _current()
        if op.structure == "constant":
            if not mode.whole:
                return data
            data = float(data)
        out = _new(Value)
        out._data = data
        out.op = op
        for slot, operand in zip("abc", operands, strict=False):
            setattr(out, slot, operand)
        if params:
            out._params = params
        out.serial = next_serial()
        return out if mode.plain and any(map(_varies, operands)) else _finish(out, mode)

    def record1(self, op: Op) -> Any:
        """Apply a scalar op of one argument and no parameters."""
        if op.scalar is None:
            return self.record(op, (self,), None)
        out = _new(Value)
        out._data = op.scalar(self._data)
        out.op = op
        out.a = self
        out.serial = next_serial()
        mode = _current()
        return out if mode.plain and (self.op is not None or self.requires_grad) else _finish(out, mode)

    def backward(self, grad: float = 1.0) -> None:
        """Compute the gradient of this Value with respect to everything that it was computed from.

        Leaves add the new gradient to the one they have; what lies between gets the gradient of this pass.

        Args:
            grad: the gradient to start from at this Value.

        Raises:
            RuntimeError: it was computed from constants only, or a leaf changed after it was used.

        Example:
            >>> x = Value(3.0)
            >>> (x * x).backward()
            >>> x.grad
            6.0
        """
        backward_scalar(self, float(grad))

    def item(self) -> float:
        """Return the number."""
        return self.data

    def detach(self) -> "Value":
        """Return a constant with the same number: no gradient flows through it.

        Example:
            >>> Value(3.0).detach().requires_grad
            False
        """
        return Value(self._data, self.label, requires_grad=False)

    def __repr__(self) -> str:
        parts = [repr(self._data)]
        parts += [f"op={self.op}"] if self.op is not None else []
        parts += [f"label={self.label!r}"] if self.label else []
        parts += [f"grad={self.grad!r}"] if self.grad is not None else []
        return f"Value({', '.join(parts)})"

    def __float__(self) -> float:
        return self.data

    def __int__(self) -> int:
        return int(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __pos__(self) -> "Value":
        return self

    def __neg__(self) -> "Value":
        result: Value = self.record1(_NEG)
        return result

    def __abs__(self) -> "Value":
        result: Value = self.record1(_ABS)
        return result

    __add__ = _binary(by_name("add"))
    __radd__ = _reflected(by_name("add"))
    __sub__ = _binary(by_name("sub"))
    __rsub__ = _reflected(by_name("sub"))
    __mul__ = _binary(by_name("mul"))
    __rmul__ = _reflected(by_name("mul"))
    __truediv__ = _binary(by_name("div"))
    __rtruediv__ = _reflected(by_name("div"))
    __pow__ = _binary(by_name("pow"))
    __rpow__ = _reflected(by_name("pow"))
    __floordiv__ = _binary(by_name("floor_divide"))
    __rfloordiv__ = _reflected(by_name("floor_divide"))
    __mod__ = _binary(by_name("remainder"))
    __rmod__ = _reflected(by_name("remainder"))
    __lt__ = _comparison(by_name("less"))
    __le__ = _comparison(by_name("less_equal"))
    __gt__ = _comparison(by_name("greater"))
    __ge__ = _comparison(by_name("greater_equal"))
    __eq__ = _comparison(by_name("equal"))
    __ne__ = _comparison(by_name("not_equal"))
    __hash__ = Node.__hash__


def _operand(op: Op, x: Any) -> Any:
    """Return an operand that is no plain Value as a Value or a float."""
    if isinstance(x, Value):
        return x
    number = constant(x)
    if number is NotImplemented:
        advice = "use Tensor for arrays, or Tensor.from_values([...]) for Values in a list"
        if isinstance(x, Node):
            advice = (
                "lift the Value with Tensor.from_values(v), and gradients flow, or use v.data as a constant"
            )
        raise TypeError(
            f"{op}: cannot combine a Value with {type(x).__name__}: a Value is one number; {advice}"
        )
    return number


def _varies(x: Any) -> bool:
    """Say whether an operand is no constant: it requires grad, as whatever an op made does."""
    return type(x) is not float and (x.op is not None or x.requires_grad)


def _finish(out: Value, mode: modes.Mode) -> Value:
    """Make a new node a constant, inside `no_grad` and where its operands are; annotate it where that is wanted."""
    op, operands = out.op, out.parents
    if not (mode.grad and (mode.whole or any(map(_varies, operands)))):
        out.op = None
        out.requires_grad = False
        for slot in "abc":
            if hasattr(out, slot):
                delattr(out, slot)
    annotate(out, mode, op, operands)
    return out
