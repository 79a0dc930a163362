"""Trading time for memory: a part of the graph that is forgotten, and recomputed when backward needs it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import backends
from chainrule.autograd import ops, random, walk as walks
from chainrule.autograd.mode import current, enable_grad, no_grad
from chainrule.autograd.node import Node, apply, data_of, next_serial
from chainrule.autograd.op import Op
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.update import collect_updates


def checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function without keeping its graph; backward calls it again to differentiate it.

    The memory of the function's intermediate results is free in between, at the cost of computing them twice.
    Random numbers that the function draws are the same both times.

    Args:
        function: takes and returns Tensors; parameters that it reaches by itself get their gradients too.
        args: Tensors, arrays or numbers.

    Returns:
        The function's result, as one node.

    Raises:
        TypeError: the function does not return a Tensor.

    Example:
        >>> x = Tensor([1.0, 2.0])
        >>> y = checkpoint(lambda x: (x * x).exp(), x)
        >>> y.op
        checkpoint
        >>> y.sum().backward()
        >>> x.grad.round(4)
        array([  5.4366, 218.3926])
    """
    if not current().grad:
        return function(*args)
    part = _Part(function, len(args))
    captured = part.first(args)
    return apply(_CHECKPOINT, *args, *captured, part=part)


class _Part:
    """A checkpointed call: its function, the random state it began with, and the leaves that it reaches itself."""

    def __init__(self, function: Callable[..., Any], arguments: int) -> None:
        self.function = function
        self.arguments = arguments
        self.state = random.generator().bit_generator.state
        self.captured: list[Node] = []
        self.data: Any = None
        self.last = 0
        self._pulled: tuple[Any, list[Any]] | None = None

    def first(self, args: Sequence[Any]) -> list[Node]:
        """Run for the first time; return the nodes that the function reaches beside its arguments."""
        start = next_serial()
        inputs = [x.detach() if isinstance(x, Node) else x for x in args]
        result = self.function(*inputs)
        if not isinstance(result, Tensor):
            raise TypeError(
                f"checkpoint: the function returned {type(result).__name__}; it must return a Tensor"
            )
        self.data = result._data
        self.captured = _older(result, start)
        wanted = [i for i, x in enumerate((*args, *self.captured)) if isinstance(x, Node) and x.requires_grad]
        self.last = max(wanted, default=0)
        return self.captured

    def forward(self, inputs: Sequence[Any]) -> Any:
        """Return the result's data: at hand the first time, computed anew in a replay."""
        data, self.data = self.data, None
        if data is None:
            with no_grad():
                data = self._again([_fresh(x) for x in inputs[: self.arguments]])._data
        return data

    def _again(self, inputs: Sequence[Any]) -> Any:
        generator = random.generator().bit_generator
        now, generator.state = generator.state, self.state
        try:
            with collect_updates():  # they were made the first time
                return self.function(*inputs)
        finally:
            generator.state = now

    def cotangent(self, xp: Any, g: Any, inputs: Sequence[Any], position: int) -> Any:
        """Return the cotangent of one input; all are computed together, for the first that is asked for."""
        if self._pulled is None or self._pulled[0] is not g:
            self._pulled = (g, self._pull(xp, g, inputs[: self.arguments]))
        found = self._pulled[1][position]
        if position == self.last:  # nobody will ask for more
            self._pulled = None
        return found

    def _pull(self, xp: Any, g: Any, inputs: Sequence[Any]) -> list[Any]:
        with enable_grad():
            fresh = [_fresh(x) for x in inputs]
            result = self._again(fresh)
            arguments = [x if isinstance(x, Node) else None for x in fresh]
            sources = [x for x in (*arguments, *self.captured) if x is not None]
            interior, _ = walks.graph([result])
            wanted = walks.dependents(interior, sources)
            cotangents: dict[Node, Any] = {result: g}
            inside = wanted.difference(sources)
            path = [node for node in interior if node in inside]
            walks.walk(path, cotangents, walks.NODES if xp is ops else walks.arrays(), wanted, keep=False)
        for node in arguments:
            if node is not None and node.op is None:  # from here on a constant to every transform around
                node.requires_grad = False
        return [
            None if x is None else cotangents.get(x, np.zeros_like(x._data))
            for x in (*arguments, *self.captured)
        ]


def _older(result: Node, start: int) -> list[Node]:
    """Return the nodes made before `start` that those made since use, and that need gradients."""
    found: list[Node] = []
    seen: set[Node] = {result}
    stack = [result]
    while stack:
        node = stack.pop()
        if node.serial < start:
            found += [node] if node.requires_grad else []
            continue
        for parent in node.parents:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(found, key=lambda node: node.serial)


def _fresh(x: Any) -> Any:
    """Return an input of its own for a recomputation; a number stays what it is."""
    if isinstance(x, Node) and x.requires_grad:
        return ops.identity(x)
    return Tensor(data_of(x)) if isinstance(x, Node | np.ndarray) else x


_CHECKPOINT = Op(
    "checkpoint",
    "general",
    lambda xp, g, out, *inputs, position, part: part.cotangent(xp, g, inputs, position),
    variadic=True,
)
backends.CUSTOM["checkpoint"] = lambda table, inputs, part: part.forward(inputs)
