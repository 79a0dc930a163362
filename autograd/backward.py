"""`backward()`: a walk that leaves its gradients on the nodes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from threading import RLock
from typing import Any

import numpy as np

from chainrule.autograd import annotate, mode as modes, walk
from chainrule.autograd.node import HOOKED, Node, where_made
from chainrule.backends import floats

_serial = attrgetter("serial")
_ONE_AT_A_TIME = RLock()  # while it runs, leaves that two threads share hold what one graph gives them

_WATCHER: ContextVar[Callable[[Any], None] | None] = ContextVar("chainrule_watcher", default=None)


@contextmanager
def watched(watcher: Callable[[Any], None]) -> Iterator[None]:
    """Call a function with each result whose `backward()` is called in the block, before the walk begins."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def is_watched() -> bool:
    """Say whether a call of `backward()` would be shown to a watcher."""
    return _WATCHER.get() is not None


def backward(root: Any, start: Any) -> None:
    """Leave in every node that `root` comes from its gradient, owned by that node alone.

    Args:
        root: a Value or Tensor.
        start: its cotangent, a float or an array.

    Raises:
        RuntimeError: nothing requires grad, or a leaf changed after it was used.
    """
    mode = modes.current()
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(root)
    interior, leaves = walk.graph([root])
    if not root.requires_grad or not any(leaf.requires_grad for leaf in leaves):
        raise RuntimeError(_nothing(root, leaves))
    if mode.anomaly:
        for node in interior:
            annotate.check_saved(node)
    cotangents: dict[Node, Any] = {root: start}
    scalar = all(type(node._data) is float for node in (*interior, *leaves))
    algebra = walk.FLOATS if scalar else walk.arrays()
    walk.walk(interior, cotangents, algebra, observe=annotate.check_edge if mode.anomaly else None)
    _leave(cotangents)


def _nothing(root: Any, leaves: list[Any]) -> str:
    """Say why there is nothing to differentiate, and what to write instead."""
    kinds = {str(leaf._data.dtype) for leaf in leaves if isinstance(leaf._data, np.ndarray)}
    advice = "make an input with requires_grad=True, and compute outside no_grad()"
    if kinds and not any(kind.startswith("float") for kind in kinds):
        advice = f"its inputs are {' and '.join(sorted(kinds))}, which are constants: write floats, Tensor([1.0, 2.0])"
    return f"nothing to differentiate: no input of this {type(root).__name__} requires grad{where_made(root)}; {advice}"


def _leave(cotangents: dict[Node, Any]) -> None:
    owned: set[int] = set()
    for node, g in cotangents.items():
        leaf = node.op is None
        if leaf and HOOKED:
            g = walk.run_hooks(node, g)
        if type(node._data) is float:
            g = float(g)
        else:
            if type(g) is not np.ndarray or g.base is not None or id(g) in owned:
                g = np.array(g)
            owned.add(id(g))
        if leaf and node.grad is not None:
            g = node.grad + g
            g = g if type(g) is float else np.asarray(g)  # NumPy makes numbers of arrays without axes
        node.grad = g


def backward_scalar(root: Any, start: float) -> None:
    """`backward` for a graph of Values: the same walk, unrolled by arity, with gradients kept on the nodes.

    Graphs that hold a Tensor or a hook, and runs that are watched or under `detect_anomaly`, take the general way.
    """
    found = None if HOOKED or modes.current().anomaly or _WATCHER.get() else _graph(root)
    if found is None:
        backward(root, start)
        return
    interior, leaves = found
    if not any(leaf.requires_grad for leaf in leaves):
        raise RuntimeError(_nothing(root, leaves))
    with _ONE_AT_A_TIME:
        _unrolled(root, start, interior, leaves)


def _unrolled(root: Any, start: float, interior: list[Any], leaves: list[Any]) -> None:
    before = [leaf.grad for leaf in leaves]
    for node in interior:
        node.grad = 0.0
    for leaf in leaves:
        leaf.grad = 0.0
    root.grad = start
    try:
        _pass_all_on(interior)
    except BaseException:
        for node in interior:
            node.grad = None
        for leaf, old in zip(leaves, before, strict=True):
            leaf.grad = old
        raise
    for leaf, old in zip(leaves, before, strict=True):
        if not leaf.requires_grad:
            leaf.grad = old
        elif old is not None:
            leaf.grad += old


def _pass_all_on(interior: list[Any]) -> None:
    """Add each node's contribution to the gradients of its operands, the latest node first."""
    for node in interior:
        g = node.grad
        if g == 0.0:  # zero contributes exactly zero, also beside an infinite derivative
            continue
        op, a = node.op, node.a
        if op.direct == 2:
            b = node.b
            if type(b) is float:
                a.grad += op.rules[0](floats, g, node._data, a._data, b)
            elif type(a) is float:
                b.grad += op.rules[1](floats, g, node._data, a, b._data)
            else:
                x, y = a._data, b._data
                a.grad += op.rules[0](floats, g, node._data, x, y)
                b.grad += op.rules[1](floats, g, node._data, x, y)
        elif op.direct == 1:
            a.grad += op.rules[0](floats, g, node._data, a._data)
        else:
            _pass_on(node, g)


def _pass_on(node: Any, g: float) -> None:
    """Add the contribution of any node to the gradient of each of its operands."""
    operands = [p if type(p) is float else p._data for p in node.parents]
    for argument, parent in enumerate(node.parents):
        rule = node.op.rule(argument)
        if type(parent) is not float and rule is not None:
            parent.grad += rule(floats, g, node._data, *operands, **node.params)


def _graph(root: Any) -> tuple[list[Any], list[Any]] | None:
    """`walk.graph` for Values, reading their slots; None if a Tensor is among what `root` comes from."""
    interior: list[Any] = []
    leaves: list[Any] = []
    seen = {root}
    stack = [root]
    newest = 0
    while stack:
        node = stack.pop()
        op = node.op
        if op is None:
            leaves.append(node)
            if node.version > newest:
                newest = node.version
            continue
        interior.append(node)
        if op.direct:
            a = node.a
            if type(a) is not float and a not in seen:
                seen.add(a)
                stack.append(a)
            if op.direct == 2:
                b = node.b
                if type(b) is not float and b not in seen:
                    seen.add(b)
                    stack.append(b)
        elif op.scalar is None:
            return None
        else:
            for parent in node.parents:
                if type(parent) is not float and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
    interior.sort(key=_serial, reverse=True)
    if interior and newest > interior[-1].serial:
        walk.refuse_stale(interior)
    return interior, leaves
