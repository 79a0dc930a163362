"""A node of the graph: what `Value` and `Tensor` have in common."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autograd import mode as modes
from chainrule.autograd.constants import as_constant, odd_column
from chainrule.autograd.op import Op
from chainrule.backends.gradients import Keeping

next_serial = itertools.count(1).__next__

# Slots that most nodes leave empty: reading one gives the default, at no cost to the nodes that are made.
_DEFAULTS: dict[str, Any] = {
    "grad": None,
    "label": "",
    "scope": None,
    "op": None,
    "requires_grad": True,
    "version": 0,
    "_kept": None,
    "_params": None,
    "_place": None,
    "_checksum": None,
    "_hooks": None,
}
OWN_CODE = ("chainrule.autograd", "chainrule.backends", "chainrule.nn", "chainrule.viz")


class Node:
    """A value in a computational graph, and what made it.

    Attributes:
        grad: the gradient that the last `backward()` left here; None before.
        op: the `Op` that made it; None for a leaf.
        serial: position in the order of creation, which is a topological order.
        scope: the `Scope` in which it was made, or None.
        label: the user's name for it.
        requires_grad: whether gradients flow to it.
        version: serial number of the last change of a leaf's data; 0 if it never changed.
    """

    __slots__ = (
        "_checksum",
        "_data",
        "_hooks",
        "_kept",
        "_params",
        "_place",
        "grad",
        "label",
        "op",
        "requires_grad",
        "scope",
        "serial",
        "version",
    )

    _checksum: tuple[int, ...] | None
    _data: Any
    _hooks: "_Hooks | None"
    _kept: tuple[Keeping, Any] | None
    _params: dict[str, Any] | None
    _place: tuple[Any, int] | None
    grad: Any
    label: str
    op: Op | None
    requires_grad: bool
    scope: modes.Scope | None
    serial: int
    version: int

    __hash__ = object.__hash__

    if not TYPE_CHECKING:  # a type checker is to see the slots, and typos

        def __getattr__(self, name: str) -> Any:
            try:
                return _DEFAULTS[name]
            except KeyError:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    @property
    def data(self) -> Any:
        """The number or array."""
        raise NotImplementedError

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands in order: nodes, and constants as plain numbers or arrays."""
        raise NotImplementedError

    @property
    def params(self) -> dict[str, Any]:
        """What the op was told beside its operands, such as an axis."""
        return self._params or {}

    @property
    def line(self) -> tuple[str, int] | None:
        """File and line that made this node, if lines were being remembered."""
        if self._place is None:
            return None
        code, instruction = self._place
        for start, end, line in code.co_lines():
            if start <= instruction < end and line is not None:
                return code.co_filename, line
        return code.co_filename, code.co_firstlineno

    def record1(self, op: Op) -> Any:
        """Apply an op that has one argument and no parameters to this node."""
        raise NotImplementedError

    def record(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Apply an op to operands of which at least one is a node of this class."""
        raise NotImplementedError

    def _change(self, operator: str, other: Any) -> None:
        """Make what an operator's method returns the data of this leaf."""
        self._take(getattr(self, operator)(other)._data)

    def _take(self, fresh: Any) -> None:
        """Make a number, or an array that nobody else holds, the data of this leaf."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradient of this node: `grad` is None again."""
        self.grad = None

    def detach(self) -> "Node":
        """Return a constant with the same data."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise TypeError(
                f"cannot copy or pickle a {type(self).__name__} that {self.op} computed, since it holds a graph"
                f"{where_made(self)}; copy x.detach(), or the leaves"
            )
        state = {name: getattr(self, name) for name in ("requires_grad", "grad", "label")}
        return _restore, (type(self), self._data, state)

    def register_hook(self, hook: Callable[[Any], Any]) -> "Hook":
        """Call a function with the gradient of this node whenever a walk has completed it.

        Args:
            hook: takes the gradient; what it returns replaces it, unless that is None.

        Returns:
            A handle; its `remove()` takes the hook away.

        Example:
            >>> x = Value(3.0)
            >>> handle = x.register_hook(lambda g: 10 * g)
            >>> (2 * x).backward()
            >>> x.grad
            20.0
        """
        if self._hooks is None:
            self._hooks = _Hooks(self.serial)
        return Hook(self._hooks, hook)


HOOKED: set[int] = set()  # serials of nodes with hooks, so that a walk pays nothing while there are none


class _Hooks(dict[int, Callable[[Any], Any]]):
    """A node's hooks; when the node is freed, so are they, and `HOOKED` forgets it."""

    def __init__(self, serial: int) -> None:
        super().__init__()
        self.serial = serial

    def __del__(self) -> None:
        HOOKED.discard(self.serial)


class Hook:
    """A hook on a node's gradient, until it is removed."""

    def __init__(self, hooks: _Hooks, hook: Callable[[Any], Any]) -> None:
        self._hooks = hooks
        self._key = next_serial()
        hooks[self._key] = hook
        HOOKED.add(hooks.serial)

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)
        if not self._hooks:
            HOOKED.discard(self._hooks.serial)


