"""What holds while code runs: gradients on or off, the backend, the scope, whether lines are remembered.

One immutable `Mode` per context (thread, asyncio task), found with a single look-up in the hot path.
"""

import builtins
import os
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from chainrule import backends
from chainrule.autograd.op import OPS, Op
from chainrule.backends.gradients import Keeping

_LOADED: dict[str, tuple[list[Any], dict[Op, Keeping]]] = {}


class Scope:
    """One entry into a named part of a computation; entering the same name again makes another `Scope`.

    Attributes:
        name: what the user called it.
        parent: the scope around it, or None.
    """

    __slots__ = ("name", "parent")

    def __init__(self, name: str, parent: "Scope | None") -> None:
        self.name = name
        self.parent = parent

    @property
    def path(self) -> str:
        """The names from the outermost scope to this one, joined by ``/``."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names.append(scope.name)
            scope = scope.parent
        return "/".join(reversed(names))

    def __repr__(self) -> str:
        return f"Scope({self.path!r})"


class Mode:
    """The state of one context.

    Attributes:
        grad: whether operations are recorded.
        backend: name of the backend.
        scope: the innermost scope, or None.
        lines: whether each node remembers the user's line that made it.
        whole: whether what needs no gradient is recorded too, as a `Program` must have it.
        anomaly: whether each result and each gradient is checked for nan and inf.
        unseen: whether nobody will look at the graph, but only at the results and the gradients of leaves.
        fuses: layers may compute several ops as one, since there is no graph to tell them apart, or none to see.
        annotates: there is a scope or a line to write down, or a check to make.
        plain: nothing but recording: nothing to annotate, gradients on.
        functions: the backend's, by `Op.index`; empty until `load` has filled it.
        keeping: how the backend computes ops whose forward pass keeps something for the backward pass.
    """

    __slots__ = (
        "_others",
        "annotates",
        "anomaly",
        "backend",
        "functions",
        "fuses",
        "grad",
        "keeping",
        "lines",
        "plain",
        "scope",
        "unseen",
        "whole",
    )

    def __init__(
        self,
        grad: bool,
        backend: str,
        scope: Scope | None,
        lines: bool,
        whole: bool,
        anomaly: bool,
        unseen: bool = False,
    ) -> None:
        self.grad = grad
        self.backend = backend
        self.scope = scope
        self.lines = lines
        self.whole = whole
        self.anomaly = anomaly
        self.unseen = unseen
        self.fuses = (unseen or not grad) and not whole and not anomaly
        self.annotates = scope is not None or lines or anomaly
        self.plain = grad and not self.annotates
        self.functions, self.keeping = _LOADED.setdefault(backend, ([], {}))
        self._others: dict[tuple[tuple[str, Any], ...], Mode] = {}

    @property
    def table(self) -> Any:
        """The backend's function table, imported when first needed."""
        return backends.load(self.backend)

    def load(self) -> list[Any]:
        """Fill and return `functions`, the backend's functions by `Op.index`, shared by all its modes."""
        table = self.table
        kept = getattr(table, "keeping", {})
        self.keeping.update({op: kept[op.name] for op in OPS if op.name in kept})
        self.functions[:] = [backends.function(table, op.name) for op in OPS]  # at once: threads share it
        return self.functions

    def function(self, op: Op) -> Any:
        """Return the backend's function for an op."""
        functions = self.functions if op.index < len(self.functions) else self.load()
        return functions[op.index]

    def replace(self, **changes: Any) -> "Mode":
        """Return a mode that differs in the named attributes; the same one each time."""
        key = tuple(changes.items())
        other = self._others.get(key)
        if other is None:
            names = ("grad", "backend", "scope", "lines", "whole", "anomaly", "unseen")
            other = self._others[key] = Mode(**({name: getattr(self, name) for name in names} | changes))
        return other


_DEFAULT = Mode(
    grad=True,
    backend=os.environ.get("CHAINRULE_BACKEND", "numpy"),
    scope=None,
    lines=hasattr(builtins, "__IPYTHON__"),
    whole=False,
    anomaly=False,
)
_MODE: ContextVar[Mode] = ContextVar("chainrule_mode", default=_DEFAULT)
current = _MODE.get


class _Switch(ContextDecorator):
    """A context manager that changes the mode; the change of a nested one ends first."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._tokens: list[Token[Mode]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_MODE.set(current().replace(**self._changes)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _MODE.reset(self._tokens.pop())


class no_grad(_Switch):
    """Switch recording off, for this thread or task, while the block runs.

    Results inside the block are constants. `-=` and its like change a leaf in place here, and nowhere else.

    Example:
        >>> x = Value(3.0)
        >>> with no_grad():
        ...     y = x * x
        >>> y.op is None
        True
    """

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(_Switch):
    """Switch recording on again inside a `no_grad` block.

    Example:
        >>> with no_grad(), enable_grad():
        ...     y = Value(3.0) * 2
        >>> y.op
        mul
    """

    def __init__(self) -> None:
        super().__init__(grad=True)


class record_whole(_Switch):
    """Record comparisons and operations on constants too, so that the graph holds all that was computed."""

    def __init__(self) -> None:
        super().__init__(grad=True, whole=True)


class unseen_graph(_Switch):
    """Promise that nobody will look at the graph of the block: layers may then record several ops as one."""

    def __init__(self) -> None:
        super().__init__(unseen=True)


class detect_anomaly(_Switch):
    """Raise where the first nan or inf is born, forward or backward, while the block runs.

    The message names the op, the element, the operands and the line. Arrays that were changed in place after an op
    saved them are found too. It is slow: every array is read several times.

    Example:
        >>> with detect_anomaly():
        ...     Value(0.0, label="x").log()
        Traceback (most recent call last):
        FloatingPointError: detect_anomaly: log made -inf from finite operands (x = 0.0)...
    """

    def __init__(self) -> None:
        super().__init__(anomaly=True, lines=True)


class record_lines(_Switch):
    """Remember, while the block runs, the line that makes each node; error messages and drawings show it.

    It costs up to a microsecond a node, so it is on in IPython and notebooks, and off elsewhere.

    Args:
        on: False switches it off, in a notebook too.

    Example:
        >>> with record_lines():
        ...     y = Value(3.0) * 2
        >>> y.line is not None
        True
    """

    def __init__(self, on: bool = True) -> None:
        super().__init__(lines=on)


class scope(_Switch):
    """Name a part of a computation; drawings fold it into one box. Scopes nest.

    Args:
        name: shown on the box; any text.

    Example:
        >>> with scope("neuron"):
        ...     y = Value(3.0) * 2
        >>> y.scope.path
        'neuron'
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __enter__(self) -> Self:
        mode = current()
        inner = Scope(self._name, mode.scope)
        self._tokens.append(
            _MODE.set(Mode(mode.grad, mode.backend, inner, mode.lines, mode.whole, mode.anomaly, mode.unseen))
        )
        return self


class use_backend:
    """Choose the backend for this thread or task; as a context manager, only while the block runs.

    The variable CHAINRULE_BACKEND in the environment sets the default.

    Args:
        name: ``"numpy"`` (the reference) or ``"numba"`` (compiled kernels).

    Raises:
        ValueError: the name is unknown.
        ImportError: numba cannot be imported here.

    Example:
        >>> with use_backend("numpy"):
        ...     y = Tensor([1.0]).exp()
    """

    def __init__(self, name: str) -> None:
        backends.load(name)
        self._token = _MODE.set(current().replace(backend=name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _MODE.reset(self._token)
