"""From a live graph to a trace: run the engine's own walk once and write down every edge."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from chainrule.autograd import walk
from chainrule.autograd.mode import Scope
from chainrule.autograd.node import Node, data_of
from chainrule.autograd.value import Value
from chainrule.nn.parameter import Parameter
from chainrule.viz import formula
from chainrule.viz.sources import Sources
from chainrule.viz.steps import (
    Accumulate,
    Backward,
    Forward,
    Quantity,
    Seed,
    State,
    Step,
    Summary,
    Unbroadcast,
)
from chainrule.viz.trace import Trace, TraceNode, TraceScope

SLICE = 6  # rows and columns of an array that a trace keeps
PARAMETER = re.compile(r"(w|b|weight|bias|theta|θ)[\d_,]*(\[[\d,]*\])?", re.IGNORECASE)
"""Labels that textbooks give to what is learned; a leaf that bears one is drawn as a parameter."""


def trace(loss: Node) -> Trace:
    """Record how a result was computed and how its gradients come about.

    The engine's own walk is run once and observed; the nodes' own `grad` stay as they are.

    Args:
        loss: The result, a scalar `Value` or a `Tensor` with one entry.

    Returns:
        The trace: forward steps, the seed, one backward step per edge. It holds no reference to the graph.

    Raises:
        TypeError: `loss` is no node of a graph.
        RuntimeError: It has more than one entry.

    Example:
        >>> from chainrule.autograd.value import Value
        >>> x = Value(3.0, label="x")
        >>> recording = trace(x * x)
        >>> [step.after for step in recording.steps[2:]]
        [3.0, 6.0]
    """
    return recorded(loss).finish()


def recorded(loss: Node, start: float | None = None) -> Recorder:
    """Record as `trace` does, and keep what else was found.

    Args:
        loss: The result.
        start: The gradient to begin with; None for 1.

    Returns:
        The recorder, which knows the live nodes and their gradients.

    Raises:
        RuntimeError: A number was changed after it was used, so what it was cannot be shown.
    """
    recorder = Recorder(loss)
    _refuse_changed(recorder)
    recorder.forward()
    if loss.requires_grad:
        recorder.backward(start=start)
    return recorder


def _refuse_changed(recorder: Recorder) -> None:
    """Raise if a number is another now than an op used; the engine cares only where a rule reads it."""
    for node in recorder.interior:
        for parent in node.parents:
            if isinstance(parent, Value) and parent.version > node.serial:
                raise RuntimeError(
                    f"{parent.label or 'a number'} was changed to {parent.data:g} after {node.op} used it, so its "
                    "step cannot be shown: record before you change it, or compute the result again"
                )


def snapshot(loss: Node) -> tuple[Trace, State]:
    """Describe a graph as it stands, with the values and gradients that its nodes hold now.

    Args:
        loss: The result.

    Returns:
        A trace without steps, and the state; gradients are absent before `backward()`.

    Raises:
        TypeError: `loss` is no node of a graph.
    """
    recorder = Recorder(loss)
    state = State({}, {})
    for node, number in recorder.ids.items():
        state.values[number] = quantity(node.data)
        if node.grad is not None:
            state.grads[number] = quantity(node.grad)
    plain = recorder.finish()
    state.values.update({node.id: node.value for node in plain.nodes if node.value is not None})
    return plain, state


def quantity(data: Any) -> Quantity:
    """What a trace keeps of a number or an array.

    Args:
        data: A number, or an array of any shape.

    Returns:
        The number itself for a number or a 0-d array, else a `Summary`.
    """
    if type(data) in (float, int, bool):  # NumPy's scalars go the way of the arrays: their repr differs
        return data  # type: ignore[no-any-return]
    array = np.asarray(data)
    if array.ndim == 0:
        return array.item()  # type: ignore[no-any-return]
    matrix = array.reshape(-1, array.shape[-1]) if array.size else array.reshape(0, 0)
    finite = array[np.isfinite(array)]
    least, greatest = (finite.min().item(), finite.max().item()) if finite.size else (np.nan, np.nan)
    with np.errstate(all="ignore"):
        mean = array.mean().item() if array.size else np.nan
    rows = tuple(tuple(row) for row in matrix[:SLICE, :SLICE].tolist())
    return Summary(array.shape, least, greatest, mean, rows)


class Recorder:
    """Collects the nodes, scopes, formulas and steps of one graph."""

    def __init__(self, loss: Node) -> None:
        if not isinstance(loss, Node):
            raise TypeError(
                f"cannot trace {type(loss).__name__} objects: pass the Value or Tensor that was computed, "
                "such as the loss"
            )
        self.loss = loss
        interior, leaves = walk.graph([loss])
        self.interior, self.leaves = interior, leaves
        self.grads: dict[Node, Any] = {}
        self.seed: Any = None
        self.ids: dict[Node, int] = {}
        self.nodes: list[TraceNode] = []
        self.scopes: list[TraceScope] = []
        self.open: list[tuple[Scope, int]] = []  # the scopes around the node at hand, outermost first
        self.steps: list[Step] = []
        self.formulas: dict[str, int] = {}
        self.trees: list[dict[str, Any]] = []
        self.sources = Sources()
        constants: dict[int, int] = {}
        for node in sorted([*interior, *leaves], key=lambda node: node.serial):
            self._add(node, constants)

    def _add(self, node: Node, constants: dict[int, int]) -> None:
        parents = []
        for operand in node.parents:
            if isinstance(operand, Node):
                parents.append(self.ids[operand])
            elif isinstance(operand, np.ndarray):  # one array read twice is one constant
                if id(operand) not in constants:
                    constants[id(operand)] = self._constant(operand, node)
                parents.append(constants[id(operand)])
            else:
                parents.append(self._constant(operand, node))
        number = len(self.nodes)
        self.ids[node] = number
        role = "loss" if node is self.loss else "op" if node.op else _role(node)
        self.nodes.append(
            TraceNode(
                id=number,
                label=node.label,
                op=_op_name(node),
                parents=tuple(parents),
                scope=self._scope(node.scope) if node.op or node.scope else None,
                line=self.sources.add(node.line),
                shape=np.shape(node.data),
                dtype=_dtype(node.data),
                role=role,
                value=None if node.op else quantity(node.data),
                formula=self._formula(node) if node.op else None,
            )
        )

    def _constant(self, operand: Any, reader: Node) -> int:
        number = len(self.nodes)
        scope = None if np.ndim(operand) else self._scope(reader.scope)
        self.nodes.append(
            TraceNode(
                number,
                "",
                None,
                (),
                scope,
                None,
                np.shape(operand),
                _dtype(operand),
                "constant",
                quantity(operand),
            )
        )
        return number

    def _scope(self, scope: Scope | None) -> int | None:
        """The number of a scope; one that was left and is entered again gets another."""
        path: list[Scope] = []
        around = scope
        while around is not None:
            path.insert(0, around)
            around = around.parent
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1][0], zip(path, self.open)))
        del self.open[kept:]
        for new in path[kept:]:
            parent = self.open[-1][1] if self.open else None
            self.open.append((new, len(self.scopes)))
            self.scopes.append(TraceScope(len(self.scopes), new.name, parent))
        return self.open[-1][1] if self.open else None

    def _formula(self, node: Node) -> int:
        """The number of the node's formula; nodes with the same op, options and shapes share one."""
        op = node.op
        assert op is not None
        shapes = [np.shape(data_of(parent)) for parent in node.parents]
        fixed = [parent if _is_simple(parent) else None for parent in node.parents]
        key = f"{op.name} {node.params!r} {shapes} {fixed}"
        if key not in self.formulas:
            self.formulas[key] = len(self.trees)
            self.trees.append(_formula(node, shapes))
        return self.formulas[key]

    def forward(self) -> None:
        """One step per op, in the order of the user's code."""
        self.steps += [Forward(self.ids[node], quantity(node.data)) for node in reversed(self.interior)]

    def backward(self, kept: Container[Node] = (), start: float | None = None) -> None:
        """One step per edge, as the engine walks them.

        Args:
            kept: Leaves whose earlier gradients are put aside, and added when the walk is over.
            start: The gradient to begin with; None for 1.
        """
        scalar = all(type(node.data) is float for node in self.ids)
        algebra = walk.FLOATS if scalar else walk.arrays()
        number = type(self.loss.data) is float
        begin = (1.0 if start is None else start) if number else walk.seed(self.loss, start)
        marker = len(self.steps)
        self.seed = begin
        self.grads = {self.loss: begin}
        with np.errstate(all="ignore"):
            walk.walk(self.interior, self.grads, algebra, observe=lambda edge: self._edge(edge, algebra))
        aside = {leaf: leaf.grad for leaf in self.leaves if leaf in kept and leaf in self.grads}
        pairs = tuple((self.ids[leaf], quantity(grad)) for leaf, grad in aside.items())
        self.steps.insert(marker, Seed(self.ids[self.loss], quantity(begin), pairs or None))
        for leaf, old in aside.items():
            before, after = self.grads[leaf], old + self.grads[leaf]
            self.grads[leaf] = after
            self.steps.append(Accumulate(self.ids[leaf], quantity(before), quantity(old), quantity(after)))

    def _edge(self, edge: walk.Edge, algebra: walk.Algebra) -> None:
        child, parent = self.ids[edge.child], self.ids[edge.parent]
        contribution = quantity(edge.contribution)
        raw, fitted = np.shape(edge.raw), np.shape(edge.contribution)
        if raw != fitted:
            axes = walk.broadcast_axes(raw, fitted)
            self.steps.append(
                Unbroadcast(child, parent, edge.argument, raw, fitted, axes, quantity(edge.raw), contribution)
            )
        self.steps.append(
            Backward(
                child,
                parent,
                edge.argument,
                upstream=quantity(edge.upstream),
                local=_local(edge, algebra),
                contribution=contribution,
                before=None if edge.before is None else quantity(edge.before),
                after=quantity(edge.after),
            )
        )

    def finish(self) -> Trace:
        """The trace of what was collected."""
        meta = {"sources": self.sources.lines()}
        return Trace(self.nodes, self.scopes, self.steps, self.trees, meta)


