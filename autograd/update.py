"""State that a computation leaves behind, such as running statistics: written when it is over, never inside an op."""

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

from chainrule.autograd.node import data_of
from chainrule.autograd.tensor import Tensor

Updates = list[tuple[Tensor, Any]]
_listener: ContextVar[Updates | None] = ContextVar("chainrule_updates", default=None)


def update(leaf: Tensor, value: Any) -> None:
    """Give a leaf its next value: at once, or to whoever collects the updates.

    Args:
        leaf: a Tensor that nothing computed.
        value: a Tensor or array of the same shape; cast to the leaf's dtype.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> count = Tensor(1.0, requires_grad=False)
        >>> update(count, count + 1)
        >>> count.item()
        2.0
    """
    listener = _listener.get()
    if listener is None:
        leaf.data = data_of(value)
    else:
        listener.append((leaf, value))


class collect_updates:
    """Collect the updates of a block in place of making them: pairs (leaf, next value), as `Program.updates` are.

    Example:
        >>> count = Tensor(1.0, requires_grad=False)
        >>> with collect_updates() as updates:
        ...     update(count, count + 1)
        >>> count.item(), updates[0][1].item()
        (1.0, 2.0)
    """

    def __enter__(self) -> Updates:
        found: Updates = []
        self._token: Token[Updates | None] = _listener.set(found)
        return found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _listener.reset(self._token)
