"""From a graph to a `Program`: forward alone, or forward and backward."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd import walk as walks
from chainrule.autograd.mode import record_whole
from chainrule.autograd.node import Node, data_of
from chainrule.backends.program import Program, Step


def record(loss: Node, wrt: Sequence[Node] = ()) -> Program:
    """Flatten what a result was computed from into a `Program`.

    Args:
        loss: a Value or Tensor; a scalar if gradients are asked for.
        wrt: leaves whose gradients the program returns after the loss, so that it holds the backward pass too.

    Returns:
        A program whose inputs are the leaves in the order in which they were made. Labels, shapes and dtypes are
        those of the graph. What depends on a shape is fixed, and so is what the graph does not hold: the outcome of
        comparisons and the choice of indices, unless they were recorded too, inside `autograd.mode.record_whole`.

    Raises:
        RuntimeError: a leaf changed after it was used, or gradients of a non-scalar are asked for.

    Example:
        >>> x, y = Value(2.0, label="x"), Value(5.0, label="y")
        >>> print(record(x * y, wrt=[x]))
        %0:x = input : float64
        %1:y = input : float64
        %2 = constant : float64
        %3 = mul(%0:x, %1:y) : float64
        %4 = mul(%2, %1:y) : float64
        return %3, %4
    """
    interior, leaves = walks.graph([loss])
    outputs: list[Any] = [loss]
    if wrt:
        outputs += _gradients(loss, wrt, interior)
    return _flatten(outputs, leaves)


def _gradients(loss: Node, wrt: Sequence[Node], interior: Sequence[Node]) -> list[Any]:
    seed = 1.0 if isinstance(loss._data, float) else walks.seed(loss, None)
    cotangents: dict[Node, Any] = {loss: seed}
    with record_whole():
        walks.walk(interior, cotangents, walks.NODES, guarded=True)
    return [cotangents[x] if x in cotangents else np.zeros_like(x._data) for x in wrt]


class _Slots:
    """Numbers for nodes and constants, given as they are met."""

    def __init__(self) -> None:
        self.of: dict[int, int] = {}
        self.held: list[Any] = []

    def number(self, operand: Any) -> int:
        """Return the operand's slot, a new one if it has none yet."""
        slot = self.of.get(id(operand))
        if slot is None:
            slot = self.of[id(operand)] = len(self.held)
            self.held.append(operand)  # also keeps its id from being used again
        return slot


def _flatten(outputs: Sequence[Any], inputs: Sequence[Node]) -> Program:
    interior, _ = walks.graph([x for x in outputs if isinstance(x, Node)])
    nodes = interior[::-1]
    slots = _Slots()
    given = tuple(slots.number(leaf) for leaf in inputs)
    computed = set(nodes)
    operands = [operand for node in nodes for operand in node.parents]
    for held in (*operands, *outputs):
        if not isinstance(held, Node) or held not in computed:
            slots.number(held)  # constants come next, then the steps in their order
    constants = {slot: data_of(slots.held[slot]) for slot in range(len(inputs), len(slots.held))}
    for node in nodes:
        slots.number(node)
    steps = tuple(_step(node, slots) for node in nodes)
    arrays = {slot: np.asarray(data_of(held)) for slot, held in enumerate(slots.held)}
    return Program(
        inputs=given,
        constants=constants,
        steps=steps,
        outputs=tuple(slots.number(x) for x in outputs),
        shapes={slot: array.shape for slot, array in arrays.items()},
        dtypes={slot: str(array.dtype) for slot, array in arrays.items()},
        labels={slot: x.label for slot, x in enumerate(slots.held) if isinstance(x, Node) and x.label},
    )


def _step(node: Node, slots: _Slots) -> Step:
    assert node.op is not None
    operands = tuple(slots.number(parent) for parent in node.parents)
    return Step(node.op.name, operands, slots.number(node), node.params, node.op.variadic)