def _op_name(node: Node) -> str | None:
    """The op's name; of a layer in one step, with that of its activation: "linear_relu"."""
    if node.op is None:
        return None
    activation = node.params.get("activation")
    return node.op.name.replace("activation", activation) if activation else node.op.name


def _role(leaf: Node) -> str:
    if not leaf.requires_grad:
        return "constant"
    return "parameter" if isinstance(leaf, Parameter) or PARAMETER.fullmatch(leaf.label) else "input"


def _is_simple(operand: Any) -> bool:
    """Whether an operand is a constant best read as part of the formula, such as the exponent in x²."""
    return isinstance(operand, (int, float)) and abs(operand) <= 10 and operand == int(operand)


def _dtype(data: Any) -> str:
    return str(data.dtype) if hasattr(data, "dtype") else np.dtype(type(data)).name


def _local(edge: walk.Edge, algebra: walk.Algebra) -> Quantity | None:
    """The rule with an upstream gradient of 1, where that is a derivative."""
    child, data = edge.child, edge.child.data
    operands = [algebra.operand(parent) for parent in child.parents]
    if not has_local(child, operands):
        return None
    one = 1.0 if isinstance(data, float) else np.ones_like(data)
    return quantity(child.op.rule(edge.argument)(algebra.xp, one, data, *operands, **child.params))


def has_local(child: Node, operands: Sequence[Any]) -> bool:
    """Whether an edge's derivative is a number, or an array of the argument's shape: numbers and elementwise ops."""
    assert child.op is not None
    return child.op.structure == "elementwise" or not any(np.ndim(x) for x in (child.data, *operands))


def _formula(node: Node, shapes: list[tuple[int, ...]]) -> dict[str, Any]:
    """The op's forward notation, and per argument the contribution and the local derivative."""
    op, params = node.op, node.params
    assert op is not None
    operands = [
        formula.Symbol(["num", float(parent)] if _is_simple(parent) else ["slot", k], shape)
        for k, (parent, shape) in enumerate(zip(node.parents, shapes))
    ]
    out = formula.Symbol(["slot", "out"], np.shape(node.data))
    rules = [op.rule(argument) for argument in range(len(shapes))]

    def forward(xp: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(xp, op.name)(*arguments, **options)

    return {
        "op": op.name,
        "structure": op.structure,
        "forward": formula.run(forward, *operands, **params),
        "contribution": formula.derive(rules, operands, out, params, upstream=True),
        "local": formula.derive(rules, operands, out, params, upstream=False),
    }
