"""Functions that look on while a module computes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.autograd.node import next_serial

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Hook: TypeAlias = "Callable[[Module, tuple[Any, ...], Any], Any]"


class ForwardHook:
    """A hook on a module, until it is removed; as a context manager, until the block ends.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> seen = []
        >>> with layer.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.shape)):
        ...     y = layer(np.ones((2, 1)))
        >>> y = layer(np.ones((3, 1)))
        >>> seen
        [(2, 1)]
    """

    def __init__(self, hooks: "dict[int, Hook]", hook: "Hook") -> None:
        self._hooks = hooks
        self._key = next_serial()
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> "ForwardHook":
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