def _restore(kind: type[Node], data: Any, state: dict[str, Any]) -> Node:
    """Make a leaf again, from what `__reduce__` gave."""
    node = kind.__new__(kind)
    node._data = data
    node.op = None
    node.serial = next_serial()
    node.version = 0
    for name, content in state.items():
        setattr(node, name, content)
    return node


def where_made(node: Any) -> str:
    """Return `` (made at FILE:LINE)`` for an error message, if the line is known."""
    line = node.line if isinstance(node, Node) else None
    if line is None:
        return ""
    return f" (made at {line[0]}:{line[1]})"


def line_hint(node: Node) -> str:
    """Return how to learn the line that made a node, for an error message that could not name it."""
    return "" if node.line else "; inside `with chainrule.record_lines():` this message names the lines"


def apply(op: Op, *operands: Any, **params: Any) -> Any:
    """Apply an op: recorded if an operand is a node, computed at once if all are numbers or arrays."""
    for operand in operands:
        if isinstance(operand, Node):
            return operand.record(op, operands, params)
    if op.scalar is not None and all(isinstance(operand, float | int) for operand in operands):
        return op.scalar(*(float(x) if type(x) is int else x for x in operands), **params)
    function = modes.current().function(op)
    kept = np.ndarray if op.scalar is None else float | int | np.ndarray
    arrays = [x if isinstance(x, kept) else as_constant(op, x, Node) for x in operands]
    for x, array in zip(operands, arrays, strict=True):
        if isinstance(array, np.ndarray) and array.dtype.kind not in "fiub":
            raise TypeError(
                f"{op}: cannot compute with {type(x).__name__} (dtype {array.dtype}){odd_column(x)}"
            )
    return function(arrays, **params) if op.variadic else function(*arrays, **params)


def data_of(operand: Any) -> Any:
    """Return the number or array behind an operand, which may be a constant."""
    return operand._data if isinstance(operand, Node) else operand


def in_place(operator: str, sign: str) -> Callable[[Any, Any], Any]:
    """Return the method for `sign`: in place on a leaf inside `no_grad`, an error on a leaf outside it."""

    def method(self: Any, other: Any) -> Any:
        if self.op is not None or not self.requires_grad:
            return getattr(self, operator)(other)
        if modes.current().grad:
            name = self.label or "x"
            raise RuntimeError(
                f"{name} {sign} ... on a leaf that requires grad{where_made(self)} would lose it from the graph; "
                f"to update it in place write `with chainrule.no_grad(): {name} {sign} ...`, "
                f"to compute with it write `y = {name} {sign[:-1]} ...`"
            )
        self._change(operator, other)
        return self

    method.__name__ = method.__qualname__ = operator.replace("__", "__i", 1)
    return method
