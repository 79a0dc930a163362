"""Forward mode: tangents pushed through a recorded graph, by the structure that each op declares."""

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from chainrule.autograd import bridge, ops
from chainrule.autograd.mode import current
from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.autograd.walk import NODES, Algebra, dependents, graph, walk
from chainrule.backends import floats


def push(
    path: Sequence[Node], tangents: dict[Node, Any], algebra: Algebra, wanted: Container[Node]
) -> dict[Node, Any]:
    """Carry tangents from inputs to results; `tangents` is filled in place and returned.

    Args:
        path: operations, earliest first.
        tangents: to start with, those of the inputs.
        algebra: floats, arrays or recorded nodes.
        wanted: nodes that depend on the inputs.
    """
    for node in path:
        assert node.op is not None
        moving = [
            i for i, p in enumerate(node.parents) if isinstance(p, Node) and p in wanted and p in tangents
        ]
        directions = {i: tangents[node.parents[i]] for i in moving if node.op.rule(i) is not None}
        if directions:
            tangents[node] = _tangent(node, node.op, directions, algebra)
    return tangents


def _tangent(node: Node, op: Op, directions: dict[int, Any], algebra: Algebra) -> Any:
    operands = [algebra.operand(p) for p in node.parents]
    params = node.params
    if op.structure == "linear":
        moved = [directions.get(i, ops.zeros_like(p)) for i, p in enumerate(node.parents)]
        return _run(op, algebra, moved, params)
    terms = []
    for i, direction in directions.items():
        if op.structure == "elementwise":
            rule = op.rule(i)
            assert rule is not None
            terms.append(rule(algebra.xp, direction, algebra.operand(node), *operands, **params))
        elif op.structure == "bilinear":
            terms.append(
                _run(op, algebra, [direction if j == i else x for j, x in enumerate(operands)], params)
            )
        else:
            terms.append(_transposed(node, op, i, direction, algebra))
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    if not isinstance(node._data, float) and np.shape(data_of(total)) != node._data.shape:
        total = algebra.xp.broadcast_to(total, node._data.shape)
    return total


def _run(op: Op, algebra: Algebra, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    if algebra.xp is ops:
        if op in (bridge.FROM_VALUES, bridge.TO_VALUE):
            return bridge.again(Tensor, op, operands, params)
        return apply(op, *operands, **params)
    if algebra.xp is floats:
        assert op.scalar is not None
        return op.scalar(*operands, **params)
    function = current().function(op)
    return function(operands, **params) if op.variadic else function(*operands, **params)


def _transposed(node: Node, op: Op, argument: int, direction: Any, algebra: Algebra) -> Any:
    """J·t of any op from its rule alone: the rule u ↦ Jᵀu is linear in u, and its own transpose is J."""
    probe = (
        Value(1.0) if isinstance(node, Value) else Tensor(np.ones_like(node._data))
    )  # at 0 `guard` would cut
    rule = op.rule(argument)
    assert rule is not None
    pulled = NODES.fit(rule(ops, probe, node, *node.parents, **node.params), node.parents[argument])
    if pulled is probe:
        return direction
    if not isinstance(pulled, Node) or pulled.op is None:
        return ops.zeros_like(node)
    interior, _ = graph([pulled])
    wanted = dependents(interior, [probe])
    cotangents: dict[Node, Any] = {pulled: direction}
    walk([step for step in interior if step in wanted], cotangents, algebra, wanted, keep=False)
    return cotangents.get(probe, ops.zeros_like(node))
